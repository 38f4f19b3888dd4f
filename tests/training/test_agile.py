"""AGILE: which negatives are kept, what is paid when, what the discriminator learns from and what it never sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import assert_same, checkpoint_of, metrics_of
from torch import nn

from groundling.agents import AgentConfig
from groundling.agents.encoders.convolved import ConvolvedConfig
from groundling.envs import make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.grid_states import AGENT, GridStates
from groundling.envs.rendering import world_layout
from groundling.errors import ConfigurationError
from groundling.interfaces import Transition
from groundling.training import TrainConfig, Trainer, train
from groundling.training.algorithms.ppo import PPOConfig
from groundling.training.rewards.agile.discriminator import (
    Discriminator,
    DiscriminatorTrainer,
    clip_columns,
    kept_negatives,
    negatives_to_draw,
)
from groundling.training.rewards.agile.examples import Examples
from groundling.training.rewards.agile.replay import StateReplay
from groundling.training.rewards.agile.reward import AgileConfig, AgileReward

GRID = "groundling/GridLU-Relations-v0"
LEVEL = "BabyAI-GoToObjS4-v0"
SMALL = AgileConfig(pairs=40, replay=300, batch_size=16, updates=2, warmup=3, hidden_dim=8)
AGENT_CONFIG = AgentConfig(
    vision="convolved",
    word_dim=4,
    instruction_dim=6,
    hidden_dim=8,
    settings=(ConvolvedConfig(cell_dim=8, readout_dim=4, channels=4),),
)


def config_of(task: str = GRID, reward: tuple[str, ...] = ("agile",), agile: AgileConfig = SMALL) -> TrainConfig:
    is_agile = reward == ("agile",)
    return TrainConfig(
        task=task,
        total_frames=3 * 8 * 12,
        num_envs=8,
        bank_size=16,
        evaluate_every=0,
        reward=reward,
        agent=AGENT_CONFIG if task == GRID else AgentConfig(hidden_dim=8),
        settings=(PPOConfig(num_steps=12, num_epochs=1, minibatch_size=32), *([agile] if is_agile else [])),
    )


def grid_reward(agile: AgileConfig = SMALL, num_envs: int = 8) -> tuple[AgileReward, Any]:
    envs = find_family(GRID).make_vec("train", num_envs, 0)
    return AgileReward(config_of(agile=agile), envs), envs


def transitions(envs: Any, steps: int, **changes: Any) -> list[Transition]:
    before, _ = envs.reset(seed=0)
    found = []
    for action in np.random.default_rng(0).integers(5, size=(steps, envs.num_envs)):
        after, reward, terminated, truncated, info = envs.step(action)
        found.append(replace(Transition(before, action, after, reward, terminated, truncated, info), **changes))
        before = after
    return found


def settle(reward: AgileReward, steps: list[Transition]) -> tuple[dict[str, float], Any]:
    for step in steps:
        assert not np.any(reward(step))
    rollout: Any = SimpleNamespace()
    return dict(reward.update(rollout)), reward.repaid(rollout)


# The rule


@pytest.mark.parametrize(("rho", "drawn"), [(1.0, 128), (0.5, 256), (0.25, 512)])
def test_half_a_batch_is_left_of_the_negatives_that_are_drawn(rho: float, drawn: int) -> None:
    assert negatives_to_draw(256, rho) == drawn
    assert round(rho * drawn) == 128


def test_negatives_that_are_kept_are_those_with_the_lowest_d() -> None:
    assert sorted(kept_negatives(torch.tensor([2.0, -1.0, 0.5, -3.0]), 2).tolist()) == [1, 3]


class OneWeight(nn.Module):
    """D is a sigmoid of a weight times the state."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, states: Any) -> torch.Tensor:
        return self.weight * torch.as_tensor(states["state"])


def weight_after(negatives: list[float], **changes: Any) -> float:
    settings = AgileConfig(max_column_norm=0.0, batch_size=4, **changes)
    trainer = DiscriminatorTrainer(OneWeight(), settings)  # type: ignore[arg-type]
    goals = {"state": np.array([1.0, 2.0], dtype=np.float32)}
    trainer.step(lambda kept: goals, {"state": np.array(negatives, dtype=np.float32)})
    weight: torch.Tensor = trainer.network.weight  # type: ignore[assignment]
    return float(weight.detach())


