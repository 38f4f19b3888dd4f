"""Compiled: shortest ways to what an instruction of Relations says, by going, or by moving one block.

Where moving one block is not enough (both are at edges that keep them apart) a block is carried inward first, until it
is. A plan's cost is how many steps it takes from here, so the agent that takes its first step has one of less cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.families.gridlu import kernels
from groundling.envs.families.gridlu.goal_check import EAST, NORTH, OUTSIDE, SOUTH, WEST, is_described, is_so, neighbor
from groundling.envs.families.gridlu.instructions import BLOCKS, COLOR_A, KIND, SHAPE_A
from groundling.envs.families.gridlu.kernels import DOWN, INTERACT, LEFT, RIGHT, UP
from groundling.envs.families.gridlu.names import NUM_CELLS, SIZE
from groundling.envs.families.gridlu.state import NONE, Rules, Worlds

SOURCES = (__file__, *kernels.SOURCES)
kernel = compiler(*SOURCES)
NEVER = 1000
PUT_DOWN_AND_STEP = 2


class Scratch(NamedTuple):
    """Arrays that planning writes; of one environment at a time."""

    distance: NDArray[np.int32]  # [25] steps of an agent that carries a block, NEVER where it cannot come
    queue: NDArray[np.int32]  # [25]
    plan: NDArray[np.int32]  # [1] the cell to go to next


def empty_scratch() -> Scratch:
    """Arrays for planning."""
    return Scratch(
        distance=np.zeros(NUM_CELLS, dtype=np.int32),
        queue=np.zeros(NUM_CELLS, dtype=np.int32),
        plan=np.zeros(1, dtype=np.int32),
    )


@inlined_kernel
def apart(one: int, other: int) -> int:
    """Steps between two cells of an agent that carries nothing."""
    return abs(one % SIZE - other % SIZE) + abs(one // SIZE - other // SIZE)


@inner_kernel
def spread(w: Worlds, b: int, start: int, t: Scratch) -> None:
    """Distances from a cell through cells without blocks; the first cell may have one."""
    for cell in range(NUM_CELLS):
        t.distance[cell] = NEVER
    t.distance[start] = 0
    t.queue[0] = start
    read, written = 0, 1
    while read < written:
        cell = t.queue[read]
        read += 1
        for direction in range(4):
            other = neighbor(cell, direction)
            if other != OUTSIDE and t.distance[other] == NEVER and w.blocks[b, other] == NONE:
                t.distance[other] = t.distance[cell] + 1
                t.queue[written] = other
                written += 1


@inner_kernel
def holds_with(w: Worlds, b: int, r: Rules, position: int, carried: int) -> bool:
    """Whether the instruction's would be so with the agent elsewhere, carrying something else."""
    was_at, had = w.position[b], w.carried[b]
    w.position[b], w.carried[b] = position, carried
    found = is_so(w, b, r)
    w.position[b], w.carried[b] = was_at, had
    return found


@inner_kernel
def holds_beside(w: Worlds, b: int, r: Rules, cell: int, block: int) -> bool:
    """Whether it would be so after the block is put down in a cell and one step more."""
    found = False
    w.blocks[b, cell] = block
    for direction in range(4):
        other = neighbor(cell, direction)
        found = found or (other != OUTSIDE and holds_with(w, b, r, other, NONE))
    w.blocks[b, cell] = NONE
    return found


@inner_kernel
def carry_cost(w: Worlds, b: int, r: Rules, start: int, block: int, t: Scratch) -> int:
    """Fewest steps to the end of an agent that has just taken up a block in a cell; where it carries it to is noted."""
    is_to_go = r.table[w.instruction[b], KIND] != BLOCKS
    spread(w, b, start, t)
    best = NEVER
    for cell in range(NUM_CELLS):
        cost = t.distance[cell]
        if cost < best and holds_with(w, b, r, cell, block):
            best = cost
            t.plan[0] = cell
        elif cost + PUT_DOWN_AND_STEP < best and is_to_go and holds_beside(w, b, r, cell, block):
            best = cost + PUT_DOWN_AND_STEP
            t.plan[0] = cell
    return best


