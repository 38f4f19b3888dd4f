"""What a goal is made of, and the same goal with its parts changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from groundling.language.descriptions import NextTo, ObjectDescription
from groundling.language.goals import (
    After,
    And,
    Clause,
    Goal,
    GoTo,
    GoToMatch,
    Open,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Step,
    Then,
    UnlockAndGoToGoal,
    clause_descriptions,
    clauses,
)


def descriptions(goal: Goal) -> tuple[ObjectDescription, ...]:
    """The object descriptions of a goal in the order in which the sentence names them, those of neighbors included."""
    return tuple(
        description
        for clause in clauses(goal)
        for target in clause_descriptions(clause)
        for description in (target, *_neighbors(target))
    )


def _neighbors(description: ObjectDescription) -> tuple[ObjectDescription, ...]:
    return (description.relation.neighbor,) if isinstance(description.relation, NextTo) else ()


def combinations(goal: Goal) -> frozenset[tuple[str, str]]:
    """The (color, type) pairs that a goal's sentence names in full; "a ball" or "the red object" name none."""
    return frozenset((d.color, d.type) for d in descriptions(goal) if d.color is not None and d.type is not None)


def without_determiners(goal: Goal) -> Goal:
    """The goal with every "a" read as "the": how many objects fit is a matter of the world, not of the words."""

    def definite(description: ObjectDescription) -> ObjectDescription:
        relation = description.relation
        if isinstance(relation, NextTo):
            relation = NextTo(definite(relation.neighbor))
        return replace(description, definite=True, relation=relation)

    return with_descriptions(goal, definite)


def with_descriptions(goal: Goal, change: Callable[[ObjectDescription], ObjectDescription]) -> Goal:
    """The goal with the description of every clause changed."""

    def changed(clause: Clause) -> Clause:
        match clause:
            case PutNextTo(moved, fixed) | PutNear(moved, fixed):
                return replace(clause, moved=change(moved), fixed=change(fixed))
            case PutIn(moved):
                return replace(clause, moved=change(moved))
            case GoTo(target) | PickUp(target) | Open(target):
                return replace(clause, target=change(target))
            case _:
                return clause

    return _with_clauses(goal, changed)


def without_rules(goal: Goal) -> Goal:
    """The goal as its sentence tells it: whether a level is strict, or wants "done" to be said, is no word of it."""

    def lenient(clause: Clause) -> Clause:
        match clause:
            case PickUp() | Open() | PutNextTo():
                return replace(clause, strict=False)
            case GoTo():
                return replace(clause, announced=False)
            case _:
                return clause

    goal = _with_clauses(goal, lenient)
    return replace(goal, strict=False) if isinstance(goal, Then | After) else goal


def with_rules(goal: Goal, *, announced: bool, strict: bool) -> Goal:
    """The goal as a level or task with these rules asks for it; see :func:`without_rules`."""

    def ruled(clause: Clause) -> Clause:
        match clause:
            case PickUp() | Open():
                return replace(clause, strict=strict)
            case GoTo():
                return replace(clause, announced=announced)
            case _:
                return clause

    return _with_clauses(goal, ruled)


def _with_clauses(goal: Goal, change: Callable[[Clause], Clause]) -> Goal:
    """The goal with every clause changed."""

    def changed(step: Step) -> Step:
        return And(tuple(map(change, step.parts))) if isinstance(step, And) else change(step)

    match goal:
        case Then(parts):
            return replace(goal, parts=tuple(map(changed, parts)))
        case After(last, first):
            return replace(goal, last=changed(last), first=changed(first))
        case _:
            return changed(goal)


def verb_of(clause: Clause) -> str:
    """The verb of a clause as BabyAI writes it, for example ``"pick up"``."""
    match clause:
        case GoTo() | GoToMatch():
            return "go to"
        case PickUp():
            return "pick up"
        case Open():
            return "open"
        case PutNextTo() | PutNear() | PutIn():
            return "put"
        case UnlockAndGoToGoal():
            return "unlock"
