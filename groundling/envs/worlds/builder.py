"""World building: what a task's ``sample`` lays out an episode with, from walls to the finished arrays.

Rooms, doors and objects follow MiniGrid's ``RoomGrid``, the meaning of descriptions BabyAI's verifier. A position is
drawn uniformly from the free floor, and every draw stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from groundling.envs.banks.bank import Episode
from groundling.envs.engine.constants import (
    COLOR_CODES,
    FIRST_OBJECT,
    NOTHING_CODE,
    NOWHERE,
    ORDINARY,
    SIZES,
    TYPE_CODES,
    WALL_CODE,
    look,
)
from groundling.envs.worlds.goal_resolution import fitting, resolve
from groundling.envs.worlds.layout import DIRECTIONS, STRIDES, Direction, Draws, Pair, Room, Thing, Tile
from groundling.envs.worlds.room_grid import RoomGrid
from groundling.language.goals import Color, Goal, Location, ObjectDescription, ObjectType
from groundling.language.grammar import render

if TYPE_CHECKING:
    from groundling.envs.worlds.task import Task


class WorldBuilder(RoomGrid):
    """Lays out one world of a task: rooms, doors, objects, the agent.

    Objects are placed uniformly on the free floor, never before a door, where they would block it, and never before
    the agent. The agent is placed uniformly and looks at no object. A goal that holds already rejects the layout, as
    what goes wrong by chance in :class:`RoomGrid` does; its attributes are here as well.

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
        type: ObjectType | str | None = None,
        color: Color | str | None = None,
        *,
        room: Room | None = None,
        at: Tile | None = None,
        size: int = ORDINARY,
        inside: Thing | None = None,
    ) -> Thing:
        """Add an object.

        Args:
            type: None draws one of the task's.
            color: None draws one of the task's.
            room: in which it is placed at random; None takes any.
            at: x, y: place it here.
            size: one of ``constants.SIZES``; ORDINARY where nobody speaks of sizes.
            inside: an empty box to hide it in.

        Raises:
            TaskError: if the world cannot have such an object there.
        """
        kind = self.choice(self.task.types) if type is None else self._type(type)
        if kind is ObjectType.DOOR:
            raise self.error("doors are added by add_door")
        if size not in (ORDINARY, *SIZES):
            raise self.error(f"{size} is not a size: take one of constants.SIZES, or ORDINARY")
        thing = Thing(kind, self._color(color), size)
        if inside is not None:
            if inside.type is not ObjectType.BOX or inside.contents is not None or at is not None or room is not None:
                raise self.error("inside is an empty box, and leaves no choice of the room or tile")
            inside.contents = thing
            self._enlist(thing)
        elif at is not None:
            self._put(thing, self._free(at))
        else:
            self._put(thing, self._draw_tile(self.rooms if room is None else (room,)))
        return thing

    def add_key_for(
        self, door: Thing, *, room: Room | None = None, at: Tile | None = None, inside: Thing | None = None
    ) -> Thing:
        """Add the key that unlocks a door.

        Args:
            door: gives the key its color.
            room: where; None takes any that is not locked.
            at: x, y: place it here.
            inside: an empty box to hide it in.
        """
        if room is None and at is None and inside is None:
            room = self.choice([room for room in self.rooms if not room.is_locked])
        return self.add(ObjectType.KEY, door.color, room=room, at=at, inside=inside)

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
        types: Sequence[ObjectType] | None = None,
        colors: Sequence[Color] | None = None,
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

    def unused(self, types: Sequence[ObjectType] | None = None, colors: Sequence[Color] | None = None) -> Pair:
        """A random (type, color) that no object of the world has yet.

        Args:
            types: to draw from; None takes the task's.
            colors: to draw from; None takes the task's.

        Raises:
            TaskError: if there is none left.
        """
        return self.sample(self._unused(types, colors), 1)[0]

    def _unused(self, types: Sequence[ObjectType] | None, colors: Sequence[Color] | None) -> list[Pair]:
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

    # ---------------------------------------------------------------------------------------------- questions

    def standing(self) -> Tile:
        """Where the agent stands.

        Raises:
            TaskError: if it was not placed.
        """
        if self.agent is None:
            raise self.error("the agent was not placed: call world.place_agent() before")
        return self.agent

    def is_reachable(self, thing: Thing) -> bool:
        """Whether the agent can get beside a thing through doors, locked ones too, and without moving an object."""
        return thing.position is not None and self._index(thing.position) in self._reachable()

    def check_reachable(self) -> None:
        """Reject the layout if the agent cannot get beside every door and object without moving one."""
        seen = self._reachable()
        if any(thing.position is not None and self._index(thing.position) not in seen for thing in self.things):
            self.reject("an object cannot be reached without moving another")

    def _reachable(self) -> set[int]:
        cells, width = self._cells, self._width
        x, y = self.standing()
        doors = {i + FIRST_OBJECT for i, thing in enumerate(self.things) if thing.is_door}
        seen: set[int] = set()
        todo = [y * width + x]
        while todo:
            tile = todo.pop()
            if tile in seen or not 0 <= tile < len(cells) or cells[tile] == WALL_CODE:
                continue
            seen.add(tile)
            is_edge = not 0 < tile % width < width - 1  # no way leads on behind an outer wall
            if cells[tile] != NOTHING_CODE and (is_edge or cells[tile] not in doors):
                continue
            todo += (tile - 1, tile + 1, tile - width, tile + width)
        return seen

    def locations_of(self, thing: Thing) -> tuple[Location, ...]:
        """Where a thing is, seen from the agent: none to two places, as BabyAI tells them.

        Only what lies in the agent's room, its walls included, is anywhere.
        """
        x, y = self.standing()
        if thing.position is None or not self._room_at((x, y)).contains(thing.position):
            return ()
        forward_x, forward_y = STRIDES[DIRECTIONS.index(self.facing)]
        away_x, away_y = thing.position[0] - x, thing.position[1] - y
        ahead = away_x * forward_x + away_y * forward_y
        right = -away_x * forward_y + away_y * forward_x
        places = []
        if right:
            places.append(Location.RIGHT if right > 0 else Location.LEFT)
        if ahead:
            places.append(Location.FRONT if ahead > 0 else Location.BEHIND)
        return tuple(places)

    def describe(
        self, thing: Thing, *, color: bool = True, type: bool = True, location: Location | None = None
    ) -> ObjectDescription:
        """The description of a thing by its color, its type, its place; "the" if nothing else fits it, else "a".

        Args:
            thing: what is meant.
            color: whether its color is named.
            type: whether its type is named; otherwise it is an "object".
            location: the place that is named, one of ``locations_of``; the agent must stand.
        """
        description = ObjectDescription(thing.type if type else None, thing.color if color else None, location)
        is_alone = len(self.matches(description)) == 1
        return description if is_alone else replace(description, definite=False)

    def matches(self, description: ObjectDescription, among: Iterable[Thing] | None = None) -> list[Thing]:
        """The things that a description means, as BabyAI understands it; what is inside a box does not count.

        "smaller" and "larger" mean one of exactly two things of different sizes that fit the rest, "smallest" and
        "largest" the only extreme one of three or more, "both" exactly two; where that is not so, they mean nothing.
        A negated description means all that do not fit.

        Args:
            description: the phrase.
            among: the things that come into question; None takes all doors and objects.
        """
        present = [t for t in (self.things if among is None else among) if t.position is not None]
        found = fitting(description, present, self.locations_of)
        return [thing for thing in present if thing not in found] if description.negated else found

    # ---------------------------------------------------------------------------------------------- the episode

    def finish(self, goal: Goal) -> Episode:
        """The episode of this world and goal.

        The articles of the goal are set here: "the" where one object fits, else "a". "Go to" and "next to" speak of
        doors and objects, "pick up" and what is put somewhere of objects alone.

        Raises:
            TaskError: if no object satisfies a description, the agent is not placed, or the goal is none of a task's.
        """
        pose = (*self.standing(), DIRECTIONS.index(self.facing))
        goal, program = resolve(self, goal)
        return Episode(
            cells=np.frombuffer(bytes(self._cells), dtype=np.uint8).reshape(self._height, self._width),
            looks=tuple(look(TYPE_CODES[t.type], COLOR_CODES[t.color], t.state) for t in self.things),
            contents=tuple(
                NOTHING_CODE if t.contents is None else FIRST_OBJECT + self.things.index(t.contents)
                for t in self.things
            ),
            positions=tuple(NOWHERE if t.position is None else self._index(t.position) for t in self.things),
            pose=pose,
            carried=NOTHING_CODE,
            program=program,
            max_steps=self.task.step_limit(goal),
            instruction=render(goal),
            seed=self.seed,
        )