@inner_kernel
def walk_cost(w: Worlds, b: int, r: Rules, t: Scratch) -> int:
    """Fewest steps to the end of an agent that carries nothing; the cell that it goes to first is noted."""
    here, best, goal = w.position[b], NEVER, OUTSIDE
    for cell in range(NUM_CELLS):
        if apart(here, cell) < best and holds_with(w, b, r, cell, NONE):
            best, goal = apart(here, cell), cell
    for cell in range(NUM_CELLS):
        block = w.blocks[b, cell]
        if block != NONE and apart(here, cell) + 1 < best:
            w.blocks[b, cell] = NONE
            cost = apart(here, cell) + 1 + carry_cost(w, b, r, cell, block, t)
            w.blocks[b, cell] = block
            if cost < best:
                best, goal = cost, cell
    t.plan[0] = goal
    return best


@inlined_kernel
def step_to(here: int, there: int) -> int:
    """The first move of a way of an agent that carries nothing; INTERACT if it is there."""
    if here % SIZE != there % SIZE:
        return RIGHT if there % SIZE > here % SIZE else LEFT
    if here == there:
        return INTERACT
    return DOWN if there > here else UP


@inner_kernel
def step_carrying(w: Worlds, b: int, there: int, t: Scratch) -> int:
    """The first move of a shortest way of an agent that carries a block; INTERACT if it is there."""
    here = w.position[b]
    if here == there:
        return INTERACT
    spread(w, b, there, t)
    best = 0
    for move in range(4):
        direction = WEST if move == LEFT else EAST if move == RIGHT else NORTH if move == UP else SOUTH
        other = neighbor(here, direction)
        if other != OUTSIDE and t.distance[other] < t.distance[here]:
            best = move
    return best


@inner_kernel
def cell_inward(w: Worlds, b: int, t: Scratch) -> int:
    """The nearest other cell off the edges that an agent reaches with what it carries; its own if there is none."""
    here = w.position[b]
    spread(w, b, here, t)
    best, goal = NEVER, int(here)
    for cell in range(NUM_CELLS):
        is_inner = 0 < cell % SIZE < SIZE - 1 and 0 < cell // SIZE < SIZE - 1
        if is_inner and cell != here and t.distance[cell] < best:
            best, goal = t.distance[cell], cell
    return goal


@inner_kernel
def first_block(w: Worlds, b: int, r: Rules) -> int:
    """The nearest block that fits the first description; OUTSIDE if there is none."""
    row, best, found = w.instruction[b], NEVER, OUTSIDE
    for cell in range(NUM_CELLS):
        distance = apart(w.position[b], cell)
        if distance < best and is_described(w.blocks[b, cell], r.table[row, COLOR_A], r.table[row, SHAPE_A]):
            best, found = distance, cell
    return found


@inner_kernel
def plan_one(w: Worlds, b: int, r: Rules, t: Scratch) -> int:
    """The next move in environment ``b``; -1 where there is no plan. To interact changes no block's cell."""
    if w.holds[b]:
        return INTERACT
    here, carried = w.position[b], w.carried[b]
    if carried == NONE:
        cost = walk_cost(w, b, r, t)
        goal = t.plan[0] if cost < NEVER else first_block(w, b, r)
        return -1 if goal == OUTSIDE else step_to(here, goal)
    carrying = carry_cost(w, b, r, here, carried, t)
    goal = t.plan[0]
    w.blocks[b, here], w.carried[b] = carried, NONE
    put_down = 1 + walk_cost(w, b, r, t)
    w.blocks[b, here], w.carried[b] = NONE, carried
    if min(carrying, put_down) >= NEVER:
        row = w.instruction[b]
        if not is_described(carried, r.table[row, COLOR_A], r.table[row, SHAPE_A]):
            return INTERACT
        goal = cell_inward(w, b, t)
        return -1 if goal == here else step_carrying(w, b, goal, t)
    return step_carrying(w, b, goal, t) if carrying <= put_down else INTERACT


@kernel
def plan_batch(w: Worlds, r: Rules, t: Scratch, actions: NDArray[np.int64], lost: NDArray[np.bool_]) -> None:
    """The next move [B] in every environment; where there is no plan it is to interact, and ``lost`` is True."""
    for b in range(actions.shape[0]):
        move = plan_one(w, b, r, t)
        lost[b] = move < 0
        actions[b] = INTERACT if move < 0 else move
