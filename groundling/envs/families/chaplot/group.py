"""The families of the rooms of Chaplot et al. 2018."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.chaplot.episodes import Difficulty
from groundling.envs.families.chaplot.family import DoomFamily, RoomFamily
from groundling.envs.families.chaplot.room import ROOMS
from groundling.envs.gymnasium_ids import register_id
from groundling.envs.simulators.doom import DOOM_IDS
from groundling.envs.simulators.doom_vector import register_doom


class Rooms:
    """Our own rooms and ViZDoom's, in three difficulties."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """Those of our rooms, then ViZDoom's."""
        return (*ROOMS, *DOOM_IDS)

    def find(self, id: str) -> EnvFamily | None:
        """A room."""
        if id in ROOMS:
            return RoomFamily(ROOMS[id].difficulty)
        return DoomFamily(Difficulty(DOOM_IDS[id])) if id in DOOM_IDS else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in ROOMS:
            register_id(id)
        register_doom()


GROUP = Rooms()
