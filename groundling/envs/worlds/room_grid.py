"""The rooms of a world that is being built: walls, doors, free tiles, and the draws that place things in them.

Rooms and doors follow MiniGrid's ``RoomGrid``. A position is drawn uniformly from the free floor, and every draw stands
for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar

from groundling.envs.engine.constants import FIRST_OBJECT, MAX_OBJECTS, NOTHING_CODE, WALL_CODE
from groundling.envs.worlds.layout import (
    DIRECTIONS,
    DOOR_STATES,
    STRIDES,
    Direction,
    DoorState,
    Draws,
    RejectedLayout,
    Room,
    Thing,
    Tile,
    floor_plan,
)
from groundling.errors import TaskError
from groundling.language.goals import AnyColor, AnyType, Color, ObjectType
from groundling.seeding import generator

if TYPE_CHECKING:
    from groundling.envs.worlds.task import Task

MAX_DRAWS = 16  # of a tile before the free ones are counted

_Option = TypeVar("_Option")


class RoomGrid:
    """Rooms in a grid, with doors in their walls, and what lies in them.

    What goes wrong by chance (no room left) rejects the layout, and the task begins again; what is wrong in the task is
    a ``TaskError``.

    Attributes:
        task: whose settings count.
        seed: of the episode.
        rooms: row by row.
        things: all doors and objects, in the order in which they were added.
        agent: x, y of the agent; None until it is placed.
    """

    def __init__(self, task: Task, seed: int, *, draws: Draws | None = None) -> None:
        """Raise the walls of an empty grid of rooms.

        Args:
            task: whose settings count.
            seed: of the episode.
            draws: random numbers; None takes the seed's stream "world".
        """
        self.task = task
        self.seed = seed
        self._draws = Draws(generator(seed, "world")) if draws is None else draws
        size = task.room_size
        self._width, self._height, walls, floors = floor_plan(size, task.num_rows, task.num_cols)
        self._cells = bytearray(walls)
        self.rooms = [
            Room(i // task.num_cols, i % task.num_cols, self._corner(i), size, tiles) for i, tiles in enumerate(floors)
        ]
        self.things: list[Thing] = []
        self.agent: Tile | None = None
        self._kept_free: set[int] = set()

    def _corner(self, index: int) -> Tile:
        row, column = divmod(index, self.task.num_cols)
        return column * (self.task.room_size - 1), row * (self.task.room_size - 1)

    # ---------------------------------------------------------------------------------------------- draws

    def choice(self, options: Sequence[_Option]) -> _Option:
        """One of the options, all equally likely.

        Raises:
            TaskError: if there is none.
        """
        if not options:
            raise self.error("there is nothing to choose from")
        return options[self._draws.below(len(options))]

    def sample(self, options: Sequence[_Option], count: int) -> list[_Option]:
        """So many different ones of the options, in random order.

        Raises:
            TaskError: if there are fewer.
        """
        if count > len(options):
            raise self.error(f"{count} different ones of {len(options)} options were asked for")
        left = list(options)
        return [left.pop(self._draws.below(len(left))) for _ in range(count)]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._draws.uniform() < probability

    def reject(self, reason: str) -> NoReturn:
        """Give this layout up and begin again with fresh draws.

        Args:
            reason: in a few words; if no layout can be found, the error names the most frequent reason.
        """
        raise RejectedLayout(reason)

    # ---------------------------------------------------------------------------------------------- rooms and doors

    def room(self, row: int = 0, column: int = 0) -> Room:
        """The room of this row and column.

        Raises:
            TaskError: if there is none.
        """
        if not (0 <= row < self.task.num_rows and 0 <= column < self.task.num_cols):
            raise self.error(
                f"there is no room ({row}, {column}) among {self.task.num_rows} x {self.task.num_cols} rooms"
            )
        return self.rooms[row * self.task.num_cols + column]

    def neighbor(self, room: Room, side: Direction) -> Room | None:
        """The room behind a wall; None behind an outer wall."""
        x, y = STRIDES[DIRECTIONS.index(side)]
        row, column = room.row + y, room.column + x
        if 0 <= row < self.task.num_rows and 0 <= column < self.task.num_cols:
            return self.rooms[row * self.task.num_cols + column]
        return None

    def room_of(self, thing: Thing) -> Room | None:
        """The room in which a thing lies; None for a door or what is inside a box."""
        if thing.position is None or thing.is_door:
            return None
        return self._room_at(thing.position)

    def _room_at(self, tile: Tile) -> Room:
        pitch = self.task.room_size - 1
        row, column = min(tile[1] // pitch, self.task.num_rows - 1), min(tile[0] // pitch, self.task.num_cols - 1)
        return self.rooms[row * self.task.num_cols + column]

    def add_door(self, room: Room, side: Direction, color: str | None = None, state: DoorState = "closed") -> Thing:
        """Add a door at a random place of a wall, where nothing blocks it.

        A door in an outer wall can be opened, but leads nowhere. A wall has one door at most.

        Args:
            room: with ``state="locked"``, the room that is locked away.
            side: of the room.
            color: None draws one of the task's.
            state: "open", "closed" or "locked".

        Raises:
            TaskError: if the wall has a door already, or is down.
        """
        if side in room.doors or side in room.openings:
            raise self.error(f"the {side} wall of room ({room.row}, {room.column}) has a door already, or is down")
        neighbor = self.neighbor(room, side)
        direction = DIRECTIONS.index(side)
        stride = STRIDES[direction][0] + STRIDES[direction][1] * self._width
        spots = []
        for spot in self._wall(room, side):
            beside = (spot - stride, spot + stride) if neighbor else (spot - stride,)
            if all(self._cells[tile] == NOTHING_CODE for tile in beside):
                spots.append(spot)
        if not spots:
            self.reject("objects block every place of a door")
        spot = self.choice(spots)
        door = Thing(ObjectType.DOOR, self._color(color), DOOR_STATES[state])
        self._put(door, spot)
        self._kept_free.add(spot - stride)
        room.doors[side] = door
        if neighbor is not None:
            self._kept_free.add(spot + stride)
            neighbor.doors[DIRECTIONS[(direction + 2) % 4]] = door
        if state == "locked":
            room.is_locked = True
        return door

    def connect_all(
        self, door_colors: Sequence[AnyColor] | None = None, state: Literal["open", "closed"] = "closed"
    ) -> list[Thing]:
        """Connect all rooms by doors in random walls, no more than are needed.

        Rooms that were locked keep their one door. Returns the doors that were added.

        Args:
            door_colors: to draw from; None takes the task's.
            state: "open" or "closed".
        """
        group = list(range(len(self.rooms)))
        walls: list[tuple[int, int, Direction]] = []
        for i, room in enumerate(self.rooms):
            for side in ("right", "down"):
                neighbor = self.neighbor(room, side)
                if neighbor is None:
                    continue
                k = self.rooms.index(neighbor)
                if side in room.doors or side in room.openings:
                    group = [group[i] if g == group[k] else g for g in group]
                elif not (room.is_locked or neighbor.is_locked):
                    walls.append((i, k, side))
        added = []
        for i, k, side in self.sample(walls, len(walls)):
            if group[i] != group[k]:
                group = [group[i] if g == group[k] else g for g in group]
                color = self.choice(self.task.colors if door_colors is None else door_colors)
                added.append(self.add_door(self.rooms[i], side, color, state))
        if len(set(group)) > 1:
            self.reject("locked rooms cut the others off")
        return added

    def remove_wall(self, room: Room, side: Direction) -> None:
        """Take the wall between two rooms down; nothing is placed where it stood.

        Raises:
            TaskError: if it is an outer wall, or has a door.
        """
        neighbor = self.neighbor(room, side)
        if neighbor is None or side in room.doors:
            raise self.error(f"the {side} wall of room ({room.row}, {room.column}) is an outer wall or has a door")
        for spot in self._wall(room, side):
            self._cells[spot] = NOTHING_CODE
        room.openings.add(side)
        neighbor.openings.add(DIRECTIONS[(DIRECTIONS.index(side) + 2) % 4])

    def _wall(self, room: Room, side: Direction) -> list[int]:
        """A wall without its corners."""
        (left, top), last = room.corner, room.size - 1
        if side in ("right", "left"):
            x = left + last * (side == "right")
            return [(top + i) * self._width + x for i in range(1, last)]
        y = top + last * (side == "down")
        return [y * self._width + left + i for i in range(1, last)]

    # ---------------------------------------------------------------------------------------------- tiles

    def _index(self, tile: Tile) -> int:
        return tile[1] * self._width + tile[0]

    def _tile(self, index: int) -> Tile:
        return index % self._width, index // self._width

    def _free(self, tile: Tile) -> int:
        """The index of a tile on which something can be placed."""
        x, y = tile
        if not (0 <= x < self._width and 0 <= y < self._height) or self._cells[self._index(tile)] == WALL_CODE:
            raise self.error(f"({x}, {y}) is a wall, or off the map of {self._width} x {self._height} tiles")
        if self._cells[self._index(tile)] != NOTHING_CODE or tile == self.agent:
            self.reject(f"the tile ({x}, {y}) is taken")
        return self._index(tile)

    def _draw_tile(self, rooms: Sequence[Room], *, keep_free: bool = True) -> int:
        """A free floor tile of these rooms, all equally likely."""
        cells, draws, kept = self._cells, self._draws, self._kept_free if keep_free else ()
        for _ in range(MAX_DRAWS):
            tiles = rooms[draws.below(len(rooms))].tiles if len(rooms) > 1 else rooms[0].tiles
            tile = tiles[draws.below(len(tiles))]
            if cells[tile] == NOTHING_CODE and tile not in kept:
                return tile
        free = [t for room in rooms for t in room.tiles if cells[t] == NOTHING_CODE and t not in kept]
        if not free:
            self.reject("no free tile is left")
        return self.choice(free)

    def _put(self, thing: Thing, index: int) -> None:
        thing.position = self._tile(index)
        self._enlist(thing)
        self._cells[index] = FIRST_OBJECT + len(self.things) - 1

    def _enlist(self, thing: Thing) -> None:
        if len(self.things) == MAX_OBJECTS:
            raise self.error(f"a world holds at most {MAX_OBJECTS} doors and objects")
        self.things.append(thing)

    def find_type(self, name: str) -> AnyType:
        """The type of object of this name, one of the language's or the task's own.

        Raises:
            TaskError: if there is none.
        """
        own = self.task.lexicon.types
        try:
            return own[own.index(name)] if name in own else ObjectType(name)
        except ValueError:
            known = ", ".join((*ObjectType, *own))
            raise self.error(
                f"there is no type of object {name!r}: take one of {known}, or bring it by types = (OwnType({name!r}),)"
            ) from None

    def find_color(self, name: str) -> AnyColor:
        """The color of this name, one of the language's or the task's own; errors as :meth:`find_type`."""
        own = self.task.lexicon.colors
        try:
            return own[own.index(name)] if name in own else Color(name)
        except ValueError:
            known = ", ".join((*Color, *own))
            raise self.error(
                f"there is no color {name!r}: take one of {known}, or bring it by colors = (OwnColor({name!r}, rgb),)"
            ) from None

    def _color(self, color: str | None) -> AnyColor:
        return self.choice(self.task.colors) if color is None else self.find_color(color)

    def error(self, text: str) -> TaskError:
        """An error to raise that names the task and the seed."""
        return TaskError(f"{type(self.task).__name__}, seed {self.seed}: {text}")
