"""A house as questions see it: rooms, doors and things, with what stands on, in and next to what.

It is plain data without arrays. A generator of houses writes it (``envs.worlds.houses``), the programs of questions are
evaluated on it, and it is what a file of questions holds of a house.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Tile = tuple[int, int]  # x, y; y grows downwards


@dataclass(frozen=True)
class SceneRoom:
    """A room.

    Attributes:
        kind: "kitchen", "bedroom", "corridor" ...
        left: x of its leftmost column of floor.
        top: y of its uppermost row of floor.
        width: tiles of floor from left to right.
        height: tiles of floor from top to bottom.
    """

    kind: str
    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Tiles of floor, those with furniture included."""
        return self.width * self.height

    def contains(self, tile: Tile) -> bool:
        """Whether a tile is one of its floor; walls and doorways are not."""
        return 0 <= tile[0] - self.left < self.width and 0 <= tile[1] - self.top < self.height


@dataclass(frozen=True)
class SceneThing:
    """A piece of furniture or a thing.

    Attributes:
        kind: "sofa", "cup" ...
        color: of it.
        room: row of ``Scene.rooms``.
        position: the tile where it is; of what stands on or lies in something, the tile of that.
        on: row of ``Scene.things`` of what it stands on; None if it stands on the floor or lies in something.
        inside: row of ``Scene.things`` of the container that it lies in; None if it is in none.
        is_open: whether a container is open; None if it is no container.
        size: "small", "big", or "" where it has the ordinary one.
    """

    kind: str
    color: str
    room: int
    position: Tile
    on: int | None = None
    inside: int | None = None
    is_open: bool | None = None
    size: str = ""


@dataclass(frozen=True)
class SceneDoor:
    """A doorway with its door.

    Attributes:
        rooms: rows of ``Scene.rooms`` of the two that it joins.
        position: its tile, in the wall.
        color: of it.
        is_open: whether it is open.
    """

    rooms: tuple[int, int]
    position: Tile
    color: str
    is_open: bool


@dataclass(frozen=True)
class Scene:
    """A house.

    Attributes:
        width: tiles from left to right, outer walls included.
        height: tiles from top to bottom, outer walls included.
        rooms: its rooms; corridors are rooms.
        doors: its doors.
        things: furniture and things, in the order in which they were placed.
    """

    width: int
    height: int
    rooms: tuple[SceneRoom, ...]
    doors: tuple[SceneDoor, ...]
    things: tuple[SceneThing, ...]

    def in_room(self, room: int) -> Iterator[int]:
        """Rows of the things in a room, those on and in others included."""
        return (row for row, thing in enumerate(self.things) if thing.room == room)

    def is_next_to(self, one: int, other: int) -> bool:
        """Whether two things that stand on the floor of one room are on tiles that share an edge."""
        a, b = self.things[one], self.things[other]
        apart = abs(a.position[0] - b.position[0]) + abs(a.position[1] - b.position[1])
        on_floor = all(thing.on is None and thing.inside is None for thing in (a, b))
        return on_floor and a.room == b.room and apart == 1
