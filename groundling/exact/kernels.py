"""Compiled enumeration: states of one world packed into bytes, and the real rules run from each with each action."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import kernels as rules
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import ANSWER, FIRST_OBJECT, STOP
from groundling.envs.engine.dynamics import TOGGLE, act, turn_key
from groundling.envs.engine.goal_check import GOING_ON, judge, judge_answer, judge_traps
from groundling.envs.engine.goal_check import SUCCESS as REACHED
from groundling.envs.engine.kernels import observe
from groundling.envs.engine.state import Episodes, Observations, Worlds

SOURCES = (__file__, *rules.SOURCES)
kernel = compiler(*SOURCES)

FULL = -1  # the states did not fit


@kernel
def pack(w: Worlds, b: int, tiles: NDArray[np.int64], objects: int, states: NDArray[np.uint8], row: int) -> None:
    """Write all that the future of environment ``b`` depends on, time apart, into a row of ``states``."""
    count = tiles.shape[0]
    for i in range(count):
        states[row, i] = w.cells[b, tiles[i]]
        states[row, count + i] = w.marks[b, tiles[i]]
    at = 2 * count
    for k in range(objects):
        look = w.looks[b, k + FIRST_OBJECT]
        for byte in range(4):
            states[row, at + byte] = (look >> 8 * byte) & 0xFF
        states[row, at + 4] = w.contents[b, k]
        place = int(w.positions[b, k])
        states[row, at + 5] = place & 0xFF
        states[row, at + 6] = (place >> 8) & 0xFF
        at += 7
    place = int(w.position[b])
    states[row, at] = place & 0xFF
    states[row, at + 1] = (place >> 8) & 0xFF
    states[row, at + 2] = w.direction[b]
    states[row, at + 3] = w.carried[b]
    states[row, at + 4] = w.current_step[b]
    states[row, at + 5] = w.done[b]
    for c in range(w.carried_before.shape[1]):
        states[row, at + 6 + c] = w.carried_before[b, c]


@kernel
def signed(low: int, high: int) -> int:
    """Two bytes as an int16."""
    value = low | high << 8
    return value - 65536 if value >= 32768 else value


@kernel
def unpack(w: Worlds, b: int, tiles: NDArray[np.int64], objects: int, states: NDArray[np.uint8], row: int) -> None:
    """Put environment ``b`` into a packed state."""
    count = tiles.shape[0]
    for i in range(count):
        w.cells[b, tiles[i]] = states[row, i]
        w.marks[b, tiles[i]] = states[row, count + i]
    at = 2 * count
    for k in range(objects):
        look = 0
        for byte in range(4):
            look |= int(states[row, at + byte]) << 8 * byte
        w.looks[b, k + FIRST_OBJECT] = look
        w.contents[b, k] = states[row, at + 4]
        w.positions[b, k] = signed(int(states[row, at + 5]), int(states[row, at + 6]))
        at += 7
    w.position[b] = signed(int(states[row, at]), int(states[row, at + 1]))
    w.direction[b] = states[row, at + 2]
    w.carried[b] = states[row, at + 3]
    w.current_step[b] = states[row, at + 4]
    w.done[b] = states[row, at + 5]
    for c in range(w.carried_before.shape[1]):
        w.carried_before[b, c] = states[row, at + 6 + c]


@kernel
def show(w: Worlds, b: int, width: int, e: Episodes, o: Observations) -> None:
    """Write what environment ``b`` sees in its present state."""
    observe(w, b, width, e, o)


@kernel
def find(states: NDArray[np.uint8], row: int, table: NDArray[np.int32]) -> np.int64:
    """The slot of the table that holds a state like this row, or the empty one where it belongs.

    Slots hold numbers of states plus one; 0 is empty. The table has a power of two of them, more than there are states.
    """
    length = states.shape[1]
    code = np.uint64(1469598103934665603)  # FNV-1a
    for i in range(length):
        code = (code ^ np.uint64(states[row, i])) * np.uint64(1099511628211)
    last = table.shape[0] - 1
    slot = np.int64((code ^ (code >> np.uint64(29))) & np.uint64(last))
    while table[slot] > 0:
        other = table[slot] - 1
        is_same = True
        for i in range(length):
            if states[other, i] != states[row, i]:
                is_same = False
                break
        if is_same:
            return slot
        slot = (slot + 1) & last
    return slot


@kernel
def expand(
    w: Worlds,
    width: int,
    tiles: NDArray[np.int64],
    objects: int,
    states: NDArray[np.uint8],
    table: NDArray[np.int32],
    following: NDArray[np.int32],
) -> int:
    """Number the states that can be reached from the present one of the first environment, breadth first.

    Args:
        w: at least one environment, which is left in some state.
        width: of the map, border included.
        tiles: see ``Layout``.
        objects: O.
        states: [limit + 1, K], written.
        table: zeros, a power of two of more than limit.
        following: [limit, A], written.

    Returns:
        how many there are, or ``FULL``.
    """
    limit = following.shape[0]
    pack(w, 0, tiles, objects, states, 0)
    table[find(states, 0, table)] = 1
    count, row = 1, 0
    while row < count:
        for action in range(following.shape[1]):
            unpack(w, 0, tiles, objects, states, row)
            # the rules of a step, as kernels.step_batch has them
            front = act(w, 0, width, action)
            if action == TOGGLE:
                turn_key(w, 0, front)
            if ANSWER <= int(w.programs[0, 0, 0]) <= STOP:
                verdict = judge_answer(w, 0, action)
            else:
                verdict = judge(w, 0, width, action, front, False)
            if action == TOGGLE and verdict == GOING_ON:
                verdict = judge_traps(w, 0)
            if verdict != GOING_ON:
                following[row, action] = -1 if verdict == REACHED else -2
                continue
            pack(w, 0, tiles, objects, states, count)  # where the next new state would stand
            slot = find(states, count, table)
            if table[slot] == 0:
                if count == limit:
                    return FULL
                table[slot] = count + 1
                count += 1
            following[row, action] = table[slot] - 1
        row += 1
    return count
