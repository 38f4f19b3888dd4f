"""What an agent that sees pictures learns beside acting: what is in them, told by the worlds in training only."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pixel_choice import PixelChoice
from test_loop import make_config, metrics_of, pixel_config
from torch import Tensor
from torch.nn import functional

from groundling.agents import AgentConfig
from groundling.agents.encoders.symbol_head import SymbolHead
from groundling.envs.engine.constants import BALL, EMPTY, WALL
from groundling.envs.engine.symbols_in_view import SYMBOL_SIZES, symbols_in_view
from groundling.errors import ConfigurationError
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer
from groundling.training.algorithms import symbol_loss as module
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.symbol_loss import BACKGROUND_WEIGHT, symbol_loss
from groundling.training.checkpoint import CHECKPOINT_NAME

SEES: dict[str, Any] = {
    "vision": "cnn",
    "memory": "gru",
    "memory_dim": 9,
    "hidden_dim": 8,
    "conv_channels": (6, 7, 8),
    "attributes": 2,
    "readout_dim": 3,
    "predicts_symbols": True,
}
PPO = PPOConfig(num_steps=12, minibatch_size=48, num_epochs=2, learning_rate=5e-3, symbol_coef=0.5)
DAGGER = ImitationConfig(num_steps=12, minibatch_size=48, num_epochs=2, learning_rate=5e-3, symbol_coef=0.5)


def config_of(algorithm: Any = "dagger", **changes: Any) -> TrainConfig:
    settings = {"agent": AgentConfig(**SEES), "ppo": PPO, "imitation": DAGGER, "algorithm": algorithm}
    if algorithm != "ppo":
        settings["task"] = "groundling/Questions-Near-v0"  # whose expert drives rovers
    return pixel_config(**{**settings, **changes})


def test_loss_counts_colors_and_states_of_things_only() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 2, sum(SYMBOL_SIZES))
    labels = torch.tensor([[WALL, 5, 0], [BALL, 2, 3], [EMPTY, 4, 0], [BALL, 1, 0]]).view(1, 2, 2, 1, 3)
    parts = [part.flatten(0, 1).log_softmax(dim=-1) for part in torch.split(logits, SYMBOL_SIZES, dim=-1)]
    types = -sum(
        weight * parts[0][i, kind]
        for i, (kind, weight) in enumerate(
            [(WALL, BACKGROUND_WEIGHT), (BALL, 1), (EMPTY, BACKGROUND_WEIGHT), (BALL, 1)]
        )
    ) / (2 + 2 * BACKGROUND_WEIGHT)
    colors = -(parts[1][1, 2] + parts[1][3, 1]) / 2
    states = -(parts[2][1, 3] + parts[2][3, 0]) / 2
    torch.testing.assert_close(symbol_loss(logits, labels), types + colors + states)


def test_loss_of_pictures_without_things_is_that_of_their_types() -> None:
    logits = torch.randn(1, 2, sum(SYMBOL_SIZES))
    labels = torch.tensor([[WALL, 5, 0], [EMPTY, 0, 0]]).view(1, 1, 2, 1, 3)
    expected = functional.cross_entropy(logits[0, :, : SYMBOL_SIZES[0]], torch.tensor([WALL, EMPTY]))
    torch.testing.assert_close(symbol_loss(logits, labels), expected)


@pytest.mark.parametrize("algorithm", ["bc", "ppo"])
def test_a_rollout_keeps_what_was_in_view_when_each_observation_was_seen(algorithm: str, tmp_path: Path) -> None:
    trainer = Trainer(config_of(algorithm), tmp_path / "run")
    grid = trainer.agent.encoder.grid
    noted: list[np.ndarray] = []
    step = trainer.envs.step

    def stepped(actions: Any) -> Any:
        noted.append(symbols_in_view(trainer.envs.worlds, grid))
        return step(actions)

    trainer.envs.step = stepped
    rollout = trainer.algorithm.collect()
    assert np.array_equal(rollout.columns["symbols"].numpy(), np.stack(noted))
    assert (rollout.columns["symbols"][1:] != rollout.columns["symbols"][:-1]).any()


@pytest.mark.parametrize("algorithm", ["dagger", "ppo"])
def test_each_frame_learns_what_was_in_it(algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every frame of a minibatch, in whatever order the environments are drawn: frames are numbered instead."""
    trainer = Trainer(config_of(algorithm), tmp_path / "run")
    rollout = trainer.algorithm.collect()
    steps, batch = rollout.columns["symbols"].shape[:2]
    number = torch.arange(steps * batch, dtype=torch.uint8).view(steps, batch, 1, 1, 1)
    rollout.columns["symbols"].copy_(number.expand_as(rollout.columns["symbols"]))
    prepared = trainer.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    head = trainer.agent.encoder.symbol_head
    assert isinstance(head, SymbolHead)
    with torch.no_grad():
        expected = head(trainer.agent.encoder.cells(prepared.parts[0]).flatten(2))
    seen: list[int] = []

    def noted(logits: Tensor, labels: Tensor) -> Tensor:
        numbers = labels[..., 0, 0, 0].flatten().long()
        torch.testing.assert_close(logits, expected[numbers], rtol=1e-4, atol=1e-5)
        seen.extend(numbers.tolist())
        return logits.sum() * 0

    monkeypatch.setattr(module, "symbol_loss", noted)
    trainer.algorithm.update(rollout, progress=1.0)  # at a learning rate of 0
    assert set(seen) == set(range(steps * batch))


