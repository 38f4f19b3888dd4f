"""Solids: what things are made of, a few simple parts each (``parts``), as tables that the kernels read.

A type of the language is drawn as the solid of its own code. A type of a task's own is drawn as any of them, or as one
of the plain solids behind them (``kinds.SOLIDS``).
"""

from __future__ import annotations

from typing import Final

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
    NUM_STATES,
    PILLAR,
    SKULLKEY,
    SMALL,
    TABLE,
    TORCH,
    TYPE_CODES,
)
from groundling.envs.engine.kinds import NUM_SOLIDS, SOLIDS
from groundling.envs.first_person.camera import WALL_HEIGHT_M
from groundling.envs.first_person.furniture import (
    CLOCK_PICTURE,
    FURNITURE,
    HOLDING,
    OPENED,
    TURNS,
    WHEEL_PICTURE,
)
from groundling.envs.first_person.parts import (
    DARK,
    GOLD,
    IRON,
    MAX_PARTS,
    PAPER,
    PART_FIELDS,
    WOOD,
    ball,
    block,
    lathe,
    legs,
    relief,
)
from groundling.envs.tiles import SCALES
from groundling.language.goals import ObjectType

FIXED_YAW, FACING_YAW, DOORWAY_YAW = 0, 1, 2  # turned as the world is, to the viewer, along a doorway

RELIEF_BITS: Final = 6
RELIEF_SIZE: Final = 1 << RELIEF_BITS
RELIEF_LEVELS: Final = 3  # 64, 32, 16
RING_PICTURE, STAR_PICTURE, KEY_PICTURE, CARD_PICTURE, SKULL_PICTURE, HANDLE_PICTURE, ARMOR_PICTURE = range(7)
NUM_DRAWN: Final = NUM_SOLIDS + len(OPENED)  # open containers come after all kinds


