"""What is placed in the rooms of a world that is being built: objects and the agent.

Positions are drawn uniformly from the free floor, and every draw stands for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundling.envs.engine.constants import (
    CLOSED,
    FIRST_OBJECT,
    MAX_OBJECTS_WITH_HOLDERS,
    NOTHING_CODE,
    OPEN,
    ORDINARY,
    SIZES,
)
from groundling.envs.worlds.layout import DIRECTIONS, STRIDES, Direction, Draws, Pair, Room, Thing, Tile
from groundling.envs.worlds.room_grid import RoomGrid
from groundling.language.goals import AnyColor, AnyType, ObjectType
from groundling.language.own_words import Holds

if TYPE_CHECKING:
    from groundling.envs.worlds.task import Task


class Placement(RoomGrid):
    """Objects and the agent in rooms; see :class:`groundling.envs.worlds.builder.WorldBuilder`.

    Attributes:
        facing: direction of the agent.
    """

    def __init__(self, task: Task, seed: int, *, draws: Draws | None = None) -> None:
        """Raise the walls of an empty grid of rooms; see :class:`RoomGrid`."""
        super().__init__(task, seed, draws=draws)
        self.facing: Direction = "right"

    # ---------------------------------------------------------------------------------------------- objects

    def add(
        self,
        type: str | None = None,
        color: str | None = None,
        *,
        room: Room | None = None,
        at: Tile | None = None,
        next_to: Thing | None = None,
        size: int = ORDINARY,
        inside: Thing | None = None,
        on: Thing | None = None,
        is_open: bool = False,
        trap: bool = False,
    ) -> Thing:
        """Add an object.

        Args:
            type: None draws one of the task's.
            color: None draws one of the task's.
            room: in which it is placed at random; None takes any.
            at: x, y: place it here.
            next_to: place it at random on one of the four tiles beside this thing. Beside a door it stands in the way.
            size: one of ``constants.SIZES``; ORDINARY where nobody speaks of sizes.
            inside: an empty box, or a container of the task's own kinds (``OwnType(holds="inside")``), to put it in.
            on: what can hold it and has nothing on it (``OwnType(holds="on")``).
            is_open: of a container, whether it is open.
            trap: of a box, whether opening it fails the episode. The goal is then to pick something up.

        Raises:
            TaskError: if the world cannot have such an object there.
        """
        kind = self.choice(self.task.types) if type is None else self.find_type(type)
        if kind is ObjectType.DOOR:
            raise self.error("doors are added by add_door")
        if size not in (ORDINARY, *SIZES):
            raise self.error(f"{size} is not a size: take one of constants.SIZES, or ORDINARY")
        if sum(place is not None for place in (room, at, next_to, inside, on)) > 1:
            raise self.error("an object is placed in a room, at a tile, next_to a thing, inside or on one: give one")
        if trap and kind is not ObjectType.BOX:
            raise self.error(f"only a box is a trap, not a {kind}")
        thing = Thing(kind, self._color(color), size, is_trap=trap)
        if thing.holds == "inside":
            if size != ORDINARY:
                raise self.error("a container is open or closed, and has no size")
            thing.state = OPEN if is_open else CLOSED
        elif is_open:
            raise self.error(f"a {kind} is no container that could be open")
        holder = inside or on
        if holder is not None and holder.holds is not None:
            self._put_on_or_in(thing, holder, "on" if inside is None else "inside")
        elif on is not None:
            raise self.error(f"nothing stands on a {on.type}: it takes OwnType(..., portable=False, holds='on')")
        elif inside is not None:
            if inside.type is not ObjectType.BOX or inside.contents is not None:
                raise self.error("inside is an empty box")
            inside.contents = thing
            self._enlist(thing)
        elif at is not None:
            self._put(thing, self._free(at))
        elif next_to is not None:
            self._put(thing, self._draw_beside(next_to))
        else:
            self._put(thing, self._draw_tile(self.rooms if room is None else (room,)))
        return thing

    def _put_on_or_in(self, thing: Thing, holder: Thing, place: Holds) -> None:
        """Put a thing on or in what stays when it is taken."""
        if holder.holds != place or holder.contents is not None or holder.position is None or not thing.is_portable:
            raise self.error(
                f"a {thing.type} cannot be {place} the {holder.color} {holder.type}: it takes something portable, and "
                f"what holds things {place} it and holds nothing yet"
            )
        holder.contents = thing
        thing.position = None if holder.state == CLOSED else holder.position
        self._enlist(thing)
        if len(self.things) > MAX_OBJECTS_WITH_HOLDERS:
            raise self.error(f"a world with things on things holds at most {MAX_OBJECTS_WITH_HOLDERS}")

    def _draw_beside(self, thing: Thing) -> int:
        """A free floor tile beside a thing, all equally likely; not before the agent."""
        if thing.position is None:
            raise self.error(f"nothing lies beside the {thing.color} {thing.type}: it is inside a box")
        x, y = thing.position
        floor = {tile for room in self.rooms for tile in room.tiles}
        beside = [self._index((x + dx, y + dy)) for dx, dy in STRIDES]  # what is off the map is no floor
        kept = self._kept_free
        if thing.is_door and self.agent is not None:
            kept = {self._index(self.agent), self._index(self._ahead())}
        elif thing.is_door:
            kept = set()
        free = [t for t in beside if t in floor and t not in kept and self._cells[t] == NOTHING_CODE]
        if not free:
            self.reject(f"no tile beside the {thing.color} {thing.type} is free")
        return self.choice(free)

    def _ahead(self) -> Tile:
        """The tile before the agent."""
        assert self.agent is not None
        x, y = STRIDES[DIRECTIONS.index(self.facing)]
        return self.agent[0] + x, self.agent[1] + y

    def add_key_for(
        self,
        door: Thing,
        *,
        color: str | None = None,
        room: Room | None = None,
        at: Tile | None = None,
        inside: Thing | None = None,
    ) -> Thing:
        """Add the key that unlocks a door.

        Args:
            door: gives the key its color.
            color: another one for the key; from now on keys of this color open the door, and no others.
            room: where; None takes any that is not locked.
            at: x, y: place it here.
            inside: an empty box to hide it in.
        """
        if room is None and at is None and inside is None:
            room = self.choice([room for room in self.rooms if not room.is_locked])
        if color is None:
            color = door.color if door.key is None else door.key.color
        key = self.add(ObjectType.KEY, color, room=room, at=at, inside=inside)
        door.key = None if key.color == door.color else key
        return key

    def add_crossed(self, count: int = 4, *, rooms: Sequence[Room] | None = None) -> list[Thing]:
        """Add two colors crossed with two types, for example red ball, red key, blue key, blue ball.

        Neither the color nor the type alone tells one of the four from the others, and none stands out: whichever an
        instruction names, every word of it matters. Neighbors in the list share one of the two.

        Args:
            count: fewer than 4 leaves the last ones out.
            rooms: one for each object, in the order of the list; None places each in any room.

        Raises:
            TaskError: if the task has too few colors or types.
        """
        first, second = self.sample(self.task.types, 2)
        color, other = self.sample(self.task.colors, 2)
        pairs: list[Pair] = [(first, color), (first, other), (second, other), (second, color)]
        if self.chance(0.5):
            pairs = [pairs[0], pairs[3], pairs[2], pairs[1]]
        return [
            self.add(kind, shade, room=None if rooms is None else rooms[i])
            for i, (kind, shade) in enumerate(pairs[:count])
        ]

    def scatter(
        self,
        count: int,
        *,
        types: Sequence[AnyType] | None = None,
        colors: Sequence[AnyColor] | None = None,
        room: Room | None = None,
        unique: bool = True,
    ) -> list[Thing]:
        """Add random objects to distract the agent.

        Args:
            count: how many; none if it is not positive.
            types: to draw from; None takes the task's.
            colors: to draw from; None takes the task's.
            room: where; None takes any.
            unique: of each (type, color) at most one in the world; otherwise any.

        Raises:
            TaskError: if there are not so many different ones.
        """
        if count <= 0:
            return []
        if unique:
            pairs = self.sample(self._unused(types, colors), count)
        else:
            kinds, shades = types or self.task.types, colors or self.task.colors
            pairs = [(self.choice(kinds), self.choice(shades)) for _ in range(count)]
        return [self.add(kind, color, room=room) for kind, color in pairs]

    def unused(self, types: Sequence[AnyType] | None = None, colors: Sequence[AnyColor] | None = None) -> Pair:
        """A random (type, color) that no object of the world has yet.

        Args:
            types: to draw from; None takes the task's.
            colors: to draw from; None takes the task's.

        Raises:
            TaskError: if there is none left.
        """
        return self.sample(self._unused(types, colors), 1)[0]

    def _unused(self, types: Sequence[AnyType] | None, colors: Sequence[AnyColor] | None) -> list[Pair]:
        present = {(thing.type, thing.color) for thing in self.things}
        shades = self.task.colors if colors is None else colors
        kinds = self.task.types if types is None else types
        return [(kind, color) for kind in kinds for color in shades if (kind, color) not in present]

    # ---------------------------------------------------------------------------------------------- the agent

    def place_agent(self, room: Room | None = None, at: Tile | None = None, direction: Direction | None = None) -> Tile:
        """Place the agent; it looks at no door and no object.

        Args:
            room: in which it is placed at random; None takes any that is not locked.
            at: x, y: place it here.
            direction: None draws one.

        Raises:
            TaskError: if it stands already, or cannot stand there.
        """
        if self.agent is not None:
            raise self.error("the agent is placed already")
        rooms = [r for r in self.rooms if not r.is_locked] if room is None else [room]
        ahead = dict(zip(DIRECTIONS, (1, self._width, -1, -self._width), strict=True))
        if at is not None:
            position = self._free(at)
        elif direction is None:
            position = self._draw_tile(rooms, keep_free=False)
        else:  # of the tiles from which it looks at nothing
            floor = [tile for r in rooms for tile in r.tiles if self._cells[tile] == NOTHING_CODE]
            stride = ahead[direction]
            tiles = [tile for tile in floor if self._cells[tile + stride] < FIRST_OBJECT]
            if not tiles:
                self.reject("no tile is left for the agent")
            position = self.choice(tiles)
        if direction is None:
            clear = [side for side in DIRECTIONS if self._cells[position + ahead[side]] < FIRST_OBJECT]
            if not clear:
                self.reject("the agent looks at an object whichever way it turns")
            self.facing = self.choice(clear)
        else:
            self.facing = direction
        self.agent = self._tile(position)
        self._kept_free.update((position, position + ahead[self.facing]))
        return self.agent
