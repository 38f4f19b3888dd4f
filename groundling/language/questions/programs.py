"""Programs of questions: chains of operators over a house, as frozen values.

A set is selected (``Things``, ``Rooms``, ``Doors``: filter; ``In``, ``Related``, ``Having``: relate), narrowed to the
only one there is (``Unique``), and asked about (``Query``, ``Exist``, ``Count``, ``Logical``, ``Compare``, ``Nearer``).
``.forms`` gives each its sentences, ``.evaluation`` its answer.

Source: the functional forms of Das et al. 2018, arXiv:1711.11543, and of Yu et al. 2019, arXiv:1904.04686.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

Relation = Literal["on", "next to", "under", "inside"]


@dataclass(frozen=True)
class Things:
    """Things of a kind and a color; "" is any.

    What lies in a container is not among them, unless ``Related`` looks inside: nobody sees it.
    """

    kind: str = ""
    color: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.color, self.kind))) or "thing"


@dataclass(frozen=True)
class Rooms:
    """Rooms of a kind; "" is any."""

    kind: str = ""

    def __str__(self) -> str:
        return self.kind or "room"


@dataclass(frozen=True)
class Doors:
    """The doors of a room."""

    of: Unique

    def __str__(self) -> str:
        return f"door of {self.of}"


@dataclass(frozen=True)
class In:
    """Those of some things that are in a room."""

    things: Things
    room: Unique

    def __str__(self) -> str:
        return f"{self.things} in {self.room}"


@dataclass(frozen=True)
class Related:
    """Those of some things that stand on, next to or under another thing, or lie inside it."""

    things: Things
    relation: Relation
    anchor: Unique

    def __str__(self) -> str:
        return f"{self.things} {self.relation} {self.anchor}"


@dataclass(frozen=True)
class Having:
    """The rooms in which there are such things."""

    things: Things

    def __str__(self) -> str:
        return f"room with a {self.things}"


Set = Things | Rooms | Doors | In | Related | Having


@dataclass(frozen=True)
class Unique:
    """The only one of a set; a question whose set has none or several is ambiguous."""

    of: Set

    def __str__(self) -> str:
        return f"the {self.of}"


@dataclass(frozen=True)
class Query:
    """The kind of room that a thing is in, its color or its kind; whether a door is open."""

    attribute: Literal["room", "color", "kind", "open"]
    of: Unique


@dataclass(frozen=True)
class Exist:
    """Whether there is any of a set."""

    of: Set


@dataclass(frozen=True)
class Count:
    """How many there are of a set."""

    of: Set


@dataclass(frozen=True)
class Logical:
    """Two questions of existence joined."""

    joint: Literal["and", "or"]
    first: Exist
    second: Exist


@dataclass(frozen=True)
class Compare:
    """Whether two have the same color, or the first is bigger."""

    attribute: Literal["color", "size"]
    first: Unique
    second: Unique


@dataclass(frozen=True)
class Nearer:
    """Whether a thing is closer to the first of two others, or farther from it, than to the second."""

    comparison: Literal["closer", "farther"]
    target: Unique
    first: Unique
    second: Unique


Program = Query | Exist | Count | Logical | Compare | Nearer
Part = Things | Rooms  # what stands in a slot of a form


def match(pattern: Any, program: Any, slots: dict[Part, str]) -> dict[str, Part] | None:
    """What stands in the slots of a pattern; None if the program is not of its form.

    Args:
        pattern: a program in which certain parts stand for slots.
        program: to be matched.
        slots: the names of these parts.
    """
    found: dict[str, Part] = {}
    return found if _match(pattern, program, slots, found) else None


def _match(pattern: Any, program: Any, slots: dict[Part, str], found: dict[str, Part]) -> bool:
    if type(pattern) is not type(program):
        return False
    if isinstance(pattern, Things | Rooms) and pattern in slots:
        return found.setdefault(slots[pattern], program) == program
    if not is_dataclass(pattern):
        return bool(pattern == program)
    return all(
        _match(getattr(pattern, part.name), getattr(program, part.name), slots, found) for part in fields(pattern)
    )


def filled(pattern: Any, slots: dict[Part, str], values: Mapping[str, Part]) -> Any:
    """The program of a pattern whose slots hold these values."""
    if isinstance(pattern, Things | Rooms) and pattern in slots:
        return values[slots[pattern]]
    if not is_dataclass(pattern) or isinstance(pattern, type):
        return pattern
    return type(pattern)(**{part.name: filled(getattr(pattern, part.name), slots, values) for part in fields(pattern)})
