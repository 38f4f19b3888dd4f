"""World building: what a task's ``sample`` lays out an episode with, from walls to the finished arrays.

Rooms, doors and objects follow MiniGrid's ``RoomGrid``, the meaning of descriptions BabyAI's verifier. A position is
drawn uniformly from the free floor, and every draw stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import FIRST_OBJECT, NOTHING_CODE, NOWHERE, WALL_CODE
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.worlds.goal_resolution import fitting, resolve
from groundling.envs.worlds.holding import contents_of, look_of
from groundling.envs.worlds.houses.building import HouseBuilding
from groundling.envs.worlds.layout import DIRECTIONS, STRIDES, Thing, Tile
from groundling.envs.worlds.layout_checks import check_layout
from groundling.envs.worlds.sentences import check_manual, check_words
from groundling.language.goal_parts import without_determiners, without_rules
from groundling.language.goals import Goal, Instructed, Location, NextTo, ObjectDescription
from groundling.language.grammar import render
from groundling.language.reader import readings


class WorldBuilder(HouseBuilding):
    """Lays out one world of a task: rooms or a house, doors, objects, the agent.

    Objects are placed uniformly on the free floor, never before a door, where they would block it, and never before
    the agent. The agent is placed uniformly and looks at no object. A goal that holds already rejects the layout, as
    what goes wrong by chance in :class:`RoomGrid` does; its attributes are here as well.

    Attributes:
        facing: direction of the agent.
    """

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
        self,
        thing: Thing,
        *,
        color: bool = True,
        type: bool = True,
        location: Location | None = None,
        next_to: Thing | None = None,
        relation: NextTo | str | None = None,
    ) -> ObjectDescription:
        """The description of a thing by its color, its type, its place; "the" if nothing else fits it, else "a".

        Args:
            thing: what is meant.
            color: whether its color is named.
            type: whether its type is named; otherwise it is an "object".
            location: the place that is named, one of ``locations_of``; the agent must stand.
            next_to: a thing beside it that is named, by its color and type.
            relation: ``NextTo`` a description, or one of the task's own relations; instead of ``next_to``.

        Raises:
            TaskError: if the thing is not in the relation, or two are given.
        """
        if next_to is not None and relation is not None:
            raise self.error("an object is described by one relation: give next_to or relation, not both")
        if next_to is not None:
            relation = NextTo(self.describe(next_to))
        kind, shade = thing.type if type else None, thing.color if color else None
        description = ObjectDescription(kind, shade, location, relation=relation)
        found = self.matches(description)
        if relation is not None and thing not in found:
            raise self.error(f"the {thing.color} {thing.type} at {thing.position} is not in the relation {relation!r}")
        return description if len(found) == 1 else replace(description, definite=False)

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
        found = fitting(self, description, present)
        return [thing for thing in present if thing not in found] if description.negated else found

    # ---------------------------------------------------------------------------------------------- the episode

    def finish(self, asked: Goal | Instructed) -> Episode:
        """The episode of this world and goal.

        The articles of the goal are set here: "the" where one object fits, else "a". "Go to" and "next to" speak of
        doors and objects, "pick up" and what is put somewhere of objects alone.

        Raises:
            TaskError: if no object satisfies a description, the agent is not placed, or it or a thing is not where the
                map has it, the goal is none of a task's, or
                its sentence has words that the task does not know, or says something else, or its manual does not fit.
        """
        standing = self.standing()
        check_layout(self, self._cells, self._width, self._height)
        if self.facing not in DIRECTIONS:
            raise self.error(f"the agent faces {self.facing!r}: choose one of {', '.join(DIRECTIONS)}")
        pose = (*standing, DIRECTIONS.index(self.facing))
        if not isinstance(asked, Instructed):
            asked = Instructed(asked)
        goal, program = resolve(self, asked.goal)
        told = without_rules(goal)
        if asked.sentence:
            self._check_sentence(asked.sentence, told)
        check_manual(self, asked.manual)
        kinds = kinds_of(self.task.lexicon)
        return Episode(
            cells=np.frombuffer(bytes(self._cells), dtype=np.uint8).reshape(self._height, self._width),
            looks=tuple(map(partial(look_of, kinds=kinds), self.things)),
            contents=contents_of(self.things),
            positions=tuple(NOWHERE if t.position is None else self._index(t.position) for t in self.things),
            pose=pose,
            carried=NOTHING_CODE,
            program=program,
            max_steps=self.task.step_limit(goal),
            instruction=asked.sentence or render(goal),
            seed=self.seed,
            goal=told,
            is_own_sentence=bool(asked.sentence),
            floors=self.floors,
            manual=tuple(asked.manual),
        )

    def _check_sentence(self, sentence: str, goal: Goal) -> None:
        """Refuse a sentence of the task's own with words that nobody knows, or which is read as another goal."""
        check_words(self, sentence)
        read = readings(sentence, self.task.lexicon)
        if read and without_determiners(read[0]) != without_determiners(goal):
            raise self.error(
                f"the sentence {sentence!r} is read as {render(read[0])!r}, but the goal is {render(goal)!r}"
            )
