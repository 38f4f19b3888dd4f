"""What a search may do in a node: the action that reaches the aim, and the ways on to other nodes."""

from __future__ import annotations

from typing import Final

from groundling.agents.bots.aims import CLEAR, DROP_OFF, EXPLORE, OPEN_BOX, Aim, Rules
from groundling.agents.bots.memory import (
    BANNED,
    CROSS,
    DROP_LEFT,
    DROP_RIGHT,
    EDGE,
    EMPTY_HANDS,
    FIRST_KEY,
    IS_GOOD,
    JUNK,
    LIFT,
    MAX_BARRIERS,
    NOT_TRACKED,
    OPEN_AWAY,
    STAMP,
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
from groundling.agents.bots.problem import Problem, can_open, hands_with_key
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    color_of,
    is_among,
    is_free,
    is_known,
    is_portable,
    is_walkable,
    state_of,
    type_of,
)
from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.engine.constants import BOX, CLOSED, DOOR, FIRST_OBJECT, LOCKED, NOTHING_CODE
from groundling.envs.engine.dynamics import DONE, DROP, PICKUP, TOGGLE, stride_of
from groundling.envs.engine.goal_check import ANNOUNCE, GO_TO, MEANT, OPEN_DOOR, PICK_UP, PUT_NEAR, PUT_NEXT_TO, STEP_ON

# Prices in steps; a barrier that is tracked costs what removing it takes.
DOOR_PRICE: Final = 2
DROP_PRICE: Final = 2  # and turn
OBJECT_PRICE: Final = 7
FURTHER_OBJECT_PRICE: Final = 24  # once no more can be tracked, lest what is far off look cheaper for ever
LOCK_PRICE: Final = 16
EXPLORING_DOOR_PRICE: Final = 5

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
        return DROP if code == NOTHING_CODE and _is_good_to_drop(s, m, q.rules, front) else NO_ACTION
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
    is_inside = is_among(s.contents[code - FIRST_OBJECT], aim.meant)
    return TOGGLE if is_inside and _may_open_box(q, code) else NO_ACTION


@inlined_kernel
def _may_open_box(q: Problem, code: int) -> bool:
    """Whether this is a box that may be opened for what is known to be inside."""
    is_spared = q.rules.spares_boxes and is_among(code, q.rules.ahead.needed)
    return q.scene.knows_all and type_of(q.scene.looks[code]) == BOX and q.rules.may_toggle and not is_spared


@inlined_kernel
def _action_to_open(q: Problem, m: Memory, hands: int, code: int) -> int:
    if not is_among(code, q.aim.meant):
        return NO_ACTION
    look = q.scene.looks[code]
    if state_of(look) == LOCKED:
        return TOGGLE if can_open(q, m, hands, color_of(look)) else NO_ACTION
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
    columns = abs(front % s.width - aim.place % s.width)
    rows = abs(front // s.width - aim.place // s.width)
    return DROP if columns <= 1 and rows <= 1 and is_known(s, aim.place) else NO_ACTION


@inlined_kernel
def _is_beside_fixed(s: Scene, aim: Aim, place: int) -> bool:
    for direction in range(4):
        around = place + stride_of(direction, s.width)
        if is_among(s.cells[around], aim.fixed) and is_known(s, around):
            return True
    return False


@inlined_kernel
def _is_good_to_drop(s: Scene, m: Memory, rules: Rules, place: int) -> bool:
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
            if is_news and _is_good_to_drop(s, m, q.rules, front):
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
            _expand_door(q, m, origin, node, ahead, look, barrier)
    elif is_portable(look):
        _expand_object(q, m, origin, node, ahead, code, barrier)


@inlined_kernel
def _expand_door(q: Problem, m: Memory, origin: int, node: Node, ahead: Node, look: int, barrier: int) -> None:
    """Note the ways on through a door that is not open."""
    color = color_of(look)
    if state_of(look) == CLOSED:
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
    if is_taken:  # on the way to this node
        _move(q, m, origin, WALK, ahead, 1)
        return
    removed = node.removed | 1 << barrier if barrier != NOT_TRACKED else node.removed
    is_early = is_among(code, rules.ahead.early_things)
    if node.hands == EMPTY_HANDS and not is_early:
        _take(q, m, origin, node, removed, code)
    is_disposable = type_of(s.looks[code]) == BOX and rules.may_toggle and not is_among(code, rules.ahead.needed)
    if s.knows_all and s.contents[code - FIRST_OBJECT] != NOTHING_CODE:
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
def _take(q: Problem, m: Memory, origin: int, node: Node, removed: int, code: int) -> None:
    """Note the ways on by which empty hands take the object in front, or what is in the box in front."""
    s, aim = q.scene, q.aim
    cells = s.cells.shape[0]
    edge, price = TAKE, 1
    for _ in range(2):
        look = s.looks[code]
        if aim.verb in (PUT_NEXT_TO, PUT_NEAR) and is_among(code, aim.meant):
            reach(m, cells, origin, edge, Node(removed, WANTED, node.place, node.direction), price)
        if q.rules.may_lift:
            hands = hands_with_key(m, look)
            if hands != JUNK:
                reach(m, cells, origin, edge, Node(removed, hands, node.place, node.direction), price)
        if not _may_open_box(q, code):
            return
        code = as_int(s.contents[code - FIRST_OBJECT])
        if code < FIRST_OBJECT:
            return
        edge, price = TAKE_OUT, 2
