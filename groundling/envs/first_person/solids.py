"""What things are made of: a few simple parts a type, as tables that the kernels read.

A part is a *lathe* (a solid of revolution about an upright axis: balls, cylinders, cones, bells), a *block* (a box)
or a *relief* (a picture with shade and depth that turns to the viewer: rings, stars, keys). Lengths are metres at the
ordinary size; x points to the right, y to the back, z up, and the origin is where the thing stands. No part leaves a
circle of 0.43 m at the ordinary size, so that a rover beside a thing is not inside it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import (
    ARMOR,
    BALL,
    BIG,
    BOX,
    CHAIR,
    DOOR,
    GOAL,
    KEY,
    KEYCARD,
    NUM_SOLID_TYPES,
    NUM_STATES,
    PILLAR,
    SKULLKEY,
    SMALL,
    TABLE,
    TORCH,
    TYPE_CODES,
)
from groundling.envs.first_person.camera import WALL_HEIGHT_M
from groundling.envs.tiles import SCALES
from groundling.language.goals import ObjectType

LATHE, BLOCK, RELIEF = 0, 1, 2
MAX_PARTS: Final = 9

# Columns of a part
(
    KIND,
    X,  # of its axis or middle
    Y,
    BOTTOM,
    TOP,
    SQUARE,  # lathe: radius^2 = SQUARE + LINEAR * z + CONSTANT, z from the ground
    LINEAR,
    CONSTANT,
    HALF_X,  # block, relief: half its width; lathe: how much wider than deep
    HALF_Y,  # block: half its depth
    PICTURE,  # relief
    THICKNESS,  # relief: depth of the brightest texel above the darkest
    TINT,  # how much of the thing's color it has
    RED,  # and of this color otherwise
    GREEN,
    BLUE,
    GLOW,  # how much it shines by itself
    REACH,  # radius of a cylinder about its axis that holds it
) = range(18)
PART_FIELDS: Final = 18

FIXED_YAW, FACING_YAW, DOORWAY_YAW = 0, 1, 2  # turned as the world is, to the viewer, along a doorway

_Color = tuple[float, float, float]
_IRON: Final = (0.35, 0.35, 0.38)
_WOOD: Final = (0.45, 0.3, 0.18)
_PAPER: Final = (0.95, 0.93, 0.85)
_GOLD: Final = (0.9, 0.72, 0.25)
_DARK: Final = (0.07, 0.07, 0.08)

RELIEF_BITS: Final = 6
RELIEF_SIZE: Final = 1 << RELIEF_BITS
RELIEF_LEVELS: Final = 3  # 64, 32, 16
RING_PICTURE, STAR_PICTURE, KEY_PICTURE, CARD_PICTURE, SKULL_PICTURE, HANDLE_PICTURE, ARMOR_PICTURE = range(7)


def _part(
    kind: int,
    x: float,
    y: float,
    bottom: float,
    top: float,
    *,
    curve: tuple[float, float, float] = (0, 0, 0),
    half: tuple[float, float] = (1, 1),
    picture: int = 0,
    thickness: float = 0.0,
    tint: float = 1.0,
    color: _Color = (0, 0, 0),
    glow: float = 0.0,
    reach: float,
) -> list[float]:
    return [kind, x, y, bottom, top, *curve, *half, picture, thickness, tint, *color, glow, reach]


def _lathe(*profile: tuple[float, float], x: float = 0, y: float = 0, wider: float = 1, **paint: Any) -> list[float]:
    """A solid of revolution through two or three points (height, radius) of its outline, from the lowest up."""
    heights, radii = np.array(profile).T
    if len(profile) == 2:  # a cylinder or a cone: the radius is linear
        slope = (radii[1] - radii[0]) / (heights[1] - heights[0])
        base = radii[0] - slope * heights[0]
        curve = (slope**2, 2 * slope * base, base**2)
    else:
        square, linear, constant = np.polyfit(heights, radii**2, 2)
        curve = (float(square), float(linear), float(constant))
    at = np.linspace(heights[0], heights[-1], 50)
    reach = float(np.sqrt(np.maximum(np.polyval(curve, at), 0).max())) * max(wider, 1)
    paint = {"tint": 1.0, **paint}
    return _part(LATHE, x, y, heights[0], heights[-1], curve=curve, half=(wider, 1), reach=reach, **paint)


def _ball(z: float, radius: float, *, tall: float = 1, **paint: Any) -> list[float]:
    """A ball, or an egg ``tall`` times as high as wide."""
    low, high = z - radius * tall, z + radius * tall
    return _lathe((low, 0), (z, radius), (high, 0), **paint)


def _block(
    bottom: float, top: float, half_x: float, half_y: float, x: float = 0, y: float = 0, **paint: Any
) -> list[float]:
    reach = float(np.hypot(half_x, half_y))
    return _part(BLOCK, x, y, bottom, top, half=(half_x, half_y), reach=reach, **paint)


def _relief(picture: int, bottom: float, height: float, x: float = 0, y: float = 0, **paint: Any) -> list[float]:
    half = height / 2
    return _part(RELIEF, x, y, bottom, bottom + height, half=(half, 1), picture=picture, reach=half, **paint)


def _legs(height: float, out: float, half: float) -> list[list[float]]:
    return [_block(0, height, half, half, x, y) for x in (-out, out) for y in (-out, out)]


_PARTS: Final[dict[int, list[list[float]]]] = {
    BALL: [_ball(0.33, 0.33)],
    BOX: [
        _block(0, 0.36, 0.24, 0.24),
        _block(0.36, 0.5, 0.265, 0.265),
        _block(-0.01, 0.507, 0.05, 0.27, tint=0.3, color=_DARK),
        _block(-0.01, 0.507, 0.27, 0.05, tint=0.3, color=_DARK),
    ],
    KEY: [_relief(KEY_PICTURE, 0.04, 0.72, thickness=0.04)],
    TYPE_CODES[ObjectType.BELL]: [
        _lathe((0.1, 0.34), (0.3, 0.225), (0.46, 0.2)),
        _lathe((0.46, 0.2), (0.56, 0.155), (0.62, 0)),
        _lathe((0.06, 0.35), (0.12, 0.35)),
        _ball(0.07, 0.07, tint=0.3, color=_DARK),
        _ball(0.66, 0.06),
    ],
    TYPE_CODES[ObjectType.BOOK]: [
        _block(0.0, 0.64, 0.022, 0.25, x=-0.11),
        _block(0.0, 0.64, 0.022, 0.25, x=0.11),
        _block(0.0, 0.64, 0.13, 0.025, y=0.24),
        _block(0.03, 0.61, 0.09, 0.21, tint=0, color=_PAPER),
        _block(0.4, 0.5, 0.137, 0.14, tint=0, color=_GOLD),
    ],
    TYPE_CODES[ObjectType.CUP]: [
        _lathe((0.0, 0.19), (0.5, 0.27)),
        _lathe((0.5, 0.225), (0.504, 0.225), tint=0.25, color=_DARK),
        _relief(HANDLE_PICTURE, 0.08, 0.38, x=0.27),
    ],
    TYPE_CODES[ObjectType.HAT]: [
        _lathe((0.0, 0.37), (0.05, 0.37)),
        _lathe((0.05, 0.25), (0.48, 0.21)),
        _lathe((0.06, 0.262), (0.16, 0.255), tint=0.2, color=_DARK),
    ],
    TYPE_CODES[ObjectType.LAMP]: [
        _lathe((0.0, 0.2), (0.05, 0.17), tint=0, color=_IRON),
        _lathe((0.05, 0.035), (0.45, 0.035), tint=0, color=_IRON),
        _lathe((0.4, 0.33), (0.74, 0.16), glow=0.5),
    ],
    TYPE_CODES[ObjectType.RING]: [
        _relief(RING_PICTURE, 0.0, 0.56, thickness=0.06),
        _lathe((0.52, 0.06), (0.61, 0.14), tint=0.55, color=(1, 1, 1), glow=0.3),
        _lathe((0.61, 0.14), (0.68, 0.09), tint=0.55, color=(1, 1, 1), glow=0.3),
    ],
    TYPE_CODES[ObjectType.STAR]: [_relief(STAR_PICTURE, 0.0, 0.76, thickness=0.1)],
    GOAL: [_block(0.0, 0.015, 0.47, 0.47, glow=0.3)],
    DOOR: [  # open: what else stands in the doorway is drawn with the walls
        _block(0.0, WALL_HEIGHT_M, 0.05, 0.1, x=-0.45, tint=0.7, color=_DARK),
        _block(0.0, WALL_HEIGHT_M, 0.05, 0.1, x=0.45, tint=0.7, color=_DARK),
        _block(WALL_HEIGHT_M - 0.12, WALL_HEIGHT_M, 0.5, 0.1, tint=0.7, color=_DARK),
        _block(0.0, WALL_HEIGHT_M - 0.12, 0.03, 0.47, x=-0.43),
    ],
    TORCH: [
        _lathe((0.0, 0.15), (0.04, 0.12), tint=0, color=_IRON),
        _lathe((0.04, 0.045), (0.56, 0.045), tint=0, color=_WOOD),
        _lathe((0.54, 0.07), (0.66, 0.15), tint=0, color=_IRON),
        _lathe((0.6, 0.12), (0.7, 0.175), (0.8, 0.14), glow=0.75),
        _lathe((0.8, 0.14), (1.04, 0.0), glow=0.75),
        _lathe((0.64, 0.05), (0.7, 0.085), (0.84, 0.0), tint=0.3, color=(1, 1, 1), glow=1.0, y=-0.11),
    ],
    PILLAR: [
        _block(0.0, 0.1, 0.26, 0.26, tint=0.75, color=_DARK),
        _lathe((0.1, 0.2), (0.84, 0.17)),
        _lathe((0.1, 0.235), (0.16, 0.235)),
        _lathe((0.8, 0.18), (0.88, 0.25)),
        _block(0.88, 1.0, 0.27, 0.27),
    ],
    KEYCARD: [_relief(CARD_PICTURE, 0.08, 0.6, thickness=0.01)],
    SKULLKEY: [_relief(SKULL_PICTURE, 0.02, 0.72, thickness=0.08)],
    ARMOR: [_relief(ARMOR_PICTURE, 0.02, 0.74, thickness=0.12)],
    CHAIR: [
        *_legs(0.36, 0.2, 0.03),
        _block(0.34, 0.4, 0.24, 0.24),
        _block(0.4, 0.86, 0.03, 0.03, x=-0.2, y=0.2),
        _block(0.4, 0.86, 0.03, 0.03, x=0.2, y=0.2),
        _block(0.66, 0.84, 0.22, 0.025, y=0.2),
    ],
    TABLE: [*_legs(0.46, 0.24, 0.035), _block(0.46, 0.53, 0.31, 0.31)],
}

_YAWS: Final[dict[int, tuple[int, float]]] = {
    BOX: (FIXED_YAW, 0.55),
    PILLAR: (FIXED_YAW, 0.0),
    CHAIR: (FIXED_YAW, 2.3),
    TABLE: (FIXED_YAW, 0.35),
    GOAL: (FIXED_YAW, 0.0),
    DOOR: (DOORWAY_YAW, 0.0),
    TYPE_CODES[ObjectType.BOOK]: (FACING_YAW, -0.8),
}


def _tables() -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Parts [types, MAX_PARTS, PART_FIELDS], their number [types], how a type is turned, and by what angle."""
    parts = np.zeros((NUM_SOLID_TYPES, MAX_PARTS, PART_FIELDS), dtype=np.float32)
    counts = np.zeros(NUM_SOLID_TYPES, dtype=np.int32)
    turned = np.full(NUM_SOLID_TYPES, FACING_YAW, dtype=np.int32)
    angles = np.zeros(NUM_SOLID_TYPES, dtype=np.float32)
    for kind, rows in _PARTS.items():
        parts[kind, : len(rows)] = rows
        counts[kind] = len(rows)
        turned[kind], angles[kind] = _YAWS.get(kind, (FACING_YAW, 0.0))
    return parts, counts, turned, angles


