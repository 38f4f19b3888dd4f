"""What the agent sees: MiniGrid's 7x7x3 egocentric view with occlusion (``Grid.process_vis``), one view at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import dynamics
from groundling.envs.engine.compiling import compiler, inlined_kernel
from groundling.envs.engine.constants import EMPTY, OPAQUE_BIT, VIEW_SIZE
from groundling.envs.engine.dynamics import stride_of

MIDDLE = VIEW_SIZE // 2

SOURCES = (__file__, *dynamics.SOURCES)
kernel = compiler(*SOURCES)


def _visibility_table() -> NDArray[np.int16]:
    """Occlusion of one view row for every (seen from the row below, see-through) pair of 7-bit masks.

    Low 7 bits: the cells of the row that are seen. High 7 bits: the cells that it lights in the row above.
    The two sweeps are those of MiniGrid's ``Grid.process_vis``.
    """
    table = np.zeros(1 << (2 * VIEW_SIZE), dtype=np.int16)
    for index in range(len(table)):
        seen, clear = index >> VIEW_SIZE, index & ((1 << VIEW_SIZE) - 1)
        above = 0
        for i in range(VIEW_SIZE - 1):
            if seen >> i & clear >> i & 1:
                # light goes on to the next cell of the row, and up to the cells above both
                seen |= 1 << (i + 1)
                above |= 3 << i
        for i in range(VIEW_SIZE - 1, 0, -1):
            if seen >> i & clear >> i & 1:
                seen |= 1 << (i - 1)
                above |= 3 << (i - 1)
        table[index] = seen | above << VIEW_SIZE
    return table


_VISIBILITY = _visibility_table()
LIT_AT_FIRST = 1 << MIDDLE  # of the row that the agent stands in: its own cell


@inlined_kernel
def sight_of_row(cells: NDArray[np.uint8], looks: NDArray[np.int32], row: int, right: int, lit: int) -> int:
    """What is seen of one row of a view.

    Args:
        cells: of the map.
        looks: of its codes.
        row: place of the leftmost cell.
        right: from a cell to the next one.
        lit: 7 bits, the cells that the row before lights; ``LIT_AT_FIRST`` of the first.

    Returns:
        Low 7 bits: the cells that are seen. The bits above: those that they light in the next row.
    """
    clear = 0
    for i in range(VIEW_SIZE):
        clear |= (1 - (looks[cells[np.uintp(row)]] >> OPAQUE_BIT)) << i
        row += right
    return _VISIBILITY[lit << VIEW_SIZE | clear]


@kernel
def draw(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    position: int,
    direction: int,
    carried: int,
    image: NDArray[np.uint8],
) -> None:
    """MiniGrid's symbolic view into ``image`` [147]: column, row, (type, color, state), the agent at [3, 6]."""
    image[:] = 0
    ahead = stride_of(direction, width)
    right = stride_of((direction + 1) & 3, width)
    row = position - MIDDLE * right
    lit = LIT_AT_FIRST
    for distance in range(VIEW_SIZE):
        seen = sight_of_row(cells, looks, row, right, lit)
        out = (VIEW_SIZE - 1 - distance) * 3
        place = row
        for i in range(VIEW_SIZE):  # unsigned indices and no branch: this loop is most of a step
            # -1 is all ones and keeps the look, 0 blanks a cell that is not seen
            thing = looks[cells[np.uintp(place)]] & -(seen >> i & 1)
            image[np.uintp(out)] = thing & 0xFF
            image[np.uintp(out + 1)] = (thing >> 8) & 0xFF
            image[np.uintp(out + 2)] = (thing >> 16) & 0xFF
            out += VIEW_SIZE * 3
            place += right
        lit = seen >> VIEW_SIZE
        if lit == 0:
            break
        row += ahead
    # the agent sees what it carries at its own place
    own = (MIDDLE * VIEW_SIZE + VIEW_SIZE - 1) * 3
    thing = looks[carried]
    image[own] = thing & 0xFF
    image[own + 1] = (thing >> 8) & 0xFF
    image[own + 2] = (thing >> 16) & 0xFF


@kernel
def show_floors(floors: NDArray[np.uint8], width: int, position: int, direction: int, image: NDArray[np.uint8]) -> None:
    """Write the floor of each free tile in a view [147] as its color, which is 0 in MiniGrid."""
    ahead = stride_of(direction, width)
    right = stride_of((direction + 1) & 3, width)
    row = position - MIDDLE * right
    for distance in range(VIEW_SIZE):
        out = (VIEW_SIZE - 1 - distance) * 3
        place = row
        for _ in range(VIEW_SIZE):
            if image[np.uintp(out)] == EMPTY:
                image[np.uintp(out + 1)] = floors[np.uintp(place)]
            out += VIEW_SIZE * 3
            place += right
        row += ahead
