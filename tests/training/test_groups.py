"""Groups: each episode is played G times, side by side, and roll-outs are compared with those of their group."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pixel_choice import PixelChoice

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, TaskMixture, make_vec
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.training import TrainConfig, Trainer
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.algorithms.reinforce import ReinforceConfig
from groundling.training.algorithms.rloo import RLOOConfig
from groundling.training.collector import Collector
from groundling.training.episodes import EpisodeStore
from groundling.training.groups import Groups, group_advantages

G, B, T = 3, 6, 40
SIZES: dict[str, Any] = {
    "cell_dim": 6,
    "word_dim": 5,
    "instruction_dim": 7,
    "readout_dim": 3,
    "hidden_dim": 8,
    "memory_dim": 9,
}


def mixture() -> TaskMixture:
    return TaskMixture.of(
        [EpisodeBank.of_seeds(task, range(40)) for task in ("BabyAI-GoToObjS4-v0", "BabyAI-GoToRedBallNoDists-v0")]
    )


def collector_of(envs: GroundlingVectorEnv, seed: int = 1) -> tuple[Groups, Collector]:
    torch.manual_seed(0)
    groups = Groups(envs, G, seed, "grpo")
    agent = ActorCritic(AgentConfig(**SIZES), envs.agent_spec)
    collector = Collector(envs, agent, T, torch.Generator().manual_seed(seed), recorders=[groups])
    groups.begin()
    collector.start(seed)
    return groups, collector


def test_roll_outs_of_a_group_begin_in_the_same_state_with_the_same_words() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(40)), num_envs=B)
    _, collector = collector_of(envs)
    store, begins = EpisodeStore(B, G), Counter[int]()
    firsts: dict[int, Any] = {}
    for _ in range(8):
        rollout = collector.collect()
        group = rollout.columns["group"]
        for t, b in rollout.is_first.nonzero().tolist():
            number = int(group[t, b])
            begins[number] += 1
            seen = tuple(tuple(array[t, b].flatten().tolist()) for array in rollout.observation.values())
            assert firsts.setdefault(number, seen) == seen
        found = store.add(rollout)
        assert np.all(np.bincount(found.group.numpy(), minlength=1) % G == 0)
    numbers = sorted(begins)
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 10
    assert {begins[number] for number in numbers[:-1]} == {G}
    assert len(set(firsts.values())) > 5  # not one episode again and again


def test_rovers_play_groups_as_well() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds("groundling/GroundedRoom-Easy-v0", range(20)), num_envs=B)
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(vision="cnn", conv_channels=(4, 4, 8), hidden_dim=8), envs.agent_spec)
    groups = Groups(envs, G, 1, "grpo")
    collector = Collector(envs, agent, 40, torch.Generator().manual_seed(0), recorders=[groups])
    groups.begin()
    collector.start(0)
    rollout = collector.collect()
    firsts: dict[int, list[torch.Tensor]] = {}
    for t, b in rollout.is_first.nonzero().tolist():
        firsts.setdefault(int(rollout.columns["group"][t, b]), []).append(rollout.observation["image"][t, b])
    assert len(firsts) > 3
    assert all(torch.equal(pictures[0], other) for pictures in firsts.values() for other in pictures[1:])
    assert not torch.equal(firsts[0][0], firsts[1][0])


def test_next_group_is_begun_only_when_all_roll_outs_of_the_last_one_have_begun() -> None:
    """Whoever is free takes what is wanted next, so that no environment runs ahead."""
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(40)), num_envs=B)
    _, collector = collector_of(envs)
    begun: list[int] = []
    for _ in range(4):
        rollout = collector.collect()
        begun += rollout.columns["group"][rollout.is_first].tolist()
    assert begun == sorted(begun)


def test_tasks_are_drawn_by_their_shares_and_noted() -> None:
    envs = make_vec(bank=mixture(), num_envs=B)
    envs.set_shares([0, 1])
    _, collector = collector_of(envs)
    rollout = collector.collect()
    assert rollout.columns["task"].unique().tolist() == [1]
    assert all("ball" in envs.bank.instructions[row] for row in rollout.columns["sentence"].unique().tolist())
    envs.set_shares([1, 1])
    tasks = torch.cat([collector.collect().columns["task"].flatten().clone() for _ in range(6)])
    assert 0.1 < tasks.double().mean() < 0.9


def test_environments_without_a_bank_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'grpo' plays the same episode several times, and PixelChoice"):
        Groups(PixelChoice(4), 2, 0, "grpo")


def test_planned_episode_is_begun_once_and_then_they_are_drawn_again() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(40))
    envs, plain = make_vec(bank=bank, num_envs=4, seed=3), make_vec(bank=bank, num_envs=4, seed=3)
    envs.worlds.plan(np.array([0, 2]), np.array([17, 18]))
    envs.reset(seed=5)
    plain.reset(seed=5)
    assert envs.worlds.state.episode[[0, 2]].tolist() == [17, 18]
    assert envs.worlds.state.episode[[1, 3]].tolist() == plain.worlds.state.episode[[1, 3]].tolist()
    envs.reset()
    plain.reset()
    assert np.array_equal(envs.worlds.state.episode, plain.worlds.state.episode)
    with pytest.raises(ConfigurationError, match="episodes 0 to 39"):
        envs.worlds.plan(np.array([0]), np.array([40]))


def test_advantages_equal_hand_computed_numbers() -> None:
    returns = torch.tensor([1.0, 0.0, 0.5, 2.0, 2.0, 5.0])
    group = torch.tensor([0, 0, 0, 1, 1, 1])
    gain, spread = group_advantages(returns, group)
    assert gain.tolist() == pytest.approx([0.5, -0.5, 0.0, -1.0, -1.0, 2.0])
    assert spread.tolist() == pytest.approx([0.5] * 3 + [3**0.5] * 3)
    without, _ = group_advantages(returns, group, leave_one_out=True)
    others = [0.25, 0.75, 0.5, 3.5, 3.5, 2.0]
    assert without.tolist() == pytest.approx([r - o for r, o in zip(returns.tolist(), others, strict=True)])


@pytest.mark.parametrize("size", [8, 256])
def test_group_of_equal_returns_has_no_advantage_however_they_round(size: int) -> None:
    """A sum of equal numbers is rounded, and what is left would be divided by a spread as small."""
    returns = torch.tensor([0.99**step * (1 - 0.9 * step / 64) for step in range(1, 40)])
    group = torch.arange(len(returns)).repeat_interleave(size)
    for alone in (False, True):
        gain, spread = group_advantages(returns.repeat_interleave(size), group, leave_one_out=alone)
        assert not gain.any()
        assert not spread.any()


def test_group_size_must_divide_the_environments() -> None:
    for algorithm, settings in (("grpo", GRPOConfig(minibatch_size=8)), ("rloo", RLOOConfig())):
        with pytest.raises(ConfigurationError, match=f"groups of 8 .* 12 environments.*--{algorithm}.group-size.* 8"):
            TrainConfig(algorithm=algorithm, num_envs=12, settings=(settings,))


@pytest.mark.parametrize("name", ["reinforce", "grpo", "rloo"])
@pytest.mark.parametrize("memory", ["none", "gru"])
def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(name: str, memory: Any, tmp_path: Path) -> None:
    settings = {
        "reinforce": ReinforceConfig(baseline="average", num_steps=12),
        "grpo": GRPOConfig(group_size=4, num_steps=12, minibatch_size=64, num_epochs=2),
        "rloo": RLOOConfig(group_size=2, num_steps=12),
    }
    config = TrainConfig(
        algorithm=name,
        task="BabyAI-GoToObjS4-v0",
        total_frames=8 * 12 * 8,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(memory=memory, **SIZES),
        settings=(settings[name],),
    )
    whole = Trainer(config, tmp_path / "whole").run()
    assert whole.metrics["learned_episodes"] > 0
    Trainer(config, tmp_path / "parts").run(stop_after_updates=5)
    parts = Trainer(config, tmp_path / "parts", resume=True).run()
    assert whole.metrics["learned_episodes"] == parts.metrics["learned_episodes"]
    ours, theirs = whole.agent.state_dict(), parts.agent.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
