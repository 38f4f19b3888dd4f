"""Things that hold others, as the engine's arrays have them: looks, what is on or in a thing, what opens it."""

from __future__ import annotations

from collections.abc import Sequence

from groundling.envs.engine.constants import (
    FIRST_OBJECT,
    HOLDS,
    LOCKED,
    NOTHING_CODE,
    OPENS,
    PORTABLE_BIT,
    look,
    without,
)
from groundling.envs.engine.kinds import Kinds
from groundling.envs.worlds.layout import Thing


def look_of(thing: Thing, kinds: Kinds) -> int:
    """How a thing appears, with what can be done to it."""
    own = look(kinds.types[thing.type], kinds.colors[thing.color], thing.state)
    return own if thing.is_portable or thing.is_door else without(own, PORTABLE_BIT)


def contents_of(things: Sequence[Thing]) -> tuple[int, ...]:
    """Of each thing the cell code of what is on or in it, with flags where it stays when that is taken; of a locked
    door that keys of another color open, the code of such a key.
    """
    code_of = {id(thing): FIRST_OBJECT + k for k, thing in enumerate(things)}
    flags = {None: 0, "on": HOLDS, "inside": HOLDS | OPENS}
    held = [(thing.key if thing.state == LOCKED else None) if thing.is_door else thing.contents for thing in things]
    return tuple(
        flags[thing.holds] | (NOTHING_CODE if other is None else code_of[id(other)])
        for thing, other in zip(things, held, strict=True)
    )
