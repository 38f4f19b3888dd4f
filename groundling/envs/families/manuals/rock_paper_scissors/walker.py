"""Who knows what to do: an expert that reads the truth, and walkers that read the letters or nothing."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.manuals.rock_paper_scissors.planning import (
    NUM_STATES,
    follow_batch,
    plan_of,
    walk_batch,
)
from groundling.envs.families.manuals.rock_paper_scissors.state import BEATEN, RIGHT, SAME
from groundling.envs.families.manuals.rock_paper_scissors.vector import RockPaperScissorsVectorEnv
from groundling.errors import ConfigurationError

Knowledge = Literal["all", "letters", "nothing"]
CHOICES: Final[dict[Knowledge, tuple[int, ...]]] = {
    "all": (RIGHT,),
    "letters": (RIGHT, BEATEN),
    "nothing": (RIGHT, BEATEN, SAME),
}


class Walker:
    """Takes an item to the monster in every environment of a batch.

    With "all" it is the expert: the item that beats the monster. With "letters" it draws one of the two whose letter is
    not the monster's, which no manual ever lets win; with "nothing" any of the three. These two are what an agent
    reaches that walks well and does not read: 1/2 and 1/3 in rooms where nothing moves.

    Args:
        envs: the environments.
        knows: what of the truth it uses.

    Attributes:
        lost: [B] where there is no way, after :meth:`actions`.

    Raises:
        ConfigurationError: if the environments are others, or ``knows`` is unknown.
    """

    def __init__(self, envs: VectorEnv, knows: Knowledge = "all") -> None:
        own = envs.unwrapped
        if not isinstance(own, RockPaperScissorsVectorEnv):
            raise ConfigurationError(f"this Walker plays rock-paper-scissors, not {type(own).__name__}")
        if knows not in CHOICES:
            raise ConfigurationError(f"knows is one of {', '.join(CHOICES)}, not {knows!r}")
        self.batch = own.batch
        self.lost = np.zeros(envs.num_envs, dtype=np.bool_)
        self._choices = np.array(CHOICES[knows], dtype=np.int8)
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        rules = self.batch.rules
        self._plan = plan_of(rules.size) if rules.moving else None
        self._first_move = np.zeros(NUM_STATES, dtype=np.int8)
        self._queue = np.zeros(NUM_STATES, dtype=np.int16)

    def actions(self) -> NDArray[np.int64]:
        """The next move [B] in the present state of every environment; 0 (stay) where there is no way."""
        worlds, size = self.batch.worlds, self.batch.rules.size
        # The name of an episode draws its wish, so that it lasts as long as it does and need not be saved.
        drawn = (worlds.begun >> np.uint64(17)) % np.uint64(len(self._choices))
        item = self._choices[drawn.astype(np.int64)]
        if self._plan is not None:
            follow_batch(worlds, item, size, self._plan, self._actions, self.lost)
        else:
            walk_batch(worlds, item, size, self._first_move, self._queue, self._actions, self.lost)
        return self._actions.copy()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
