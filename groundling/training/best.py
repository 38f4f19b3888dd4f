"""The best checkpoint of a run, kept in ``best.pt`` beside the last one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from groundling.training.config import USUAL_EVALUATIONS, TrainConfig
from groundling.training.statistics import LEAST_WINDOW

BEST_NAME: Final = "best.pt"
EVALUATED: Final = "evaluation_success"


@dataclass
class BestSoFar:
    """The highest success of a run so far; of equal ones the latest counts.

    A run that is evaluated while it trains is judged by these evaluations: the agent alone, in unseen layouts. Any
    other by its success in training, looked at a few times in a run, over a full window of episodes in which no expert
    acted; never by that of a curriculum, whose episodes become harder.

    Attributes:
        by_evaluation: whether it is judged by evaluations.
        every: frames between the looks at the success in training.
        step: frames of an update.
        success: the highest so far; -1: none yet.
        frames: at which it was reached.
    """

    by_evaluation: bool
    every: int
    step: int
    success: float = -1.0
    frames: int = 0

    @classmethod
    def of(cls, config: TrainConfig, *, is_evaluated: bool) -> BestSoFar | None:
        """That of a run; None where nothing that it tells is comparable over time."""
        by_evaluation = is_evaluated and config.evaluation_interval > 0
        if not by_evaluation and config.curriculum.kind != "uniform":
            return None
        return cls(by_evaluation, max(1, config.total_frames // USUAL_EVALUATIONS), config.rollout_frames)

    def note(self, frames: int, metrics: Mapping[str, float]) -> bool:
        """Note the metrics of an update; returns whether the agent is the best so far."""
        success = self._success_in(frames, metrics)
        if math.isnan(success) or success < self.success:
            return False
        self.success, self.frames = success, frames
        return True

    def _success_in(self, frames: int, metrics: Mapping[str, float]) -> float:
        """What it is judged by; NaN if these metrics do not tell it."""
        if self.by_evaluation:
            return metrics.get(EVALUATED, math.nan)
        if frames // self.every == (frames - self.step) // self.every:
            return math.nan
        if metrics.get("teacher_share", 0.0) > 0 or metrics.get("window", 0.0) < LEAST_WINDOW:
            return math.nan
        return metrics.get("success", math.nan)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"by_evaluation": self.by_evaluation, "success": self.success, "frames": self.frames}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`; begin anew after one that was judged otherwise, or that is older."""
        if saved.get("by_evaluation") == self.by_evaluation:
            self.success, self.frames = saved["success"], saved["frames"]
