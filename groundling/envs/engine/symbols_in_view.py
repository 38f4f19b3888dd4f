"""Symbols in view: what stands in each part of a rover's picture, as type, color and state.

Pixels teach an agent little about what things are called until its answers are right, and its answers are wrong until
it knows. Given the symbols of the parts of its picture as labels at every step, in training only, it has something to
learn then.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import (
    EMPTY,
    EMPTY_LOOK,
    FIRST_OBJECT,
    FIRST_TASK_TYPE,
    NOTHING_CODE,
    NUM_COLORS,
    NUM_STATES,
    WALL,
    WALL_CODE,
    WALL_LOOK,
)
from groundling.envs.engine.rovers import RoverBatch
from groundling.language.own_words import MAX_OWN_COLORS, MAX_OWN_TYPES

NUM_CODES: Final = 256
LEAST_SHARE: Final = 8  # a thing shows if it has one pixel in so many
BACKGROUND: Final = (EMPTY, WALL)  # types whose colors and states say nothing
SYMBOL_SIZES: Final = (FIRST_TASK_TYPE + MAX_OWN_TYPES, NUM_COLORS + MAX_OWN_COLORS, NUM_STATES)

kernel = compiler(__file__)


def symbols_in_view(worlds: RoverBatch, grid: tuple[int, int]) -> NDArray[np.uint8]:
    """What stands in each part of the pictures that B rovers see now, [B, rows, columns, 3]: type, color and state.

    A part shows the thing that most of its pixels are of, if these are an eighth of it or more; else a wall, or an
    empty tile where floor and ceiling have as many pixels.

    Args:
        worlds: the rovers; their camera need not have the sense.
        grid: rows and columns of parts, no more than there are pixels.
    """
    codes = worlds.segmentation()
    symbols = np.zeros((len(codes), *grid, len(SYMBOL_SIZES)), dtype=np.uint8)
    note_symbols(codes, worlds.state.looks, np.zeros(NUM_CODES, dtype=np.int64), symbols)
    return symbols


@kernel
def note_symbols(
    codes: NDArray[np.uint8], looks: NDArray[np.int32], counts: NDArray[np.int64], symbols: NDArray[np.uint8]
) -> None:
    """Write the symbols [B, rows, columns, 3] of cell codes [B, H, W] that look as ``looks`` [B, O + 2] says.

    ``counts`` [NUM_CODES] is written over: kernels do not allocate.
    """
    height, width = codes.shape[1], codes.shape[2]
    rows, columns = symbols.shape[1], symbols.shape[2]
    for b in range(codes.shape[0]):
        for row in range(rows):
            top, bottom = row * height // rows, (row + 1) * height // rows
            for column in range(columns):
                left, right = column * width // columns, (column + 1) * width // columns
                counts[:] = 0
                for y in range(top, bottom):
                    for x in range(left, right):
                        counts[codes[b, y, x]] += 1
                most = FIRST_OBJECT
                for code in range(FIRST_OBJECT, looks.shape[1]):
                    if counts[code] > counts[most]:
                        most = code
                if counts[most] * LEAST_SHARE >= (bottom - top) * (right - left):
                    look = looks[b, most]
                else:
                    look = WALL_LOOK if counts[WALL_CODE] > counts[NOTHING_CODE] else EMPTY_LOOK
                symbols[b, row, column, 0] = look & 0xFF
                symbols[b, row, column, 1] = (look >> 8) & 0xFF
                symbols[b, row, column, 2] = (look >> 16) & 0xFF
