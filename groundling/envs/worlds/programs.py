"""Goals compiled to goal programs: rows of integers, one a clause, that the kernels judge by.

A clause is (verb, flags, operand, operand); the operands are masks of objects (bit k stands for object k) or places
(``constants.place``). The rows of a program stand in the order in which the steps are to be done, whatever the order of
the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from groundling.envs.engine.constants import JOINED, ORDERED, PUT_IN, STRICT, Verb
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
)

ClauseRow = tuple[int, int, int, int]
Program = tuple[ClauseRow, ...]


def compile_goal(goal: Goal, meanings: Iterable[tuple[int, int]]) -> Program:
    """The program of a goal.

    Args:
        goal: what is asked.
        meanings: for each clause, in the order of the sentence, its two operands: masks of the objects that its
            descriptions mean, or places; 0 where there is none.
    """
    operands = iter(meanings)
    match goal:
        case Then(parts, strict):
            groups = [_compile_step(part, operands) for part in parts]
        case After(last, first, strict):
            later = _compile_step(last, operands)
            groups = [_compile_step(first, operands), later]
        case _:
            groups, strict = [_compile_step(goal, operands)], False
    rows: list[ClauseRow] = []
    for number, group in enumerate(groups):
        for place, (verb, flags, first_operand, second_operand) in enumerate(group):
            if place:
                flags |= JOINED
            elif number and strict:
                flags |= ORDERED
            rows.append((verb, flags, first_operand, second_operand))
    return tuple(rows)


def _compile_step(step: Step, operands: Iterator[tuple[int, int]]) -> list[ClauseRow]:
    if isinstance(step, And):
        return [row for part in step.parts for row in _compile_clause(part, *next(operands))]
    return _compile_clause(step, *next(operands))


def _compile_clause(clause: Clause, first: int, second: int) -> list[ClauseRow]:
    verb, strict = _verb(clause)
    if any(description.both for description in clause_descriptions(clause)):
        singles = [1 << bit for bit in range(first.bit_length()) if first >> bit & 1]
        return [(int(verb), strict, single, second) for single in singles]
    return [(int(verb), strict, first, second)]


def _verb(clause: Clause) -> tuple[int, int]:
    match clause:
        case GoTo(announced=announced):
            return (Verb.ANNOUNCE if announced else Verb.GO_TO), 0
        case PickUp(strict=strict):
            return Verb.PICK_UP, STRICT * strict
        case Open(strict=strict):
            return Verb.OPEN, STRICT * strict
        case PutNextTo(strict=strict):
            return Verb.PUT_NEXT_TO, STRICT * strict
        case PutNear():
            return Verb.PUT_NEAR, 0
        case PutIn():
            return PUT_IN, 0
        case GoToMatch() | UnlockAndGoToGoal():
            return Verb.STEP_ON, 0
