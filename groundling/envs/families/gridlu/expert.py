"""The expert of Relations, who goes and carries by shortest ways."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.gridlu.names import RELATIONS_GAME
from groundling.envs.families.gridlu.planning import empty_scratch, plan_batch
from groundling.envs.families.gridlu.vector import GridLUVectorEnv
from groundling.errors import ConfigurationError


class Carrier:
    """Makes what the instruction says so in every environment of a batch, and keeps it so.

    Args:
        envs: the environments.

    Attributes:
        lost: [B] where it knows no way, after :meth:`actions`.

    Raises:
        ConfigurationError: if the environments are others.
    """

    def __init__(self, envs: VectorEnv) -> None:
        own = envs.unwrapped
        if not isinstance(own, GridLUVectorEnv) or own.batch.game != RELATIONS_GAME:
            raise ConfigurationError(f"a Carrier plays {RELATIONS_GAME.id}, not {type(own).__name__}")
        self.batch = own.batch
        self.lost = np.zeros(envs.num_envs, dtype=np.bool_)
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        self._scratch = empty_scratch()

    def actions(self) -> NDArray[np.int64]:
        """The next move [B] in the present state of every environment."""
        batch = self.batch
        plan_batch(batch.worlds, batch.rules, self._scratch, self._actions, self.lost)
        return self._actions.copy()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