@pytest.mark.parametrize("algorithm", ["dagger", "ppo"])
def test_what_is_in_view_is_learned_and_logged(algorithm: str, tmp_path: Path) -> None:
    Trainer(config_of(algorithm, total_frames=8 * 12 * 25), tmp_path / "run").run()
    losses = [row["symbol_loss"] for row in metrics_of(tmp_path / "run")]
    assert losses[-1] < 0.75 * losses[0]
    assert Checkpoint.load(tmp_path / "run" / CHECKPOINT_NAME).make_agent().encoder.symbol_head is not None


def test_the_convolutions_learn_from_what_is_in_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(config_of(), tmp_path / "run")
    trainer.algorithm.settings = dataclasses.replace(DAGGER, value_coef=0.0)
    monkeypatch.setattr("groundling.training.algorithms.imitation.imitation_loss", lambda *_: (torch.zeros(()),) * 3)
    before = trainer.agent.encoder.vision[0].weight.clone()
    trainer.train_once()
    assert not torch.equal(trainer.agent.encoder.vision[0].weight, before)


def test_a_head_that_is_not_taught_stays_as_it_is_and_acts_as_without_it(tmp_path: Path) -> None:
    untaught = dataclasses.replace(PPO, symbol_coef=0.0)
    runs = []
    for name, predicts in (("with", True), ("without", False)):
        agent = AgentConfig(**{**SEES, "predicts_symbols": predicts})
        trainer = Trainer(config_of("ppo", ppo=untaught, agent=agent, total_frames=8 * 12), tmp_path / name)
        head = trainer.agent.encoder.symbol_head
        before = None if head is None else head.logits.weight.clone()
        trainer.run()
        assert head is None or torch.equal(head.logits.weight, before)
        assert "symbol_loss" not in metrics_of(tmp_path / name)[0]
        runs.append(trainer.agent.policy.weight)
    assert torch.equal(*runs)


def test_the_hook_of_the_loss_is_gone_after_an_update(tmp_path: Path) -> None:
    trainer = Trainer(config_of(), tmp_path / "run")
    trainer.train_once()
    assert not trainer.agent.encoder.symbol_head._forward_hooks


def test_a_run_may_begin_with_an_agent_that_did_not_predict(tmp_path: Path) -> None:
    quiet = dataclasses.replace(DAGGER, symbol_coef=0.0)
    plain = config_of(agent=AgentConfig(**{**SEES, "predicts_symbols": False}), imitation=quiet, total_frames=96)
    Trainer(plain, tmp_path / "plain").run()
    trainer = Trainer(config_of(init=str(tmp_path / "plain"), total_frames=96), tmp_path / "run")
    before = Checkpoint.load(tmp_path / "plain" / CHECKPOINT_NAME).make_agent()
    assert torch.equal(trainer.agent.encoder.vision[0].weight, before.encoder.vision[0].weight)
    trainer.run()
    assert "symbol_loss" in metrics_of(tmp_path / "run")[0]


@pytest.mark.parametrize(("algorithm", "settings"), [("ppo", {"ppo": PPO}), ("dagger", {"imitation": DAGGER})])
def test_an_agent_that_does_not_predict_is_not_taught(algorithm: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"predict symbols: set agent\.predicts_symbols"):
        make_config(algorithm=algorithm, **settings)


@pytest.mark.parametrize("settings", [PPOConfig, ImitationConfig])
def test_a_negative_weight_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="symbol_coef must be at least 0"):
        settings(symbol_coef=-0.1)


def test_a_vision_without_cells_of_pictures_is_refused(tmp_path: Path) -> None:
    agent = AgentConfig(hidden_dim=8, predicts_symbols=True)
    with pytest.raises(ConfigurationError, match="SymbolicEncoder has no cells of pictures"):
        Trainer(make_config(agent=agent), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_worlds_that_do_not_know_what_is_in_view_are_refused(tmp_path: Path) -> None:
    config = make_config(algorithm="ppo", agent=AgentConfig(**SEES), ppo=PPO)
    with pytest.raises(ConfigurationError, match=r"only Groundling's own worlds with rovers .*: leave symbol_coef at"):
        Trainer(config, tmp_path / "run", make_envs=lambda config: PixelChoice(config.num_envs))
    assert not (tmp_path / "run").exists()
