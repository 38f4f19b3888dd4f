"""Routes through a house as sentences: "leave the kitchen, pass the red sofa and stop at the lamp"; written and read.

A route is a list of steps in the order in which they come. Each kind of step has several wordings, no two of which
read the same, so that every sentence has one reading. Whether a route is true of a house is for those to say who know
the house.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from groundling.errors import InstructionError
from groundling.language.descriptions import Color, ObjectType
from groundling.language.questions.words import ROOM_KINDS, THING_KINDS
from groundling.language.vocabulary import Vocabulary, split_words

MAX_STEPS: Final = 12


@dataclass(frozen=True)
class Landmark:
    """A thing by its kind, and its color where the kind is not enough."""

    kind: str
    color: str = ""

    def __str__(self) -> str:
        return f"the {self.color} {self.kind}" if self.color else f"the {self.kind}"


@dataclass(frozen=True)
class Leave:
    """Go out of the room of this kind that one is in."""

    room: str


@dataclass(frozen=True)
class GoThrough:
    """Go through the door of this color."""

    color: str


@dataclass(frozen=True)
class Cross:
    """Go through the room of this kind."""

    room: str


@dataclass(frozen=True)
class Enter:
    """Go into the room of this kind."""

    room: str


@dataclass(frozen=True)
class PassBy:
    """Go past a thing."""

    landmark: Landmark


@dataclass(frozen=True)
class StopAt:
    """The end: stop beside a thing."""

    landmark: Landmark


Step = Leave | GoThrough | Cross | Enter | PassBy | StopAt
Route = tuple[Step, ...]

WORDINGS: Final[dict[type[Step], tuple[str, ...]]] = {
    Leave: ("leave {}", "go out of {}", "walk out of {}"),
    GoThrough: ("go through {}", "walk through {}", "take {}"),
    Cross: ("cross {}", "walk across {}", "go across {}"),
    Enter: ("enter {}", "go into {}", "walk into {}"),
    PassBy: ("pass {}", "go past {}", "walk past {}"),
    StopAt: ("stop at {}", "wait at {}", "stop next to {}"),
}
JOINTS: Final = (", ", ", then ")  # between two steps, the last of which is joined by LAST
LAST: Final = (" and ", " and then ")


_OF_ROOMS: Final[dict[type[Step], Callable[[str], Step]]] = {Leave: Leave, Cross: Cross, Enter: Enter}
_OF_THINGS: Final[dict[type[Step], Callable[[Landmark], Step]]] = {PassBy: PassBy, StopAt: StopAt}


def render(route: Route, wordings: Sequence[int] = ()) -> str:
    """A route as a sentence.

    Args:
        route: the steps; the last one, and no other, stops.
        wordings: numbers from which the wording of each step and each joint is taken, in the order in which they come;
            where they end, the first wording of each.

    Raises:
        InstructionError: if the last step does not stop, or another one does.
    """
    check(route)
    numbers = iter(wordings)
    found = []
    for place, step in enumerate(route):
        if place:
            joints = LAST if place == len(route) - 1 else JOINTS
            found.append(joints[next(numbers, 0) % len(joints)])
        options = WORDINGS[type(step)]
        found.append(options[next(numbers, 0) % len(options)].format(_named(step)))
    return "".join(found)


def check(route: Route) -> None:
    """Refuse what is no whole route.

    Raises:
        InstructionError: see :func:`render`.
    """
    if not route or len(route) > MAX_STEPS:
        raise InstructionError(f"a route has from 1 to {MAX_STEPS} steps, got {len(route)}")
    stops = [place for place, step in enumerate(route) if isinstance(step, StopAt)]
    if stops != [len(route) - 1]:
        raise InstructionError(f"a route stops in its last step of {len(route)} and in no other, got {stops}")


def _named(step: Step) -> str:
    match step:
        case Leave(room) | Cross(room) | Enter(room):
            return f"the {room}"
        case GoThrough(color):
            return f"the {color} door"
        case PassBy(landmark) | StopAt(landmark):
            return str(landmark)


def parse(text: str) -> Route:
    """The steps of a sentence.

    Raises:
        InstructionError: if it is no sentence of :func:`render`; the message quotes what cannot be read.
    """
    words = [word for word in split_words(text) if word != "."]
    parts: list[list[str]] = [[]]
    for word in words:
        if word in (",", "and"):
            parts.append([])
        elif word != "then" or parts[-1]:
            parts[-1].append(word)
    route = tuple(_step(part) for part in parts if part)
    check(route)
    return route


def _step(words: list[str]) -> Step:
    for kind, wordings in WORDINGS.items():
        for wording in wordings:
            verb = wording.removesuffix(" {}").split()
            if words[: len(verb)] == verb and words[len(verb) : len(verb) + 1] == ["the"]:
                found = _of(kind, words[len(verb) + 1 :])
                if found is not None:
                    return found
    raise InstructionError(f"no step of a route reads {' '.join(words)!r}: see groundling.language.routes")


def _of(kind: type[Step], noun: list[str]) -> Step | None:
    """The step of a kind with this noun phrase, its article left out; None if that is none of its own."""
    phrase = " ".join(noun)
    if kind in _OF_ROOMS:
        return _OF_ROOMS[kind](phrase) if phrase in (*ROOM_KINDS, "room") else None
    if kind is GoThrough:
        return GoThrough(noun[0]) if len(noun) == 2 and noun[1] == "door" else None
    if not 1 <= len(noun) <= 2:
        return None
    return _OF_THINGS[kind](Landmark(noun[-1], noun[0] if len(noun) == 2 else ""))


def all_words() -> Iterator[str]:
    """Every word of routes through houses."""
    for wordings in WORDINGS.values():
        for wording in wordings:
            yield from wording.removesuffix(" {}").split()
    yield from ("the", "door", "and", "then", ",", "room")
    for phrase in (*ROOM_KINDS, *THING_KINDS, "trunk", *map(str, ObjectType), *map(str, Color)):
        yield from phrase.split()


ROUTE_VOCABULARY: Final = Vocabulary.of(all_words())
