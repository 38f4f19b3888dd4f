"""Houses in a world that is being built: instead of a grid of rooms of one size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import BORDER, MAX_POSITIONS
from groundling.envs.worlds.houses.compiling import cells_of, floors_of, things_of
from groundling.envs.worlds.houses.generator import HouseSettings, sample_house
from groundling.envs.worlds.houses.stock import CORRIDOR, ROOM_FLOORS, ROOM_KINDS
from groundling.envs.worlds.houses.types import TYPE_OF
from groundling.envs.worlds.houses.wishes import Wishes
from groundling.envs.worlds.layout import STRIDES, Room, Thing, Tile
from groundling.envs.worlds.placement import Placement
from groundling.envs.worlds.relation import Relation
from groundling.language.questions.scene import Scene

if TYPE_CHECKING:
    from groundling.envs.worlds.builder import WorldBuilder


@dataclass(slots=True, eq=False)
class HouseRoom(Room):
    """A room of a house.

    Attributes:
        kind: "kitchen", "corridor" ...
        width: tiles from left to right, walls included.
        height: tiles from top to bottom, walls included.
    """

    kind: str = ""
    width: int = 0
    height: int = 0

    def contains(self, tile: Tile) -> bool:
        """Whether a tile is in the room or in its walls."""
        return 0 <= tile[0] - self.corner[0] < self.width and 0 <= tile[1] - self.corner[1] < self.height


class HouseBuilding(Placement):
    """Houses; see :class:`groundling.envs.worlds.builder.WorldBuilder`.

    Attributes:
        scene: the house as it was drawn; None in a grid of rooms.
        floors: [H, W] uint8 floor codes; None where all are plain.
    """

    scene: Scene | None = None
    floors: NDArray[np.uint8] | None = None

    def house(
        self, rooms: int | tuple[int, int] = 5, *, settings: HouseSettings | None = None, wishes: Wishes | None = None
    ) -> list[Thing]:
        """Put a furnished house in the place of the empty rooms, before anything else is added.

        The task declares the kinds and colors of houses: ``types = HOUSE_TYPES``, ``colors = HOUSE_COLORS``, and a
        time limit, ``max_steps``. Doors come first among ``things``.

        Args:
            rooms: how many, or the fewest and the most; a corridor is not counted.
            settings: what houses are like; None takes the usual.
            wishes: what the house must have and must not have.

        Returns:
            Its furniture and things, without the doors.

        Raises:
            TaskError: if something was added before, or the house is too large for a map.
            HouseTooSmallError, ImpossibleWishError: as of ``sample_house``.
        """
        if self.things or self.agent is not None:
            raise self.error("a house is made before anything is added to the world")
        low, high = (rooms, rooms) if isinstance(rooms, int) else rooms
        settings = replace(settings or HouseSettings(), min_rooms=low, max_rooms=high)
        house = sample_house(self._draws, settings, wishes)
        scene = house.scene
        if (scene.width + 2 * BORDER) * (scene.height + 2 * BORDER) > MAX_POSITIONS:
            raise self.error(f"a house of {scene.width} x {scene.height} tiles is too large: ask for fewer rooms")
        self.scene = scene
        self.things = things_of(scene, lambda kind: self.find_type(TYPE_OF[kind]), self.find_color)
        self._width, self._height = scene.width, scene.height
        self._cells = cells_of(scene, self.things)
        self.floors = floors_of(scene)
        self.rooms = [
            HouseRoom(
                row=0,
                column=number,
                corner=(room.left - 1, room.top - 1),
                size=room.width + 2,
                tiles=tuple(
                    y * scene.width + x
                    for y in range(room.top, room.top + room.height)
                    for x in range(room.left, room.left + room.width)
                ),
                kind=room.kind,
                width=room.width + 2,
                height=room.height + 2,
            )
            for number, room in enumerate(scene.rooms)
        ]
        for door in scene.doors:
            self._kept_free.update(self._index((door.position[0] + x, door.position[1] + y)) for x, y in STRIDES)
        return self.things[len(scene.doors) :]

    def room_kind_of(self, thing: Thing) -> str:
        """The kind of room of a house in which a thing is; "" of a door, or what is nowhere on the map."""
        if thing.position is None or thing.is_door or self.scene is None:
            return ""
        return next(room.kind for room in self.scene.rooms if room.contains(thing.position))

    def room_kinds(self) -> list[str]:
        """The kinds of the rooms of a house, each once and in alphabetical order; no corridor."""
        return [] if self.scene is None else sorted({room.kind for room in self.scene.rooms} - {CORRIDOR})

    def is_on_floor(self, thing: Thing) -> bool:
        """Whether a thing stands on the floor, not on or in another one."""
        return thing.position is not None and self._index(thing.position) not in {
            self._index(other.position)
            for other in self.things
            if other.contents is thing and other.position is not None
        }

    def _room_at(self, tile: Tile) -> Room:
        if self.scene is None:
            return super()._room_at(tile)
        return next(room for room in self.rooms if room.contains(tile))


def _in_room(kind: str) -> Relation:
    def holds(world: WorldBuilder, thing: Thing) -> bool:
        return world.room_kind_of(thing) == kind

    return Relation(f"in the {kind}", holds, floor=ROOM_FLOORS[kind])


ROOM_RELATIONS = tuple(map(_in_room, ROOM_KINDS))  # "the chair in the kitchen"
