"""The expert's compiled kernels: what an agent has seen, the shortest way to the goal that is due, and the next action.

A plan is the shortest path over (barriers removed, what the hands hold, pose). Barriers are what stands in the way and
can be removed: objects to be carried aside, boxes to be opened away, locked doors. Few of them matter in an episode, so
a search begins with none: it may cross a barrier at a price, the barriers that the path crosses are then tracked one by
one, and the search is repeated until the path crosses none that it has not removed. Plans are made on the world as it
is and made anew when it has changed, so the next action is known in any state.

All kernels stand in this one file because Numba's cache notices a change of the file it compiled, not of the files that
one imports; for the same reason they call none of ``envs.kernels``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from groundling.envs.constants import (
    BOX,
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    JOINED,
    KEY,
    LOCKED,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    OPAQUE_BIT,
    OPEN,
    ORDERED,
    PORTABLE_BIT,
    STRICT,
    VIEW_SIZE,
    WALKABLE_BIT,
    Action,
    Verb,
)
from groundling.envs.kernels import VISIBILITY as _VISIBILITY
from groundling.envs.kernels import Worlds, kernel

LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
PICKUP, DROP, TOGGLE, DONE = int(Action.PICKUP), int(Action.DROP), int(Action.TOGGLE), int(Action.DONE)
GO_TO, PICK_UP, OPEN_DOOR = int(Verb.GO_TO), int(Verb.PICK_UP), int(Verb.OPEN)
PUT_NEXT_TO, PUT_NEAR = int(Verb.PUT_NEXT_TO), int(Verb.PUT_NEAR)
ANNOUNCE, STEP_ON = int(Verb.ANNOUNCE), int(Verb.STEP_ON)
EXPLORE, DROP_OFF, OPEN_BOX, CLEAR = 16, 17, 18, 19  # aims that no clause asks for
MEANT, FIXED = 1, 2  # as in envs.kernels
MIDDLE = VIEW_SIZE // 2

MAX_BARRIERS: Final = 5  # tracked at once
KEY_SLOTS: Final = 3  # colors of keys told apart
EMPTY_HANDS, JUNK, WANTED, FIRST_KEY = 0, 1, 2, 3
HANDS: Final = FIRST_KEY + KEY_SLOTS
PLAN_LENGTH: Final = 128  # actions that are kept; a longer plan is made again on the way
MAX_STEPS: Final = 1 << 14
MAX_BANNED: Final = 16
OBJECT_COUNTS: Final = 1000
FAR: Final = 32767  # no way

# What an edge of the search does.
TURN_LEFT, TURN_RIGHT, WALK, WALK_THROUGH_DOOR, CROSS, LIFT, OPEN_AWAY, UNLOCK = range(8)
DROP_LEFT, DROP_RIGHT, TAKE, TAKE_OUT = range(8, 12)

# Prices in steps; a barrier that is tracked costs what removing it takes.
DOOR_PRICE: Final = 2
OBJECT_PRICE: Final = 7
LOCK_PRICE: Final = 16
EXPLORING_DOOR_PRICE: Final = 5
BUCKETS: Final = 32  # more than any price

# Columns of Search.facts
(
    CLAUSE,
    VERB,
    FIRST,
    SECOND,
    HELD,
    MAY_LIFT,
    MAY_TOGGLE,
    MAY_DROP_ANYWHERE,
    SHUN_OTHER_DOORS,
    KNOWS_ALL,
    WANTED_COLOR,
    HANDS_NOW,
    IS_RELAXED,
    IS_UNIQUE,
    KEYS,
    AVOIDED,
) = range(16)
NUM_FACTS: Final = 16
UNKNOWN: Final = -1
NOBODY: Final = -1


class Search(NamedTuple):
    """Memory of one search at a time; S = 2 ** MAX_BARRIERS * HANDS * cells of a map * 4 states."""

    distance: NDArray[np.int32]  # [S]
    stamp: NDArray[np.int32]  # [S] number of the search that wrote the state
    parent: NDArray[np.int32]  # [S]
    edge: NDArray[np.uint8]  # [S]
    following: NDArray[np.int32]  # [S] the next state of the same bucket
    heads: NDArray[np.int32]  # [BUCKETS] first state of each distance, modulo BUCKETS
    tails: NDArray[np.int32]  # [BUCKETS] and the last one
    clock: NDArray[np.int32]  # [1] number of the search
    barriers: NDArray[np.int32]  # [MAX_BARRIERS] places of the tracked ones
    counts: NDArray[np.int32]  # [5] barriers tracked, colors of keys, banned places, those banned for good, marks
    banned: NDArray[np.int32]  # [MAX_BANNED] places where nothing may be left, since the way leads through them
    colors: NDArray[np.int32]  # [KEY_SLOTS]
    masks: NDArray[np.uint64]  # [5] meant, fixed, needed by any open clause, shunned doors, things not to be lifted
    facts: NDArray[np.int64]  # [NUM_FACTS] of the aim
    path: NDArray[np.int32]  # [MAX_STEPS] states of the path found, the last one first


class Plans(NamedTuple):
    """The plans of B environments: actions and the states in which they are to be taken."""

    length: NDArray[np.int32]  # [B]
    actions: NDArray[np.uint8]  # [B, PLAN_LENGTH]
    poses: NDArray[np.int32]  # [B, PLAN_LENGTH] position * 4 + direction
    signatures: NDArray[np.uint64]  # [B, PLAN_LENGTH] of the rest of the world
    drops: NDArray[np.int32]  # [B] the place where the plan's last action leaves something on the way, else NOWHERE
    keeps_rules: NDArray[np.bool_]  # [B] whether there is something that must not be done on the way
    ways: NDArray[np.int16]  # [B, cells * 4] steps from each pose to the end of the plan's walking; [1, 1] if not used
    ways_signature: NDArray[np.uint64]  # [B] of the world in which they were measured, 0 if they were not
    given_up: NDArray[np.uint64]  # [B] signature of the world in which no way was found last
    aims: NDArray[np.int32]  # [B] the unknown place that the plan goes to see, else NOWHERE


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _kernel(function: _Function) -> _Function:
    """As ``envs.kernels.kernel``, for what only kernels call: a way in from Python would double the time to compile."""
    compiled: _Function = numba.njit(nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[call-overload]
    return compiled


@_kernel
def _stride(direction: int, width: int) -> int:
    if direction == 0:
        return 1
    if direction == 1:
        return width
    return -1 if direction == 2 else -width


@_kernel
def _has(mask: np.uint64, code: int) -> bool:
    return code >= FIRST_OBJECT and (mask >> np.uint64(code - FIRST_OBJECT)) & np.uint64(1) != 0


@_kernel
def _mix(first: int, second: int) -> np.uint64:
    z = np.uint64(first) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(second + 1) * np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return z ^ (z >> np.uint64(31))


@_kernel
def look_around(w: Worlds, b: int, width: int, seen: NDArray[np.bool_]) -> int:
    """Mark the cells [cells of a map] that environment ``b`` sees now, as ``envs.kernels.draw`` does.

    Returns how many of them it has not seen before, objects (doors apart) counted 1,000 times.
    """
    looks = w.looks[b]
    direction = w.direction[b]
    ahead, right = _stride(direction, width), _stride((direction + 1) & 3, width)
    row = int(w.position[b]) - MIDDLE * right
    lit_before = 1 << MIDDLE
    new = 0
    for _ in range(VIEW_SIZE):
        clear = 0
        for i in range(VIEW_SIZE):
            clear |= (1 - ((looks[w.cells[b, row + i * right]] >> OPAQUE_BIT) & 1)) << i
        lit = _VISIBILITY[lit_before << VIEW_SIZE | clear]
        for i in range(VIEW_SIZE):
            if lit >> i & 1 and not seen[row + i * right]:
                seen[row + i * right] = True
                code = w.cells[b, row + i * right]
                new += OBJECT_COUNTS if code >= FIRST_OBJECT and looks[code] & 0xFF != DOOR else 1
        lit_before = lit >> VIEW_SIZE
        if lit_before == 0:
            break
        row += ahead
    return new


@_kernel
def _place_of(w: Worlds, b: int, k: int) -> int:
    """Where object ``k`` stands, NOWHERE if it is carried, inside a box, or a box that was opened."""
    place = int(w.positions[b, k])
    return place if place != NOWHERE and w.cells[b, place] == k + FIRST_OBJECT else NOWHERE


@_kernel
def signature(w: Worlds, b: int) -> np.uint64:
    """A hash of all of environment ``b`` that a plan depends on, the pose apart."""
    h = _mix(w.episode_number[b], w.episode[b])
    h ^= _mix(int(w.carried[b]) << 16 | int(w.stage[b]) << 8 | int(w.done[b]), 70)
    for k in range(w.positions.shape[1]):
        h ^= _mix(_place_of(w, b, k) << 8 | (w.looks[b, k + FIRST_OBJECT] >> 16) & 0xFF, k)
    return h


@_kernel
def _is_known(m: Search, seen: NDArray[np.bool_], place: int) -> bool:
    return m.facts[KNOWS_ALL] != 0 or seen[place]


@_kernel
def _is_free(w: Worlds, b: int, m: Search, seen: NDArray[np.bool_], place: int) -> bool:
    """Whether one can walk here, doors that are not open included."""
    if not _is_known(m, seen, place):
        return False
    look = w.looks[b, w.cells[b, place]]
    return (look >> WALKABLE_BIT) & 1 != 0 or look & 0xFF == DOOR


@_kernel
def _is_good_to_drop(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_], place: int) -> bool:
    """Whether an object may be left here: around it the free tiles stay connected, and no doorway is closed."""
    for i in range(m.counts[2]):
        if m.banned[i] == place:
            return False
    if m.facts[MAY_DROP_ANYWHERE]:
        return True
    changes = 0
    before = _is_free(w, b, m, seen, place - width - 1)
    for i in range(8):
        if i == 0:
            around = place - width
        elif i == 1:
            around = place - width + 1
        elif i == 2:
            around = place + 1
        elif i == 3:
            around = place + width + 1
        elif i == 4:
            around = place + width
        elif i == 5:
            around = place + width - 1
        elif i == 6:
            around = place - 1
        else:
            around = place - width - 1
        now = _is_free(w, b, m, seen, around)
        changes += now != before
        before = now
    return changes <= 2


@_kernel
def _can_open(w: Worlds, m: Search, hands: int, color: int) -> bool:
    """Whether what the hands hold opens a lock of this color."""
    if hands >= FIRST_KEY:
        return m.colors[hands - FIRST_KEY] == color
    return hands == WANTED and m.facts[WANTED_COLOR] == color


@_kernel
def _barrier_at(m: Search, place: int) -> int:
    for i in range(m.counts[0]):
        if m.barriers[i] == place:
            return i
    return -1


@_kernel
def _is_beside_fixed(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_], place: int) -> bool:
    for direction in range(4):
        around = place + _stride(direction, width)
        if _has(m.masks[1], w.cells[b, around]) and _is_known(m, seen, around):
            return True
    return False


@_kernel
def _final_action(
    w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_], bits: int, hands: int, place: int, direction: int
) -> int:
    """The action that reaches the aim from a state; DONE if being there is enough, -1 if it is not reached."""
    verb = m.facts[VERB]
    front = place + _stride(direction, width)
    code = int(w.cells[b, front])
    if verb == EXPLORE:
        return DONE if not _is_known(m, seen, front) else -1
    if verb == ANNOUNCE:
        away = abs(place - m.facts[FIRST])
        return DONE if (away == 1 or away == width) and _is_known(m, seen, m.facts[FIRST]) else -1
    if verb == STEP_ON:
        return DONE if place == m.facts[FIRST] and _is_known(m, seen, place) else -1
    if not _is_known(m, seen, front):
        return -1
    if verb == GO_TO:
        if (w.marks[b, front] >> 2 * m.facts[CLAUSE]) & MEANT:
            return DONE
        return DROP if _has(m.masks[0], code) else -1  # it came out of a box: the verifier looks when one drops
    if verb == DROP_OFF:
        return DROP if code == NOTHING_CODE and _is_good_to_drop(w, b, width, m, seen, front) else -1
    if verb == CLEAR:
        return PICKUP if hands == EMPTY_HANDS and _has(m.masks[0], code) else -1
    if verb == OPEN_BOX:
        return TOGGLE if _has(m.masks[0], code) and w.looks[b, code] & 0xFF == BOX else -1
    if verb == PICK_UP:
        if hands == WANTED:  # it is carried already, and is to be picked up anew
            return DROP if code == NOTHING_CODE else -1
        if hands != EMPTY_HANDS or code < FIRST_OBJECT:
            return -1
        if _has(m.masks[0], code):
            return PICKUP
        is_inside = m.facts[KNOWS_ALL] != 0 and w.looks[b, code] & 0xFF == BOX
        return TOGGLE if is_inside and _has(m.masks[0], w.contents[b, code - FIRST_OBJECT]) else -1
    if verb == OPEN_DOOR:
        if not _has(m.masks[0], code):
            return -1
        look = w.looks[b, code]
        state = (look >> 16) & 0xFF
        if state == LOCKED and not _can_open(w, m, hands, (look >> 8) & 0xFF):
            return -1
        return TOGGLE if state != OPEN or not m.facts[SHUN_OTHER_DOORS] else -1
    if hands != WANTED:
        return -1
    if code != NOTHING_CODE and not (
        m.facts[IS_RELAXED] and code >= FIRST_OBJECT and (w.looks[b, code] >> PORTABLE_BIT) & 1
    ):
        return -1
    if verb == PUT_NEXT_TO:
        return DROP if _is_beside_fixed(w, b, width, m, seen, front) else -1
    goal = int(m.facts[SECOND])
    near = abs(front % width - goal % width) <= 1 and abs(front // width - goal // width) <= 1
    return DROP if near and _is_known(m, seen, goal) else -1


@_kernel
def _reach(
    m: Search, cells: int, origin: int, edge: int, bits: int, hands: int, place: int, direction: int, price: int
) -> None:
    """Note a way to a state, if it is the shortest one so far."""
    state = (((bits * HANDS + hands) * cells + place) << 2) | direction
    distance = m.distance[origin] + price if origin >= 0 else 0
    if m.stamp[state] == m.clock[0] and m.distance[state] <= distance:
        return
    if m.stamp[state] == m.clock[0]:
        _take_out(m, state)
    m.stamp[state] = m.clock[0]
    m.distance[state] = distance
    m.parent[state] = origin
    m.edge[state] = edge
    bucket = distance % BUCKETS
    m.following[state] = NOBODY
    if m.heads[bucket] == NOBODY:
        m.heads[bucket] = state
    else:
        m.following[m.tails[bucket]] = state
    m.tails[bucket] = state


@_kernel
def _take_out(m: Search, state: int) -> None:
    """Take a state to which there is a shorter way out of its bucket."""
    bucket = m.distance[state] % BUCKETS
    before = NOBODY
    other = m.heads[bucket]
    while other != state:
        before, other = other, m.following[other]
    if before == NOBODY:
        m.heads[bucket] = m.following[state]
    else:
        m.following[before] = m.following[state]
    if m.tails[bucket] == state:
        m.tails[bucket] = before


@_kernel
def _move(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    origin: int,
    edge: int,
    bits: int,
    hands: int,
    place: int,
    direction: int,
    price: int,
) -> None:
    """As :func:`_reach` for a pose, unless being there does a step of the goal before its time."""
    if m.counts[4] != 0:
        marks = int(w.marks[b, place + _stride(direction, width)])
        is_aim = m.facts[VERB] == GO_TO and (marks >> 2 * m.facts[CLAUSE]) & MEANT != 0
        if marks & m.counts[4] and not is_aim:
            return
    _reach(m, w.cells.shape[1], origin, edge, bits, hands, place, direction, price)


@_kernel
def _expand(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_], state: int) -> None:
    """Note every way on from a state, straight on first.

    Of several shortest ways the first one found is taken, so the expert walks straight on as long as that is as good as
    turning, and turns left where that is as good as right: whoever imitates it need not guess.
    """
    cells = w.cells.shape[1]
    direction = state & 3
    layer, place = divmod(state >> 2, cells)
    bits, hands = divmod(layer, HANDS)
    front = place + _stride(direction, width)
    if _is_known(m, seen, front) and front != m.facts[AVOIDED]:
        _expand_ahead(w, b, width, m, seen, state, bits, hands, place, direction)
    _move(w, b, width, m, state, TURN_LEFT, bits, hands, place, (direction + 3) & 3, 1)
    _move(w, b, width, m, state, TURN_RIGHT, bits, hands, place, (direction + 1) & 3, 1)


@_kernel
def _expand_ahead(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    seen: NDArray[np.bool_],
    state: int,
    bits: int,
    hands: int,
    place: int,
    direction: int,
) -> None:
    """Note the ways on that lead through the tile in front, or change what is there."""
    cells = w.cells.shape[1]
    front = place + _stride(direction, width)
    code = int(w.cells[b, front])
    look = w.looks[b, code]
    if code == NOTHING_CODE:
        _move(w, b, width, m, state, WALK, bits, hands, front, direction, 1)
        may_drop = (hands == JUNK or hands >= FIRST_KEY) and m.facts[MAY_LIFT] != 0
        if may_drop and _is_good_to_drop(w, b, width, m, seen, front):
            _move(w, b, width, m, state, DROP_LEFT, bits, EMPTY_HANDS, place, (direction + 3) & 3, 2)
            _move(w, b, width, m, state, DROP_RIGHT, bits, EMPTY_HANDS, place, (direction + 1) & 3, 2)
        return
    if code < FIRST_OBJECT:
        return
    kind, color, condition = look & 0xFF, (look >> 8) & 0xFF, (look >> 16) & 0xFF
    if (look >> WALKABLE_BIT) & 1:
        _move(w, b, width, m, state, WALK, bits, hands, front, direction, 1)
        return
    barrier = _barrier_at(m, front)
    if barrier >= 0 and bits >> barrier & 1:
        _move(w, b, width, m, state, WALK, bits, hands, front, direction, 1)
        return
    if kind == DOOR:
        if not m.facts[MAY_TOGGLE] or _has(m.masks[3], code):
            return
        if condition == CLOSED:
            price = EXPLORING_DOOR_PRICE if m.facts[VERB] == EXPLORE else DOOR_PRICE
            _move(w, b, width, m, state, WALK_THROUGH_DOOR, bits, hands, front, direction, price)
        elif _can_open(w, m, hands, color):
            if barrier >= 0:
                _reach(m, cells, state, UNLOCK, bits | 1 << barrier, hands, place, direction, 1)
            else:
                _move(w, b, width, m, state, CROSS, bits, hands, front, direction, 2)
        elif barrier < 0 and m.facts[KEYS] >> color & 1:
            _move(w, b, width, m, state, CROSS, bits, hands, front, direction, LOCK_PRICE)
        return
    if not (look >> PORTABLE_BIT) & 1:
        return
    if hands != m.facts[HANDS_NOW] and _is_taken(m, hands, code):
        _move(w, b, width, m, state, WALK, bits, hands, front, direction, 1)
        return
    may_lift = m.facts[MAY_LIFT] != 0 and not _has(m.masks[4], code)
    if hands == EMPTY_HANDS and not _has(m.masks[4], code):
        _take(w, b, m, state, bits | (1 << barrier if barrier >= 0 else 0), place, direction, code)
    is_disposable = kind == BOX and m.facts[MAY_TOGGLE] != 0 and not _has(m.masks[2], code)
    if is_disposable and m.facts[KNOWS_ALL] and w.contents[b, code - FIRST_OBJECT] != NOTHING_CODE:
        is_disposable = False
    if _has(m.masks[1], code) and not m.facts[IS_RELAXED]:  # what something is to be put next to stays where it is
        return
    if barrier >= 0:
        if is_disposable:
            _reach(m, cells, state, OPEN_AWAY, bits | 1 << barrier, hands, place, direction, 1)
        elif hands == EMPTY_HANDS and may_lift:
            _reach(m, cells, state, LIFT, bits | 1 << barrier, JUNK, place, direction, 1)
    elif is_disposable or may_lift:
        _move(w, b, width, m, state, CROSS, bits, hands, front, direction, OBJECT_PRICE)


@_kernel
def _is_taken(m: Search, hands: int, code: int) -> bool:
    """Whether the way must have taken this object on."""
    return hands == WANTED and m.facts[IS_UNIQUE] != 0 and _has(m.masks[0], code)


@_kernel
def _take(w: Worlds, b: int, m: Search, state: int, bits: int, place: int, direction: int, code: int) -> None:
    """Note the ways on by which empty hands take the object in front, or what is in the box in front."""
    cells = w.cells.shape[1]
    edge, price = TAKE, 1
    for _ in range(2):
        look = w.looks[b, code]
        if m.facts[VERB] in (PUT_NEXT_TO, PUT_NEAR) and _has(m.masks[0], code):
            _reach(m, cells, state, edge, bits, WANTED, place, direction, price)
        if look & 0xFF == KEY and m.facts[MAY_LIFT]:
            for slot in range(m.counts[1]):
                if m.colors[slot] == (look >> 8) & 0xFF:
                    _reach(m, cells, state, edge, bits, FIRST_KEY + slot, place, direction, price)
        if look & 0xFF != BOX or not m.facts[KNOWS_ALL] or not m.facts[MAY_TOGGLE]:
            return
        code = int(w.contents[b, code - FIRST_OBJECT])
        if code < FIRST_OBJECT:
            return
        edge, price = TAKE_OUT, 2


@_kernel
def _hands_now(w: Worlds, b: int, m: Search) -> int:
    """What the hands hold now, as the search tells it apart."""
    carried = int(w.carried[b])
    if carried == NOTHING_CODE:
        return EMPTY_HANDS
    if m.facts[VERB] in (PICK_UP, PUT_NEXT_TO, PUT_NEAR) and _has(m.masks[0], carried):
        return WANTED
    look = w.looks[b, carried]
    if look & 0xFF == KEY:
        for slot in range(m.counts[1]):
            if m.colors[slot] == (look >> 8) & 0xFF:
                return FIRST_KEY + slot
    return JUNK


@_kernel
def _search(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_]) -> int:
    """The nearest state that reaches the aim, -1 if there is none (Dial's algorithm: prices are small)."""
    cells = w.cells.shape[1]
    m.clock[0] += 1
    m.heads[:] = NOBODY
    m.facts[HANDS_NOW] = _hands_now(w, b, m)
    _reach(m, cells, -1, WALK, 0, m.facts[HANDS_NOW], int(w.position[b]), w.direction[b], 0)
    distance, empty = 0, 0
    while empty < BUCKETS:
        bucket = distance % BUCKETS
        state = m.heads[bucket]
        if state == NOBODY:
            distance += 1
            empty += 1
            continue
        empty = 0
        m.heads[bucket] = m.following[state]
        layer, place = divmod(state >> 2, cells)
        bits, hands = divmod(layer, HANDS)
        if _final_action(w, b, width, m, seen, bits, hands, place, state & 3) >= 0:
            return state
        _expand(w, b, width, m, seen, state)
    return -1


@_kernel
def _note_color(m: Search, color: int) -> None:
    for slot in range(m.counts[1]):
        if m.colors[slot] == color:
            return
    if m.counts[1] < KEY_SLOTS:
        m.colors[m.counts[1]] = color
        m.counts[1] += 1


@_kernel
def _track_barriers(w: Worlds, b: int, m: Search, state: int) -> bool:
    """Track what a path crosses; False if it crosses nothing, or no more can be tracked."""
    cells = w.cells.shape[1]
    found = False
    while m.parent[state] >= 0:
        if m.edge[state] == CROSS and m.counts[0] < MAX_BARRIERS:
            place = (state >> 2) % cells
            if _barrier_at(m, place) < 0:
                m.barriers[m.counts[0]] = place
                m.counts[0] += 1
                found = True
                look = w.looks[b, w.cells[b, place]]
                if look & 0xFF == DOOR:
                    _note_color(m, (look >> 8) & 0xFF)
        state = m.parent[state]
    return found


@_kernel
def _trace(m: Search, state: int) -> int:
    """Write the states of a path, the last one first; how many."""
    steps = 0
    while state >= 0 and steps < m.path.shape[0]:
        m.path[steps] = state
        steps += 1
        state = m.parent[state]
    return steps


@_kernel
def _ban_places(w: Worlds, width: int, m: Search, state: int) -> bool:
    """Ban the places where a path leaves an object and through which it leads later; False if there is none."""
    cells = w.cells.shape[1]
    found = False
    steps = _trace(m, state)
    last = (state >> 2) % cells + _stride(state & 3, width)  # where the last action may put something
    for i in range(steps - 1, 0, -1):
        if m.edge[m.path[i - 1]] not in (DROP_LEFT, DROP_RIGHT):
            continue
        place = (m.path[i] >> 2) % cells + _stride(m.path[i] & 3, width)
        is_needed = place == last
        for j in range(i):
            is_needed |= (m.path[j] >> 2) % cells == place
        if is_needed and m.counts[2] < MAX_BANNED:
            m.banned[m.counts[2]] = place
            m.counts[2] += 1
            found = True
    return found


@_kernel
def _note_key(w: Worlds, b: int, m: Search, code: int) -> None:
    look = w.looks[b, code]
    if look & 0xFF == KEY:
        m.facts[KEYS] |= 1 << ((look >> 8) & 0xFF)


@_kernel
def _begin_search(w: Worlds, b: int, m: Search, seen: NDArray[np.bool_]) -> None:
    """Track nothing, ban no more than what is banned for good, and note which keys there are."""
    m.counts[0] = m.counts[1] = 0
    m.counts[2] = m.counts[3]
    meant = 0
    for k in range(w.positions.shape[1]):
        place = _place_of(w, b, k)
        meant += _has(m.masks[0], k + FIRST_OBJECT) and place != NOWHERE
        if w.carried[b] == k + FIRST_OBJECT or (place != NOWHERE and _is_known(m, seen, place)):
            _note_key(w, b, m, k + FIRST_OBJECT)
            if m.facts[KNOWS_ALL]:
                _note_key(w, b, m, int(w.contents[b, k]))
    m.facts[IS_UNIQUE] = meant <= 1
    if m.facts[VERB] == OPEN_DOOR:
        for k in range(w.positions.shape[1]):
            look = w.looks[b, k + FIRST_OBJECT]
            if _has(m.masks[0], k + FIRST_OBJECT) and look & 0xFF == DOOR and (look >> 16) & 0xFF == LOCKED:
                _note_color(m, (look >> 8) & 0xFF)


@_kernel
def _solve(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_]) -> int:
    """As :func:`_search`, with every barrier that the path crosses tracked, and nothing left in its own way."""
    _begin_search(w, b, m, seen)
    state = _search(w, b, width, m, seen)
    while state >= 0 and (_track_barriers(w, b, m, state) or _ban_places(w, width, m, state)):
        state = _search(w, b, width, m, seen)
    return state