def test_negatives_that_are_thrown_away_change_nothing() -> None:
    low = [-0.5, -0.1]
    assert weight_after([*low, 3.0, 5.0]) == weight_after([7.0, *low, 8.0]) == weight_after(low)
    assert weight_after([*low, 3.0, 5.0]) != weight_after([-0.5, 3.0])


def test_column_norms_are_clipped_unit_by_unit_and_shorter_ones_stay() -> None:
    layer, vectors = nn.Linear(2, 2), nn.Embedding(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
        layer.bias.copy_(torch.tensor([9.0, 9.0]))
        vectors.weight.copy_(torch.tensor([[0.0, 5.0], [0.5, 0.0]]))
    clip_columns(nn.ModuleList([layer, vectors]), 1.0)
    assert layer.weight.flatten().tolist() == pytest.approx([0.6, 0.8, 0.3, 0.4])
    assert layer.bias.tolist() == [9.0, 9.0]
    assert vectors.weight.flatten().tolist() == pytest.approx([0.0, 1.0, 0.5, 0.0])


def test_column_norms_hold_after_every_step() -> None:
    reward, envs = grid_reward(replace(SMALL, learning_rate=0.5))
    settle(reward, transitions(envs, 4))
    norms = [w.detach().flatten(1).norm(dim=1).max() for w in reward.trainer.network.parameters() if w.ndim > 1]
    assert max(map(float, norms)) <= 1.0 + 1e-5


# What is paid


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("threshold", [0.0, 0.0, 0.1]),
        ("probability", [0.01, 0.05, 0.09]),
        ("log", [-0.2302585, -0.0693147, -0.0105361]),
    ],
)
def test_output_of_the_discriminator_is_paid(output: Any, expected: list[float]) -> None:
    reward, _ = grid_reward(replace(SMALL, output=output))
    assert reward.paid(np.array([0.1, 0.5, 0.9])) == pytest.approx(expected, abs=1e-6)


def test_all_steps_of_a_rollout_are_paid_by_the_discriminator_as_it_is_after_its_update() -> None:
    reward, envs = grid_reward(replace(SMALL, output="probability", learning_rate=0.01))
    steps = transitions(envs, 5)
    states = {key: np.concatenate([step.next_observation[key] for step in steps]) for key in ("image", "instruction")}
    before = reward.trainer.network.judged(states)
    told, paid = settle(reward, steps)
    assert paid.shape == (5, 8)
    after = reward.trainer.network.judged(states)
    assert np.allclose(paid, 0.1 * after.reshape(5, 8))
    assert not np.allclose(before, after)
    assert {"loss", "of_goal_states", "of_negatives", "rho", "accuracy", "false_positives"} <= set(told)


def test_states_that_end_an_episode_are_paid_by_their_weight_and_those_cut_off_by_time_are_not() -> None:
    reward, envs = grid_reward(replace(SMALL, output="probability", end_weight=50.0))
    steps = transitions(envs, 30)
    assert steps[-1].truncated.all()
    ends = np.array([True] * 4 + [False] * 4)
    steps[-1] = replace(steps[-1], terminated=ends, truncated=~ends)
    paid = settle(reward, steps)[1]
    reward.settings = replace(reward.settings, end_weight=1.0)
    for step in steps:
        reward(step)
    reward.is_frozen = True
    plain = reward.repaid(SimpleNamespace())  # type: ignore[arg-type]
    assert plain is not None
    assert paid == pytest.approx(plain * np.where([*[[False] * 8] * 29, ends], 50.0, 1.0), rel=1e-4)


def test_last_state_of_an_episode_is_judged_and_not_the_first_of_the_next() -> None:
    reward, envs = grid_reward()
    steps = transitions(envs, 30)
    assert steps[-1].truncated.all()
    for step in steps:
        reward(step)
    last = reward._visited[-1]
    assert np.array_equal(last["image"][3], steps[-1].info["final_obs"][3]["image"])
    assert not np.array_equal(last["image"][3], steps[-1].next_observation["image"][3])
    verdicts = reward.verdicts(steps[-1])
    assert np.array_equal(verdicts, reward.trainer.network.judged(last) > 0.5)
    assert not reward.verdicts(steps[0]).any()  # nothing ended


