"""Runs of a few seconds in all, for tests of what happens around training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundling.agents import AgentConfig
from groundling.training import Checkpoint, PPOConfig, TrainConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME

STEP = 8 * 12  # frames of an update


def small_config(updates: int = 4, **changes: Any) -> TrainConfig:
    """A run of so many updates of 96 frames."""
    settings: dict[str, Any] = {
        "task": "BabyAI-GoToObjS4-v0",
        "total_frames": updates * STEP,
        "num_envs": 8,
        "bank_size": 32,
        "agent": AgentConfig(cell_dim=6, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8),
        "ppo": PPOConfig(num_steps=12, minibatch_size=48, num_epochs=2),
        "imitation": ImitationConfig(num_steps=12, minibatch_size=48, num_epochs=2),
    }
    return TrainConfig(**{**settings, **changes})


def checkpoint_of(folder: Path) -> Checkpoint:
    return Checkpoint.load(folder / CHECKPOINT_NAME)


class After:
    """A progress that does something after one of the updates."""

    def __init__(self, update: int, action: Callable[[], Any]) -> None:
        self.update_number, self.action = update, action

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        if frames == self.update_number * STEP:
            self.action()
