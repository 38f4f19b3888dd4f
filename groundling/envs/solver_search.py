"""Breadth-first search over the states of one world, with the real kernels, and what such a search may change."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs import verdicts
from groundling.envs.compiling import compiler, inner_kernel
from groundling.envs.constants import DOOR, FIRST_OBJECT, LOCKED, NOTHING_CODE, NOWHERE, NUM_ACTIONS, OPEN, PORTABLE_BIT
from groundling.envs.handling import DONE, DROP, FORWARD, PICKUP, act, stride_of
from groundling.envs.state import Worlds
from groundling.envs.verdicts import ANNOUNCE, FAILURE, SUCCESS, judge, mark_object

EXACT: Final = 0
# Columns of a state, then: carried_before [C], places of the things [M], their marks [M], doors [D].
POSITION, DIRECTION, CARRIED, STAGE, DONE_CLAUSES, FIRST_COLUMN = range(6)
ELSEWHERE = -2  # and below: the places of a moved object that are told apart
NO_NODE = -1


class Scope(NamedTuple):
    """What a search may change: O objects, M things that may change their places, D doors."""

    liftable: NDArray[np.bool_]  # [O]
    openable: NDArray[np.bool_]  # [O] boxes that may be opened, doors that may be closed
    things: NDArray[np.int64]  # [M] objects
    doors: NDArray[np.int64]  # [D] objects
    marks: NDArray[np.uint8]  # [O] the marks that an object makes where it is seen
    doorways: NDArray[np.bool_]  # as a map's cells: tiles beside a door


class Nodes(NamedTuple):
    """The states found, N at most, and a hash table of them that is empty between searches."""

    parents: NDArray[np.int32]  # [N]
    actions: NDArray[np.uint8]  # [N] taken in the parent's state
    slots: NDArray[np.int64]  # [N] in the table
    table: NDArray[np.uint64]  # [a power of two, at least 2 N] hashes of the states found, 0 for none


@inner_kernel
def _learn_marks(w: Worlds, s: Scope) -> None:
    """Ask the verifier for the marks of each object, on a corner of the border."""
    for k in range(s.marks.shape[0]):
        w.marks[0, 0] = 0
        mark_object(w, 0, k + FIRST_OBJECT, 0)
        s.marks[k] = w.marks[0, 0]
    w.marks[0, 0] = 0


@inner_kernel
def _remember_body(w: Worlds, state: NDArray[np.int16]) -> None:
    """Write the part of a state that every action may change."""
    state[POSITION] = w.position[0]
    state[DIRECTION] = w.direction[0]
    state[CARRIED] = w.carried[0]
    state[STAGE] = w.stage[0]
    state[DONE_CLAUSES] = w.done[0]
    for c in range(w.programs.shape[1]):
        state[FIRST_COLUMN + c] = w.carried_before[0, c]


@inner_kernel
def _remember_things(w: Worlds, s: Scope, state: NDArray[np.int16]) -> None:
    """Write where the things are and how the doors look."""
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    for i in range(things):
        tile = w.positions[0, s.things[i]]
        is_there = tile != NOWHERE and w.cells[0, tile] == s.things[i] + FIRST_OBJECT
        state[first + i] = tile if is_there else NOWHERE
    for i in range(doors):
        state[first + 2 * things + i] = w.looks[0, s.doors[i] + FIRST_OBJECT] >> 16


@inner_kernel
def _restore_body(w: Worlds, state: NDArray[np.int16]) -> None:
    """Undo of :func:`_remember_body`."""
    w.position[0] = state[POSITION]
    w.direction[0] = state[DIRECTION]
    w.carried[0] = state[CARRIED]
    w.stage[0] = state[STAGE]
    w.done[0] = state[DONE_CLAUSES]
    for c in range(w.programs.shape[1]):
        w.carried_before[0, c] = state[FIRST_COLUMN + c]


@inner_kernel
def _restore_things(w: Worlds, s: Scope, marked: NDArray[np.int16], state: NDArray[np.int16]) -> None:
    """Undo of :func:`_remember_things`; ``marked`` holds the marks of the objects that stay where they are."""
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    for i in range(doors):
        code = s.doors[i] + FIRST_OBJECT
        w.looks[0, code] = w.looks[0, code] & 0xFFFF | np.int32(state[first + 2 * things + i]) << 16
    if things == 0:
        return
    for i in range(things):
        tile = w.positions[0, s.things[i]]
        if tile != NOWHERE and w.cells[0, tile] == s.things[i] + FIRST_OBJECT:
            w.cells[0, tile] = NOTHING_CODE
    for i in range(things):
        k = s.things[i]
        tile = state[first + i]
        w.positions[0, k] = tile
        if tile != NOWHERE:
            w.cells[0, tile] = k + FIRST_OBJECT
        marked[k] = state[first + things + i]
    w.marks[0, :] = 0
    for k in range(marked.shape[0]):
        if marked[k] != NOWHERE:
            w.marks[0, marked[k]] |= s.marks[k]


@inner_kernel
def _mix(h: np.uint64, value: int) -> np.uint64:
    """One number more in a hash (the multiplication and shift of splitmix64)."""
    h = (h ^ np.uint64(value)) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


@inner_kernel
def _hash(
    w: Worlds, width: int, s: Scope, origin: NDArray[np.int16], state: NDArray[np.int16], places: int
) -> np.uint64:
    """The hash of a state, never 0."""
    clauses = w.programs.shape[1]
    first = FIRST_COLUMN + clauses
    things, doors = s.things.shape[0], s.doors.shape[0]
    ahead = w.cells[0, state[POSITION] + stride_of(state[DIRECTION], width)]
    h = _mix(np.uint64(state[POSITION]) << np.uint64(8) | np.uint64(state[CARRIED]), state[DIRECTION])
    h = _mix(_mix(h, state[STAGE]), state[DONE_CLAUSES])
    for c in range(state[STAGE], clauses):
        if not state[DONE_CLAUSES] >> c & 1:
            h = _mix(h, state[FIRST_COLUMN + c])
    for i in range(first, first + things):
        if places == EXACT or state[i] == origin[i] or state[i] == NOWHERE:
            h = _mix(h, state[i])
        else:
            h = _mix(h, ELSEWHERE - state[i] * 7 // 3 % places)
    if places == EXACT:
        for i in range(first + things, first + 2 * things):
            if s.marks[s.things[i - first - things]]:
                h = _mix(h, state[i])
    for i in range(doors):
        looks = state[first + 2 * things + i] & 0xFF
        k = s.doors[i]
        h = _mix(h, looks if places == EXACT or s.openable[k] or ahead == k + FIRST_OBJECT else looks == LOCKED)
    return h | np.uint64(1)


@inner_kernel
def _insert(nodes: Nodes, node: int, h: np.uint64) -> bool:
    """Put a state into the hash table; False if it was there."""
    mask = np.uint64(nodes.table.shape[0] - 1)
    slot = (h >> np.uint64(20)) & mask
    while nodes.table[slot] != 0:
        if nodes.table[slot] == h:
            return False
        slot = (slot + np.uint64(1)) & mask
    nodes.table[slot] = h
    nodes.slots[node] = slot
    return True


@inner_kernel
def _is_worth_trying(w: Worlds, s: Scope, width: int, action: int, places: int) -> bool:
    """Whether an action may do something here, within the scope of the search."""
    if action <= FORWARD or action == DONE:  # walking into what is asked for is enough to have gone to it
        return True
    code = int(w.cells[0, int(w.position[0]) + stride_of(w.direction[0], width)])
    seen = w.looks[0, code]
    if action == DROP:  # which lets the verifier look again, even if nothing is dropped
        return places == EXACT or (code == NOTHING_CODE and w.carried[0] != NOTHING_CODE)
    if code < FIRST_OBJECT:
        return False
    if action == PICKUP:
        return s.liftable[code - FIRST_OBJECT] and (seen >> PORTABLE_BIT) & 1 != 0 and w.carried[0] == NOTHING_CODE
    if seen & 0xFF == DOOR:
        return (seen >> 16) & 0xFF != OPEN or s.openable[code - FIRST_OBJECT]
    return s.openable[code - FIRST_OBJECT]


@compiler(__file__, *verdicts.SOURCES)
def search_plan(
    w: Worlds,
    width: int,
    s: Scope,
    marked: NDArray[np.int16],
    states: NDArray[np.int16],
    nodes: Nodes,
    places: int,
    staged: bool,
    max_depth: int,
) -> int:
    """Breadth-first search from the state of ``w``; the node of success or progress, NO_NODE if there is none.

    ``marked`` [O] says where each object was when the verifier last looked; ``states`` [N, R] is memory for the states.
    """
    capacity = nodes.parents.shape[0]
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    stage, done = w.stage[0], w.done[0]
    _learn_marks(w, s)
    announces = False
    for c in range(w.programs.shape[1]):
        announces |= int(w.programs[0, c, 0]) == ANNOUNCE
    num_actions = NUM_ACTIONS if announces else DONE
    origin = states[0]
    _remember_body(w, origin)
    _remember_things(w, s, origin)
    for i in range(things):
        origin[first + things + i] = marked[s.things[i]]
    nodes.parents[0] = NO_NODE
    _insert(nodes, 0, _hash(w, width, s, origin, origin, places))
    head = depth = 0
    count = layer_end = 1
    found = NO_NODE
    while head < count and count < capacity and found == NO_NODE:
        if head == layer_end:
            depth += 1
            layer_end = count
        if depth >= max_depth:
            break
        state = states[head]
        _restore_body(w, state)
        _restore_things(w, s, marked, state)
        for action in range(num_actions):
            if not _is_worth_trying(w, s, width, action, places):
                continue
            front = act(w, 0, width, action)
            verdict = judge(w, 0, width, action, front)
            is_progress = verdict == SUCCESS or (staged and (w.stage[0] != stage or w.done[0] != done))
            is_in_the_way = action == DROP and places != EXACT and s.doorways[front] and not is_progress
            if verdict != FAILURE and not is_in_the_way:
                child = states[count]
                _remember_body(w, child)
                if action <= FORWARD:
                    for i in range(first, first + 2 * things + doors):
                        child[i] = state[i]
                else:
                    _remember_things(w, s, child)
                    for i in range(first, first + things):
                        child[things + i] = child[i] if action == DROP else state[things + i]
                if _insert(nodes, count, _hash(w, width, s, origin, child, places)):
                    nodes.parents[count] = head
                    nodes.actions[count] = action
                    if is_progress:
                        found = count
                    count += 1
                    if found != NO_NODE or count == capacity:
                        break
            _restore_body(w, state)
            if action > FORWARD:
                _restore_things(w, s, marked, state)
        head += 1
    for i in range(count):
        nodes.table[nodes.slots[i]] = 0
    return found