_PARTS: Final[dict[int, list[list[float]]]] = {
    BALL: [ball(0.33, 0.33)],
    BOX: [
        block(0, 0.36, 0.24, 0.24),
        block(0.36, 0.5, 0.265, 0.265),
        block(-0.01, 0.507, 0.05, 0.27, tint=0.3, color=DARK),
        block(-0.01, 0.507, 0.27, 0.05, tint=0.3, color=DARK),
    ],
    KEY: [relief(KEY_PICTURE, 0.04, 0.72, thickness=0.04)],
    TYPE_CODES[ObjectType.BELL]: [
        lathe((0.1, 0.34), (0.3, 0.225), (0.46, 0.2)),
        lathe((0.46, 0.2), (0.56, 0.155), (0.62, 0)),
        lathe((0.06, 0.35), (0.12, 0.35)),
        ball(0.07, 0.07, tint=0.3, color=DARK),
        ball(0.66, 0.06),
    ],
    TYPE_CODES[ObjectType.BOOK]: [
        block(0.0, 0.64, 0.022, 0.25, x=-0.11),
        block(0.0, 0.64, 0.022, 0.25, x=0.11),
        block(0.0, 0.64, 0.13, 0.025, y=0.24),
        block(0.03, 0.61, 0.09, 0.21, tint=0, color=PAPER),
        block(0.4, 0.5, 0.137, 0.14, tint=0, color=GOLD),
    ],
    TYPE_CODES[ObjectType.CUP]: [
        lathe((0.0, 0.19), (0.5, 0.27)),
        lathe((0.5, 0.225), (0.504, 0.225), tint=0.25, color=DARK),
        relief(HANDLE_PICTURE, 0.08, 0.38, x=0.27),
    ],
    TYPE_CODES[ObjectType.HAT]: [
        lathe((0.0, 0.37), (0.05, 0.37)),
        lathe((0.05, 0.25), (0.48, 0.21)),
        lathe((0.06, 0.262), (0.16, 0.255), tint=0.2, color=DARK),
    ],
    TYPE_CODES[ObjectType.LAMP]: [
        lathe((0.0, 0.2), (0.05, 0.17), tint=0, color=IRON),
        lathe((0.05, 0.035), (0.45, 0.035), tint=0, color=IRON),
        lathe((0.4, 0.33), (0.74, 0.16), glow=0.5),
    ],
    TYPE_CODES[ObjectType.RING]: [
        relief(RING_PICTURE, 0.0, 0.56, thickness=0.06),
        lathe((0.52, 0.06), (0.61, 0.14), tint=0.55, color=(1, 1, 1), glow=0.3),
        lathe((0.61, 0.14), (0.68, 0.09), tint=0.55, color=(1, 1, 1), glow=0.3),
    ],
    TYPE_CODES[ObjectType.STAR]: [relief(STAR_PICTURE, 0.0, 0.76, thickness=0.1)],
    GOAL: [block(0.0, 0.015, 0.47, 0.47, glow=0.3)],
    DOOR: [  # open: what else stands in the doorway is drawn with the walls
        block(0.0, WALL_HEIGHT_M, 0.05, 0.1, x=-0.45, tint=0.7, color=DARK),
        block(0.0, WALL_HEIGHT_M, 0.05, 0.1, x=0.45, tint=0.7, color=DARK),
        block(WALL_HEIGHT_M - 0.12, WALL_HEIGHT_M, 0.5, 0.1, tint=0.7, color=DARK),
        block(0.0, WALL_HEIGHT_M - 0.12, 0.03, 0.47, x=-0.43),
    ],
    TORCH: [
        lathe((0.0, 0.15), (0.04, 0.12), tint=0, color=IRON),
        lathe((0.04, 0.045), (0.56, 0.045), tint=0, color=WOOD),
        lathe((0.54, 0.07), (0.66, 0.15), tint=0, color=IRON),
        lathe((0.6, 0.12), (0.7, 0.175), (0.8, 0.14), glow=0.75),
        lathe((0.8, 0.14), (1.04, 0.0), glow=0.75),
        lathe((0.64, 0.05), (0.7, 0.085), (0.84, 0.0), tint=0.3, color=(1, 1, 1), glow=1.0, y=-0.11),
    ],
    PILLAR: [
        block(0.0, 0.1, 0.26, 0.26, tint=0.75, color=DARK),
        lathe((0.1, 0.2), (0.84, 0.17)),
        lathe((0.1, 0.235), (0.16, 0.235)),
        lathe((0.8, 0.18), (0.88, 0.25)),
        block(0.88, 1.0, 0.27, 0.27),
    ],
    KEYCARD: [relief(CARD_PICTURE, 0.08, 0.6, thickness=0.01)],
    SKULLKEY: [relief(SKULL_PICTURE, 0.02, 0.72, thickness=0.08)],
    ARMOR: [relief(ARMOR_PICTURE, 0.02, 0.74, thickness=0.12)],
    CHAIR: [
        *legs(0.36, 0.2, 0.03),
        block(0.34, 0.4, 0.24, 0.24),
        block(0.4, 0.86, 0.03, 0.03, x=-0.2, y=0.2),
        block(0.4, 0.86, 0.03, 0.03, x=0.2, y=0.2),
        block(0.66, 0.84, 0.22, 0.025, y=0.2),
    ],
    TABLE: [*legs(0.46, 0.24, 0.035), block(0.46, 0.53, 0.31, 0.31)],
    SOLIDS["cone"]: [
        lathe((0.0, 0.36), (0.05, 0.36)),
        lathe((0.05, 0.27), (0.74, 0.0)),
        lathe((0.26, 0.215), (0.36, 0.165), tint=0.2, color=DARK),
    ],
    SOLIDS["can"]: [
        lathe((0.0, 0.22), (0.56, 0.22)),
        lathe((0.18, 0.227), (0.38, 0.227), tint=0.45, color=PAPER),
        lathe((0.56, 0.2), (0.575, 0.2), tint=0.3, color=IRON),
    ],
    SOLIDS["steps"]: [
        block(0.0, 0.2, 0.3, 0.3),
        block(0.2, 0.4, 0.2, 0.2),
        block(0.4, 0.6, 0.1, 0.1),
    ],
    SOLIDS["mushroom"]: [
        lathe((0.0, 0.1), (0.34, 0.075), tint=0.2, color=PAPER),
        lathe((0.3, 0.36), (0.34, 0.37), tint=0.3, color=PAPER),
        lathe((0.34, 0.37), (0.52, 0.27), (0.62, 0.0)),
    ],
    SOLIDS["hourglass"]: [
        lathe((0.0, 0.28), (0.06, 0.28), tint=0, color=WOOD),
        lathe((0.06, 0.24), (0.35, 0.03)),
        lathe((0.35, 0.03), (0.64, 0.24)),
        lathe((0.64, 0.28), (0.7, 0.28), tint=0, color=WOOD),
    ],
    SOLIDS["stack"]: [ball(0.26, 0.26), ball(0.64, 0.17)],
    SOLIDS["cross"]: [block(0.0, 0.76, 0.09, 0.09), block(0.4, 0.58, 0.3, 0.09)],
    SOLIDS["diamond"]: [lathe((0.0, 0.02), (0.37, 0.3)), lathe((0.37, 0.3), (0.74, 0.0))],
    **{SOLIDS[shape]: rows for shape, rows in FURNITURE.items()},
    **{NUM_SOLIDS + place: rows for place, rows in enumerate(OPENED.values())},
}