@_kernel
def _first_obstacle(w: Worlds, b: int, width: int, m: Search, seen: NDArray[np.bool_]) -> int:
    """The cell code of the first thing in the way of the shortest path that takes no heed of any, 0 for none."""
    cells = w.cells.shape[1]
    _begin_search(w, b, m, seen)
    m.facts[IS_RELAXED] = 1
    state = _search(w, b, width, m, seen)
    m.facts[IS_RELAXED] = 0
    if state < 0:
        return NOTHING_CODE
    steps = _trace(m, state)
    for i in range(steps - 2, -1, -1):
        if m.edge[m.path[i]] == CROSS:
            return int(w.cells[b, (m.path[i] >> 2) % cells])
    last = m.path[0]
    return int(w.cells[b, (last >> 2) % cells + _stride(last & 3, width)])


@_kernel
def _write_plan(
    w: Worlds, b: int, width: int, m: Search, p: Plans, seen: NDArray[np.bool_], state: int, now: np.uint64
) -> None:
    """Keep the actions of a path up to the first that changes more than poses and doors."""
    cells = w.cells.shape[1]
    steps = _trace(m, state)
    length = 0
    h = now
    p.drops[b] = NOWHERE
    keeps_rules = m.facts[SHUN_OTHER_DOORS] != 0 or m.facts[MAY_TOGGLE] == 0 or m.facts[AVOIDED] != 0
    p.keeps_rules[b] = keeps_rules or m.counts[4] != 0 or m.masks[3] != 0
    for i in range(steps - 1, -1, -1):
        state = m.path[i]
        pose = (state & 3) | ((state >> 2) % cells) << 2
        if i == 0:
            layer, place = divmod(state >> 2, cells)
            action = _final_action(w, b, width, m, seen, layer // HANDS, layer % HANDS, place, state & 3)
            ends = True
            if m.facts[VERB] == DROP_OFF:
                p.drops[b] = place + _stride(state & 3, width)
        else:
            edge = m.edge[m.path[i - 1]]
            ends = edge > WALK_THROUGH_DOOR
            action = FORWARD
            if edge == TURN_LEFT:
                action = LEFT
            elif edge == TURN_RIGHT:
                action = RIGHT
            elif edge in (WALK_THROUGH_DOOR, OPEN_AWAY, UNLOCK, TAKE_OUT):
                action = TOGGLE
            elif edge in (DROP_LEFT, DROP_RIGHT):
                action = DROP
                p.drops[b] = (pose >> 2) + _stride(pose & 3, width)
            elif edge in (LIFT, TAKE):
                action = PICKUP
            elif edge == CROSS:
                break
            if edge == WALK_THROUGH_DOOR and length < PLAN_LENGTH - 1:
                place = pose >> 2
                code = int(w.cells[b, place + _stride(pose & 3, width)])
                p.actions[b, length], p.poses[b, length], p.signatures[b, length] = TOGGLE, pose, h
                length += 1
                k = code - FIRST_OBJECT
                where = _place_of(w, b, k) << 8
                h ^= _mix(where | CLOSED, k) ^ _mix(where | OPEN, k)
                action = FORWARD
        if length == PLAN_LENGTH:
            break
        p.actions[b, length], p.poses[b, length], p.signatures[b, length] = action, pose, h
        length += 1
        if ends:
            break
    p.length[b] = length


@_kernel
def _set_aim(w: Worlds, b: int, m: Search, verb: int, knows_all: bool) -> None:
    """An aim that no clause asks for: everything is allowed."""
    m.facts[:] = 0
    m.facts[VERB] = verb
    m.facts[MAY_LIFT] = m.facts[MAY_TOGGLE] = 1
    m.facts[KNOWS_ALL] = knows_all
    m.facts[WANTED_COLOR] = UNKNOWN
    m.masks[0] = m.masks[1] = np.uint64(0)


@_kernel
def _set_clause(w: Worlds, b: int, m: Search, c: int, is_alone: bool, knows_all: bool) -> None:
    """Aim at a clause of the goal, within what its rules allow."""
    verb = int(w.programs[b, c, 0])
    is_strict = int(w.programs[b, c, 1]) & STRICT != 0 and is_alone
    _set_aim(w, b, m, verb, knows_all)
    m.facts[CLAUSE] = c
    if verb <= PUT_NEXT_TO:
        m.masks[0], m.masks[1] = w.programs[b, c, 2], w.programs[b, c, 3]
    elif verb == PUT_NEAR:
        m.masks[0] = w.programs[b, c, 2]
        m.facts[SECOND] = np.int64(w.programs[b, c, 3])
    else:
        m.facts[FIRST] = np.int64(w.programs[b, c, 2])
        if verb == STEP_ON:
            m.facts[AVOIDED] = np.int64(w.programs[b, c, 3])
    if (is_strict and verb in (PICK_UP, PUT_NEXT_TO)) or (verb == PUT_NEAR and is_alone):
        m.facts[MAY_LIFT] = 0
    if verb == ANNOUNCE and is_alone:
        m.facts[MAY_TOGGLE] = 0
    if is_strict and verb == OPEN_DOOR:
        m.facts[SHUN_OTHER_DOORS] = 1
        m.masks[3] = ~m.masks[0]
    if verb in (PUT_NEXT_TO, PUT_NEAR):
        for k in range(w.positions.shape[1]):
            look = w.looks[b, k + FIRST_OBJECT]
            may_be_held = w.carried[b] in (NOTHING_CODE, k + FIRST_OBJECT)
            if may_be_held and _has(m.masks[0], k + FIRST_OBJECT) and look & 0xFF == KEY:
                m.facts[WANTED_COLOR] = (look >> 8) & 0xFF


@_kernel
def _note_needs(w: Worlds, b: int, m: Search) -> None:
    """Which objects any open clause speaks of, and what must not be done before its turn comes."""
    m.masks[2] = m.masks[3] = m.masks[4] = np.uint64(0)
    m.counts[4] = 0
    start = int(w.stage[b])
    step, clauses = 0, 0
    for c in range(start, w.programs.shape[1]):
        verb = int(w.programs[b, c, 0])
        if verb == NO_CLAUSE:
            return
        flags = int(w.programs[b, c, 1])
        if c > start and not flags & JOINED:
            step += 1
        if w.done[b] >> c & 1:
            continue
        if verb <= PUT_NEAR:
            m.masks[2] |= w.programs[b, c, 2]
        if verb == PUT_NEXT_TO:
            m.masks[2] |= w.programs[b, c, 3]
        if step != 1:
            continue
        clauses += 1
        if clauses > 1:  # a step of several clauses is not done by doing one of them
            m.masks[3] = m.masks[4] = np.uint64(0)
            m.counts[4] = 0
        elif flags & ORDERED:
            if verb == OPEN_DOOR:
                m.masks[3] = w.programs[b, c, 2]
            elif verb == PICK_UP:
                m.masks[4] = w.programs[b, c, 2]
            elif verb == GO_TO:
                m.counts[4] = MEANT << 2 * c


@_kernel
def _boxed(w: Worlds, b: int, mask: np.uint64) -> np.uint64:
    """The boxes on the map that hold objects of a set none of which stands on the map or is carried; else none."""
    boxes = np.uint64(0)
    for k in range(w.positions.shape[1]):
        code = k + FIRST_OBJECT
        if _has(mask, code) and (w.carried[b] == code or _place_of(w, b, k) != NOWHERE):
            return np.uint64(0)
        if _place_of(w, b, k) != NOWHERE and w.looks[b, code] & 0xFF == BOX and _has(mask, w.contents[b, k]):
            boxes |= np.uint64(1) << np.uint64(k)
    return boxes


@_kernel
def _is_within_reach(w: Worlds, b: int, m: Search, seen: NDArray[np.bool_]) -> bool:
    """Whether the agent has seen, or carries, something that the clause means and something that it is to be put by."""
    if m.facts[KNOWS_ALL] or m.facts[VERB] > PUT_NEAR:
        return True
    knows_meant, knows_fixed = False, m.facts[VERB] != PUT_NEXT_TO
    for k in range(w.positions.shape[1]):
        code = k + FIRST_OBJECT
        place = _place_of(w, b, k)
        if (place != NOWHERE and seen[place]) or w.carried[b] == code:
            knows_meant |= _has(m.masks[0], code)
            knows_fixed |= _has(m.masks[1], code)
    return knows_meant and knows_fixed


@_kernel
def _plan_clause(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    c: int,
    is_alone: bool,
    knows_all: bool,
    anywhere: bool,
    best: int,
    now: np.uint64,
) -> int:
    """Plan for one clause, and keep the plan if it takes fewer steps than ``best``; the steps of the better one."""
    shunned = m.masks[3]
    _set_clause(w, b, m, c, is_alone, knows_all)
    m.facts[MAY_DROP_ANYWHERE] = anywhere
    verb = m.facts[VERB]
    if knows_all and verb in (GO_TO, PUT_NEXT_TO):  # what is spoken of may be hidden in a box
        boxes = _boxed(w, b, m.masks[0]) if verb == GO_TO else _boxed(w, b, m.masks[1])
        if boxes:
            m.facts[VERB] = OPEN_BOX
            m.masks[0] = boxes
    state = _solve(w, b, width, m, seen) if _is_within_reach(w, b, m, seen) else -1
    m.masks[3] = shunned
    if state < 0 or m.distance[state] >= best:
        return best
    _write_plan(w, b, width, m, p, seen, state, now)
    return m.distance[state] if p.length[b] > 0 else best


@_kernel
def _clear_the_way(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    c: int,
    is_alone: bool,
    knows_all: bool,
    now: np.uint64,
) -> bool:
    """Plan for what stands in the way first to be taken away or unlocked, where no plan was found with all of it."""
    shunned = m.masks[3]
    _set_clause(w, b, m, c, is_alone, knows_all)
    code = _first_obstacle(w, b, width, m, seen)
    m.masks[3] = shunned
    if code < FIRST_OBJECT or not m.facts[MAY_LIFT]:
        return False
    verb = OPEN_DOOR if w.looks[b, code] & 0xFF == DOOR else CLEAR
    for attempt in range(2):
        if _plan_other(
            w, b, width, m, p, seen, verb, np.uint64(1) << np.uint64(code - FIRST_OBJECT), knows_all, attempt == 1, now
        ):
            return True
    return False


@_kernel
def _plan_other(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    verb: int,
    mask: np.uint64,
    knows_all: bool,
    anywhere: bool,
    now: np.uint64,
) -> bool:
    """Plan for an aim that no clause asks for."""
    _set_aim(w, b, m, verb, knows_all)
    m.facts[MAY_DROP_ANYWHERE] = anywhere
    m.masks[0] = mask
    state = _solve(w, b, width, m, seen)
    if state < 0:
        return False
    _write_plan(w, b, width, m, p, seen, state, now)
    return p.length[b] > 0


@_kernel
def _explore(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    c: int,
    is_alone: bool,
    anywhere: bool,
    now: np.uint64,
) -> bool:
    """Plan to see more, within what a clause allows."""
    shunned = m.masks[3]
    _set_clause(w, b, m, c, is_alone, False)
    m.facts[VERB] = EXPLORE
    m.facts[MAY_DROP_ANYWHERE] = anywhere
    m.masks[1] = np.uint64(0)
    state = _solve(w, b, width, m, seen)
    m.masks[3] = shunned
    if state < 0:
        return False
    _write_plan(w, b, width, m, p, seen, state, now)
    cells = w.cells.shape[1]
    p.aims[b] = (state >> 2) % cells + _stride(state & 3, width)
    last = p.length[b] - 1
    if last > 0 and p.actions[b, last] == DONE:  # which only says that an unknown tile is ahead
        p.length[b] = last
    return p.length[b] > 0


@_kernel
def make_plan(
    w: Worlds, b: int, width: int, m: Search, p: Plans, seen: NDArray[np.bool_], knows_all: bool, now: np.uint64
) -> bool:
    """Plan for the step of the goal that is due; False if no way is found.

    A plan that leaves something on the way is looked at once more with it lying there: if the next plan would begin by
    picking it up again, or there is none, it is left elsewhere.
    """
    m.counts[3] = 0
    while _choose_plan(w, b, width, m, p, seen, knows_all, now):
        last = p.length[b] - 1
        place = int(p.drops[b])
        if place == NOWHERE or p.actions[b, last] != DROP or m.counts[3] == MAX_BANNED // 2:
            return True
        if not _is_regretted(w, b, width, m, p, seen, knows_all, now, place, int(p.poses[b, last])):
            return _choose_plan(w, b, width, m, p, seen, knows_all, now)
        m.banned[m.counts[3]] = place
        m.counts[3] += 1
    if m.counts[3] == 0:
        return False
    m.counts[3] = 0
    return _choose_plan(w, b, width, m, p, seen, knows_all, now)


@_kernel
def _is_regretted(
    w: Worlds,
    b: int,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    knows_all: bool,
    now: np.uint64,
    place: int,
    pose: int,
) -> bool:
    """Whether what is carried, once left here, would have to be picked up again at once; the world stays as it is."""
    carried, position, direction = w.carried[b], w.position[b], w.direction[b]
    k = int(carried) - FIRST_OBJECT
    w.carried[b], w.cells[b, place], w.positions[b, k] = NOTHING_CODE, carried, place
    w.position[b], w.direction[b] = pose >> 2, pose & 3
    kept = m.counts[3]
    m.counts[3] = 0
    is_possible = _choose_plan(w, b, width, m, p, seen, knows_all, now)
    m.counts[3] = kept
    last = p.length[b] - 1
    picks_it_up = False
    if is_possible and last >= 0 and p.actions[b, last] == PICKUP:
        picks_it_up = (p.poses[b, last] >> 2) + _stride(p.poses[b, last] & 3, width) == place
    w.carried[b], w.cells[b, place], w.positions[b, k] = carried, NOTHING_CODE, NOWHERE
    w.position[b], w.direction[b] = position, direction
    return picks_it_up or not is_possible


@_kernel
def _choose_plan(
    w: Worlds, b: int, width: int, m: Search, p: Plans, seen: NDArray[np.bool_], knows_all: bool, now: np.uint64
) -> bool:
    """The shortest plan for a clause of the step that is due, or else one to see more or to clear the way."""
    p.length[b] = 0
    p.aims[b] = NOWHERE
    _note_needs(w, b, m)
    start = int(w.stage[b])
    end = start + 1
    while end < w.programs.shape[1] and int(w.programs[b, end, 0]) != NO_CLAUSE and int(w.programs[b, end, 1]) & JOINED:
        end += 1
    if _is_hopeless(w, b, start, end):
        return False
    for attempt in range(2):
        best = MAX_STEPS
        for c in range(start, end):
            if not w.done[b] >> c & 1:
                best = _plan_clause(w, b, width, m, p, seen, c, end == start + 1, knows_all, attempt == 1, best, now)
        if best < MAX_STEPS:
            _settle_first(w, b, p, start)
            return True
    for attempt in range(2):
        for c in range(start, end):
            if (
                not knows_all
                and not w.done[b] >> c & 1
                and _explore(w, b, width, m, p, seen, c, end == start + 1, attempt == 1, now)
            ):
                return True
    for c in range(start, end):
        if not w.done[b] >> c & 1 and _clear_the_way(w, b, width, m, p, seen, c, end == start + 1, knows_all, now):
            return True
    if not knows_all and _plan_other(w, b, width, m, p, seen, OPEN_BOX, ~m.masks[2], False, True, now):
        return True
    if w.carried[b] != NOTHING_CODE:
        for attempt in range(2):
            if _plan_other(w, b, width, m, p, seen, DROP_OFF, np.uint64(0), knows_all, attempt == 1, now):
                return True
    return False


@_kernel
def _settle_first(w: Worlds, b: int, p: Plans, c: int) -> None:
    """Wait a step before what is carried is dropped, if the verifier has not yet seen it carried."""
    verb = int(w.programs[b, c, 0])
    if verb in (PUT_NEXT_TO, PUT_NEAR) and p.actions[b, 0] == DROP and w.carried_before[b, c] != w.carried[b]:
        p.actions[b, 0] = DONE
        p.signatures[b, 0] ^= np.uint64(1)  # not to be found again


@_kernel
def _measure_ways(
    w: Worlds, b: int, width: int, m: Search, p: Plans, seen: NDArray[np.bool_], end: int, now: np.uint64
) -> None:
    """Note how far every pose is from the one where a plan's walking ends, so that straying costs no search."""
    ways = p.ways[b]
    ways[:] = FAR
    ways[end] = 0
    p.ways_signature[b] = now
    m.path[0] = end
    head, tail = 0, 1
    while head < tail:
        pose = m.path[head]
        head += 1
        place, direction = pose >> 2, pose & 3
        for i in range(3):
            if i == 0:
                before = place - _stride(direction, width)
                if not _is_free(w, b, m, seen, before) or not _is_passable(w, b, place):
                    continue
                other = before << 2 | direction
            else:
                other = place << 2 | ((direction + 2 * i + 1) & 3)
            if ways[other] == FAR and tail < m.path.shape[0]:
                ways[other] = ways[pose] + 1
                m.path[tail] = other
                tail += 1


@_kernel
def _is_passable(w: Worlds, b: int, place: int) -> bool:
    """Whether one can walk here, through a closed door once it is open."""
    look = w.looks[b, w.cells[b, place]]
    return (look >> WALKABLE_BIT) & 1 != 0 or (look & 0xFF == DOOR and (look >> 16) & 0xFF == CLOSED)


@_kernel
def _step_of_way(w: Worlds, b: int, width: int, p: Plans, pose: int) -> int:
    """The action that comes nearer to where the plan's walking ends, straight on first; -1 if there is none."""
    ways = p.ways[b]
    left = ways[pose]
    if left == FAR or left == 0:
        return -1
    place, direction = pose >> 2, pose & 3
    front = place + _stride(direction, width)
    if _is_passable(w, b, front) and ways[front << 2 | direction] == left - 1:
        is_open = (w.looks[b, w.cells[b, front]] >> WALKABLE_BIT) & 1 != 0
        return FORWARD if is_open else TOGGLE
    if ways[place << 2 | ((direction + 3) & 3)] == left - 1:
        return LEFT
    return RIGHT if ways[place << 2 | ((direction + 1) & 3)] == left - 1 else -1


@_kernel
def _is_hopeless(w: Worlds, b: int, start: int, end: int) -> bool:
    """Whether something that a clause of the step needs is no more: it was in a box, or a box, that was opened."""
    for c in range(start, end):
        verb = int(w.programs[b, c, 0])
        if w.done[b] >> c & 1 or verb not in (PICK_UP, PUT_NEXT_TO, PUT_NEAR):
            continue
        has_meant, has_fixed = False, verb != PUT_NEXT_TO
        for k in range(w.positions.shape[1]):
            code = k + FIRST_OBJECT
            if w.carried[b] != code and _place_of(w, b, k) == NOWHERE:
                continue
            inside = int(w.contents[b, k])
            has_meant |= _has(w.programs[b, c, 2], code) or _has(w.programs[b, c, 2], inside)
            has_fixed |= _has(w.programs[b, c, 3], code) or _has(w.programs[b, c, 3], inside)
        if not (has_meant and has_fixed):
            return True
    return False


@kernel
def advise(
    w: Worlds,
    width: int,
    m: Search,
    p: Plans,
    seen: NDArray[np.bool_],
    episodes_seen: NDArray[np.int64],
    knows_all: bool,
    start: int,
    stop: int,
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next action of environments ``start`` to ``stop``.

    ``seen`` [B, cells] is what each agent has seen of its map since ``episodes_seen`` [B] last changed (only written
    and read unless ``knows_all``).
    """
    for b in range(start, stop):
        now = signature(w, b)
        own = seen[b % seen.shape[0]]
        if not knows_all:
            if episodes_seen[b] != w.episode_number[b] or w.step_count[b] == 0:
                episodes_seen[b] = w.episode_number[b]
                own[:] = False
                p.length[b] = 0
            new = look_around(w, b, width, own)
            if new > 0:
                p.given_up[b] = 0
            if p.aims[b] != NOWHERE and (new >= OBJECT_COUNTS or own[p.aims[b]]):
                p.length[b] = 0
        pose = int(w.position[b]) << 2 | w.direction[b]
        lost[b] = False
        found, is_as_planned = -1, False
        for i in range(p.length[b]):
            if p.signatures[b, i] == now:
                is_as_planned = True
                if p.poses[b, i] == pose:
                    found = i
        if found < 0 and is_as_planned and not knows_all and not p.keeps_rules[b]:
            if p.ways_signature[b] != now:
                _measure_ways(w, b, width, m, p, own, p.poses[b, p.length[b] - 1], now)
            actions[b] = _step_of_way(w, b, width, p, pose)
            if actions[b] >= 0:
                continue
        if found < 0:
            if p.given_up[b] == now or not make_plan(w, b, width, m, p, own, knows_all, now):
                p.given_up[b] = now
                lost[b] = True
                actions[b] = DONE
                continue
            found = 0
            p.ways_signature[b] = 0
        actions[b] = p.actions[b, found]
