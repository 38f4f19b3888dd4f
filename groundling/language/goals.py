"""Goals: what an instruction asks for, as frozen values from which both the sentence and the success test are made.

A goal is where the flow begins: ``groundling.language.grammar`` renders it to text and parses it back;
``groundling.envs`` compiles it to the program of integers that the kernels check.

    Goal   = Step | Then | After         "a and b, then c", "c after you a and b"
    Step   = Clause | And                what may be done in any order
    Clause = GoTo | PickUp | Open | PutNextTo | PutNear | PutIn | GoToMatch | UnlockAndGoToGoal
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundling.errors import InstructionError
from groundling.language.descriptions import (
    MINIGRID_COLORS,
    MINIGRID_OBJECTS,
    PORTABLE_TYPES,
    AnyColor,
    AnyType,
    Color,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Size,
)

__all__ = [
    "MAX_CLAUSES",
    "MINIGRID_COLORS",
    "MINIGRID_OBJECTS",
    "PORTABLE_TYPES",
    "After",
    "And",
    "AnyColor",
    "AnyType",
    "Clause",
    "Color",
    "GoTo",
    "GoToMatch",
    "Goal",
    "Instructed",
    "Location",
    "NextTo",
    "ObjectDescription",
    "ObjectType",
    "Open",
    "PickUp",
    "PutIn",
    "PutNear",
    "PutNextTo",
    "Size",
    "Step",
    "Then",
    "UnlockAndGoToGoal",
    "clause_descriptions",
    "clauses",
    "steps",
]

MAX_CLAUSES = 4  # of one goal; "both" counts for two


@dataclass(frozen=True, slots=True)
class GoTo:
    """Stand before an object that fits the description and face it.

    With ``announced`` (a rule of MiniGrid's GoToDoor and GoToObject): stand beside its first place and take the action
    "done", which ends the episode either way, as toggling does. A rover has to face the object, within its reach.
    """

    target: ObjectDescription
    announced: bool = False


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
        _refuse_both(self.moved, self.fixed)
        _refuse_next_to(self.moved, self.fixed)


@dataclass(frozen=True, slots=True)
class PutNear:
    """Drop ``moved`` within a tile of ``fixed``, diagonals included; any other pick-up or drop fails.

    Source: MiniGrid's PutNear.
    """

    moved: ObjectDescription
    fixed: ObjectDescription

    def __post_init__(self) -> None:
        _refuse_door(self.moved, "moved")
        _refuse_both(self.moved, self.fixed)
        _refuse_next_to(self.moved, self.fixed)


@dataclass(frozen=True, slots=True)
class PutIn:
    """Put an object that fits ``moved`` down in a room of a kind, on its floor or on a thing that stands there.

    Attributes:
        moved: what is to be put there.
        place: words of a relation of the task's own that holds on a floor (``Relation.floor``), "in the kitchen". Any
            room with this floor does.
    """

    moved: ObjectDescription
    place: str

    def __post_init__(self) -> None:
        _refuse_door(self.moved, "moved")
        if self.moved.both:
            raise InstructionError("'both' cannot be put: name one object")
        _refuse_next_to(self.moved)


@dataclass(frozen=True, slots=True)
class GoToMatch:
    """Go to that end of the hallway where the object seen at the start lies; the other end fails.

    Source: MiniGrid's Memory.
    """


@dataclass(frozen=True, slots=True)
class UnlockAndGoToGoal:
    """Fetch the key from a room, unlock the door, step on the goal tile (MiniGrid's LockedRoom).

    Attributes:
        key: color of the key.
        room: color of the door of the room in which the key lies.
        door: color of the locked door.
    """

    key: Color
    room: Color
    door: Color


Clause = GoTo | PickUp | Open | PutNextTo | PutNear | PutIn | GoToMatch | UnlockAndGoToGoal


@dataclass(frozen=True, slots=True)
class And:
    """All of these clauses, in any order."""

    parts: tuple[Clause, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise InstructionError("'and' joins at least two clauses")
        _check_length(self)


Step = GoTo | PickUp | Open | PutNextTo | PutNear | PutIn | GoToMatch | UnlockAndGoToGoal | And


@dataclass(frozen=True, slots=True)
class Then:
    """One step after the other, in this order (with ``strict``, completing the next step too early fails)."""

    parts: tuple[Step, ...]
    strict: bool = False

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise InstructionError("'then' joins at least two steps")
        _check_length(self)


@dataclass(frozen=True, slots=True)
class After:
    """``last`` after ``first``: the sentence names the later step before the earlier one; ``strict`` as in Then."""

    last: Step
    first: Step
    strict: bool = False

    def __post_init__(self) -> None:
        _check_length(self)


Goal = GoTo | PickUp | Open | PutNextTo | PutNear | PutIn | GoToMatch | UnlockAndGoToGoal | And | Then | After


@dataclass(frozen=True, slots=True)
class Instructed:
    """A goal with what the agent is told: a sentence of the task's own, which the language need not know, a manual.

    Attributes:
        goal: what is judged.
        sentence: on one line; its words are known to the task (``Task.sentences``). Empty says the goal as the language
            does.
        manual: sentences that hold in this episode, for tasks with space for them (``Task.max_manual_sentences``).

    Raises:
        InstructionError: if the manual is a single string instead of sentences.
    """

    goal: Goal
    sentence: str = ""
    manual: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.manual, str):
            raise InstructionError(f"a manual is a list of sentences, not one string: {self.manual!r}")
        object.__setattr__(self, "manual", tuple(self.manual))


def steps(goal: Goal) -> tuple[tuple[Clause, ...], ...]:
    """The clauses of a goal, step after step in the order in which they are to be done."""
    match goal:
        case Then(parts):
            return tuple(clause for part in parts for clause in steps(part))
        case After(last, first):
            return steps(first) + steps(last)
        case And(parts):
            return (parts,)
        case _:
            return ((goal,),)


def clauses(goal: Goal) -> tuple[Clause, ...]:
    """The clauses of a goal in the order in which the sentence names them."""
    match goal:
        case Then(parts):
            return tuple(clause for part in parts for clause in clauses(part))
        case After(last, first):
            return clauses(last) + clauses(first)
        case And(parts):
            return parts
        case _:
            return (goal,)


def clause_descriptions(clause: Clause) -> tuple[ObjectDescription, ...]:
    """The object descriptions of one clause."""
    match clause:
        case PutNextTo(moved, fixed) | PutNear(moved, fixed):
            return (moved, fixed)
        case PutIn(moved):
            return (moved,)
        case GoTo(target) | PickUp(target) | Open(target):
            return (target,)
        case UnlockAndGoToGoal(key, _, door):
            return (ObjectDescription(ObjectType.KEY, key), ObjectDescription(ObjectType.DOOR, door))
        case GoToMatch():
            return ()


def _refuse_door(description: ObjectDescription, verb: str) -> None:
    if description.type is ObjectType.DOOR:
        raise InstructionError(f"a door cannot be {verb}")


def _refuse_both(*described: ObjectDescription) -> None:
    if any(description.both for description in described):
        raise InstructionError("'both' cannot be put or put beside: name one object")
    if all(description.negated for description in described):
        raise InstructionError("of the two objects of 'put', only one can be named by what it is not")


def _refuse_next_to(*described: ObjectDescription) -> None:
    if any(isinstance(description.relation, NextTo) for description in described):
        raise InstructionError(
            "what is put, and what it is put beside, cannot be named by what it lies next to: 'put the ball next to "
            "the box next to the door' would have two readings. Name it by its color, type, size or place"
        )


def _check_length(goal: Goal) -> None:
    if not all(isinstance(clause, GoTo | PickUp | Open | PutNextTo | PutIn) for clause in clauses(goal)):
        raise InstructionError("only 'go to', 'pick up', 'open', 'put ... next to' and 'put ... in' can be joined")
    count = sum(2 if any(d.both for d in clause_descriptions(c)) else 1 for c in clauses(goal))
    if count > MAX_CLAUSES:
        raise InstructionError(f"a goal has at most {MAX_CLAUSES} clauses ('both' counts for two), got {count}")
