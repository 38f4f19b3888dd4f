"""States that were visited, the oldest of which give way to new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class StateReplay:
    """Up to ``capacity`` states.

    Args:
        capacity: the most that are kept.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        self._next = 0
        self._arrays: dict[str, NDArray[Any]] = {}

    def add(self, states: Arrays) -> None:
        """Keep N states [N, ...] by key; of more than there is room for the last ones."""
        states = {key: array[-self.capacity :] for key, array in states.items()}
        added = len(next(iter(states.values())))
        if not self._arrays:
            self._arrays = {key: np.zeros((self.capacity, *a.shape[1:]), dtype=a.dtype) for key, a in states.items()}
        rows = (self._next + np.arange(added)) % self.capacity
        for key, array in states.items():
            self._arrays[key][rows] = array
        self._next = int((self._next + added) % self.capacity)
        self.count = min(self.capacity, self.count + added)

    def draw(self, size: int, random: torch.Generator) -> dict[str, NDArray[Any]]:
        """So many states, each any of those that are kept."""
        rows = torch.randint(self.count, (size,), generator=random).numpy()
        return {key: array[rows] for key, array in self._arrays.items()}

    def state_dict(self) -> dict[str, Any]:
        """The states."""
        kept = {key: torch.as_tensor(array[: self.count]) for key, array in self._arrays.items()}
        return {"states": kept, "next": self._next}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.count, self._next, self._arrays = 0, 0, {}
        if saved["states"]:
            self.add({key: tensor.numpy() for key, tensor in saved["states"].items()})
        self._next = int(saved["next"])
