"""Who knows what to do: an expert that reads the truth, and walkers that have read half of the manual, or nothing."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.manuals.rtfm.planning import follow_batch, plan_of
from groundling.envs.families.manuals.rtfm.state import BAD, DISTRACTOR, GOOD, TARGET
from groundling.envs.families.manuals.rtfm.vector import RTFMVectorEnv
from groundling.envs.families.manuals.rtfm.walking import NUM_CELLS, walk_batch
from groundling.errors import ConfigurationError

Knowledge = Literal["all", "team", "nothing"]
PLANNED_SIZE: Final = 6  # of the largest rooms whose states are few enough to plan on
KNOWLEDGE: Final[tuple[Knowledge, ...]] = ("all", "team", "nothing")


class Walker:
    """Walks to an item, then to a monster, in every environment of a batch.

    With "all" it is the expert: the right item, then the wanted monster. With "team" it knows the monster only and
    draws an item for each episode; with "nothing" it draws both. These two are what an agent reaches that walks well
    and reads half of the manual, or none of it: about 50 % and 25 % in rooms where nothing moves.

    Where nothing moves it takes a shortest way; where monsters move it takes the best moves by dynamic programming on
    the rules in rooms of 6x6, and in larger ones weighs ways against dangers.

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
        if not isinstance(own, RTFMVectorEnv):
            raise ConfigurationError(f"a Walker walks in rooms of RTFM, not in {type(own).__name__}")
        if knows not in KNOWLEDGE:
            raise ConfigurationError(f"knows is one of {', '.join(KNOWLEDGE)}, not {knows!r}")
        self.batch = own.batch
        self.knows = knows
        self.lost = np.zeros(envs.num_envs, dtype=np.bool_)
        self._actions = np.zeros(envs.num_envs, dtype=np.int64)
        self._distance = np.zeros(NUM_CELLS, dtype=np.int32)
        rules = self.batch.rules
        self._plan = plan_of(rules.size) if rules.moving and rules.size <= PLANNED_SIZE else None
        self._queue = np.zeros(NUM_CELLS, dtype=np.int32)

    def actions(self) -> NDArray[np.int64]:
        """The next move [B] in the present state of every environment; 0 (stay) where there is no way."""
        worlds, rules = self.batch.worlds, self.batch.rules
        # The name of an episode draws its wishes, so that they last as long as it does and need not be saved.
        drawn = worlds.begun >> np.uint64(17)
        wrong_item = (drawn & np.uint64(1)).astype(np.bool_) & (self.knows != "all")
        wrong_monster = (drawn & np.uint64(2)).astype(np.bool_) & (self.knows == "nothing")
        item = np.where(wrong_item, BAD, GOOD).astype(np.int8)
        monster = np.where(wrong_monster, DISTRACTOR, TARGET).astype(np.int8)
        if self._plan is not None:
            follow_batch(worlds, item, monster, rules.size, self._plan, self._actions, self.lost)
        else:
            walk_batch(
                *(worlds, item, monster, rules.size, rules.moving, self._distance, self._queue),
                *(self._actions, self.lost),
            )
        return self._actions.copy()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""
