"""What stands for an algorithm whose code may not run, so that what it trained can be evaluated all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundling.interfaces import Observation
from groundling.training.algorithms.base import Algorithm, Run
from groundling.training.received import refuse

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class NoConfig:
    """No settings."""


class LeftOut(Algorithm):
    """Stands for an algorithm that was left out: it refuses to train."""

    Config = NoConfig
    section = "left_out"
    title = "an algorithm of its own (left out)"

    def __init__(self, run: Run) -> None:
        refuse(run.config.algorithm)

    @classmethod
    def frames_per_update(cls, config: TrainConfig) -> int:
        """Nobody knows."""
        return 1

    def start(self, seed: int) -> Observation:
        """It does not."""
        raise NotImplementedError

    def collect(self) -> Any:
        """It does not."""
        raise NotImplementedError

    def update(self, batch: Any, progress: float) -> dict[str, float]:
        """It does not."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Nothing."""
