"""Drawing questions: first what is asked, then the answer, each as likely as any other, then what the house needs.

So the answers to every sentence are balanced by construction, and nobody who sees no house is better than chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from groundling.envs.families.questions.drawing import Asked, Drawing, NothingToAsk
from groundling.envs.families.questions.parts import Part, is_held_out_color, is_held_out_room
from groundling.envs.worlds.houses.wishes import Forbidden, Wanted, Wishes
from groundling.errors import TaskError
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
    Things,
    Unique,
)
from groundling.language.questions.wording import wordings_of
from groundling.language.questions.words import MAX_COUNT, NO, YES, as_answer

MAX_ROOMS_OF_A_KIND: Final = 3
DRAWS: Final = 1000


class Asker(Drawing):
    """Draws questions of a part; arguments as of :class:`Drawing`."""

    def draw(self, types: Sequence[str]) -> Asked:
        """A question of one of these types, each as likely among those that the part has.

        Raises:
            TaskError: if none of them can be asked in this part.
        """
        possible = [name for name in types if name in TYPES_OF_PART[self.part]]
        if not possible:
            raise TaskError(f"the part {self.part!r} has no questions of the types {', '.join(types)}")
        name = self._one(possible)
        for _ in range(DRAWS):
            try:
                asked = ASKERS[name](self)
            except NothingToAsk:
                continue
            told = wordings_of(asked.program, held_out=self.part == "wordings")
            return Asked(
                name, asked.program, asked.answer, asked.answers, self._without_pairs(asked.wishes), self._one(told)
            )
        raise TaskError(f"no question of the type {name!r} can be asked in the part {self.part!r} of these houses")

    def location(self) -> Asked:
        """In which room something is."""
        kind = self._one(self._kinds)
        rooms = self._rooms_of(kind)
        if len(rooms) < 2:
            raise NothingToAsk
        named, room = self._named(kind), self._one(rooms)
        wishes = Wishes({}, (_wanted(named, room),), (_forbidden(named),))
        return _asked(Query("room", Unique(named)), as_answer(room), map(as_answer, rooms), wishes)

    def color(self) -> Asked:
        """The color of the only thing of its kind."""
        kind = self._one(self._kinds)
        colors = self._colors_of(kind)
        color = self._one(colors)
        rooms = self._rooms_of(kind)
        wishes = Wishes({}, (Wanted(kind, color, self._one(rooms)),), (Forbidden(kind),))
        return _asked(Query("color", Unique(Things(kind))), color, colors, wishes)

    def color_room(self) -> Asked:
        """The color of the only thing of its kind in a room."""
        kind, room = self._place()
        colors = self._colors_of(kind)
        color = self._one(colors)
        wishes = Wishes({room: 1}, (Wanted(kind, color, room),), (Forbidden(kind, room=room),))
        return _asked(Query("color", Unique(In(Things(kind), _the(room)))), color, colors, wishes)

    def preposition(self, *, in_room: bool = False) -> Asked:
        """What is on, next to or under something."""
        relation: Literal["on", "next to", "under"] = self._one(("on", "next to", "under"))
        anchor = self._one(self._anchors(relation))
        rooms = [self._one(self._rooms_of(anchor))] if in_room else self._rooms_of(anchor)
        answers = [k for k in self._kinds if any(self._fits(relation, anchor, k, room) for room in rooms)]
        if len(answers) < 2:
            raise NothingToAsk
        answer, named = self._one(answers), Things(anchor)
        room = self._one([room for room in rooms if self._fits(relation, anchor, answer, room)])
        if relation == "under":
            wanted = (Wanted(answer, room=room), Wanted(anchor, room=room, place="on", anchor=0))
        else:
            wanted = (Wanted(anchor, room=room), Wanted(answer, room=room, place=relation, anchor=0))
        of = In(named, _the(room)) if in_room else named
        wishes = Wishes({room: 1}, wanted, (Forbidden(anchor, room=room if in_room else ""),))
        program = Query("kind", Unique(Related(Things(), relation, Unique(of))))
        return _asked(program, as_answer(answer), map(as_answer, answers), wishes)

    def preposition_room(self) -> Asked:
        """What is on, next to or under something in a room."""
        return self.preposition(in_room=True)

    def _anchors(self, relation: str) -> list[str]:
        """What something may be on, next to or under."""
        if relation == "on":
            return sorted(self.stock.on)
        if relation == "under":
            return sorted({kind for kinds in self.stock.on.values() for kind in kinds})
        return self._floor

    def _fits(self, relation: str, anchor: str, kind: str, room: str) -> bool:
        """Whether a thing may be on, next to or under the anchor in a room."""
        if kind == anchor or is_held_out_room(kind, room):
            return False
        below, above = (kind, anchor) if relation == "under" else (anchor, kind)
        if relation == "next to":
            return below in self.stock.rooms[room] and above in self.stock.rooms[room]
        return below in self.stock.rooms[room] and above in self.stock.on.get(below, ())

    def existence(self) -> Asked:
        """Whether there is a thing in a room."""
        kind, room = self._place()
        named, answer = self._named(kind), self._one((YES, NO))
        wanted = (_wanted(named, room),) if answer == YES else ()
        wishes = Wishes({room: 1}, wanted, (_forbidden(named, room),))
        return _asked(Exist(In(named, _the(room))), answer, (YES, NO), wishes)

    def logical(self) -> Asked:
        """Whether there are two things, or one of them, in a room."""
        kind, room = self._place()
        other = self._one([kind_ for kind_ in self._kinds if kind_ != kind and room in self._rooms_of(kind_)])
        first, second = self._named(kind), self._named(other)
        joint: Literal["and", "or"] = self._one(("and", "or"))
        answer = self._one((YES, NO))
        decisive = (answer == YES) == (joint == "or")  # one of the two is enough for this answer
        is_one = self._coin() if decisive else False
        present = [self._one((first, second))] if is_one else [first, second] if answer == YES else []
        wishes = Wishes(
            {room: 1},
            tuple(_wanted(named, room) for named in present),
            (_forbidden(first, room), _forbidden(second, room)),
        )
        program = Logical(joint, Exist(In(first, _the(room))), Exist(In(second, _the(room))))
        return _asked(program, answer, (YES, NO), wishes)

    def count(self) -> Asked:
        """How many things there are in a room; by their color only in the part about compositions."""
        kind = self._one(sorted(set(self.stock.repeatable) & set(self._kinds)))
        room = self._one(self._rooms_of(kind))
        is_composed = self.part == "compositions"
        named = Things(
            kind, self._one([c for c in self.stock.colors if not is_held_out_color(kind, c)]) if is_composed else ""
        )
        number = self._one(range(MAX_COUNT + 1))
        wanted = (Wanted(kind, named.color, room, copies=number),) if number else ()
        wishes = Wishes({room: 1}, wanted, (_forbidden(named, room),))
        return _asked(Count(In(named, _the(room))), str(number), map(str, range(MAX_COUNT + 1)), wishes)

    def room_count(self) -> Asked:
        """How many rooms of a kind there are."""
        kind = self._one(sorted(self.stock.rooms))
        numbers = range(MAX_ROOMS_OF_A_KIND + 1)
        number = self._one(numbers)
        return _asked(Count(Rooms(kind)), str(number), map(str, numbers), Wishes({kind: number}))

    def room_object_count(self) -> Asked:
        """How many rooms have a thing."""
        kind = self._one(self._kinds)
        rooms = self._rooms_of(kind)
        most = min(len(rooms), MAX_ROOMS_OF_A_KIND)
        if most < 2:
            raise NothingToAsk
        number = self._one(range(most + 1))
        chosen = self._some(rooms, number)
        wanted = tuple(Wanted(kind, room=room) for room in chosen)
        wishes = Wishes(dict.fromkeys(chosen, 1), wanted, (Forbidden(kind),))
        return _asked(Count(Having(Things(kind))), str(number), map(str, range(most + 1)), wishes)

    def distance(self) -> Asked:
        """Which of two things is closer to a third; the house is asked whether it holds."""
        room = self._one(sorted(self.stock.rooms))
        kinds = [kind for kind in self.stock.rooms[room] if room in self._rooms_of(kind)]
        target, first, second = self._some(kinds, 3)
        comparison: Literal["closer", "farther"] = self._one(("closer", "farther"))
        wishes = Wishes(
            {room: 1},
            tuple(Wanted(kind, room=room) for kind in (target, first, second)),
            tuple(Forbidden(kind, room=room) for kind in (target, first, second)),
        )
        parts = (Unique(In(Things(kind), _the(room))) for kind in (target, first, second))
        return _asked(Nearer(comparison, *parts), self._one((YES, NO)), (YES, NO), wishes)

    def containment(self) -> Asked:
        """Whether there is a thing in a container, which has to be opened."""
        container = self._one(sorted(self.stock.inside))
        kind = self._one(sorted(self.stock.inside[container]))
        named, answer = self._named(kind), self._one((YES, NO))
        room = self._one([room for room in self._rooms_of(container) if not is_held_out_room(kind, room)])
        wanted = [Wanted(container, room=room)]
        if answer == YES:
            wanted.append(Wanted(named.kind, named.color, room, "inside", 0))
        forbidden = (Forbidden(container), _forbidden(named))
        program = Exist(Related(named, "inside", Unique(Things(container))))
        return _asked(program, answer, (YES, NO), Wishes({}, tuple(wanted), forbidden))

    def compare_color(self) -> Asked:
        """Whether two things have the same color."""
        first, second = self._some(self._kinds, 2)
        answer = self._one((YES, NO))
        color, other = self._one(self._colors_of(first)), self._one(self._colors_of(second))
        if (color == other) != (answer == YES):
            both = [c for c in self._colors_of(first) if c in self._colors_of(second)]
            color = other = self._one(both)
            if answer == NO:
                other = self._one([c for c in self._colors_of(second) if c != color])
        wanted = (
            Wanted(first, color, self._one(self._rooms_of(first))),
            Wanted(second, other, self._one(self._rooms_of(second))),
        )
        program = Compare("color", Unique(Things(first)), Unique(Things(second)))
        return _asked(program, answer, (YES, NO), Wishes({}, wanted, (Forbidden(first), Forbidden(second))))

    def compare_size(self) -> Asked:
        """Whether a thing is bigger than another of its kind, which has another color."""
        kind = self._one(self._kinds)
        colors = self._some(self._colors_of(kind), 2)
        answer = self._one((YES, NO))
        sizes = ("big", "small") if answer == YES else ("small", "big")
        wanted = tuple(
            Wanted(kind, color, self._one(self._rooms_of(kind)), size=size)
            for color, size in zip(colors, sizes, strict=True)
        )
        first, second = (Unique(Things(kind, color)) for color in colors)
        return _asked(Compare("size", first, second), answer, (YES, NO), Wishes({}, wanted, (Forbidden(kind),)))

    def compare_room_size(self) -> Asked:
        """Whether a room is bigger than another; the house is asked whether it holds."""
        first, second = self._some(sorted(self.stock.rooms), 2)
        program, answer = Compare("size", Unique(Rooms(first)), Unique(Rooms(second))), self._one((YES, NO))
        larger = (first, second) if answer == YES else (second, first)
        return _asked(program, answer, (YES, NO), Wishes({first: 1, second: 1}, larger=larger))

    def state(self) -> Asked:
        """Whether the only door of a room is open; the house is asked whether it holds."""
        room = self._one(sorted(self.stock.rooms))
        program = Query("open", Unique(Doors(_the(room))))
        return _asked(program, self._one((YES, NO)), (YES, NO), Wishes({room: 1}))


ASKERS: Final[dict[str, Callable[[Asker], Asked]]] = {
    "location": Asker.location,
    "color": Asker.color,
    "color_room": Asker.color_room,
    "preposition": Asker.preposition,
    "preposition_room": Asker.preposition_room,
    "existence": Asker.existence,
    "logical": Asker.logical,
    "count": Asker.count,
    "room_count": Asker.room_count,
    "room_object_count": Asker.room_object_count,
    "distance": Asker.distance,
    "containment": Asker.containment,
    "compare_color": Asker.compare_color,
    "compare_size": Asker.compare_size,
    "compare_room_size": Asker.compare_room_size,
    "state": Asker.state,
}
QUESTION_TYPES: Final = tuple(ASKERS)
WHOLE_HOUSE: Final = ("room_count", "room_object_count")  # a part of their evidence is in view from everywhere
TYPES_OF_PART: Final[dict[Part, tuple[str, ...]]] = {
    "train": QUESTION_TYPES,
    "color_pairs": ("location", "color", "color_room", "existence", "logical"),
    "room_pairs": ("color_room", "existence", "logical", "count"),
    "wordings": QUESTION_TYPES,
    "compositions": ("count",),
}


def _the(room: str) -> Unique:
    return Unique(Rooms(room))


def _wanted(named: Things, room: str) -> Wanted:
    return Wanted(named.kind, named.color, room)


def _forbidden(named: Things, room: str = "") -> Forbidden:
    return Forbidden(named.kind, named.color, room)


def _asked(program: Program, answer: str, answers: Iterable[str], wishes: Wishes) -> Asked:
    return Asked("", program, answer, tuple(answers), wishes)
