"""What stands on the things in view, or lies in open containers, as a sense of the body that walks the grid.

MiniGrid's view has one thing a tile. This is another one of the same tiles: where a thing in view holds another that
shows, the other's (type, color, state); elsewhere zeros.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import dynamics, views
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import NOTHING_CODE, VIEW_SIZE
from groundling.envs.engine.dynamics import shown_by, stride_of
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.views import LIT_AT_FIRST, MIDDLE, sight_of_row

SHAPE: Final = (VIEW_SIZE, VIEW_SIZE, 3)

kernel = compiler(__file__, *views.SOURCES, *dynamics.SOURCES)


@kernel
def draw_on_top(w: Worlds, width: int, out: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
    """Draw environments ``rows`` [R] into ``out`` [B, 7, 7, 3]: column, row, (type, color, state)."""
    for i in range(rows.shape[0]):
        show_on_top(w, rows[i], width, out)


@kernel
def show_on_top(w: Worlds, b: int, width: int, out: NDArray[np.uint8]) -> None:
    """Draw environment ``b`` into its row of ``out`` [B, 7, 7, 3]."""
    out[b] = 0
    ahead = stride_of(w.direction[b], width)
    right = stride_of((w.direction[b] + 1) & 3, width)
    row = int(w.position[b]) - MIDDLE * right
    lit = LIT_AT_FIRST
    for distance in range(VIEW_SIZE):
        in_view = sight_of_row(w.cells[b], w.looks[b], row, right, lit)
        for column in range(VIEW_SIZE):
            if in_view >> column & 1:
                shown = shown_by(w, b, int(w.cells[b, row + column * right]))
                if shown != NOTHING_CODE:
                    thing = w.looks[b, shown]
                    line = VIEW_SIZE - 1 - distance
                    out[b, column, line, 0] = thing & 0xFF
                    out[b, column, line, 1] = (thing >> 8) & 0xFF
                    out[b, column, line, 2] = (thing >> 16) & 0xFF
        lit = in_view >> VIEW_SIZE
        if lit == 0:
            break
        row += ahead
