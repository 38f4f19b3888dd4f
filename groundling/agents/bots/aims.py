"""What is to be reached next and what may be done on the way, as the clauses of a goal say."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from groundling.agents.bots.scene import (
    Scene,
    as_int,
    inside_of,
    is_among,
    is_clause,
    is_due,
    place_of,
    set_of,
    type_of,
)
from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.engine.constants import (
    BOX,
    DOOR,
    FIRST_OBJECT,
    JOINED,
    NO_PLACE,
    NOTHING_CODE,
    NOWHERE,
    ORDERED,
    PUT_IN,
    STRICT,
)
from groundling.envs.engine.goal_check import ANNOUNCE, GO_TO, MEANT, OPEN_DOOR, PICK_UP, PUT_NEAR, PUT_NEXT_TO, STEP_ON

EXPLORE, DROP_OFF, OPEN_BOX, CLEAR = 16, 17, 18, 19  # verbs of aims that no clause asks for
NOTHING: Final = np.uint64(0)  # the empty set of objects


class Aim(NamedTuple):
    """What is to be reached."""

    verb: int
    clause: int
    meant: np.uint64  # a set of objects
    fixed: np.uint64  # the objects that one is to be put next to
    place: int  # to announce, to step on or to put something near to; or the floor to put something on


class Rules(NamedTuple):
    """What may be done on the way."""

    may_lift: bool  # what is not meant
    may_toggle: bool
    may_close_doors: bool  # in order to open them again
    may_drop_anywhere: bool  # even where it is in the way
    spares_boxes: bool  # that the goal needs, even if what it needs is inside
    is_relaxed: bool  # take no heed of what lies where something is to be put
    avoided: int  # a place that fails the episode, else NO_PLACE
    ahead: Ahead


class Ahead(NamedTuple):
    """What later clauses need, and what does a step of the goal before its time."""

    needed: np.uint64  # objects that any clause speaks of that is not done, boxes that must stay shut included
    early_doors: np.uint64  # not to be opened
    early_things: np.uint64  # not to be picked up
    early_marks: int  # of the verifier, not to be faced


@inner_kernel
def look_ahead(s: Scene) -> Ahead:
    """What the clauses that are not done need and forbid."""
    needed = early_doors = early_things = NOTHING
    early_marks = 0
    step, clauses = 0, 0
    c = s.current_step
    while is_clause(s, c):
        verb, flags = as_int(s.programs[c, 0]), as_int(s.programs[c, 1])
        step += c > s.current_step and not flags & JOINED
        if is_due(s, c):
            if verb <= PUT_NEAR or verb == PUT_IN:
                needed |= s.programs[c, 2]
            if verb in (PICK_UP, PUT_NEXT_TO):
                needed |= s.programs[c, 3]
            if step == 1:
                clauses += 1
                if clauses > 1:  # a step of several clauses is not done by doing one of them
                    early_doors = early_things = NOTHING
                    early_marks = 0
                elif flags & ORDERED:
                    if verb == OPEN_DOOR:
                        early_doors = s.programs[c, 2]
                    elif verb == PICK_UP:
                        early_things = s.programs[c, 2]
                    elif verb == GO_TO:
                        early_marks = MEANT << 2 * c
        c += 1
    return Ahead(needed, early_doors, early_things, early_marks)


@inner_kernel
def aim_of(verb: int, objects: np.uint64) -> Aim:
    """An aim that no clause asks for."""
    return Aim(verb, 0, objects, NOTHING, NO_PLACE)


@inner_kernel
def aim_of_clause(s: Scene, c: int) -> Aim:
    """What a clause asks for; where all that it means is known to be in boxes, first that they are opened."""
    verb, first, second = as_int(s.programs[c, 0]), s.programs[c, 2], s.programs[c, 3]
    if s.knows_all and verb in (GO_TO, PUT_NEXT_TO):
        boxes = _boxes_around(s, first if verb == GO_TO else second)
        if boxes != NOTHING:
            return aim_of(OPEN_BOX, boxes)
    if verb <= PUT_NEXT_TO:
        return Aim(verb, c, first, second, NO_PLACE)
    if verb in (PUT_NEAR, PUT_IN):
        return Aim(verb, c, first, NOTHING, as_int(second))
    return Aim(verb, c, NOTHING, NOTHING, as_int(first))


@inner_kernel
def _boxes_around(s: Scene, objects: np.uint64) -> np.uint64:
    """The boxes on the map that hold objects of a set none of which stands on the map or is carried; else none."""
    boxes = NOTHING
    for k in range(s.positions.shape[0]):
        code = k + FIRST_OBJECT
        is_there = place_of(s, k) != NOWHERE
        if is_among(code, objects) and (is_there or s.carried == code):
            return NOTHING
        if is_there and type_of(s.looks[code]) == BOX and is_among(inside_of(s, k), objects):
            boxes |= set_of(code)
    return boxes


@inner_kernel
def has_full_box(s: Scene, objects: np.uint64) -> bool:
    """Whether one of a set of objects is a box with something inside."""
    for k in range(s.positions.shape[0]):
        is_full = inside_of(s, k) != NOTHING_CODE and type_of(s.looks[k + FIRST_OBJECT]) != DOOR
        if is_full and is_among(k + FIRST_OBJECT, objects):
            return True
    return False


@inner_kernel
def no_rules(ahead: Ahead, may_drop_anywhere: bool) -> Rules:
    """Everything is allowed but to do the next step before its time."""
    return Rules(True, True, True, may_drop_anywhere, False, False, NO_PLACE, ahead)


@inner_kernel
def rules_of_clause(
    s: Scene, ahead: Ahead, c: int, is_alone: bool, may_drop_anywhere: bool, spares_boxes: bool
) -> Rules:
    """What a clause allows; ``is_alone`` where it is the only one of its step, whose failure fails the episode."""
    verb, is_strict = as_int(s.programs[c, 0]), as_int(s.programs[c, 1]) & STRICT != 0
    may_lift, may_toggle, may_close_doors = True, True, True
    if is_alone:
        may_lift = verb != PUT_NEAR and not (is_strict and verb in (PICK_UP, PUT_NEXT_TO))
        may_toggle = verb != ANNOUNCE
        may_close_doors = not (is_strict and verb == OPEN_DOOR)
    early_doors = ahead.early_doors if may_close_doors else ~s.programs[c, 2]
    avoided = as_int(s.programs[c, 3]) if verb == STEP_ON else NO_PLACE
    ahead = Ahead(ahead.needed, early_doors, ahead.early_things, ahead.early_marks)
    return Rules(may_lift, may_toggle, may_close_doors, may_drop_anywhere, spares_boxes, False, avoided, ahead)


@inner_kernel
def relaxed(rules: Rules) -> Rules:
    """The rules for looking what is in the way."""
    return Rules(
        rules.may_lift,
        rules.may_toggle,
        rules.may_close_doors,
        rules.may_drop_anywhere,
        rules.spares_boxes,
        True,
        rules.avoided,
        rules.ahead,
    )