_YAWS: Final[dict[int, tuple[int, float]]] = {
    BOX: (FIXED_YAW, 0.55),
    PILLAR: (FIXED_YAW, 0.0),
    CHAIR: (FIXED_YAW, 2.3),
    TABLE: (FIXED_YAW, 0.35),
    GOAL: (FIXED_YAW, 0.0),
    DOOR: (DOORWAY_YAW, 0.0),
    SOLIDS["steps"]: (FIXED_YAW, 0.55),
    TYPE_CODES[ObjectType.BOOK]: (FACING_YAW, -0.8),
    **{SOLIDS[shape]: (FACING_YAW, angle) for shape, angle in TURNS.items()},
    **{NUM_SOLIDS + place: (FACING_YAW, TURNS[shape]) for place, shape in enumerate(OPENED)},
}


def _tables() -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Parts [solids, MAX_PARTS, PART_FIELDS], their number [solids], how a solid is turned, and by what angle."""
    parts = np.zeros((NUM_DRAWN, MAX_PARTS, PART_FIELDS), dtype=np.float32)
    counts = np.zeros(NUM_DRAWN, dtype=np.int32)
    turned = np.full(NUM_DRAWN, FACING_YAW, dtype=np.int32)
    angles = np.zeros(NUM_DRAWN, dtype=np.float32)
    for kind, rows in _PARTS.items():
        parts[kind, : len(rows)] = rows
        counts[kind] = len(rows)
        turned[kind], angles[kind] = _YAWS.get(kind, (FACING_YAW, 0.0))
    return parts, counts, turned, angles


def _sizes() -> NDArray[np.float32]:
    """How much wider and taller than ordinary a solid of each state is, [solids, states, 2]."""
    sizes = np.ones((NUM_DRAWN, NUM_STATES, 2), dtype=np.float32)
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


def _holding() -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The solid of each one when it is open [solids], and where what it holds stands: height, to the front, [.., 2]."""
    opened = np.arange(NUM_DRAWN, dtype=np.int32)
    places = np.zeros((NUM_DRAWN, 2), dtype=np.float32)
    for place, shape in enumerate(OPENED):
        opened[SOLIDS[shape]] = NUM_SOLIDS + place
    for solid, where in HOLDING.items():
        places[solid] = where
    return opened, places


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
    hands = np.minimum(_segment(x, y, (0, 0), (0, 0.6)), _segment(x, y, (0, 0), (0.38, -0.2))) < 0.07
    hands |= (np.abs(radius - 0.66) < 0.07) & (np.minimum(np.abs(x), np.abs(y)) < 0.06)
    spokes = (radius < 0.84) & (np.minimum(np.minimum(np.abs(x), np.abs(y)), np.abs(np.abs(x) - np.abs(y))) < 0.05)
    return {
        RING_PICTURE: (_rounded(np.abs(np.hypot(x, y) - 0.76), 0.22), none, none),
        STAR_PICTURE: (star, none, none),
        KEY_PICTURE: (key, none, none),
        CARD_PICTURE: (_plate(card), stripe, chip),
        SKULL_PICTURE: (skull, eyes | nose | gaps, none),
        HANDLE_PICTURE: (_rounded(np.abs(np.hypot(x, y) - 0.72), 0.24), none, none),
        ARMOR_PICTURE: (armor, seams, none),
        CLOCK_PICTURE: (_plate(radius < 0.98), hands, (radius < 0.78) & ~hands),
        WHEEL_PICTURE: (_plate((np.abs(radius - 0.84) < 0.14) | spokes), np.abs(radius - 0.84) < 0.14, none),
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
OPENED_SOLIDS, HOLDING_PLACES = _holding()
RELIEF_TEXELS, RELIEF_STARTS = _reliefs()
