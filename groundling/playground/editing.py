"""Editing worlds: an episode with a thing moved, added or taken away, a wall drawn; what each is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    ARMOR,
    DOOR,
    FIRST_OBJECT,
    GOAL,
    HOLDS,
    KEYCARD,
    MAX_OBJECTS,
    MAX_OBJECTS_WITH_HOLDERS,
    NOTHING_CODE,
    NOWHERE,
    PILLAR,
    SKULLKEY,
    TORCH,
    WALL_CODE,
    look_parts,
)
from groundling.envs.engine.kinds import Kinds
from groundling.playground.errors import PlaygroundError

UNNAMED_BY_GOALS: Final = {
    GOAL: "goal",
    TORCH: "torch",
    PILLAR: "pillar",
    KEYCARD: "keycard",
    SKULLKEY: "skullkey",
    ARMOR: "armor",
}
KINDS: Final = ("move", "add", "remove", "wall")


@dataclass(frozen=True)
class Edit:
    """A change of a world.

    Attributes:
        kind: "move" (a thing, or the agent), "add" (a copy of a thing in another color), "remove", "wall" (draw one, or
            take one away).
        tile: x, y that it is about.
        to: x, y where a thing goes; of "move" and "add".
        color: of what is added; empty keeps that of the thing at ``tile``.
    """

    kind: str
    tile: tuple[int, int]
    to: tuple[int, int] = (0, 0)
    color: str = ""

    @classmethod
    def of(cls, told: Any) -> Edit:
        """Read what a page or a link says.

        Raises:
            PlaygroundError: if it is no edit.
        """
        try:
            kind, tile = told["kind"], _tile(told["tile"])
            to, color = _tile(told.get("to", (0, 0))), told.get("color", "")
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise PlaygroundError("this change of the world is not understood") from error
        if kind not in KINDS or not isinstance(color, str):
            raise PlaygroundError(f"a world is changed by {', '.join(KINDS)}, not by {str(kind)[:40]!r}")
        return cls(kind, tile, to, color[:40])

    def to_dict(self) -> dict[str, Any]:
        """Plain values of what it is about, by which :meth:`of` gives the same change again."""
        told: dict[str, Any] = {"kind": self.kind, "tile": list(self.tile)}
        if self.kind in ("move", "add"):
            told["to"] = list(self.to)
        if self.kind == "add" and self.color:
            told["color"] = self.color
        return told


def edited(episode: Episode, edit: Edit, kinds: Kinds) -> Episode:
    """The episode after a change.

    Args:
        episode: the world as it stands.
        edit: what is changed.
        kinds: types and colors of its task.

    Raises:
        PlaygroundError: if it cannot be done; one sentence says why.
    """
    _check_tile(episode, edit.tile)
    if edit.kind == "wall":
        return _with_wall(episode, edit.tile)
    if edit.kind == "move":
        _check_tile(episode, edit.to)
        return _moved(episode, edit.tile, edit.to)
    code = _code_at(episode, edit.tile)
    if code < FIRST_OBJECT:
        raise PlaygroundError("there is nothing on this tile")
    if edit.kind == "remove":
        return _removed(episode, code - FIRST_OBJECT, edit.tile)
    _check_tile(episode, edit.to)
    return _added(episode, code - FIRST_OBJECT, edit.to, edit.color, kinds)


def name_of(look: int, kinds: Kinds) -> str:
    """What a thing is called: "red ball"."""
    kind, color, _ = look_parts(look)
    told = kinds.type_names.get(kind) or UNNAMED_BY_GOALS.get(kind, "thing")
    return f"{kinds.color_names.get(color, '')} {told}".strip()


def _tile(told: Any) -> tuple[int, int]:
    x, y = told
    if not (isinstance(x, int) and isinstance(y, int)):
        raise ValueError(told)
    return int(x), int(y)


def _check_tile(episode: Episode, tile: tuple[int, int]) -> None:
    height, width = episode.cells.shape
    if not (0 < tile[0] < width - 1 and 0 < tile[1] < height - 1):
        raise PlaygroundError("the outer walls stay as they are")


def _code_at(episode: Episode, tile: tuple[int, int]) -> int:
    return int(episode.cells[tile[1], tile[0]])


def _check_free(episode: Episode, tile: tuple[int, int]) -> None:
    if _code_at(episode, tile) != NOTHING_CODE or episode.pose[:2] == tile:
        raise PlaygroundError("this tile is taken")


def _index(episode: Episode, tile: tuple[int, int]) -> int:
    return tile[1] * episode.cells.shape[1] + tile[0]


def _changed(episode: Episode, cells: dict[tuple[int, int], int], **parts: Any) -> Episode:
    own = episode.cells.copy()
    for (x, y), code in cells.items():
        own[y, x] = code
    return replace(episode, cells=own, **parts)


def _moved(episode: Episode, tile: tuple[int, int], to: tuple[int, int]) -> Episode:
    if tile == to:
        return episode
    _check_free(episode, to)
    if tile == episode.pose[:2]:
        return replace(episode, pose=(*to, episode.pose[2]))
    code = _code_at(episode, tile)
    if code == WALL_CODE:
        return _changed(episode, {tile: NOTHING_CODE, to: WALL_CODE})
    if code < FIRST_OBJECT:
        raise PlaygroundError("there is nothing on this tile that could be moved")
    if look_parts(episode.looks[code - FIRST_OBJECT])[0] == DOOR:
        raise PlaygroundError("doors stay in their walls")
    positions = list(episode.positions)
    positions[code - FIRST_OBJECT] = _index(episode, to)
    return _changed(episode, {tile: NOTHING_CODE, to: code}, positions=tuple(positions))


def _with_wall(episode: Episode, tile: tuple[int, int]) -> Episode:
    if _code_at(episode, tile) == WALL_CODE:
        return _changed(episode, {tile: NOTHING_CODE})
    _check_free(episode, tile)
    return _changed(episode, {tile: WALL_CODE})


def _removed(episode: Episode, k: int, tile: tuple[int, int]) -> Episode:
    """The thing is nowhere from now on; its code stays, so that goals and contents name the same things as before."""
    positions = list(episode.positions)
    positions[k] = NOWHERE
    free = WALL_CODE if look_parts(episode.looks[k])[0] == DOOR else NOTHING_CODE
    return _changed(episode, {tile: free}, positions=tuple(positions))


def _added(episode: Episode, k: int, to: tuple[int, int], color: str, kinds: Kinds) -> Episode:
    _check_free(episode, to)
    if color and color not in kinds.colors:
        raise PlaygroundError(f"there is no color {color!r}: take one of {', '.join(kinds.colors)}")
    look = episode.looks[k]
    if look_parts(look)[0] == DOOR:
        raise PlaygroundError("doors stay in their walls")
    if episode.contents[k]:
        raise PlaygroundError("what holds other things cannot be copied")
    has_holders = any(held >= HOLDS for held in episode.contents)
    if len(episode.looks) >= (MAX_OBJECTS_WITH_HOLDERS if has_holders else MAX_OBJECTS):
        raise PlaygroundError("this world is full")
    if color:
        look = int(np.int32(look) & ~0xFF00 | kinds.colors[color] << 8)
    return _changed(
        episode,
        {to: FIRST_OBJECT + len(episode.looks)},
        looks=(*episode.looks, look),
        contents=(*episode.contents, 0),
        positions=(*episode.positions, _index(episode, to)),
    )
