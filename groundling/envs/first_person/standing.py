"""Things that stand as meshes do: with a wall at their backs, not turned to the viewer, and pictures as plates."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import WALL_CODE
from groundling.envs.first_person.drawing import HALF, F, drawing_kernel

TURNING: Final = -1  # of what has no back: it turns to the viewer
PLATE_LEVEL: Final = 1  # which smaller copy of a picture a plate is cut out of: of each distance the same
LEAST_PLATE: Final = F(0.03)  # metres: of the thickness of a plate, so that it is seen from its edge

BACK_X: Final[NDArray[np.float32]] = np.array([1, 0, -1, 0], dtype=np.float32)  # right, down, left, up
BACK_Y: Final[NDArray[np.float32]] = np.array([0, 1, 0, -1], dtype=np.float32)


@drawing_kernel
def back_of(cells: NDArray[np.uint8], tile: int, width: int) -> int:
    """To which side a thing on a tile has its back: 0 right, 1 down, 2 left, 3 up.

    To a wall where there is one and the other side is none, the upper one first; else upwards, if the front is then not
    at a wall. Walls stay where they are, so it is the same whatever else is moved.
    """
    for must in range(2):
        for k in range(4):
            side = (k + 3) & 3
            step = 1 if side == 0 else width if side == 1 else -1 if side == 2 else -width
            behind, front = tile + step, tile - step
            is_wall = behind < 0 or behind >= len(cells) or cells[behind] == WALL_CODE
            is_shut = front < 0 or front >= len(cells) or cells[front] == WALL_CODE
            if not is_shut and (is_wall or must == 1):
                return side
    return 3


@drawing_kernel
def half_of(thickness: np.float32) -> np.float32:
    """Half the thickness of a plate, in metres; as :func:`plate_half`."""
    return HALF * max(thickness, LEAST_PLATE)


def plate_half(thickness: float) -> float:
    """Half the thickness of a plate, in metres."""
    return 0.5 * max(thickness, float(LEAST_PLATE))
