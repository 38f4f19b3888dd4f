"""The families of MiniGrid's levels, BabyAI's first, and of levels of a user's own."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from groundling.envs.families.babyai.known import PREFIXES, known_level, long_id, minigrid_levels, short_id
from groundling.envs.families.babyai.levels import MiniGridLevel
from groundling.envs.families.goals import GoalFamily
from groundling.envs.gymnasium_ids import register_id
from groundling.errors import UnsupportedLevelError
from groundling.own_code import is_of_file, reference_of

PROBED: Final = 16  # layouts that are read before a class of a user's own counts as one that can be compiled

_log = logging.getLogger(__name__)


class Levels:
    """Levels that MiniGrid registers, and those that a user registers or names as a class."""

    wanted = "a level (a class derived from MiniGrid's RoomGridLevel)"

    def ids(self) -> Sequence[str]:
        """Every level of MiniGrid's that can be compiled."""
        return minigrid_levels()

    def find(self, id: str) -> GoalFamily | None:
        """A level by its own id, or by one of those under our namespace."""
        level = known_level(id)
        if level is None:
            return None
        source = MiniGridLevel(level)
        return GoalFamily(source, _reference(source))

    def wrap(self, thing: Any, reference: str) -> GoalFamily | None:
        """A class of levels.

        Raises:
            UnsupportedLevelError: if its rules are not MiniGrid's, or a goal or a sentence of some first layouts cannot
                be read; the message says why.
        """
        from minigrid.minigrid_env import MiniGridEnv

        if not (isinstance(thing, type) and issubclass(thing, MiniGridEnv)):
            return None
        place, _, name = reference.rpartition(":")
        stem = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
        level = MiniGridLevel(f"{stem}/{name}", generator=thing)
        check_layouts(level)
        return GoalFamily(level, reference)

    def register(self) -> None:
        """Register two ids for each level: its own one, and a short one, which is BabyAI's where both have it."""
        for level in minigrid_levels():
            register_id(long_id(level), level)
            register_id(short_id(level), level)


@cache
def check_layouts(level: MiniGridLevel) -> None:
    """Refuse a level of a user's own of whose first layouts one cannot be read.

    Raises:
        UnsupportedLevelError: the message says why.
    """
    for seed in range(PROBED):
        try:
            level.sample(seed)
        except UnsupportedLevelError:
            raise
        except Exception as error:  # the level's own: who builds a bank says it, if other seeds do no better
            _log.debug("%s, seed %s: %s", level.id, seed, error)
    _log.info("%s is compiled: its rules are MiniGrid's, and its sentences are read", level.id)


def _reference(level: MiniGridLevel) -> str:
    """The id where MiniGrid registers it; else the module that does, as far as that can be told from its text."""
    cls = level.generator
    if level.is_importable and level.id.startswith(PREFIXES):
        return level.id
    place = reference_of(cls, level.id)
    if not place or is_of_file(cls):
        return place
    parts = cls.__module__.split(".")
    for count in range(len(parts), 0, -1):  # the package around it may register it as well
        module = ".".join(parts[:count])
        file = getattr(sys.modules.get(module), "__file__", None)
        if module != "__main__" and file and re.search(re.escape(level.id), Path(file).read_text(errors="replace")):
            return f"{module}:{level.id}"
    return place


GROUP = Levels()
