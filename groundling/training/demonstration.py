"""One demonstration: the observations and actions of an episode that an expert played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Demonstration:
    """One demonstration played again: T actions and the T + 1 observations around them.

    Attributes:
        seed: the seed that the episode's generator was given.
        instruction: the sentence.
        tokens: [L] int32, its token ids, 0 = padding.
        images: [T + 1, 7, 7, 3] uint8.
        directions: [T + 1] int64.
        actions: [T] int64.
        rewards: [T] float64.
        terminated: [T] bool, true at the last action only.
        truncated: [T] bool, true at the last action of one that took all the time there was.
    """

    seed: int
    instruction: str
    tokens: NDArray[np.int32]
    images: NDArray[np.uint8]
    directions: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def observations(self) -> dict[str, NDArray[Any]]:
        """As the environments give them, [T + 1, ...] each; the instruction is the same at every step."""
        told = np.broadcast_to(self.tokens, (len(self) + 1, len(self.tokens)))
        return {"image": self.images, "direction": self.directions, "instruction": told}
