"""The rover: a body with a continuous pose, in metres and radians."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Poses(NamedTuple):
    """Where B rovers are.

    A tile is a metre; tile (column c, row r) of the map, its border included, covers [c, c + 1) x [r, r + 1), with x to
    the right and y down.
    """

    x: NDArray[np.float64]  # [B] metres
    y: NDArray[np.float64]  # [B] metres
    heading: NDArray[np.float64]  # [B] radians in [0, 2 pi): 0 right, pi / 2 down, as the four directions of the grid
