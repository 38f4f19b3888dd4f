"""Procedural textures of walls, floors, ceilings and doors, as one flat array with smaller copies for far surfaces.

A texel is 0xBBGGRR. A picture is 64 x 64; each of its smaller copies has half the side of the one before. Walls' and
doors' pictures are stored column by column (a column of the view walks down one), floors' and ceilings' row by row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.floors import FLOOR_CODES
from groundling.envs.engine.floors import FLOORS as FLOOR_NAMES
from groundling.envs.first_person.patterns import SIZE, Picture, blocks, colored, grain, noise
from groundling.envs.first_person.room_textures import ROOM_PICTURES

LEVELS: Final = 5  # 64, 32, 16, 8, 4
CHOICES: Final = 4  # textures of each surface of a world of which nothing is said
WALLS, FLOORS, CEILINGS, DOORS = 0, CHOICES, 2 * CHOICES, 3 * CHOICES  # the first texture of each surface
CLOSED_DOOR, LOCKED_DOOR = DOORS, DOORS + 1
ROOM_WALLS = LOCKED_DOOR + 1  # of the floor codes from 1 on, then the floors themselves
ROOM_FLOORS = ROOM_WALLS + len(FLOOR_CODES) - 1


def _brick() -> Picture:
    joints, block = blocks(1, 8, 4, 1, shift=True)
    brick = colored(0.9 + 0.09 * block + 0.07 * grain(10), (0.86, 0.70, 0.58))
    return np.where(joints[:, :, None], colored(0.6 + 0.05 * grain(13), (0.95, 0.9, 0.82)), brick)


def _stone() -> Picture:
    joints, block = blocks(2, 4, 2, 2, shift=True)
    return colored(np.where(joints, 0.4, 0.68 + 0.12 * block + 0.12 * grain(20)), (0.86, 0.9, 0.95))


def _panels() -> Picture:
    _, x = np.mgrid[:SIZE, :SIZE]
    plank = np.random.default_rng(3).uniform(-1, 1, 8)[x // 8]
    return colored(np.where(x % 8 == 0, 0.42, 0.7 + 0.1 * plank + 0.12 * noise(30, 16)), (0.95, 0.72, 0.48))


def _stripes() -> Picture:
    y, x = np.mgrid[:SIZE, :SIZE]
    paper = np.where((x // 8) % 2 == 0, 0.86, 0.72) + 0.03 * grain(40)
    return colored(np.where(y > SIZE * 0.9, 0.5, paper), (0.82, 0.92, 0.86))


def _tiles() -> Picture:
    joints, block = blocks(5, 2, 2, 1, shift=False)
    return colored(np.where(joints, 0.44, 0.6 + 0.06 * block + 0.06 * grain(50)), (0.92, 0.88, 0.8))


def _planks() -> Picture:
    return np.ascontiguousarray(_panels().transpose(1, 0, 2)) * 0.85


def _carpet() -> Picture:
    return colored(0.55 + 0.12 * grain(60) + 0.1 * noise(61, 64), (0.8, 0.78, 0.9))


def _checker() -> Picture:
    y, x = np.mgrid[:SIZE, :SIZE]
    return colored(np.where((x // 32 + y // 32) % 2 == 0, 0.5, 0.72) + 0.04 * grain(70), (0.9, 0.92, 0.9))


def _plaster() -> Picture:
    return colored(0.84 + 0.05 * grain(80), (0.93, 0.95, 1.0))


def _ceiling_tiles() -> Picture:
    joints, block = blocks(9, 2, 2, 1, shift=False)
    return colored(np.where(joints, 0.6, 0.82 + 0.03 * block + 0.05 * noise(90, 64)), (0.95, 0.95, 0.92))


def _concrete() -> Picture:
    return colored(0.6 + 0.14 * grain(100), (0.9, 0.92, 0.95))


def _beams() -> Picture:
    y, _ = np.mgrid[:SIZE, :SIZE]
    return colored(np.where(y % 32 < 8, 0.45, 0.8) + 0.06 * grain(110), (1.0, 0.9, 0.75))


def _door(*, locked: bool) -> Picture:
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
    rooms = [ROOM_PICTURES[name] for name in FLOOR_NAMES[1:]]
    room_walls, room_floors = ([room.wall for room in rooms], [room.floor for room in rooms])
    for number, texture in enumerate((*walls, *floors, *ceilings, *doors, *room_walls, *room_floors)):
        upright = number < FLOORS or DOORS <= number < ROOM_FLOORS
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