def test_what_is_right_is_logged_and_never_learned_from() -> None:
    learned, told = [], []
    for lie in (None, np.ones(8), np.zeros(8)):
        reward, envs = grid_reward()
        steps = transitions(envs, 6) if lie is None else transitions(envs, 6, reward=lie)
        told.append(settle(reward, steps)[0])
        learned.append(reward.trainer.network.state_dict())
    assert_same(learned[0], learned[1])
    assert_same(learned[0], learned[2])
    truth, ones, zeros = told
    assert ones["accuracy"] == pytest.approx(1 - zeros["accuracy"])
    assert np.isnan(ones["false_positives"])
    assert np.isnan(zeros["false_negatives"])
    assert 0 <= truth["false_positives"] <= 1


def test_rho_goes_from_one_to_its_value_as_more_states_are_taken_for_goal_states() -> None:
    for adapts, share, expected in ((True, 0.0, 1.0), (True, 1.0, 0.25), (True, 0.4, 0.7), (False, 0.0, 0.25)):
        reward, envs = grid_reward(replace(SMALL, adapts_rho=adapts))
        reward._share = share
        assert settle(reward, transitions(envs, 2))[0]["rho"] == pytest.approx(expected)


# The network and what it is shown


def test_discriminator_that_does_not_read_judges_states_alone() -> None:
    spec = find_family(GRID).spec
    states = find_family(GRID).goal_states("train", 30, 0)
    assert states is not None
    other = {**states, "instruction": states["instruction"][::-1].copy()}
    for reads in (True, False):
        torch.manual_seed(0)
        network = Discriminator(AGENT_CONFIG, spec, reads_instruction=reads)
        assert np.array_equal(network.judged(states), network.judged(other)) != reads
        assert not np.array_equal(
            network.judged({**states, "image": states["image"][::-1].copy()}), network.judged(states)
        )


def test_examples_are_of_the_instructions_that_are_asked_for() -> None:
    tokens = np.array([[2, 3, 0], [4, 0, 0], [2, 3, 0], [5, 5, 5]])
    examples, random = Examples({"state": np.arange(4), "instruction": tokens}, "instruction"), torch.Generator()
    asked = np.array([[2, 3], [4, 0]] * 100)  # padded to another length
    found = examples.of_instructions(asked, random)
    assert set(found["state"][::2].tolist()) == {0, 2}
    assert set(found["state"][1::2].tolist()) == {1}
    assert set(examples.of_instructions(np.full((200, 2), 7), random)["state"].tolist()) == {0, 1, 2, 3}
    assert set(examples.any(200, random)["state"].tolist()) == {0, 1, 2, 3}


def test_goal_states_of_a_batch_are_of_the_instructions_of_the_negatives_that_are_kept() -> None:
    for matches in (True, False):
        reward, envs = grid_reward(replace(SMALL, matches_instructions=matches))
        kept = {"instruction": np.tile(envs.reset(seed=0)[0]["instruction"][:1], (8, 1))}
        reward._goals = Examples(
            {"image": np.arange(3), "instruction": np.concatenate([kept["instruction"][:1], np.full((2, 9), 3)])},
            "instruction",
        )
        found = set(np.concatenate([reward._positives(kept)["image"] for _ in range(20)]).tolist())
        assert found == ({0} if matches else {0, 1, 2})


def test_replay_keeps_the_last_states() -> None:
    replay, random = StateReplay(5), torch.Generator().manual_seed(0)
    replay.add({"state": np.arange(3)})
    assert set(replay.draw(100, random)["state"].tolist()) == {0, 1, 2}
    replay.add({"state": np.arange(3, 7)})
    assert set(replay.draw(100, random)["state"].tolist()) == {2, 3, 4, 5, 6}
    saved = replay.state_dict()
    other = StateReplay(5)
    other.load_state_dict(saved)
    for one in (replay, other):
        one.add({"state": np.array([7])})
        assert set(one.draw(100, random)["state"].tolist()) == {3, 4, 5, 6, 7}
    replay.add({"state": np.arange(10, 30)})
    assert set(replay.draw(200, random)["state"].tolist()) == {25, 26, 27, 28, 29}


