"""The final observations of truncated episodes of a rollout, whose values are computed all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.final_observations import FinalObservations


class FinalValues:
    """The final observations of truncated episodes, so that their values are computed all at once.

    Attributes:
        steps: at which episodes were truncated.
        rows: [R] environments of each of these steps.
        states: [B, M] of the memory before each of them.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self.steps: list[int] = []
        self.rows: list[NDArray[np.intp]] = []
        self.states: list[Tensor] = []
        self._observations: list[dict[str, NDArray[Any]]] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(rows) for rows in self.rows)

    def note(self, step: int, rows: NDArray[np.intp], info: dict[str, Any], state: Tensor) -> None:
        """Keep the final observations of these rows, and the memory's state before them."""
        if len(rows) == 0:
            return
        self.steps.append(step)
        self.rows.append(rows)
        self.states.append(state)
        final = info["final_obs"]
        if isinstance(final, FinalObservations):
            self._observations.append({key: final.arrays[key][rows] for key in self.keys})
        else:
            stacked = {key: np.stack([final[row][key] for row in rows]) for key in self.keys}
            self._observations.append(stacked)

    def observation(self) -> dict[str, NDArray[Any]]:
        """All of them as one batch."""
        return {key: np.concatenate([o[key] for o in self._observations]) for key in self.keys}

    def places(self, batch: int) -> dict[str, Tensor]:
        """Where each of them is, [R] int64: its ``"row"`` among T * B steps, time first, and its ``"state"`` among
        those that were kept.
        """
        every = list(zip(self.steps, self.rows, strict=True))
        row = np.concatenate([step * batch + rows for step, rows in every])
        state = np.concatenate([number * batch + rows for number, (_, rows) in enumerate(every)])
        return {"row": torch.from_numpy(row), "state": torch.from_numpy(state)}
