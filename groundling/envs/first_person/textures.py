"""Procedural textures of walls, floors, ceilings and doors, as one flat array with smaller copies for far surfaces.

A texel is 0xBBGGRR. A picture is 64 x 64; each of its smaller copies has half the side of the one before. Walls' and
doors' pictures are stored column by column (a column of the view walks down one), floors' and ceilings' row by row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZE_BITS: Final = 6
SIZE: Final = 1 << SIZE_BITS
LEVELS: Final = 5  # 64, 32, 16, 8, 4
CHOICES: Final = 4  # textures of each surface
WALLS, FLOORS, CEILINGS, DOORS = 0, CHOICES, 2 * CHOICES, 3 * CHOICES  # the first texture of each surface
CLOSED_DOOR, LOCKED_DOOR = DOORS, DOORS + 1

_Picture = NDArray[np.float64]  # [SIZE, SIZE, 3] in [0, 1], row by row


def _noise(seed: int, cells: int) -> NDArray[np.float64]:
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


def _grain(seed: int) -> NDArray[np.float64]:
    return 0.5 * _noise(seed, 8) + 0.3 * _noise(seed + 1, 16) + 0.2 * _noise(seed + 2, 32)


def _colored(brightness: NDArray[np.float64], color: tuple[float, float, float]) -> _Picture:
    return np.clip(brightness[:, :, None] * np.array(color), 0, 1)


def _blocks(seed: int, rows: int, columns: int, joint: int, *, shift: bool) -> tuple[NDArray[np.float64], ...]:
    """Masonry: which texels are joints, and a random number in [-1, 1] for each block, both [SIZE, SIZE]."""
    y, x = np.mgrid[:SIZE, :SIZE]
    row = y * rows // SIZE
    moved = (x + (row % 2) * (SIZE // columns // 2 if shift else 0)) % SIZE
    column = moved * columns // SIZE
    joints = (y % (SIZE // rows) < joint) | (moved % (SIZE // columns) < joint)
    return joints, np.random.default_rng(seed).uniform(-1, 1, (rows, columns))[row, column]


def _brick() -> _Picture:
    joints, block = _blocks(1, 8, 4, 1, shift=True)
    brick = _colored(0.9 + 0.09 * block + 0.07 * _grain(10), (0.86, 0.70, 0.58))
    return np.where(joints[:, :, None], _colored(0.6 + 0.05 * _grain(13), (0.95, 0.9, 0.82)), brick)


def _stone() -> _Picture:
    joints, block = _blocks(2, 4, 2, 2, shift=True)
    return _colored(np.where(joints, 0.4, 0.68 + 0.12 * block + 0.12 * _grain(20)), (0.86, 0.9, 0.95))


def _panels() -> _Picture:
    _, x = np.mgrid[:SIZE, :SIZE]
    plank = np.random.default_rng(3).uniform(-1, 1, 8)[x // 8]
    return _colored(np.where(x % 8 == 0, 0.42, 0.7 + 0.1 * plank + 0.12 * _noise(30, 16)), (0.95, 0.72, 0.48))


def _stripes() -> _Picture:
    y, x = np.mgrid[:SIZE, :SIZE]
    paper = np.where((x // 8) % 2 == 0, 0.86, 0.72) + 0.03 * _grain(40)
    return _colored(np.where(y > SIZE * 0.9, 0.5, paper), (0.82, 0.92, 0.86))


def _tiles() -> _Picture:
    joints, block = _blocks(5, 2, 2, 1, shift=False)
    return _colored(np.where(joints, 0.44, 0.6 + 0.06 * block + 0.06 * _grain(50)), (0.92, 0.88, 0.8))


def _planks() -> _Picture:
    return np.ascontiguousarray(_panels().transpose(1, 0, 2)) * 0.85


def _carpet() -> _Picture:
    return _colored(0.55 + 0.12 * _grain(60) + 0.1 * _noise(61, 64), (0.8, 0.78, 0.9))


def _checker() -> _Picture:
    y, x = np.mgrid[:SIZE, :SIZE]
    return _colored(np.where((x // 32 + y // 32) % 2 == 0, 0.5, 0.72) + 0.04 * _grain(70), (0.9, 0.92, 0.9))


def _plaster() -> _Picture:
    return _colored(0.84 + 0.05 * _grain(80), (0.93, 0.95, 1.0))


def _ceiling_tiles() -> _Picture:
    joints, block = _blocks(9, 2, 2, 1, shift=False)
    return _colored(np.where(joints, 0.6, 0.82 + 0.03 * block + 0.05 * _noise(90, 64)), (0.95, 0.95, 0.92))


def _concrete() -> _Picture:
    return _colored(0.6 + 0.14 * _grain(100), (0.9, 0.92, 0.95))


def _beams() -> _Picture:
    y, _ = np.mgrid[:SIZE, :SIZE]
    return _colored(np.where(y % 32 < 8, 0.45, 0.8) + 0.06 * _grain(110), (1.0, 0.9, 0.75))


def _door(*, locked: bool) -> _Picture:
    """Shades only: a door's picture is multiplied by its color."""
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    shade = np.full((SIZE, SIZE), 0.92)
    for left in (0.16, 0.56):
        for top, bottom in ((0.14, 0.46), (0.58, 0.92)):
            inside = (x > left) & (x < left + 0.28) & (y > top) & (y < bottom)
            rim = inside & ((x < left + 0.04) | (y < top + 0.03))
            shade = np.where(rim, 0.45, np.where(inside, 0.72, shade))
    shade = np.where(np.hypot(x - 0.88, y - 0.53) < 0.04, 0.2, shade)  # the knob
    if locked:
        bars = (np.abs(y - 0.25) < 0.05) | (np.abs(y - 0.8) < 0.05)
        shade = np.where(bars, 0.22, 0.5 * shade)
        plate = (np.abs(x - 0.5) < 0.2) & (np.abs(y - 0.52) < 0.17)
        hole = (np.hypot(x - 0.5, y - 0.47) < 0.07) | ((np.abs(x - 0.5) < 0.035) & (y > 0.47) & (y < 0.62))
        shade = np.where(plate, np.where(hole, 0.05, 1.0), shade)
    frame = (x < 0.07) | (x > 0.93) | (y < 0.06)
    shade = np.where(frame, 0.35, shade)
    return np.repeat(shade[:, :, None], 3, axis=2)


def _atlas() -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """All textures, and where each level of each begins [textures, LEVELS]."""
    walls = (_brick(), _stone(), _panels(), _stripes())
    floors = (_tiles(), _planks(), _carpet(), _checker())
    ceilings = (_plaster(), _ceiling_tiles(), _concrete(), _beams())
    doors = (_door(locked=False), _door(locked=True))
    parts: list[NDArray[np.uint32]] = []
    starts, end = [], 0
    for number, texture in enumerate((*walls, *floors, *ceilings, *doors)):
        upright = number < FLOORS or number >= DOORS
        picture = texture.transpose(1, 0, 2) if upright else texture
        for _ in range(LEVELS):
            levels = np.round(picture * 255).astype(np.uint32)
            packed = levels[..., 0] | levels[..., 1] << 8 | levels[..., 2] << 16
            parts.append(packed.astype(np.uint32).ravel())
            starts.append(end)
            end += parts[-1].size
            half = len(picture) // 2
            picture = picture.reshape(half, 2, half, 2, 3).mean(axis=(1, 3))
    parts.append(np.zeros(SIZE, dtype=np.uint32))  # rounding may read a texel past the last picture
    return np.concatenate(parts), np.array(starts, dtype=np.int32).reshape(-1, LEVELS)


TEXELS, STARTS = _atlas()