def test_states_of_the_grid_are_whole_maps_with_the_agent() -> None:
    envs = make_vec(LEVEL, 3, bank_size=6, cache=False, progress=False)
    envs.reset(seed=0)
    states = GridStates.of(envs)()
    for row in range(3):
        layout, (x, y), direction = world_layout(envs.worlds, row)  # type: ignore[arg-type]
        assert states["image"][row, y, x].tolist() == [AGENT, 0, direction]
        expected = layout.copy()
        expected[y, x] = states["image"][row, y, x]
        assert np.array_equal(states["image"][row], expected)
    with pytest.raises(ConfigurationError, match="leave --body at 'grid'"):
        GridStates.of(make_vec(LEVEL, 2, bank_size=4, cache=False, progress=False, body="rover"))


def test_examples_of_the_grid_are_ends_of_the_experts_episodes() -> None:
    config = config_of(LEVEL)
    envs = make_vec(LEVEL, 8, bank_size=16, cache=False, progress=False)
    reward = AgileReward(config, envs)
    goals = reward.goals.states
    assert goals["image"].shape == (40, 4, 4, 3)
    ahead = {0: (0, 1), 1: (1, 0), 2: (0, -1), 3: (-1, 0)}
    for image in goals["image"]:  # the agent faces the only thing
        (y,), (x,) = np.nonzero(image[..., 0] == AGENT)
        down, right = ahead[int(image[y, x, 2])]
        assert image[y + down, x + right, 0] >= 5
    assert np.array_equal(goals["image"], AgileReward(config, envs).goals.states["image"])


# In a run


@pytest.mark.parametrize("task", [GRID, LEVEL])
def test_resumed_run_goes_on_as_if_it_had_never_stopped(task: str, tmp_path: Path) -> None:
    config = config_of(task)
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    Trainer(config, tmp_path / "parts", resume=True).run()
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    assert_same(whole.agent, parts.agent)
    assert_same(whole.rewards, parts.rewards)
    told = metrics_of(tmp_path / "whole")[-1]
    assert {f"reward/agile/{name}" for name in ("accuracy", "rho", "loss")} <= set(told)


def test_frozen_reward_pays_what_was_learned_and_learns_no_more(tmp_path: Path) -> None:
    train(config_of(), tmp_path / "run")
    frozen = config_of(reward=(f"frozen:{tmp_path / 'run'}",))
    train(frozen, tmp_path / "other")
    told = metrics_of(tmp_path / "other")[-1]
    assert not any("loss" in name for name in told if name.startswith("reward/frozen"))
    assert any(name.endswith("agile/accuracy") for name in told)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rho": 0.0}, "rho is above 0 and at most 1"),
        ({"rho": 1.5}, "rho is above 0 and at most 1"),
        ({"output": "square"}, "output is one of threshold, probability, log"),
        ({"batch_size": 7}, "batch_size is even"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"scale": 0.0}, "scale must be"),
        ({"decay": 1.0}, "decay is from 0 to below 1"),
        ({"max_column_norm": -1.0}, "max_column_norm must not be negative"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(SMALL, **changes)


def test_tasks_without_goal_states_and_several_tasks_are_refused(tmp_path: Path) -> None:
    task = "groundling/Messenger-S1-v0"
    config = replace(config_of(LEVEL), task=task, agent=AgentConfig(vision="document", hidden_dim=8))
    envs = find_family(task).make_vec("train", 4, 0)
    with pytest.raises(ConfigurationError, match="Messenger-S1-v0 gives no examples of goal states"):
        _ = AgileReward(config, envs).goals
    several = replace(config_of(LEVEL), tasks=(LEVEL, "BabyAI-GoToObjS6-v1"))
    with pytest.raises(ConfigurationError, match="family of one task"):
        AgileReward(several, make_vec(LEVEL, 4, bank_size=4, cache=False, progress=False))
