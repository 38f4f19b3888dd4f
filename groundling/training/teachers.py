"""Teachers: who says what to do in the states that imitation learns from, an expert or recorded demonstrations."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from groundling.envs.worlds import WorldBatch
from groundling.errors import ConfigurationError
from groundling.training.demonstrations import DemonstrationSet


class Teacher(Protocol):
    """Knows the right action in every environment of a batch; ``agents.bots.Expert`` is one."""

    lost: NDArray[np.bool_]  # [B] where the teacher knows no action, after `actions`

    def actions(self) -> NDArray[np.int64]:
        """The right action [B] in the present state of every environment."""

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """What its next answers depend on beside the worlds."""

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`."""


class Recording:
    """Says what was done in the demonstrations that the environments play: right only if nothing else is done.

    Args:
        worlds: the environments; their bank is that of the demonstrations.
        demonstrations: what was done.

    Raises:
        ConfigurationError: if the environments play other episodes.
    """

    def __init__(self, worlds: WorldBatch, demonstrations: DemonstrationSet) -> None:
        if not np.array_equal(worlds.bank.seeds, demonstrations.bank.seeds):
            raise ConfigurationError("recorded demonstrations teach only in the episodes that they are of")
        self.worlds = worlds
        self.lost = np.zeros(worlds.num_envs, dtype=np.bool_)
        self._actions = np.asarray(demonstrations.actions)
        self._starts = np.asarray(demonstrations.starts)

    def actions(self) -> NDArray[np.int64]:
        """The recorded action [B] of every environment's present step."""
        state = self.worlds.state
        frames = self._starts[state.episode] + state.step_count
        self.lost = frames >= self._starts[state.episode + 1]
        return self._actions[np.where(self.lost, 0, frames)].astype(np.int64)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