def _sizes() -> NDArray[np.float32]:
    """How much wider and taller than ordinary a thing of each type and state is, [types, states, 2]."""
    sizes = np.ones((NUM_SOLID_TYPES, NUM_STATES, 2), dtype=np.float32)
    for state, scale in SCALES.items():
        sizes[:, state] = scale
    for kind in (TORCH, PILLAR):  # short and tall
        sizes[kind, SMALL] = 0.85, 0.5
        sizes[kind, BIG] = 1.0, 1.1
    sizes[TORCH, SMALL] = 1.35, 0.65
    # the small ones of these are ordered beyond doubt: keys and cards, armors, short torches and pillars
    sizes[KEYCARD, SMALL] = sizes[SKULLKEY, SMALL] = 0.5
    sizes[ARMOR, SMALL] = 0.7
    sizes[DOOR] = 1
    return sizes


_Field = NDArray[np.float64]  # [RELIEF_SIZE, RELIEF_SIZE]


def _canvas() -> tuple[_Field, _Field]:
    """Coordinates of a relief's texels in [-1, 1], y up."""
    at = (np.arange(RELIEF_SIZE) + 0.5) / RELIEF_SIZE * 2 - 1
    x, y = np.meshgrid(at, -at)
    return x, y


def _rounded(distance: _Field, width: float) -> _Field:
    """The height of a rod of this radius at a distance from its middle line; negative outside."""
    return np.where(distance < width, np.sqrt(np.maximum(width**2 - distance**2, 0)) + 0.02, -1.0)


