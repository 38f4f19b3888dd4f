"""What an agent learns beside acting: what is due, told by the worlds in training only."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pixel_choice import PixelChoice
from test_loop import make_config, metrics_of
from torch.nn import functional

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs.engine.subgoals import NUM_SUBGOALS, subgoals_now
from groundling.errors import ConfigurationError
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.subgoal_loss import subgoal_loss
from groundling.training.checkpoint import CHECKPOINT_NAME

AGENT: dict[str, Any] = {"memory": "gru", "hidden_dim": 8, "memory_dim": 9, "cell_dim": 6, "predicts_subgoal": True}
PPO = PPOConfig(num_steps=12, minibatch_size=48, subgoal_coef=0.5)
DAGGER = ImitationConfig(num_steps=12, minibatch_size=48, learning_rate=5e-3, subgoal_coef=0.5)


def config_of(algorithm: Any = "dagger", **changes: Any) -> TrainConfig:
    settings = {"agent": AgentConfig(**AGENT), "ppo": PPO, "imitation": DAGGER, "algorithm": algorithm}
    return make_config(**{**settings, **changes})


def test_loss_equals_that_of_each_answer_summed() -> None:
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(**AGENT))
    assert agent.subgoal is not None
    known, due = torch.randn(3, 2, 9), torch.rand(3, 2, NUM_SUBGOALS) < 0.2
    told = agent.subgoal(known)
    by_hand = -torch.where(due, functional.logsigmoid(told), functional.logsigmoid(-told))
    expected = by_hand.sum() / 6
    torch.testing.assert_close(subgoal_loss(agent, known, due), expected)


@pytest.mark.parametrize("algorithm", ["dagger", "bc", "ppo"])
def test_a_rollout_keeps_what_was_due_when_each_observation_was_seen(algorithm: str, tmp_path: Path) -> None:
    trainer = Trainer(config_of(algorithm, task="BabyAI-SynthSeq-v0"), tmp_path / "run")
    if algorithm != "ppo":
        trainer.algorithm.collector.teacher_share = 1.0
    asked: list[np.ndarray] = []
    step = trainer.envs.step

    def noted(actions: Any) -> Any:
        asked.append(subgoals_now(trainer.envs.worlds))
        return step(actions)

    trainer.envs.step = noted
    for _ in range(8):
        rollout = trainer.algorithm.collector.collect()
        assert np.array_equal(rollout.columns["subgoal"].numpy(), np.stack(asked[-12:]))
    if algorithm != "ppo":  # an expert acts, so that something changes
        assert (rollout.columns["subgoal"][1:] != rollout.columns["subgoal"][:-1]).any()


@pytest.mark.parametrize("algorithm", ["dagger", "ppo"])
def test_each_frame_learns_what_was_due_in_it(algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every frame of a minibatch, in whatever order the environments are drawn: frames are numbered instead."""
    trainer = Trainer(config_of(algorithm), tmp_path / "run")
    rollout = trainer.algorithm.collector.collect()
    steps, batch = rollout.columns["subgoal"].shape[:2]
    number = torch.arange(steps * batch).unflatten(0, (steps, batch))
    rollout.columns["subgoal"].copy_((number.unsqueeze(2) >> torch.arange(NUM_SUBGOALS)) & 1)
    prepared = trainer.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    with torch.no_grad():
        known = trainer.agent(prepared, rollout.initial_state, rollout.is_first).features.flatten(0, 1)
    told: list[int] = []

    def noted(agent: ActorCritic, seen: torch.Tensor, due: torch.Tensor) -> torch.Tensor:
        numbers = (due.long() << torch.arange(NUM_SUBGOALS)).sum(dim=-1)
        torch.testing.assert_close(seen, known[numbers], rtol=1e-4, atol=1e-5)
        told.extend(numbers.flatten().tolist())
        return subgoal_loss(agent, seen, due)

    monkeypatch.setattr("groundling.training.algorithms.subgoal_loss.subgoal_loss", noted)
    trainer.algorithm.update(rollout, progress=1.0)  # at a learning rate of 0
    assert set(told) == set(range(steps * batch))


@pytest.mark.parametrize("algorithm", ["dagger", "ppo"])
def test_what_is_due_is_learned_and_logged(algorithm: str, tmp_path: Path) -> None:
    config = config_of(algorithm, total_frames=8 * 12 * 40)
    Trainer(config, tmp_path / "run").run()
    losses = [row["subgoal_loss"] for row in metrics_of(tmp_path / "run")]
    assert losses[-1] < 0.5 * losses[0]
    agent = Checkpoint.load(tmp_path / "run" / CHECKPOINT_NAME).make_agent()
    assert agent.subgoal is not None


def test_a_head_that_is_not_taught_stays_as_it_is_and_acts_as_without_it(tmp_path: Path) -> None:
    untaught = dataclasses.replace(PPO, subgoal_coef=0.0)
    runs = []
    for name, tells in (("with", True), ("without", False)):
        config = config_of("ppo", ppo=untaught, agent=AgentConfig(**{**AGENT, "predicts_subgoal": tells}))
        trainer = Trainer(config, tmp_path / name)
        before = None if trainer.agent.subgoal is None else trainer.agent.subgoal.weight.clone()
        trainer.run()
        assert trainer.agent.subgoal is None or torch.equal(trainer.agent.subgoal.weight, before)
        assert "subgoal_loss" not in metrics_of(tmp_path / name)[0]
        runs.append(trainer.agent.policy.weight)
    assert torch.equal(*runs)


def test_a_run_may_begin_with_an_agent_that_did_not_tell(tmp_path: Path) -> None:
    quiet = dataclasses.replace(DAGGER, subgoal_coef=0.0)
    silent = config_of(agent=AgentConfig(**{**AGENT, "predicts_subgoal": False}), imitation=quiet)
    Trainer(silent, tmp_path / "silent").run()
    trainer = Trainer(config_of(init=str(tmp_path / "silent")), tmp_path / "run")
    before = Checkpoint.load(tmp_path / "silent" / CHECKPOINT_NAME).make_agent()
    assert torch.equal(trainer.agent.policy.weight, before.policy.weight)
    trainer.run()
    assert "subgoal_loss" in metrics_of(tmp_path / "run")[0]


@pytest.mark.parametrize(("algorithm", "settings"), [("ppo", {"ppo": PPO}), ("dagger", {"imitation": DAGGER})])
def test_an_agent_that_cannot_tell_is_not_asked_to(algorithm: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"set agent\.predicts_subgoal"):
        config_of(algorithm, agent=AgentConfig(), **settings)


@pytest.mark.parametrize("settings", [PPOConfig, ImitationConfig])
def test_a_negative_weight_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="subgoal_coef must be at least 0"):
        settings(subgoal_coef=-0.1)


def test_worlds_that_do_not_know_what_is_due_are_refused(tmp_path: Path) -> None:
    agent = AgentConfig(vision="cnn", memory="gru", conv_channels=(4, 4, 8), predicts_subgoal=True)
    with pytest.raises(ConfigurationError, match=r"only Groundling's own worlds know .*: leave subgoal_coef at 0"):
        Trainer(config_of("ppo", agent=agent), tmp_path / "run", make_envs=lambda config: PixelChoice(config.num_envs))
    assert not (tmp_path / "run").exists()
