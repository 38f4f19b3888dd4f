"""The answer to a question in a house, and what has to be seen to know it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from groundling.errors import AmbiguousQuestionError
from groundling.language.questions.programs import (
    Compare,
    Count,
    Doors,
    Exist,
    Having,
    In,
    Logical,
    Nearer,
    Program,
    Query,
    Related,
    Rooms,
    Set,
    Things,
    Unique,
)
from groundling.language.questions.scene import Scene
from groundling.language.questions.words import MAX_COUNT, NO, YES, as_answer

CLEAR_AREA: Final = 1.4  # times as large a room is that is surely bigger (Yu et al. 2019)
CLEAR_DISTANCE: Final = 1.5  # times as far a thing is that is surely farther
MAX_WAYS: Final = 16  # alternatives of evidence that are told

_SIZES: Final = {"small": 0, "": 1, "big": 2}


@dataclass(frozen=True)
class Evidence:
    """What has to be seen, all of it, to know an answer; rows of the scene.

    Attributes:
        things: to be seen; one that lies in a container, in the open container.
        doors: to be seen.
        rooms: of which some floor has to be seen.
        whole_rooms: of which all floor has to be seen.
        opened: containers to be seen open.
    """

    things: frozenset[int] = field(default_factory=frozenset)
    doors: frozenset[int] = field(default_factory=frozenset)
    rooms: frozenset[int] = field(default_factory=frozenset)
    whole_rooms: frozenset[int] = field(default_factory=frozenset)
    opened: frozenset[int] = field(default_factory=frozenset)

    def __or__(self, other: Evidence) -> Evidence:
        """Both."""
        return Evidence(
            self.things | other.things,
            self.doors | other.doors,
            self.rooms | other.rooms,
            self.whole_rooms | other.whole_rooms,
            self.opened | other.opened,
        )

    def room_rows(self, scene: Scene) -> frozenset[int]:
        """The rooms in which it is; a door is in both of its own."""
        of_things = {scene.things[row].room for row in self.things | self.opened}
        of_doors = {room for row in self.doors for room in scene.doors[row].rooms}
        return frozenset(of_things | of_doors | self.rooms | self.whole_rooms)


Ways = tuple[Evidence, ...]  # each alone is enough


@dataclass(frozen=True)
class Answer:
    """What a question comes to in a house.

    Attributes:
        text: one of ``words.ANSWERS``.
        ways: evidence that shows it, each way enough by itself; at most ``MAX_WAYS``.
    """

    text: str
    ways: Ways


def evaluate(program: Program, scene: Scene) -> Answer:
    """The answer to a program in a house.

    Raises:
        AmbiguousQuestionError: if it has no single clear answer there; the message says why.
    """
    if isinstance(program, Query):
        return _query(program, scene)
    if isinstance(program, Exist):
        return _exist(program, scene)
    if isinstance(program, Count):
        return _count(program, scene)
    if isinstance(program, Logical):
        return _logical(program, scene)
    if isinstance(program, Compare):
        return _compare(program, scene)
    return _nearer(program, scene)


def rows_of(selected: Set, scene: Scene) -> tuple[int, ...]:
    """The rows of a set: of things, rooms or doors.

    Raises:
        AmbiguousQuestionError: if a part of it that is the only one of its kind is not, or one of it is hidden.
    """
    if isinstance(selected, Things):
        return _visible(selected, scene, range(len(scene.things)))
    if isinstance(selected, Rooms):
        return tuple(row for row, room in enumerate(scene.rooms) if selected.kind in ("", room.kind))
    if isinstance(selected, In):
        return _visible(selected.things, scene, scene.in_room(row_of(selected.room, scene)))
    if isinstance(selected, Having):
        found = {scene.things[row].room for row in rows_of(selected.things, scene)}
        return tuple(sorted(found))
    if isinstance(selected, Doors):
        room = row_of(selected.of, scene)
        return tuple(row for row, door in enumerate(scene.doors) if room in door.rooms)
    return _related(selected, scene)


def row_of(unique: Unique, scene: Scene) -> int:
    """The row of the only one of a set.

    Raises:
        AmbiguousQuestionError: if there is none, or there are several.
    """
    rows = rows_of(unique.of, scene)
    if len(rows) != 1:
        there = f"are {len(rows)} of them" if rows else "is none"
        raise AmbiguousQuestionError(f"{str(unique)!r} should be the only one in this house, but there {there}")
    return rows[0]


def _is_of(things: Things, scene: Scene, row: int) -> bool:
    thing = scene.things[row]
    return things.kind in ("", thing.kind) and things.color in ("", thing.color)


def _visible(things: Things, scene: Scene, rows: Iterable[int]) -> tuple[int, ...]:
    """Those that match; one that is inside something would leave open whether it counts."""
    found = tuple(row for row in rows if _is_of(things, scene, row))
    for row in found:
        container = scene.things[row].inside
        if container is not None:
            raise AmbiguousQuestionError(
                f"a {things} lies inside a {scene.things[container].kind}, which leaves open whether it counts"
            )
    return found


def _related(selected: Related, scene: Scene) -> tuple[int, ...]:
    anchor = row_of(selected.anchor, scene)
    if selected.relation == "under":
        below = scene.things[anchor].on
        rows: tuple[int, ...] = () if below is None else (below,)
    elif selected.relation == "on":
        rows = tuple(row for row, thing in enumerate(scene.things) if thing.on == anchor)
    elif selected.relation == "inside":
        if scene.things[anchor].is_open is None:
            raise AmbiguousQuestionError(f"nothing can be inside a {scene.things[anchor].kind}")
        rows = tuple(row for row, thing in enumerate(scene.things) if thing.inside == anchor)
    else:
        rows = tuple(row for row in range(len(scene.things)) if row != anchor and scene.is_next_to(row, anchor))
    return tuple(row for row in rows if _is_of(selected.things, scene, row))


def _things(*rows: int) -> Evidence:
    return Evidence(things=frozenset(rows))


def _query(program: Query, scene: Scene) -> Answer:
    row = row_of(program.of, scene)
    if program.attribute == "open":
        return Answer(YES if scene.doors[row].is_open else NO, (Evidence(doors=frozenset({row})),))
    thing = scene.things[row]
    selected = program.of.of
    seen = _things(row)
    if isinstance(selected, Related):
        seen |= _things(row_of(selected.anchor, scene))
    text = {"room": scene.rooms[thing.room].kind, "color": thing.color, "kind": thing.kind}[program.attribute]
    return Answer(as_answer(text), (seen,))


def _exist(program: Exist, scene: Scene) -> Answer:
    rows = rows_of(program.of, scene)
    if rows:
        return Answer(YES, tuple(_things(row) for row in rows[:MAX_WAYS]))
    return Answer(NO, (_all_of(program.of, scene),))


def _all_of(selected: Set, scene: Scene) -> Evidence:
    """All that has to be seen to know that a set has no more than what was found of it."""
    if isinstance(selected, In):
        return Evidence(whole_rooms=frozenset({row_of(selected.room, scene)}))
    if isinstance(selected, Related) and selected.relation == "inside":
        return Evidence(opened=frozenset({row_of(selected.anchor, scene)}))
    if isinstance(selected, Rooms):
        return Evidence(rooms=frozenset(range(len(scene.rooms))))
    return Evidence(whole_rooms=frozenset(range(len(scene.rooms))))


def _count(program: Count, scene: Scene) -> Answer:
    rows = rows_of(program.of, scene)
    if len(rows) > MAX_COUNT:
        raise AmbiguousQuestionError(f"there are {len(rows)} of {str(program.of)!r}, answers go to {MAX_COUNT}")
    if isinstance(program.of, Having):  # one thing of each room that has some, all of the others
        inside = rows_of(program.of.things, scene)
        choices = [[_things(row) for row in inside if scene.things[row].room == room] for room in rows]
        others = Evidence(whole_rooms=frozenset(range(len(scene.rooms))) - frozenset(rows))
        return Answer(str(len(rows)), _joined([[others], *choices]))
    return Answer(str(len(rows)), (_all_of(program.of, scene),))


def _joined(choices: list[list[Evidence]]) -> Ways:
    """One of each, joined, in every way."""
    ways = []
    for chosen in islice(product(*choices), MAX_WAYS):
        whole = Evidence()
        for one in chosen:
            whole |= one
        ways.append(whole)
    return tuple(ways)


def _logical(program: Logical, scene: Scene) -> Answer:
    if program.first == program.second:
        raise AmbiguousQuestionError("both halves ask the same: name two different things")
    first, second = _exist(program.first, scene), _exist(program.second, scene)
    decisive = NO if program.joint == "and" else YES  # one half that says it is enough
    deciding = [half for half in (first, second) if half.text == decisive]
    if deciding:
        return Answer(decisive, tuple(way for half in deciding for way in half.ways)[:MAX_WAYS])
    return Answer(first.text, _joined([list(first.ways), list(second.ways)]))


def _compare(program: Compare, scene: Scene) -> Answer:
    first, second = row_of(program.first, scene), row_of(program.second, scene)
    if first == second:
        raise AmbiguousQuestionError(f"{program.first} and {program.second} are one and the same")
    if isinstance(program.first.of, Rooms):
        areas = scene.rooms[first].area, scene.rooms[second].area
        if max(areas) < CLEAR_AREA * min(areas):
            raise AmbiguousQuestionError(
                f"{program.first} has {areas[0]} tiles and {program.second} {areas[1]}: neither is clearly bigger"
            )
        return Answer(YES if areas[0] > areas[1] else NO, (Evidence(whole_rooms=frozenset({first, second})),))
    one, other = scene.things[first], scene.things[second]
    seen = (_things(first, second),)
    if program.attribute == "color":
        return Answer(YES if one.color == other.color else NO, seen)
    if _SIZES[one.size] == _SIZES[other.size]:
        raise AmbiguousQuestionError(f"{program.first} and {program.second} are of one size")
    return Answer(YES if _SIZES[one.size] > _SIZES[other.size] else NO, seen)


def _nearer(program: Nearer, scene: Scene) -> Answer:
    target, first, second = (row_of(one, scene) for one in (program.target, program.first, program.second))
    if len({target, first, second}) < 3:
        raise AmbiguousQuestionError("a distance is compared among three different things")
    to_first, to_second = (
        math.dist(scene.things[target].position, scene.things[row].position) for row in (first, second)
    )
    if max(to_first, to_second) < CLEAR_DISTANCE * min(to_first, to_second) or to_first == to_second:
        raise AmbiguousQuestionError(
            f"{program.target} is {to_first:.1f} tiles from {program.first} and {to_second:.1f} from "
            f"{program.second}: neither is clearly closer"
        )
    is_closer = to_first < to_second
    return Answer(YES if is_closer == (program.comparison == "closer") else NO, (_things(target, first, second),))
