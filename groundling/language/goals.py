"""Goals: what an instruction asks for, as frozen values from which both the sentence and the success test are made.

A goal is the first stage of the flow: ``groundling.language.grammar`` renders it to text and parses it back;
``groundling.envs`` compiles it to the program of integers that the kernels check.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundling.errors import InstructionError


class Color(StrEnum):
    """The six colors of MiniGrid."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    YELLOW = "yellow"
    GREY = "grey"


class ObjectType(StrEnum):
    """The kinds of object that an instruction can name."""

    DOOR = "door"
    KEY = "key"
    BALL = "ball"
    BOX = "box"


class Location(StrEnum):
    """Where an object was, seen from the agent's starting pose and in its starting room."""

    LEFT = "left"
    RIGHT = "right"
    FRONT = "front"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """A phrase such as "the red ball on your left".

    Attributes:
        type: kind of object; None reads "object".
        color: None leaves the color open.
        location: None leaves the place open.
        definite: True reads "the" (one object fits at the episode's start), False reads "a" (several do).
    """

    type: ObjectType | None = None
    color: Color | None = None
    location: Location | None = None
    definite: bool = True


@dataclass(frozen=True, slots=True)
class GoTo:
    """Stand before an object that fits the description and face it."""

    target: ObjectDescription


@dataclass(frozen=True, slots=True)
class PickUp:
    """Pick up an object that fits the description (with ``strict``, any other pick-up fails the episode)."""

    target: ObjectDescription
    strict: bool = False

    def __post_init__(self) -> None:
        _refuse_door(self.target, "picked up")


@dataclass(frozen=True, slots=True)
class Open:
    """Open a door that fits the description (with ``strict``, toggling any other door fails the episode)."""

    target: ObjectDescription
    strict: bool = False

    def __post_init__(self) -> None:
        if self.target.type is not ObjectType.DOOR:
            raise InstructionError(f"only a door can be opened, not {self.target.type or 'object'!s}")


@dataclass(frozen=True, slots=True)
class PutNextTo:
    """Drop an object that fits ``moved`` beside one that fits ``fixed`` (with ``strict``, any pick-up fails)."""

    moved: ObjectDescription
    fixed: ObjectDescription
    strict: bool = False

    def __post_init__(self) -> None:
        _refuse_door(self.moved, "moved")


Goal = GoTo | PickUp | Open | PutNextTo


def descriptions(goal: Goal) -> tuple[ObjectDescription, ...]:
    """The object descriptions of a goal, in the order in which the sentence names them."""
    return (goal.moved, goal.fixed) if isinstance(goal, PutNextTo) else (goal.target,)


def combinations(goal: Goal) -> frozenset[tuple[Color, ObjectType]]:
    """The (color, type) pairs that a goal's sentence names in full; "a ball" or "the red object" name none."""
    return frozenset((d.color, d.type) for d in descriptions(goal) if d.color is not None and d.type is not None)


def _refuse_door(description: ObjectDescription, verb: str) -> None:
    if description.type is ObjectType.DOOR:
        raise InstructionError(f"a door cannot be {verb}")
