"""What a search may do in a node: the action that reaches the aim, and the ways on to other nodes."""

from __future__ import annotations

from typing import Final

from groundling.agents.bots.aims import EXPLORE
from groundling.agents.bots.final_actions import is_good_to_drop, may_open_box
from groundling.agents.bots.memory import (
    CROSS,
    DROP_LEFT,
    DROP_RIGHT,
    EDGE,
    EMPTY_HANDS,
    FIRST_KEY,
    JUNK,
    LIFT,
    MAX_BARRIERS,
    NOT_TRACKED,
    OPEN_AWAY,
    TAKE,
    TAKE_OUT,
    TRACKED,
    TURN_LEFT,
    TURN_RIGHT,
    UNLOCK,
    WALK,
    WALK_THROUGH_DOOR,
    WANTED,
    Memory,
    Node,
    barrier_at,
    front_of,
    is_nearer,
    reach,
)
from groundling.agents.bots.problem import Problem, can_open, hands_with_key, is_key_in_hands
from groundling.agents.bots.scene import (
    as_int,
    held_by,
    inside_of,
    is_among,
    is_known,
    is_portable,
    is_walkable,
    lock_color,
    shown_on,
    state_of,
    type_of,
)
from groundling.envs.engine.compiling import inlined_kernel
from groundling.envs.engine.constants import BOX, CLOSED, DOOR, FIRST_OBJECT, NOTHING_CODE, PUT_IN
from groundling.envs.engine.goal_check import GO_TO, MEANT, PUT_NEAR, PUT_NEXT_TO

# Prices in steps; a barrier that is tracked costs what removing it takes.
DOOR_PRICE: Final = 2
DROP_PRICE: Final = 2  # and turn
OBJECT_PRICE: Final = 7
FURTHER_OBJECT_PRICE: Final = 24  # once no more can be tracked, lest what is far off look cheaper for ever
LOCK_PRICE: Final = 16
EXPLORING_DOOR_PRICE: Final = 5


@inlined_kernel
def expand(q: Problem, m: Memory, origin: int, node: Node) -> None:
    """Note every way on from a node, straight on first.

    Of several shortest ways the first one found is taken, so the expert walks straight on as long as that is as good as
    turning, and turns left where that is as good as right: whoever imitates it need not guess.
    """
    front = front_of(node, q.scene.width)
    if is_known(q.scene, front) and front != q.rules.avoided:
        _expand_ahead(q, m, origin, node, front)
    edge = m.nodes[origin, EDGE]
    if edge != TURN_RIGHT:  # back again
        _move(q, m, origin, TURN_LEFT, _turned(node, 3, node.hands), 1)
    if edge != TURN_LEFT:
        _move(q, m, origin, TURN_RIGHT, _turned(node, 1, node.hands), 1)


@inlined_kernel
def _turned(node: Node, quarters: int, hands: int) -> Node:
    return Node(node.removed, hands, node.place, (node.direction + quarters) & 3)


@inlined_kernel
def _move(q: Problem, m: Memory, origin: int, edge: int, node: Node, price: int) -> None:
    """As :func:`reach` for another pose, unless being there does a step of the goal before its time."""
    early_marks = q.rules.ahead.early_marks
    front = front_of(node, q.scene.width)
    if early_marks != 0 and is_known(q.scene, front):
        marks = as_int(q.scene.marks[front])
        is_aim = q.aim.verb == GO_TO and (marks >> 2 * q.aim.clause) & MEANT != 0
        if marks & early_marks and not is_aim:
            return
    reach(m, q.scene.cells.shape[0], origin, edge, node, price)


@inlined_kernel
def _expand_ahead(q: Problem, m: Memory, origin: int, node: Node, front: int) -> None:
    """Note the ways on that lead through the tile in front, or change what is there."""
    s = q.scene
    code = as_int(s.cells[front])
    look = s.looks[code]
    ahead = Node(node.removed, node.hands, front, node.direction)
    if code == NOTHING_CODE:
        _move(q, m, origin, WALK, ahead, 1)
        if (node.hands == JUNK or node.hands >= FIRST_KEY) and q.rules.may_lift:
            left, right = _turned(node, 3, EMPTY_HANDS), _turned(node, 1, EMPTY_HANDS)
            is_news = is_nearer(m, s, origin, left, DROP_PRICE) or is_nearer(m, s, origin, right, DROP_PRICE)
            if is_news and is_good_to_drop(s, m, q.rules, front):
                _move(q, m, origin, DROP_LEFT, left, DROP_PRICE)
                _move(q, m, origin, DROP_RIGHT, right, DROP_PRICE)
        return
    if code < FIRST_OBJECT:
        return
    barrier = barrier_at(m, front)
    if is_walkable(look) or (barrier != NOT_TRACKED and node.removed >> barrier & 1):
        _move(q, m, origin, WALK, ahead, 1)
    elif type_of(look) == DOOR:
        if q.rules.may_toggle and not is_among(code, q.rules.ahead.early_doors):
            _expand_door(q, m, origin, node, ahead, code, barrier)
    elif is_portable(look):
        _expand_object(q, m, origin, node, ahead, code, barrier)
    elif node.hands == EMPTY_HANDS and q.aim.verb in (PUT_NEXT_TO, PUT_NEAR, PUT_IN):
        _take_from_holder(q, m, origin, node, code)


