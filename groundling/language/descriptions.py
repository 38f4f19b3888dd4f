"""Descriptions: how a goal names an object, by its type, its color, its size and where it was at the start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundling.errors import InstructionError
from groundling.language.own_words import OwnColor, OwnType


class Color(StrEnum):
    """The six colors of MiniGrid, then four of our own."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    YELLOW = "yellow"
    GREY = "grey"
    ORANGE = "orange"
    PINK = "pink"
    BROWN = "brown"
    WHITE = "white"


class ObjectType(StrEnum):
    """The kinds of object that an instruction can name: MiniGrid's four, then seven of our own."""

    DOOR = "door"
    KEY = "key"
    BALL = "ball"
    BOX = "box"
    BELL = "bell"
    BOOK = "book"
    CUP = "cup"
    HAT = "hat"
    LAMP = "lamp"
    RING = "ring"
    STAR = "star"


AnyType = ObjectType | OwnType
AnyColor = Color | OwnColor
MINIGRID_COLORS = tuple(Color)[:6]
MINIGRID_OBJECTS = (ObjectType.KEY, ObjectType.BALL, ObjectType.BOX)
PORTABLE_TYPES = tuple(ObjectType)[1:]


class Location(StrEnum):
    """Where an object was, seen from the agent's starting pose and in its starting room."""

    LEFT = "left"
    RIGHT = "right"
    FRONT = "front"
    BEHIND = "behind"


class Size(StrEnum):
    """How large an object is beside the others that fit the rest of its description: of two, or of more."""

    SMALLER = "smaller"
    LARGER = "larger"
    SMALLEST = "smallest"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """A phrase such as "the red ball on your left", "both red balls" or "something that is not a red ball".

    Attributes:
        type: kind of object, one of the language's or a task's own; None reads "object".
        color: likewise; None leaves the color open.
        location: None leaves the place open.
        definite: True reads "the" (one object fits at the episode's start), False reads "a" (several do).
        size: None leaves the size open.
        both: two objects fit, and both are meant: "both red balls".
        negated: whatever does *not* fit is meant: "something that is not the red ball".
        relation: to other objects at the episode's start: ``NextTo`` one, or the words of a task's own relation; None
            leaves it open.

    Raises:
        InstructionError: if these cannot be said together.
    """

    type: AnyType | None = None
    color: AnyColor | None = None
    location: Location | None = None
    definite: bool = True
    size: Size | None = None
    both: bool = False
    negated: bool = False
    relation: NextTo | str | None = None

    def __post_init__(self) -> None:
        if self.both and (self.negated or not self.definite or self.size is not None):
            raise InstructionError("'both' stands alone: not with 'a', a size, or a negation")
        if self.negated and self.size is not None and self.location is not None:
            raise InstructionError("a negation excludes an object by its size or by its place, not by both")
        if self.negated and self.relation is not None and not (self.size is None and self.location is None):
            raise InstructionError("a negation that excludes an object by a relation names neither its size nor place")


@dataclass(frozen=True, slots=True)
class NextTo:
    """A relation: the object was on one of the four tiles beside another one, "next to the blue door".

    Attributes:
        neighbor: the other one.

    Raises:
        InstructionError: if the neighbor is several objects, is named by what it is not, or by a relation of its own.
    """

    neighbor: ObjectDescription

    def __post_init__(self) -> None:
        if self.neighbor.both or self.neighbor.negated:
            raise InstructionError("an object lies next to one other: not 'both', nor something that is not another")
        if self.neighbor.relation is not None:
            raise InstructionError("what an object lies next to cannot be described by a relation of its own")
