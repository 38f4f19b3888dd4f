"""The parts of a world that is being laid out: things, rooms, draws, the floor plan. Shared by builder and meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from groundling.envs.engine.constants import CLOSED, LOCKED, OPEN, ORDINARY, WALL_CODE
from groundling.language.goals import AnyColor, AnyType, ObjectType
from groundling.language.own_words import Holds, OwnType

Direction = Literal["right", "down", "left", "up"]
DIRECTIONS: tuple[Direction, ...] = ("right", "down", "left", "up")  # in the order of MiniGrid's codes
DoorState = Literal["open", "closed", "locked"]
Pair = tuple[AnyType, AnyColor]
Tile = tuple[int, int]  # x, y
DOOR_STATES: dict[DoorState, int] = {"open": OPEN, "closed": CLOSED, "locked": LOCKED}
STRIDES: tuple[Tile, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))


class RejectedLayout(Exception):
    """The layout cannot be used: begin again with fresh draws."""


@dataclass(slots=True, eq=False)
class Thing:
    """A door or an object of a world.

    Attributes:
        type: what it is.
        color: of it.
        state: a door's OPEN, CLOSED or LOCKED; of anything else its size, ORDINARY if nobody speaks of it.
        position: x, y; None inside a box or a closed container.
        contents: what is inside a box or container, or stands on it.
        key: of a locked door, a key of the color that opens it; None where that is the door's own color.
        is_trap: of a box, whether opening it fails an episode in which something is to be picked up.
    """

    type: AnyType
    color: AnyColor
    state: int = ORDINARY
    position: Tile | None = None
    contents: Thing | None = None
    key: Thing | None = None
    is_trap: bool = False

    @property
    def holds(self) -> Holds | None:
        """Whether things stand "on" it or lie "inside" it, while it stays; None for boxes too, which do not stay."""
        return self.type.holds if isinstance(self.type, OwnType) else None

    @property
    def is_portable(self) -> bool:
        """Whether an agent can pick it up."""
        return self.type.portable if isinstance(self.type, OwnType) else not self.is_door

    @property
    def is_door(self) -> bool:
        """Whether it is a door, which nobody can carry."""
        return self.type is ObjectType.DOOR

    def is_beside(self, other: Thing) -> bool:
        """Whether it lies on one of the four tiles beside another thing, as the verb "put next to" asks for it."""
        if self.position is None or other.position is None:
            return False
        x, y = (abs(own - its) for own, its in zip(self.position, other.position, strict=True))
        return x + y == 1


@dataclass(slots=True, eq=False)
class Room:
    """A room of the grid; neighbors share a wall.

    Attributes:
        row: from the top.
        column: from the left.
        corner: x, y of its upper left wall.
        size: tiles along a side, walls included.
        tiles: its floor as y * width + x.
        doors: at most one in each wall.
        openings: sides of which the wall was taken down.
        is_locked: whether it was locked by ``add_door``.
    """

    row: int
    column: int
    corner: Tile
    size: int
    tiles: tuple[int, ...]
    doors: dict[Direction, Thing] = field(default_factory=dict)
    openings: set[Direction] = field(default_factory=set)
    is_locked: bool = False

    def contains(self, tile: Tile) -> bool:
        """Whether a tile is in the room or in its walls."""
        return 0 <= tile[0] - self.corner[0] < self.size and 0 <= tile[1] - self.corner[1] < self.size


class Draws:
    """Quick uniform draws from one stream."""

    def __init__(self, stream: np.random.Generator) -> None:
        self._stream = stream
        self._ready: list[float] = []

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if not self._ready:
            self._ready = self._stream.random(64).tolist()
        return self._ready.pop()

    def below(self, end: int) -> int:
        """An integer in [0, end)."""
        return int(self.uniform() * end)


@lru_cache(maxsize=64)
def floor_plan(room_size: int, num_rows: int, num_cols: int) -> tuple[int, int, bytes, tuple[tuple[int, ...], ...]]:
    """Width and height of a grid of rooms, its cell codes with all walls, the floor tiles of each room."""
    pitch = room_size - 1
    width, height = pitch * num_cols + 1, pitch * num_rows + 1
    cells = bytes(WALL_CODE if x % pitch == 0 or y % pitch == 0 else 0 for y in range(height) for x in range(width))
    inner = range(1, pitch)
    floors = tuple(
        tuple((row * pitch + y) * width + column * pitch + x for y in inner for x in inner)
        for row in range(num_rows)
        for column in range(num_cols)
    )
    return width, height, cells, floors
