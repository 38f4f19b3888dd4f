"""A running average for each task, from which curricula tell what is learned and what is not yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RunningAverage:
    """Exponential averages of K tasks' success over their own episodes.

    Each is divided by the weight of what it has seen, so that it begins at the first success and not at zero: a start
    from zero would look like progress.

    Args:
        num_tasks: K.
        episodes: that an average looks back, about.
    """

    def __init__(self, num_tasks: int, episodes: int) -> None:
        self._keep = 1 - 1 / episodes
        self._sum = np.zeros(num_tasks)
        self._weight = np.zeros(num_tasks)

    def add(self, task: int, mean: float, count: int) -> None:
        """Count so many episodes of a task with this mean."""
        kept = self._keep**count
        self._sum[task] = kept * self._sum[task] + (1 - kept) * mean
        self._weight[task] = kept * self._weight[task] + (1 - kept)

    def values(self) -> NDArray[np.float64]:
        """[K] averages; 0 of a task without an episode."""
        return self._sum / np.where(self._weight > 0, self._weight, 1)

    def state_dict(self) -> dict[str, list[float]]:
        """Plain values."""
        return {"sum": self._sum.tolist(), "weight": self._weight.tolist()}

    def load_state_dict(self, saved: dict[str, list[float]]) -> None:
        """Continue from :meth:`state_dict`."""
        self._sum[:], self._weight[:] = saved["sum"], saved["weight"]
