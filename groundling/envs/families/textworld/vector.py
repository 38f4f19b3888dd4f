"""Many games as one vector environment, and the expert that knows the way to win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.textworld.simulator import EXPERT_KEY, SIMULATORS
from groundling.envs.simulators.vector import SimulatorVectorEnv
from groundling.errors import ConfigurationError

ENVS_PER_WORKER = 32


class TextWorldVectorEnv(SimulatorVectorEnv):
    """B games of one kind, in worker processes.

    Args:
        level: the id of the kind.
        num_envs: B.
        options: what simulators are told at every reset beside the split.
        seed: names the episodes.
        split: the name of the split.

    Attributes:
        right_actions: [B] int64, the next action of a shortest way to win; -1 where none is known.
    """

    def __init__(
        self, level: str, num_envs: int, *, options: Mapping[str, Any], seed: int = 0, split: str = "train"
    ) -> None:
        self.right_actions = np.full(num_envs, -1, dtype=np.int64)
        kind = SIMULATORS[level]
        super().__init__(
            f"{kind.__module__}:{kind.__name__}",
            num_envs,
            seed=seed,
            split=split,
            workers=-(-num_envs // ENVS_PER_WORKER),
            options=options,
        )

    def _write(self, observation: dict[str, NDArray[Any]], row: int, seen: Any) -> None:
        super()._write(observation, row, seen)
        self.right_actions[row] = seen[EXPERT_KEY]


class Walker:
    """Takes the next command of TextWorld's own way to win, found anew after every command that leaves it.

    Args:
        envs: the environments.

    Attributes:
        lost: [B] where no way is known, as after a mistake that cannot be mended.

    Raises:
        ConfigurationError: if the environments are others.
    """

    def __init__(self, envs: VectorEnv) -> None:
        own = envs.unwrapped
        if not isinstance(own, TextWorldVectorEnv):
            raise ConfigurationError(f"a Walker plays TextWorld, not {type(own).__name__}")
        self._envs = own
        self.lost = np.zeros(own.num_envs, dtype=np.bool_)

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] in the present state of every environment; 0 where none is known."""
        right = self._envs.right_actions
        self.lost = right < 0
        return np.where(self.lost, 0, right)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the games say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
