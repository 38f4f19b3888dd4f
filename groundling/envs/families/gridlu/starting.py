"""Compiled: how an episode begins."""

from __future__ import annotations

from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.families.gridlu import goal_check
from groundling.envs.families.gridlu.instructions import (
    AGENT_FIRST,
    AGENT_SECOND,
    COLOR_A,
    COLOR_B,
    KIND,
    PATTERN,
    SHAPE_A,
    SHAPE_B,
)
from groundling.envs.families.gridlu.names import NUM_CELLS
from groundling.envs.families.gridlu.patterns import NUM_BLOCKS
from groundling.envs.families.gridlu.state import NONE, Rules, Worlds
from groundling.envs.games import dice
from groundling.envs.games.dice import below

SOURCES = (__file__, *goal_check.SOURCES, *dice.SOURCES)
NUM_LOOKS = 9  # colors times shapes
LAST_SHAPE = 2  # squares: the blocks of arrangements are all of one shape


@inner_kernel
def clear(w: Worlds, b: int) -> None:
    """Take all blocks away."""
    w.carried[b] = NONE
    for cell in range(NUM_CELLS):
        w.blocks[b, cell] = NONE


@inner_kernel
def drawn_block(w: Worlds, b: int, color: int, shape: int) -> int:
    """A block of a color and a shape (from 1), of a random one where it is left open."""
    own_color = color - 1 if color > 0 else below(w, b, 3)
    own_shape = shape - 1 if shape > 0 else below(w, b, 3)
    return 1 + 3 * own_shape + own_color


@inner_kernel
def draw_instruction(w: Worlds, b: int, r: Rules) -> None:
    """Draw what is asked for; where there are arrangements of four and of eight blocks, each is asked for by halves."""
    few, many = r.few.shape[0], r.many.shape[0]
    takes_many = many > 0 and (few == 0 or below(w, b, 2) == 1)
    w.instruction[b] = r.many[below(w, b, many)] if takes_many else r.few[below(w, b, few)]


@inner_kernel
def put_anywhere(w: Worlds, b: int, block: int) -> bool:
    """Put a block into a random cell; False if another one is there."""
    cell = below(w, b, NUM_CELLS)
    is_free = w.blocks[b, cell] == NONE
    w.blocks[b, cell] = block
    return is_free


@inner_kernel
def try_relation(w: Worlds, b: int, r: Rules) -> bool:
    """Draw one or two blocks that are told of and one more; False if two share a cell or all are alike."""
    row = w.instruction[b]
    kind = r.table[row, KIND]
    first = drawn_block(w, b, r.table[row, COLOR_A], r.table[row, SHAPE_A])
    second = first
    if kind != AGENT_FIRST and kind != AGENT_SECOND:
        second = drawn_block(w, b, r.table[row, COLOR_B], r.table[row, SHAPE_B])
    other = 1 + below(w, b, NUM_LOOKS)
    is_valid = not (first == second and second == other)
    is_valid = put_anywhere(w, b, first) and is_valid
    if kind != AGENT_FIRST and kind != AGENT_SECOND:
        is_valid = put_anywhere(w, b, second) and is_valid
    return put_anywhere(w, b, other) and is_valid


@inner_kernel
def put_four(w: Worlds, b: int, color: int) -> None:
    """Put four blocks of a color into free cells."""
    count = 0
    while count < NUM_BLOCKS:
        cell = below(w, b, NUM_CELLS)
        if w.blocks[b, cell] == NONE:
            w.blocks[b, cell] = 1 + 3 * LAST_SHAPE + color
            count += 1


@inner_kernel
def begin_arrangement(w: Worlds, b: int, color: int) -> None:
    """Put four blocks of a color (from 1; a random one if it is left open), and four of another one if it is told."""
    if color == 0:
        put_four(w, b, below(w, b, 3))
        return
    put_four(w, b, color - 1)
    put_four(w, b, (color + below(w, b, 2)) % 3)


@inner_kernel
def begin_world(w: Worlds, b: int, r: Rules) -> None:
    """Begin the next episode of environment ``b``."""
    w.begun[b] = w.random[b]
    clear(w, b)
    draw_instruction(w, b, r)
    if r.table[w.instruction[b], KIND] == PATTERN:
        begin_arrangement(w, b, r.table[w.instruction[b], COLOR_A])
    else:
        while not try_relation(w, b, r):  # what is drawn anew is all of it, the instruction as well
            clear(w, b)
            draw_instruction(w, b, r)
    w.position[b] = below(w, b, NUM_CELLS)
    w.steps[b] = 0
    w.total_reward[b] = 0.0
    w.over[b] = False
