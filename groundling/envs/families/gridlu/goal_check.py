"""Compiled: whether what an instruction says is so. A block that is carried is in the agent's cell."""

from __future__ import annotations

from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.families.gridlu import held_out, instructions, names, patterns, state
from groundling.envs.families.gridlu.instructions import (
    AGENT_FIRST,
    AGENT_SECOND,
    ANY,
    COLOR_A,
    COLOR_B,
    KIND,
    PATTERN,
    RELATION,
    SAME,
    SHAPE_A,
    SHAPE_B,
)
from groundling.envs.families.gridlu.names import NUM_CELLS, SIZE
from groundling.envs.families.gridlu.patterns import NUM_BLOCKS
from groundling.envs.families.gridlu.state import NONE, Rules, Worlds

SOURCES = (
    __file__,
    held_out.__file__,
    instructions.__file__,
    names.__file__,
    patterns.__file__,
    state.__file__,
)
OUTSIDE = -1
NORTH, SOUTH, EAST, WEST = range(4)


@inlined_kernel
def neighbor(cell: int, direction: int) -> int:
    """The cell in a direction, or OUTSIDE; the same one for any number from 4 on."""
    x, y = cell % SIZE, cell // SIZE
    x += (direction == EAST) - (direction == WEST)
    y += (direction == SOUTH) - (direction == NORTH)
    return y * SIZE + x if 0 <= x < SIZE and 0 <= y < SIZE else OUTSIDE


@inlined_kernel
def opposite(direction: int) -> int:
    """The direction that leads back."""
    return direction if direction == SAME else direction ^ 1


@inlined_kernel
def block_in(w: Worlds, b: int, cell: int) -> int:
    """The block that is in a cell, carried or not; NONE outside."""
    if cell == OUTSIDE:
        return NONE
    if cell == w.position[b] and w.carried[b] != NONE:
        return int(w.carried[b])
    return int(w.blocks[b, cell])


@inlined_kernel
def is_described(block: int, color: int, shape: int) -> bool:
    """Whether a block is one of a color and a shape (from 1, or ANY)."""
    return block != NONE and color in (ANY, (block - 1) % 3 + 1) and shape in (ANY, (block - 1) // 3 + 1)


@inner_kernel
def is_arranged(w: Worlds, b: int, color: int, word: int, r: Rules) -> bool:
    """Whether the blocks of a color are four and arranged as a word says."""
    mask, count, top, left = 0, 0, SIZE, SIZE
    for cell in range(NUM_CELLS):
        block = block_in(w, b, cell)
        if block != NONE and color in (ANY, (block - 1) % 3 + 1):
            mask |= 1 << cell
            count += 1
            top = min(top, cell // SIZE)
            left = min(left, cell % SIZE)
    if count != NUM_BLOCKS:
        return False
    mask >>= SIZE * top + left
    for pattern in range(r.masks.shape[0]):
        if r.masks[pattern] == mask:
            return bool(r.is_word[pattern, word])
    return False


@inner_kernel
def is_so(w: Worlds, b: int, r: Rules) -> bool:
    """Whether what the instruction of environment ``b`` says is so now."""
    row = w.instruction[b]
    kind, relation = r.table[row, KIND], r.table[row, RELATION]
    color, shape = r.table[row, COLOR_A], r.table[row, SHAPE_A]
    agent = int(w.position[b])
    if kind == PATTERN:
        return is_arranged(w, b, color, relation, r)
    if kind == AGENT_FIRST:
        return is_described(block_in(w, b, neighbor(agent, opposite(relation))), color, shape)
    if kind == AGENT_SECOND:
        return is_described(block_in(w, b, neighbor(agent, relation)), color, shape)
    for cell in range(NUM_CELLS):
        is_second = is_described(block_in(w, b, cell), r.table[row, COLOR_B], r.table[row, SHAPE_B])
        if is_second and is_described(block_in(w, b, neighbor(cell, relation)), color, shape):
            return True
    return False