def _segment(x: _Field, y: _Field, start: tuple[float, float], end: tuple[float, float]) -> _Field:
    """Distance from a segment."""
    along = np.array(end) - np.array(start)
    part = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
    return np.hypot(x - start[0] - part * along[0], y - start[1] - part * along[1])


def _plate(inside: NDArray[np.bool_], height: float = 0.1) -> _Field:
    return np.where(inside, height, -1.0)


def _heights() -> dict[int, tuple[_Field, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Of each relief: height of its texels (negative: nothing there), which are dark, which are light."""
    x, y = _canvas()
    none = np.zeros_like(x, dtype=np.bool_)
    angle = np.arctan2(x, y)
    folded = np.abs((angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)  # from the middle line of a point of the star
    radius = np.hypot(x, y)
    inner, outer = 0.42, 0.98
    tip = np.array([outer, 0.0])
    notch = inner * np.array([np.cos(np.pi / 5), np.sin(np.pi / 5)])
    edge = notch - tip
    px, py = radius * np.cos(folded), radius * np.sin(folded)
    depth = ((py - tip[1]) * edge[0] - (px - tip[0]) * edge[1]) / np.hypot(*edge)
    star = np.where(depth > 0, depth + 0.02, -1.0)
    bow = np.abs(np.hypot(x, y - 0.5) - 0.3)
    shaft = _segment(x, y, (0, 0.2), (0, -0.86))
    teeth = np.minimum(_segment(x, y, (0, -0.8), (0.38, -0.8)), _segment(x, y, (0, -0.45), (0.3, -0.45)))
    key = np.maximum(_rounded(bow, 0.16), _rounded(np.minimum(shaft, teeth), 0.12))
    card = (np.abs(x) < 0.62) & (np.abs(y) < 0.95)
    stripe = card & (np.abs(y - 0.55) < 0.15)
    chip = card & (np.abs(x) < 0.4) & (np.abs(y + 0.35) < 0.3)
    skull = np.maximum(
        np.sqrt(np.maximum(0.42 - x**2 - (y - 0.35) ** 2, 0)) - 0.001,
        np.where((np.abs(x) < 0.36) & (y < 0.1) & (y > -0.35), 0.32, -1),
    )
    stem = np.maximum(
        _rounded(_segment(x, y, (0, -0.3), (0, -0.9)), 0.13), _rounded(_segment(x, y, (0, -0.85), (0.34, -0.85)), 0.11)
    )
    skull = np.where(skull > 0, skull, stem)
    eyes = np.hypot(np.abs(x) - 0.28, y - 0.3) < 0.19
    nose = (np.abs(x) < 0.09) & (y < 0.06) & (y > -0.08)
    gaps = (np.abs(np.abs(x) - 0.13) < 0.04) & (y < -0.16) & (y > -0.35)
    torso_half = np.where(y > -0.1, 0.6 - 0.12 * np.cos((y + 0.1) * 3), 0.48 + 0.1 * np.maximum(-0.1 - y, 0))
    torso = np.where(
        (np.abs(x) < torso_half) & (y < 0.8) & (y > -0.92), np.sqrt(np.maximum(0.6 - x**2, 0)) * 0.8 + 0.1, -1
    )
    shoulders = np.sqrt(np.maximum(0.3**2 - (np.abs(x) - 0.66) ** 2 - (y - 0.52) ** 2, 0)) * 1.2 - 0.001
    armor = np.maximum(torso, np.where(shoulders > 0, shoulders + 0.35, -1))
    armor = np.where(np.hypot(x, (y - 0.86) * 1.0) < 0.32, -1, armor)  # the neck
    seams = (armor > 0) & (
        (np.abs(np.hypot(x, (y - 0.9)) - 0.36) < 0.05) | ((np.abs(x) < 0.035) & (y < 0.3)) | (np.abs(y + 0.45) < 0.05)
    )
    return {
        RING_PICTURE: (_rounded(np.abs(np.hypot(x, y) - 0.76), 0.22), none, none),
        STAR_PICTURE: (star, none, none),
        KEY_PICTURE: (key, none, none),
        CARD_PICTURE: (_plate(card), stripe, chip),
        SKULL_PICTURE: (skull, eyes | nose | gaps, none),
        HANDLE_PICTURE: (_rounded(np.abs(np.hypot(x, y) - 0.72), 0.24), none, none),
        ARMOR_PICTURE: (armor, seams, none),
    }


def _reliefs() -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Texels of all reliefs and where each level of each begins [pictures, RELIEF_LEVELS].

    A texel is 0xDDLLSSTT: depth, lightness added, shade, and 255 where there is something.
    """
    light = np.array([-0.35, 0.6, 0.72])
    texels, starts, end = [], [], 0
    for height, dark, bright in _heights().values():
        there = height > 0
        solid = np.where(there, height, 0.0)
        slope_y, slope_x = np.gradient(solid, 2 / RELIEF_SIZE)
        normal = np.stack([-slope_x, slope_y, np.ones_like(solid)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        shade = np.clip(0.42 + 0.6 * np.maximum(normal @ light, 0), 0, 1)
        shade = np.where(dark, 0.12, shade)
        depth = solid / solid.max()
        layers = np.stack([there * 1.0, shade * there, bright * 0.8 * there, depth * there])
        for _ in range(RELIEF_LEVELS):
            cover = np.maximum(layers[0], 1e-6)
            present = layers[0] >= 0.45
            levels = [np.where(present, 255, 0)]
            levels += [np.where(present, np.round(255 * np.clip(layer / cover, 0, 1)), 0) for layer in layers[1:]]
            packed = sum(level.astype(np.uint32) << np.uint32(8 * i) for i, level in enumerate(levels))
            texels.append(np.asarray(packed, dtype=np.uint32).ravel())
            starts.append(end)
            end += texels[-1].size
            half = layers.shape[1] // 2
            layers = layers.reshape(4, half, 2, half, 2).mean(axis=(2, 4))
    return np.concatenate(texels), np.array(starts, dtype=np.int32).reshape(-1, RELIEF_LEVELS)


PARTS, COUNTS, TURNED, ANGLES = _tables()
SIZES = _sizes()
RELIEF_TEXELS, RELIEF_STARTS = _reliefs()
