"""The verdict on an action: whether the clauses of a goal are done, or failed, as BabyAI's verifier judges them."""

from __future__ import annotations

import numpy as np

from groundling.envs.engine import dynamics
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import (
    DOOR,
    FIRST_OBJECT,
    HOLDS,
    JOINED,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    NUM_ACTIONS,
    OPEN,
    ORDERED,
    PUT_IN,
    STOP,
    STRICT,
    Verb,
)
from groundling.envs.engine.dynamics import DONE, DROP, PICKUP, TOGGLE, shown_by
from groundling.envs.engine.state import Worlds

GO_TO, PICK_UP, OPEN_DOOR = int(Verb.GO_TO), int(Verb.PICK_UP), int(Verb.OPEN)
PUT_NEXT_TO, PUT_NEAR = int(Verb.PUT_NEXT_TO), int(Verb.PUT_NEAR)
ANNOUNCE, STEP_ON = int(Verb.ANNOUNCE), int(Verb.STEP_ON)
GOING_ON, SUCCESS, FAILURE = 0, 1, 2
MEANT, FIXED = 1, 2  # marks of a clause's first and second set of objects, two bits a clause

SOURCES = (__file__, *dynamics.SOURCES)
kernel = compiler(*SOURCES)


@kernel
def has_object(mask: np.uint64, code: int) -> bool:
    """Whether the object of this cell code is in a set."""
    # bit k stands for object k, whose cell code is k + FIRST_OBJECT
    return (mask >> np.uint64(code - FIRST_OBJECT)) & np.uint64(1) != 0


@kernel
def mark_object(w: Worlds, b: int, code: int, position: int) -> None:
    """Mark where the object of this code stands, for each clause that speaks of it."""
    for c in range(w.programs.shape[1]):
        verb = int(w.programs[b, c, 0])
        if verb == NO_CLAUSE:
            return
        if verb <= PUT_NEXT_TO:
            if has_object(w.programs[b, c, 2], code):
                w.marks[b, position] |= MEANT << 2 * c
            if has_object(w.programs[b, c, 3], code):
                w.marks[b, position] |= FIXED << 2 * c


@kernel
def renew_marks(w: Worlds, b: int) -> None:
    """Let the verifier see where the goal's objects stand now; one that stands nowhere has no mark."""
    w.marks[b, :] = 0
    for k in range(w.positions.shape[1]):
        position = w.positions[b, k]
        code = k + FIRST_OBJECT
        if position == NOWHERE:
            continue
        there = int(w.cells[b, position])
        is_held = there != code and there >= FIRST_OBJECT and w.contents[b, there - FIRST_OBJECT] >= HOLDS
        # a call costs time: it is made only where something may show that stands on or lies in another
        if there == code or (is_held and shown_by(w, b, there) == code):
            mark_object(w, b, code, position)


