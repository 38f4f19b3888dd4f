"""The compiled rules: one scalar function begins, another steps an environment; thin loops run them over a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.engine.state import Outcomes
from groundling.envs.families.gridlu import starting
from groundling.envs.families.gridlu.goal_check import EAST, NORTH, OUTSIDE, SOUTH, WEST, is_so, neighbor
from groundling.envs.families.gridlu.names import FIRST_COLOR, FIRST_SHAPE, FLOOR_ID, NUM_CELLS, SIZE
from groundling.envs.families.gridlu.starting import begin_world
from groundling.envs.families.gridlu.state import ABSENT, CARRYING, FREE, NONE, Rules, Seen, Worlds

SOURCES = (__file__, *starting.SOURCES)
kernel = compiler(*SOURCES)
LEFT, RIGHT, UP, DOWN, INTERACT = range(5)


@inlined_kernel
def direction_of(move: int) -> int:
    """Where a move goes: left is west."""
    return WEST if move == LEFT else EAST if move == RIGHT else NORTH if move == UP else SOUTH


@inner_kernel
def act(w: Worlds, b: int, move: int) -> None:
    """Go, if the next cell is inside and, for an agent that carries a block, free; or take up or put down a block."""
    here = w.position[b]
    if move != INTERACT:
        there = neighbor(here, direction_of(move))
        if there != OUTSIDE and (w.carried[b] == NONE or w.blocks[b, there] == NONE):
            w.position[b] = there
    elif w.carried[b] == NONE:
        w.carried[b] = w.blocks[b, here]  # none on an empty cell
        w.blocks[b, here] = NONE
    else:
        w.blocks[b, here] = w.carried[b]
        w.carried[b] = NONE


@inlined_kernel
def draw_cell(w: Worlds, b: int, cell: int, s: Seen) -> None:
    """Write what is seen of a cell."""
    block, agent = int(w.blocks[b, cell]), ABSENT
    if cell == w.position[b]:
        agent = FREE
        if w.carried[b] != NONE:
            block, agent = int(w.carried[b]), CARRYING
    y, x = cell // SIZE, cell % SIZE
    s.image[b, y, x, 0] = FLOOR_ID if block == NONE else FIRST_SHAPE + (block - 1) // 3
    s.image[b, y, x, 1] = 0 if block == NONE else FIRST_COLOR + (block - 1) % 3
    s.image[b, y, x, 2] = agent


@inner_kernel
def draw_all(w: Worlds, b: int, r: Rules, s: Seen) -> None:
    """Write all that the agent sees."""
    for cell in range(NUM_CELLS):
        draw_cell(w, b, cell, s)
    for place in range(s.instruction.shape[1]):
        s.instruction[b, place] = r.tokens[w.instruction[b], place]


@inner_kernel
def begin(w: Worlds, b: int, r: Rules, s: Seen) -> None:
    """Begin the next episode of environment ``b``."""
    begin_world(w, b, r)
    w.holds[b] = is_so(w, b, r)
    draw_all(w, b, r, s)


@inner_kernel
def step_one(w: Worlds, b: int, move: int, r: Rules, s: Seen, out: Outcomes) -> None:
    """One step of environment ``b`` as far as it does not begin the next episode."""
    out.episode_return[b] = 0.0
    out.episode_length[b] = 0
    out.success[b] = False
    if w.over[b]:  # it stays as it ended until it is reset
        out.reward[b] = 0.0
        return
    before = w.position[b]
    act(w, b, move)
    draw_cell(w, b, before, s)
    draw_cell(w, b, w.position[b], s)
    w.holds[b] = is_so(w, b, r)
    w.steps[b] += 1
    reward = 1.0 if w.holds[b] else 0.0
    w.total_reward[b] += reward
    out.reward[b] = reward
    out.terminated[b] = False
    out.truncated[b] = w.steps[b] >= r.max_steps
    out.ended[b] = out.truncated[b]
    if out.ended[b]:
        w.over[b] = True
        out.episode_return[b] = w.total_reward[b]
        out.episode_length[b] = w.steps[b]
        out.success[b] = w.holds[b]


@kernel
def begin_batch(w: Worlds, chosen: NDArray[np.bool_], r: Rules, s: Seen) -> None:
    """Begin the next episode where ``chosen`` [B] says so."""
    for b in range(chosen.shape[0]):
        if chosen[b]:
            begin(w, b, r, s)


@inner_kernel
def keep_last(b: int, s: Seen, last: Seen) -> None:
    """Copy what the agent of environment ``b`` sees, number by number: assigning arrays would allocate memory."""
    for row in range(SIZE):
        for column in range(SIZE):
            for channel in range(3):
                last.image[b, row, column, channel] = s.image[b, row, column, channel]
    for place in range(s.instruction.shape[1]):
        last.instruction[b, place] = s.instruction[b, place]


@kernel
def step_batch(
    w: Worlds, actions: NDArray[np.int64], autoreset: bool, r: Rules, s: Seen, last: Seen, out: Outcomes
) -> None:
    """Step every environment; where an episode ends its last observation goes to ``last`` and the next one begins."""
    for b in range(actions.shape[0]):
        step_one(w, b, actions[b], r, s, out)
        if out.ended[b] and autoreset:
            keep_last(b, s, last)
            begin(w, b, r, s)
