"""What procedural textures are made of: noise, grain, masonry, and shades of a color."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZE_BITS: Final = 6
SIZE: Final = 1 << SIZE_BITS

Picture = NDArray[np.float64]  # [SIZE, SIZE, 3] in [0, 1], row by row


def noise(seed: int, cells: int) -> NDArray[np.float64]:
    """Smooth periodic noise in [-1, 1], [SIZE, SIZE]."""
    values = np.random.default_rng(seed).uniform(-1, 1, (cells, cells))
    at = np.arange(SIZE) * cells / SIZE
    low = at.astype(int)
    part = at - low
    part = part * part * (3 - 2 * part)
    high = (low + 1) % cells
    rows = values[low] * (1 - part)[:, None] + values[high] * part[:, None]
    mixed: NDArray[np.float64] = rows[:, low] * (1 - part) + rows[:, high] * part
    return mixed


def grain(seed: int) -> NDArray[np.float64]:
    """Noise of several sizes in [-1, 1], [SIZE, SIZE]."""
    return 0.5 * noise(seed, 8) + 0.3 * noise(seed + 1, 16) + 0.2 * noise(seed + 2, 32)


def colored(brightness: NDArray[np.float64], color: tuple[float, float, float]) -> Picture:
    """A color at these brightnesses [SIZE, SIZE]."""
    return np.clip(brightness[:, :, None] * np.array(color), 0, 1)


def blocks(seed: int, rows: int, columns: int, joint: int, *, shift: bool) -> tuple[NDArray[np.float64], ...]:
    """Masonry: which texels are joints, and a random number in [-1, 1] for each block, both [SIZE, SIZE]."""
    y, x = np.mgrid[:SIZE, :SIZE]
    row = y * rows // SIZE
    moved = (x + (row % 2) * (SIZE // columns // 2 if shift else 0)) % SIZE
    column = moved * columns // SIZE
    joints = (y % (SIZE // rows) < joint) | (moved % (SIZE // columns) < joint)
    return joints, np.random.default_rng(seed).uniform(-1, 1, (rows, columns))[row, column]
