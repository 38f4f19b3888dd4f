"""Palette: which solid each type is drawn as, and what each color looks like, a task's own included."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.kinds import Kinds


class Palette(NamedTuple):
    """What types and colors look like, as the kernels read it."""

    solids: NDArray[np.int32]  # [types] of each type code
    colors: NDArray[np.float32]  # [colors, 3] of each color code: red, green, blue from 0 to 1


def palette_of(kinds: Kinds) -> Palette:
    """The tables of these kinds."""
    return Palette(np.array(kinds.solids, dtype=np.int32), np.array(kinds.rgb, dtype=np.float32) / np.float32(255))
