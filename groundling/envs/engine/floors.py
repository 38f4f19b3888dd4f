"""Floors: what the ground of a tile is made of, by which the rooms of a world can be told apart. Data only.

A world may have a floor code on each tile (``state.Worlds.floors``); most have none. A free tile shows its floor as its
color in symbolic views, as a tint from above, and in first person as its texture, beside walls that go with it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PLAIN_FLOOR: Final = 0  # of a tile of which nothing is said
FLOORS: Final = (
    "plain",
    "checkered tiles",
    "boards",
    "mosaic",
    "parquet",
    "green carpet",
    "concrete",
    "red rug",
    "blue tiles",
    "flagstones",
)  # by their codes, which fit among the codes of MiniGrid's and our colors
FLOOR_CODES: Final = {name: code for code, name in enumerate(FLOORS)}

_TINTS: Final = (
    (0, 0, 0),
    (92, 84, 52),
    (96, 62, 32),
    (36, 88, 92),
    (72, 38, 20),
    (28, 66, 38),
    (64, 64, 68),
    (96, 34, 40),
    (44, 52, 98),
    (78, 74, 66),
)
TINTS: Final[NDArray[np.uint8]] = np.array(_TINTS, dtype=np.uint8)  # [floors, 3] of the ground, seen from above
