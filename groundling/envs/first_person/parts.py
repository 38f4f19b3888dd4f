"""Parts of things: lathes, blocks and reliefs, as rows of the table that the kernels read.

A part is a *lathe* (a solid of revolution about an upright axis: balls, cylinders, cones, bells), a *block* (a box)
or a *relief* (a picture with shade and depth that turns to the viewer: rings, stars, keys). Lengths are metres at the
ordinary size; x points to the right, y to the back, z up, and the origin is where the thing stands. No part leaves a
circle of 0.43 m at the ordinary size, so that a rover beside a thing is not inside it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

LATHE, BLOCK, RELIEF = 0, 1, 2
MAX_PARTS: Final = 12

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

_Rgb = tuple[float, float, float]
IRON: Final = (0.35, 0.35, 0.38)
WOOD: Final = (0.45, 0.3, 0.18)
PAPER: Final = (0.95, 0.93, 0.85)
GOLD: Final = (0.9, 0.72, 0.25)
DARK: Final = (0.07, 0.07, 0.08)


def part(
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
    color: _Rgb = (0, 0, 0),
    glow: float = 0.0,
    reach: float,
) -> list[float]:
    """A row of the table: the columns in their order."""
    return [kind, x, y, bottom, top, *curve, *half, picture, thickness, tint, *color, glow, reach]


def lathe(*profile: tuple[float, float], x: float = 0, y: float = 0, wider: float = 1, **paint: Any) -> list[float]:
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
    return part(LATHE, x, y, heights[0], heights[-1], curve=curve, half=(wider, 1), reach=reach, **paint)


def ball(z: float, radius: float, *, tall: float = 1, **paint: Any) -> list[float]:
    """A ball, or an egg ``tall`` times as high as wide."""
    low, high = z - radius * tall, z + radius * tall
    return lathe((low, 0), (z, radius), (high, 0), **paint)


def block(
    bottom: float, top: float, half_x: float, half_y: float, x: float = 0, y: float = 0, **paint: Any
) -> list[float]:
    """A box of this half width and half depth."""
    reach = float(np.hypot(half_x, half_y))
    return part(BLOCK, x, y, bottom, top, half=(half_x, half_y), reach=reach, **paint)


def relief(picture: int, bottom: float, height: float, x: float = 0, y: float = 0, **paint: Any) -> list[float]:
    """A picture as wide as it is high."""
    half = height / 2
    return part(RELIEF, x, y, bottom, bottom + height, half=(half, 1), picture=picture, reach=half, **paint)


def legs(height: float, out: float, half: float) -> list[list[float]]:
    """Four posts of this half width, so far out from the middle."""
    return [block(0, height, half, half, x, y) for x in (-out, out) for y in (-out, out)]