@kernel
def judge_clause(w: Worlds, b: int, c: int, width: int, action: int, front: int, is_rover: bool) -> int:
    """The verdict of one clause on the step just made: GOING_ON, SUCCESS or FAILURE.

    BabyAI's verifier (``verify_action`` of GoToInstr, PickupInstr, OpenInstr and PutNextInstr) and the ``step`` of
    MiniGrid's own levels.
    """
    verb = int(w.programs[b, c, 0])
    strict = int(w.programs[b, c, 1]) & STRICT != 0
    meant = w.programs[b, c, 2]
    # noted ahead of every return, since the clause's next verdict compares with it
    before, now = w.carried_before[b, c], w.carried[b]
    w.carried_before[b, c] = now
    if verb == GO_TO:
        # a tile has two bits a clause: the shift brings this clause's pair to the bottom
        if (w.marks[b, front] >> 2 * c) & MEANT:
            return SUCCESS
        return FAILURE if strict and w.cells[b, front] >= FIRST_OBJECT else GOING_ON
    if verb == PICK_UP:
        if action != PICKUP or now == NOTHING_CODE:
            return GOING_ON
        if before == NOTHING_CODE and has_object(meant, now):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    if verb == OPEN_DOOR:
        if action != TOGGLE:
            return GOING_ON
        code = w.cells[b, front]
        seen = w.looks[b, code]
        if seen & 0xFF != DOOR:
            return GOING_ON
        if (seen >> 16) & 0xFF == OPEN and has_object(meant, code):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    if verb & 7 == PUT_NEXT_TO:  # PUT_IN as well: a branch of its own would cost every step of every task a seventh
        if strict and action == PICKUP and now != NOTHING_CODE:
            return FAILURE
        if action != DROP or before == NOTHING_CODE or not has_object(meant, before):
            return GOING_ON
        position = w.positions[b, before - FIRST_OBJECT]
        if position != NOWHERE:
            if verb == PUT_IN:
                return SUCCESS if w.floors[b, position] == w.programs[b, c, 3] else GOING_ON
            # the border of walls keeps the four neighbors on the map, and in the same row or column
            beside = w.marks[b, position - 1] | w.marks[b, position + 1]
            beside |= w.marks[b, position - width] | w.marks[b, position + width]
            if (beside >> 2 * c) & FIXED:
                return SUCCESS
        return GOING_ON
    if verb == PUT_NEAR:
        if action == PICKUP and now != NOTHING_CODE:
            return GOING_ON if has_object(meant, now) else FAILURE
        if action != DROP or before == NOTHING_CODE:
            return GOING_ON
        goal = int(w.programs[b, c, 3])
        near = abs(front % width - goal % width) <= 1 and abs(front // width - goal // width) <= 1
        return SUCCESS if now == NOTHING_CODE and near else FAILURE
    goal = int(meant)
    if verb == ANNOUNCE:
        if action == DONE:
            # a rover may be in the tile of the thing itself, or look past a corner at it: it counts what it faces
            if is_rover and w.cells[b, goal] >= FIRST_OBJECT:
                return SUCCESS if front == goal else FAILURE
            away = abs(w.position[b] - goal)
            return SUCCESS if away == 1 or away == width else FAILURE
        return FAILURE if action == TOGGLE else GOING_ON
    # step on
    if w.position[b] == goal:
        return SUCCESS
    return FAILURE if w.position[b] == int(w.programs[b, c, 3]) else GOING_ON


@kernel
def judge_traps(w: Worlds, b: int) -> int:
    """FAILURE where a box was opened that the clause to be done forbids; apart from :func:`judge`, since it costs time.

    A box that was opened is not where it stood, and is not carried.
    """
    c = int(w.current_step[b])
    boxes = w.programs[b, c, 3]
    if int(w.programs[b, c, 0]) != PICK_UP or boxes == 0:
        return GOING_ON
    for k in range(w.positions.shape[1]):
        position = w.positions[b, k]
        code = k + FIRST_OBJECT
        if position != NOWHERE and has_object(boxes, code) and int(w.cells[b, position]) != code:
            return FAILURE
    return GOING_ON


@kernel
def judge_answer(w: Worlds, b: int, action: int) -> int:
    """The verdict of a goal that is to answer, as :func:`judge`'s; apart from it, since it costs the others time."""
    c = int(w.current_step[b])
    if int(w.programs[b, c, 0]) == STOP:
        if action == DONE:
            w.current_step[b] = c + 1
            return GOING_ON
        return FAILURE if action >= NUM_ACTIONS else GOING_ON
    if action >= NUM_ACTIONS:
        return SUCCESS if action - NUM_ACTIONS == int(w.programs[b, c, 2]) else FAILURE
    strict = int(w.programs[b, c, 1]) & STRICT != 0
    return FAILURE if strict and action != DONE else GOING_ON  # an agent that has stopped moves no more


@kernel
def end_of_step(w: Worlds, b: int, start: int) -> int:
    """The clause after the step of the goal that begins with this one."""
    end = start + 1
    while (
        end < w.programs.shape[1]
        and int(w.programs[b, end, 0]) != NO_CLAUSE
        and int(w.programs[b, end, 1]) & JOINED != 0
    ):
        end += 1
    return end


@kernel
def judge_step(w: Worlds, b: int, start: int, end: int, width: int, action: int, front: int, is_rover: bool) -> int:
    """The verdict of the clauses ``start`` to ``end``, which may be done in any order.

    As in BabyAI's AndInstr a failure of one of several clauses does not count.
    """
    is_complete = True
    for c in range(start, end):
        if w.done[b] >> c & 1:
            continue
        verdict = judge_clause(w, b, c, width, action, front, is_rover)
        if verdict == SUCCESS:
            w.done[b] |= 1 << c
        else:
            is_complete = False
            if verdict == FAILURE and end == start + 1:
                return FAILURE
    return SUCCESS if is_complete else GOING_ON


@kernel
def judge(w: Worlds, b: int, width: int, action: int, front: int, is_rover: bool) -> int:
    """The verdict of the goal program on the action just taken: GOING_ON, SUCCESS or FAILURE.

    The steps are judged one after the other, the next one at once with the action that completed the one before, as
    by BabyAI's BeforeInstr and AfterInstr.
    """
    # BabyAI's verifier looks for its objects after a drop only: until then it goes by where they lay before
    if action == DROP:
        renew_marks(w, b)
    clauses = w.programs.shape[1]
    while True:
        start = int(w.current_step[b])
        end = end_of_step(w, b, start)
        is_last = end == clauses or int(w.programs[b, end, 0]) == NO_CLAUSE
        verdict = judge_step(w, b, start, end, width, action, front, is_rover)
        if verdict == FAILURE or (verdict == SUCCESS and is_last):
            return verdict
        if verdict == GOING_ON:
            if not is_last and int(w.programs[b, end, 1]) & ORDERED != 0:
                # strict order: the next step is judged as well, and to complete it now is a failure
                ahead = judge_step(w, b, end, end_of_step(w, b, end), width, action, front, is_rover)
                return FAILURE if ahead == SUCCESS else GOING_ON
            return GOING_ON
        w.current_step[b] = end