@inlined_kernel
def _expand_door(q: Problem, m: Memory, origin: int, node: Node, ahead: Node, code: int, barrier: int) -> None:
    """Note the ways on through a door that is not open."""
    color = lock_color(q.scene, code)
    if state_of(q.scene.looks[code]) == CLOSED:
        price = EXPLORING_DOOR_PRICE if q.aim.verb == EXPLORE else DOOR_PRICE
        _move(q, m, origin, WALK_THROUGH_DOOR, ahead, price)
    elif can_open(q, m, node.hands, color):
        if barrier != NOT_TRACKED:
            unlocked = Node(node.removed | 1 << barrier, node.hands, node.place, node.direction)
            reach(m, q.scene.cells.shape[0], origin, UNLOCK, unlocked, 1)
        else:
            _move(q, m, origin, CROSS, ahead, DOOR_PRICE)
    elif barrier == NOT_TRACKED and q.keys >> color & 1:
        _move(q, m, origin, CROSS, ahead, LOCK_PRICE)


@inlined_kernel
def _expand_object(q: Problem, m: Memory, origin: int, node: Node, ahead: Node, code: int, barrier: int) -> None:
    """Note the ways on past an object that can be carried, and with it."""
    s, aim, rules = q.scene, q.aim, q.rules
    cells = s.cells.shape[0]
    is_taken = node.hands == WANTED and not q.is_held and q.is_unique and is_among(code, aim.meant)
    if is_taken or is_key_in_hands(q, m, node.hands, code):  # on the way to this node
        _move(q, m, origin, WALK, ahead, 1)
        return
    removed = node.removed | 1 << barrier if barrier != NOT_TRACKED else node.removed
    is_early = is_among(code, rules.ahead.early_things)
    if node.hands == EMPTY_HANDS and not is_early:
        _take(q, m, origin, node, removed, code)
    is_disposable = type_of(s.looks[code]) == BOX and rules.may_toggle and not is_among(code, rules.ahead.needed)
    if s.knows_all and inside_of(s, code - FIRST_OBJECT) != NOTHING_CODE:
        is_disposable = False
    if is_among(code, aim.fixed) and not rules.is_relaxed:  # what something is to be put next to stays where it is
        return
    may_lift = rules.may_lift and not is_early
    if barrier == NOT_TRACKED:
        if is_disposable or may_lift:
            price = OBJECT_PRICE if m.counts[TRACKED] < MAX_BARRIERS else FURTHER_OBJECT_PRICE
            _move(q, m, origin, CROSS, ahead, price)
    elif is_disposable:
        reach(m, cells, origin, OPEN_AWAY, Node(removed, node.hands, node.place, node.direction), 1)
    elif node.hands == EMPTY_HANDS and may_lift:
        reach(m, cells, origin, LIFT, Node(removed, JUNK, node.place, node.direction), 1)


@inlined_kernel
def _take_from_holder(q: Problem, m: Memory, origin: int, node: Node, code: int) -> None:
    """Note the way on by which empty hands take what is meant from what stays when it is taken: a table, a cabinet."""
    s = q.scene
    held, shown = held_by(s, code), shown_on(s, code)
    if not is_among(held, q.aim.meant) or is_among(held, q.rules.ahead.early_things):
        return
    edge, price = (TAKE, 1) if held == shown else (TAKE_OUT, 2)
    if held == shown or (s.knows_all and q.rules.may_toggle):
        reach(m, s.cells.shape[0], origin, edge, Node(node.removed, WANTED, node.place, node.direction), price)


@inlined_kernel
def _take(q: Problem, m: Memory, origin: int, node: Node, removed: int, code: int) -> None:
    """Note the ways on by which empty hands take the object in front, or what is in the box in front."""
    s, aim = q.scene, q.aim
    cells = s.cells.shape[0]
    edge, price = TAKE, 1
    for _ in range(2):
        look = s.looks[code]
        if aim.verb in (PUT_NEXT_TO, PUT_NEAR, PUT_IN) and is_among(code, aim.meant):
            reach(m, cells, origin, edge, Node(removed, WANTED, node.place, node.direction), price)
        if q.rules.may_lift:
            hands = hands_with_key(m, look)
            if hands != JUNK:
                reach(m, cells, origin, edge, Node(removed, hands, node.place, node.direction), price)
        if not may_open_box(q, code):
            return
        code = inside_of(s, code - FIRST_OBJECT)
        if code < FIRST_OBJECT:
            return
        edge, price = TAKE_OUT, 2
