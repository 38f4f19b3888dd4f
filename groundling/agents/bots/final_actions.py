"""The action that reaches an aim from a node of the search, if one does."""

from __future__ import annotations

from typing import Final

from groundling.agents.bots.aims import CLEAR, DROP_OFF, EXPLORE, OPEN_BOX, Aim, Rules
from groundling.agents.bots.memory import BANNED, EMPTY_HANDS, IS_GOOD, STAMP, WANTED, Memory, Node, front_of
from groundling.agents.bots.problem import Problem, can_open
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    inside_of,
    is_among,
    is_free,
    is_known,
    is_portable,
    lock_color,
    shown_on,
    state_of,
    type_of,
)
from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.engine.constants import BOX, CLOSED, FIRST_OBJECT, LOCKED, NOTHING_CODE, PUT_IN
from groundling.envs.engine.dynamics import DONE, DROP, PICKUP, TOGGLE, stride_of
from groundling.envs.engine.goal_check import ANNOUNCE, GO_TO, MEANT, OPEN_DOOR, PICK_UP, PUT_NEXT_TO, STEP_ON

NO_ACTION: Final = -1


@inlined_kernel
def final_action(q: Problem, m: Memory, node: Node) -> int:
    """The action that reaches the aim from a node; DONE if being there is enough, NO_ACTION if it is not reached."""
    s, aim = q.scene, q.aim
    verb = aim.verb
    front = front_of(node, s.width)
    if verb == EXPLORE:
        return DONE if not is_known(s, front) else NO_ACTION
    if verb == ANNOUNCE:
        away = abs(node.place - aim.place)
        return DONE if (away == 1 or away == s.width) and is_known(s, aim.place) else NO_ACTION
    if verb == STEP_ON:
        return DONE if node.place == aim.place and is_known(s, node.place) else NO_ACTION
    if not is_known(s, front):
        return NO_ACTION
    code = as_int(s.cells[front])
    if verb == GO_TO:
        if (s.marks[front] >> 2 * aim.clause) & MEANT:
            return DONE
        return DROP if is_among(code, aim.meant) else NO_ACTION  # it came out of a box: the verifier looks at a drop
    if verb == DROP_OFF:
        return DROP if code == NOTHING_CODE and is_good_to_drop(s, m, q.rules, front) else NO_ACTION
    if verb == CLEAR:
        return PICKUP if node.hands == EMPTY_HANDS and is_among(code, aim.meant) else NO_ACTION
    if verb == OPEN_BOX:
        return TOGGLE if is_among(code, aim.meant) and type_of(s.looks[code]) == BOX else NO_ACTION
    if verb == PICK_UP:
        return _action_to_pick_up(q, node.hands, code)
    if verb == OPEN_DOOR:
        return _action_to_open(q, m, node.hands, code)
    return _action_to_put(q, node.hands, front)


@inlined_kernel
def _action_to_pick_up(q: Problem, hands: int, code: int) -> int:
    s, aim = q.scene, q.aim
    if hands == WANTED:  # it is carried already, and is to be picked up anew
        return DROP if code == NOTHING_CODE else NO_ACTION
    if hands != EMPTY_HANDS or code < FIRST_OBJECT:
        return NO_ACTION
    if is_among(code, aim.meant):
        return PICKUP
    if is_among(shown_on(s, code), aim.meant):
        return PICKUP
    is_inside = is_among(inside_of(s, code - FIRST_OBJECT), aim.meant)
    return TOGGLE if is_inside and may_open_box(q, code) else NO_ACTION


@inlined_kernel
def may_open_box(q: Problem, code: int) -> bool:
    """Whether this is a box that may be opened for what is known to be inside."""
    is_spared = q.rules.spares_boxes and is_among(code, q.rules.ahead.needed)
    return q.scene.knows_all and type_of(q.scene.looks[code]) == BOX and q.rules.may_toggle and not is_spared


@inlined_kernel
def _action_to_open(q: Problem, m: Memory, hands: int, code: int) -> int:
    if not is_among(code, q.aim.meant):
        return NO_ACTION
    look = q.scene.looks[code]
    if state_of(look) == LOCKED:
        return TOGGLE if can_open(q, m, hands, lock_color(q.scene, code)) else NO_ACTION
    return TOGGLE if state_of(look) == CLOSED or q.rules.may_close_doors else NO_ACTION


@inlined_kernel
def _action_to_put(q: Problem, hands: int, front: int) -> int:
    s, aim = q.scene, q.aim
    code = as_int(s.cells[front])
    if hands != WANTED:
        return NO_ACTION
    if code != NOTHING_CODE and not (q.rules.is_relaxed and code >= FIRST_OBJECT and is_portable(s.looks[code])):
        return NO_ACTION
    if aim.verb == PUT_NEXT_TO:
        return DROP if _is_beside_fixed(s, aim, front) else NO_ACTION
    if aim.verb == PUT_IN:
        return DROP if s.floors[front] == aim.place else NO_ACTION
    columns = abs(front % s.width - aim.place % s.width)
    rows = abs(front // s.width - aim.place // s.width)
    return DROP if columns <= 1 and rows <= 1 and is_known(s, aim.place) else NO_ACTION


@inlined_kernel
def _is_beside_fixed(s: Scene, aim: Aim, place: int) -> bool:
    for direction in range(4):
        around = place + stride_of(direction, s.width)
        code = as_int(s.cells[around])
        if (is_among(code, aim.fixed) or is_among(shown_on(s, code), aim.fixed)) and is_known(s, around):
            return True
    return False


@inlined_kernel
def is_good_to_drop(s: Scene, m: Memory, rules: Rules, place: int) -> bool:
    """Whether an object may be left here, looked at once in a search."""
    if m.drops[place, STAMP] != m.clock[0]:
        m.drops[place, STAMP] = m.clock[0]
        m.drops[place, IS_GOOD] = _leaves_a_way(s, m, rules, place)
    return m.drops[place, IS_GOOD] != 0


@inner_kernel
def _leaves_a_way(s: Scene, m: Memory, rules: Rules, place: int) -> bool:
    """Whether the free tiles around an object that is left here stay connected, and no doorway is closed."""
    for i in range(m.counts[BANNED]):
        if m.banned[i] == place:
            return False
    if rules.may_drop_anywhere:
        return True
    around = place - s.width - 1  # then clockwise
    was_free = is_free(s, around)
    changes = 0
    for side in range(4):
        for _ in range(2):
            around += stride_of(side, s.width)
            now_free = is_free(s, around)
            changes += now_free != was_free
            was_free = now_free
    return changes <= 2
