"""What an agent did last, as a sense: for agents whose next action depends on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PREVIOUS_ACTION_KEY: Final = "previous_action"  # of an observation


class PreviousActions:
    """The last action of each environment of a batch; A, the number of actions, before an episode's first.

    Args:
        num_envs: B.
        num_actions: A.

    Attributes:
        none: stands for no action, A.
        now: [B] int64, before the present observations.
        last: [B] int64, the actions of the last step, whether or not episodes ended with them.
    """

    def __init__(self, num_envs: int, num_actions: int) -> None:
        self.none = num_actions
        self.now: NDArray[np.int64] = np.full(num_envs, num_actions, dtype=np.int64)
        self.last = self.now.copy()

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Forget what was done where an episode begins, [B] bool."""
        self.now[chosen] = self.none

    def note(self, actions: NDArray[np.int64], begins: NDArray[np.bool_]) -> None:
        """Keep the actions [B] of a step, after which the next episode has begun where ``begins`` [B] bool."""
        self.last[:] = actions
        self.now[:] = np.where(begins, self.none, actions)
