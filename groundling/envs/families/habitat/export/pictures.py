"""The renderer's pictures, shaded as it shades them near by: textures of its atlas, doors, and pictures of plates."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.floors import PLAIN_FLOOR
from groundling.envs.first_person.patterns import SIZE
from groundling.envs.first_person.solids import RELIEF_BITS, RELIEF_STARTS, RELIEF_TEXELS
from groundling.envs.first_person.standing import PLATE_LEVEL
from groundling.envs.first_person.style import LIGHT_ACROSS, LIGHT_TURN, LIGHT_UP
from groundling.envs.first_person.textures import (
    CEILINGS,
    CLOSED_DOOR,
    FLOORS,
    LOCKED_DOOR,
    ROOM_FLOORS,
    ROOM_WALLS,
    STARTS,
    TEXELS,
    WALLS,
)

Picture = NDArray[np.uint8]  # [H, W, 3]
Box = tuple[int, int, int, int]  # left, top, right, bottom


@lru_cache(maxsize=1)
def light_direction() -> NDArray[np.float64]:
    """Towards the light on a map, where nothing is randomized: x right, y down, and up."""
    across, turn = float(LIGHT_ACROSS), float(LIGHT_TURN)
    return np.array([across * math.cos(turn), across * math.sin(turn), float(LIGHT_UP)])


@lru_cache(maxsize=256)
def texture(number: int, *, is_upright: bool) -> Picture:
    """A texture of the atlas; walls and doors are upright and stored column by column."""
    start = int(STARTS[number, 0])
    texels = TEXELS[start : start + SIZE * SIZE].reshape(SIZE, SIZE)
    texels = texels.T if is_upright else texels
    return np.stack([texels >> shift & 0xFF for shift in (0, 8, 16)], axis=-1).astype(np.uint8)


def shaded(picture: Picture, shade: NDArray[np.float64] | float) -> Picture:
    """A picture at a brightness, of each color or of all, rounded as the renderer does."""
    factor = np.minimum(np.asarray(shade) * 256, 256).astype(np.int64)
    return (picture.astype(np.int64) * factor >> 8).astype(np.uint8)


@lru_cache(maxsize=128)
def wall_picture(floor: int, facing: float) -> Picture:
    """A wall beside a floor code; ``facing`` is the cosine between its normal and the light."""
    number = WALLS if floor == PLAIN_FLOOR else ROOM_WALLS + floor - 1
    return shaded(texture(number, is_upright=True), wall_light(facing))


def wall_light(facing: float) -> float:
    """How bright a wall or door is."""
    return 0.9 + 0.3 * facing


@lru_cache(maxsize=64)
def floor_picture(floor: int) -> Picture:
    """A tile of a floor code."""
    return texture(FLOORS if floor == PLAIN_FLOOR else ROOM_FLOORS + floor - 1, is_upright=False)


def ceiling_picture() -> Picture:
    """A tile of the ceiling."""
    return texture(CEILINGS, is_upright=False)


def door_picture(is_locked: bool, color: NDArray[np.float64], facing: float) -> Picture:
    """A door of a color [3]."""
    return shaded(texture(LOCKED_DOOR if is_locked else CLOSED_DOOR, is_upright=True), wall_light(facing) * color)


@lru_cache(maxsize=64)
def _plate_texels(number: int) -> NDArray[np.uint32]:
    side = 1 << (RELIEF_BITS - PLATE_LEVEL)
    start = int(RELIEF_STARTS[number, PLATE_LEVEL])
    return RELIEF_TEXELS[start : start + side * side].reshape(side, side)


@lru_cache(maxsize=64)
def plate_cells(number: int) -> tuple[NDArray[np.bool_], tuple[Box, ...]]:
    """Which texels of a plate's picture are there, [size, size], and rectangles that cover them once each."""
    there = (_plate_texels(number) & 0xFF) != 0
    return there, tuple(rectangles(there.astype(np.int64)))


@lru_cache(maxsize=64)
def plate_rim(number: int) -> tuple[NDArray[np.float64], ...]:
    """The edges of the texels of a plate that no other texel is beside: where they begin and end, [E, 2] in texels to
    the right and down, and the way that each faces, [E, 3] to the right, back and up.
    """
    there, _ = plate_cells(number)
    padded = np.pad(there, 1)
    first, last, ways = [], [], []
    for v, u in np.argwhere(there).tolist():
        for du, dv in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if padded[v + 1 + dv, u + 1 + du]:
                continue
            # along the edge with the texel on the right hand, so that its side is counter-clockwise seen from outside
            start = (u + (du > 0 or dv > 0), v + (dv > 0 or du < 0))
            first.append(start)
            last.append((start[0] - dv, start[1] + du))
            ways.append((du, 0, -dv))
    return tuple(np.array(part, dtype=np.float64) for part in (first, last, ways))


def rectangles(codes: NDArray[np.int64]) -> list[Box]:
    """Rectangles that cover the cells of an array that are not 0, each of one value, row by row."""
    left, found = codes.copy(), []
    height, width = codes.shape
    for top in range(height):
        x = 0
        while x < width:
            code = left[top, x]
            if code == 0:
                x += 1
                continue
            right = x
            while right < width and left[top, right] == code:
                right += 1
            bottom = top + 1
            while bottom < height and (left[bottom, x:right] == code).all():
                bottom += 1
            left[top:bottom, x:right] = 0
            found.append((x, top, right, bottom))
            x = right
    return found


@lru_cache(maxsize=1024)
def plate_picture(number: int, color: tuple[float, float, float], glow: float) -> Picture:
    """The picture of a plate of a color."""
    texels = _plate_texels(number).astype(np.int64)
    brightness = glow + (1 - glow) * (texels >> 8 & 0xFF) / 255
    white = (texels >> 16 & 0xFF) / 255
    mixed = (brightness * (1 - white))[..., None] * np.array(color) + white[..., None]
    return (255 * mixed).astype(np.uint8)
