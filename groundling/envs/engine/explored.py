"""What an agent has seen since its episode began, as a sense: a map that turns with it, drawn by a kernel.

The map holds nothing that the agent's views have not shown: each tile as it looked when it was last in view, laid out
around the agent by its own turns and steps. An agent could draw it from what it sees and does; it saves it the memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import dynamics, views
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import NOTHING_CODE, VIEW_SIZE
from groundling.envs.engine.dynamics import stride_of
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.views import LIT_AT_FIRST, MIDDLE, sight_of_row
from groundling.errors import ConfigurationError

MAX_RADIUS = 40

kernel = compiler(__file__, *views.SOURCES, *dynamics.SOURCES)


class Explorer:
    """Remembers what B agents have seen, and draws it around each of them.

    Args:
        shape: [B, cells] of the worlds' maps, border included.
        radius: R, tiles that the map reaches to each side of the agent.

    Attributes:
        seen: [B, cells] int32, the look of each tile when it was last in view, without flags; 0 where it never was.

    Raises:
        ConfigurationError: if R is not from 1 to 40.
    """

    def __init__(self, shape: tuple[int, int], radius: int) -> None:
        if not 1 <= radius <= MAX_RADIUS:
            raise ConfigurationError(f"a map of what was seen reaches 1 to {MAX_RADIUS} tiles, got {radius}")
        self.seen = np.zeros(shape, dtype=np.int32)
        self.shape = explored_shape(radius)

    def draw(self, state: Worlds, width: int, maps: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        """Look around in environments ``rows`` [R], then draw what they know into ``maps`` [B, M, M, 3]."""
        remember_and_draw(state, width, self.seen, maps, rows)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """The array that the future depends on, no copy."""
        return {"explored": self.seen}


def explored_shape(radius: int) -> tuple[int, int, int]:
    """The shape [M, M, 3] of a map that reaches so many tiles: column, row, (type, color, state), the agent amid."""
    return (2 * radius + 1, 2 * radius + 1, 3)


@kernel
def remember_and_draw(
    w: Worlds, width: int, seen: NDArray[np.int32], maps: NDArray[np.uint8], rows: NDArray[np.int64]
) -> None:
    """Have the agents of environments ``rows`` [R] look around, and draw what they know into ``maps`` [B, M, M, 3]."""
    for i in range(rows.shape[0]):
        look_around(w, rows[i], width, seen, maps)


@kernel
def look_around(w: Worlds, b: int, width: int, seen: NDArray[np.int32], maps: NDArray[np.uint8]) -> None:
    """Note what an agent sees now, and draw all that it has seen; where an episode has just begun it forgets first."""
    if w.step_count[b] == 0:
        seen[b, :] = 0
    remember(w, b, width, seen[b])
    draw_map(seen[b], width, int(w.position[b]), w.direction[b], maps[b])


@kernel
def remember(w: Worlds, b: int, width: int, seen: NDArray[np.int32]) -> None:
    """Note the tiles in view of environment ``b``, the same ones that ``views.draw`` shows."""
    ahead = stride_of(w.direction[b], width)
    right = stride_of((w.direction[b] + 1) & 3, width)
    row = int(w.position[b]) - MIDDLE * right
    lit = LIT_AT_FIRST
    for _ in range(VIEW_SIZE):
        in_view = sight_of_row(w.cells[b], w.looks[b], row, right, lit)
        for i in range(VIEW_SIZE):
            if in_view >> i & 1:
                place = row + i * right
                seen[place] = w.looks[b, w.cells[b, place]] & 0xFFFFFF
                if w.floors.shape[1] > 0 and w.cells[b, place] == NOTHING_CODE:
                    seen[place] |= int(w.floors[b, place]) << 8  # as ``views.show_floors`` writes it
        lit = in_view >> VIEW_SIZE
        if lit == 0:
            break
        row += ahead


@kernel
def draw_map(seen: NDArray[np.int32], width: int, position: int, direction: int, out: NDArray[np.uint8]) -> None:
    """What was seen around a pose, turned so that ahead is up: ``out`` [M, M, 3] column, row, (type, color, state)."""
    out[:] = 0
    radius = out.shape[0] // 2
    ahead_x, ahead_y = 0, 0
    if direction == 0:
        ahead_x = 1
    elif direction == 1:
        ahead_y = 1
    elif direction == 2:
        ahead_x = -1
    else:
        ahead_y = -1
    for place in range(seen.shape[0]):  # most tiles of a map are unseen, and more lie beyond it
        thing = seen[np.uintp(place)]
        if thing == 0:
            continue
        to_x, to_y = place % width - position % width, place // width - position // width
        column = radius + ahead_x * to_y - ahead_y * to_x
        row = radius - ahead_x * to_x - ahead_y * to_y
        if 0 <= column < out.shape[0] and 0 <= row < out.shape[1]:
            out[column, row, 0] = thing & 0xFF
            out[column, row, 1] = (thing >> 8) & 0xFF
            out[column, row, 2] = (thing >> 16) & 0xFF
