"""The expert, who knows what each thing is and how it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.manuals.messenger.names import ACTIONS
from groundling.envs.families.manuals.messenger.planning import empty_scratch, plan_batch
from groundling.envs.families.manuals.messenger.vector import MessengerVectorEnv
from groundling.errors import ConfigurationError

STAY = ACTIONS.index("stay")


class Planner:
    """Takes the message to the goal in every environment of a batch, three steps ahead of what may meet it.

    Args:
        envs: the environments.

    Attributes:
        lost: [B] all False: there is always something to do.

    Raises:
        ConfigurationError: if the environments are others.
    """

    def __init__(self, envs: VectorEnv) -> None:
        own = envs.unwrapped
        if not isinstance(own, MessengerVectorEnv):
            raise ConfigurationError(f"a Planner plays Messenger, not {type(own).__name__}")
        self.batch = own.batch
        self.lost = np.zeros(envs.num_envs, dtype=np.bool_)
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        self._scratch = empty_scratch()

    def actions(self) -> NDArray[np.int64]:
        """The next move [B] in the present state of every environment; 4 (stay) where an episode is over.

        A move out of the room does nothing, as staying does, and agents cannot take it: it is told as staying.
        """
        plan_batch(self.batch.worlds, self._scratch, self._actions)
        is_open = self.batch.seen.valid[np.arange(len(self._actions)), self._actions]
        return np.where(is_open, self._actions, STAY)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
