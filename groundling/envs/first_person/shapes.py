"""Shapes: the rays of a rectangle of pixels meet a part of a solid, and the nearest surface stays.

A pixel's ray is eye + t * (forward + slope of the column * right, down by slope of the row), so that t is the depth
along the camera's axis. Columns go in whole blocks, which become vector instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.atlas import Atlas, relief_texel_at
from groundling.envs.first_person.camera import LANES, Lens
from groundling.envs.first_person.drawing import (
    BYTE,
    EIGHT,
    HALF,
    ONE,
    SIXTEEN,
    TINY_STEP,
    TWENTY_FOUR,
    TWO,
    ZERO,
    F,
    drawing_kernel,
    root_of,
)
from groundling.envs.first_person.raycasting import DEPTH, SLOPE
from groundling.envs.first_person.shading import SHINE, SHINE_FROM, Paint, lit, mixed, shiny
from groundling.envs.first_person.solids import RELIEF_BITS, RELIEF_STARTS

NEAR_M = F(0.02)
ENDLESS = F(1e9)
EDGE = F(0.86)  # sides of a box that meet are never equally bright


class Frame(NamedTuple):
    """A picture in the making."""

    depths: NDArray[np.float32]  # [H, stride]
    pixels: NDArray[np.uint32]  # [H, stride] 0xCCBBGGRR
    floats: NDArray[np.float32]  # [FLOAT_ROWS, stride] of each column
    slopes: NDArray[np.float32]  # [H] of each row
    top: int  # the first row that is drawn, and the end of those that are
    bottom: int


class Ray(NamedTuple):
    """The camera as a part sees it: origin on its axis, its own directions, z up from the ground."""

    x: np.float32
    y: np.float32
    z: np.float32
    forward_x: np.float32
    forward_y: np.float32
    right_x: np.float32
    right_y: np.float32


class Bounds(NamedTuple):
    """Rows that a part may cover, and blocks of columns from the first on."""

    top: int
    bottom: int
    left: int
    blocks: int


@drawing_kernel
def bounds_of(ray: Ray, radius: np.float32, bottom: np.float32, top: np.float32, frame: Frame, lens: Lens) -> Bounds:
    """The rectangle of an upright cylinder about the origin."""
    ahead = -(ray.x * ray.forward_x + ray.y * ray.forward_y)
    aside = -(ray.x * ray.right_x + ray.y * ray.right_y)
    empty = Bounds(0, 0, 0, 0)
    if ahead + radius < NEAR_M:
        return empty
    first, scale = F(lens.first_slope), ONE / F(lens.slope_step)
    left, right = 0, lens.width
    near = ahead - radius
    if near > NEAR_M:
        squared = near * (ahead + radius)
        swing = radius * root_of(aside * aside + squared)
        low = ((aside * ahead - swing) / squared - first) * scale
        high = ((aside * ahead + swing) / squared - first) * scale
        if high < ZERO or low > F(lens.width - 1):
            return empty
        left = int(max(low + F(0.999), ZERO))
        right = int(min(high + ONE, F(lens.width)))
        if left >= right:
            return empty
        hidden = True
        for column in range(left, right):
            if frame.floats[DEPTH, column] > near:
                hidden = False
        if hidden:
            return empty
    near = max(near, NEAR_M)
    far = ahead + radius
    rise, fall = ray.z - top, ray.z - bottom
    start = frame.slopes[0]
    upper = (rise / (near if rise < ZERO else far) - start) * scale
    lower = (fall / (near if fall > ZERO else far) - start) * scale
    rows = len(frame.slopes)
    blocks = (right - left + LANES - 1) // LANES
    if lower < ZERO or upper > F(rows - 1):
        return empty
    return Bounds(
        max(int(max(upper + F(0.999), ZERO)), frame.top),
        min(int(min(lower + ONE, F(rows))), frame.bottom),
        min(left, lens.stride - blocks * LANES),
        blocks,
    )


@drawing_kernel
def slab(slope: np.float32, height: np.float32, bottom: np.float32, top: np.float32) -> tuple[np.float32, np.float32]:
    """The depths between which the rays of a row are between two heights; nothing if the second is less."""
    if abs(slope) < TINY_STEP:
        if bottom < height and height < top:
            return -ENDLESS, ENDLESS
        return ENDLESS, -ENDLESS
    over, under = (height - top) / slope, (height - bottom) / slope
    if slope > ZERO:
        return over, under
    return under, over


@drawing_kernel
def step_of(ray: Ray, frame: Frame, column: np.uint64) -> tuple[np.float32, np.float32]:
    """The direction of a column's rays along the ground, a metre deep."""
    aside = frame.floats[SLOPE, column]
    return ray.forward_x + aside * ray.right_x, ray.forward_y + aside * ray.right_y


@drawing_kernel
def keep_nearest(frame: Frame, row: int, column: np.uint64, t: np.float32, pixel: np.uint32, is_met: np.bool_) -> None:
    """Put a pixel where its surface is met, is nearer than what is there and is before the camera."""
    old = frame.depths[row, column]
    seen = is_met & (t < old) & (t > NEAR_M)
    frame.depths[row, column] = t if seen else old
    frame.pixels[row, column] = pixel if seen else frame.pixels[row, column]


@drawing_kernel
def draw_lathe(
    ray: Ray,
    paint: Paint,
    bounds: Bounds,
    frame: Frame,
    curve: tuple[np.float32, np.float32, np.float32],
    bottom: np.float32,
    top: np.float32,
) -> None:
    """A solid of revolution, radius^2 = square * z^2 + linear * z + constant, between two heights."""
    square, linear, constant = curve
    half_linear = HALF * linear
    inside = ray.x * ray.x + ray.y * ray.y - ((square * ray.z + linear) * ray.z + constant)
    for row in range(bounds.top, bounds.bottom):
        slope = frame.slopes[row]
        enter, leave = slab(slope, ray.z, bottom, top)
        if leave <= ZERO or enter > leave:
            continue
        cap = lit(paint, paint.light_z if slope > ZERO else -paint.light_z)
        steep = square * slope * slope
        tilt = (square * ray.z + half_linear) * slope
        for block in range(bounds.blocks):
            start = np.uint64(bounds.left + block * LANES)  # unsigned, or Numba would let it count from the end
            for lane in range(LANES):
                column = start + np.uint64(lane)
                step_x, step_y = step_of(ray, frame, column)
                a = step_x * step_x + step_y * step_y - steep
                a = a if a > TINY_STEP else TINY_STEP
                h = ray.x * step_x + ray.y * step_y + tilt
                # of a t^2 + 2 h t + inside = 0: both factors 2 are left out
                discriminant = h * h - a * inside
                root = root_of(discriminant if discriminant > ZERO else ZERO)
                inverse = ONE / a
                first, last = (-h - root) * inverse, (root - h) * inverse
                is_cap = enter > first
                t = enter if is_cap else first
                end = leave if leave < last else last
                x, y, z = ray.x + t * step_x, ray.y + t * step_y, ray.z - t * slope
                up = square * z + half_linear
                squared = x * x + y * y + up * up
                squared = squared if squared > TINY_STEP else TINY_STEP
                facing = (x * paint.light_x + y * paint.light_y - up * paint.light_z) * (ONE / root_of(squared))
                brightness = lit(paint, facing)
                shine = SHINE * (facing - SHINE_FROM)
                shine = ZERO if is_cap else (shine if shine > ZERO else ZERO)
                pixel = shiny(paint, cap if is_cap else brightness, shine)
                keep_nearest(frame, row, column, t, pixel, (discriminant > ZERO) & (t < end))


@drawing_kernel
def draw_block(
    ray: Ray,
    paint: Paint,
    bounds: Bounds,
    frame: Frame,
    half_x: np.float32,
    half_y: np.float32,
    bottom: np.float32,
    top: np.float32,
) -> None:
    """A box about the axis, between two heights."""
    over_x = EDGE * lit(paint, paint.light_x if ray.x > ZERO else -paint.light_x)
    over_y = lit(paint, paint.light_y if ray.y > ZERO else -paint.light_y)
    for row in range(bounds.top, bounds.bottom):
        slope = frame.slopes[row]
        enter, leave = slab(slope, ray.z, bottom, top)
        if leave <= ZERO or enter > leave:
            continue
        cap = lit(paint, paint.light_z if slope > ZERO else -paint.light_z)
        cap_pixel, x_pixel, y_pixel = mixed(paint, cap), mixed(paint, over_x), mixed(paint, over_y)
        for block in range(bounds.blocks):
            start = np.uint64(bounds.left + block * LANES)  # unsigned, or Numba would let it count from the end
            for lane in range(LANES):
                column = start + np.uint64(lane)
                step_x, step_y = step_of(ray, frame, column)
                step_x = step_x if abs(step_x) > TINY_STEP else TINY_STEP
                step_y = step_y if abs(step_y) > TINY_STEP else TINY_STEP
                inverse_x, inverse_y = ONE / step_x, ONE / step_y
                middle_x, middle_y = -ray.x * inverse_x, -ray.y * inverse_y
                reach_x, reach_y = half_x * abs(inverse_x), half_y * abs(inverse_y)
                # inside the box between its last entry and first exit of the three pairs of planes
                near_x, near_y = middle_x - reach_x, middle_y - reach_y
                far_x, far_y = middle_x + reach_x, middle_y + reach_y
                is_x = near_x > near_y
                side = near_x if is_x else near_y
                is_cap = enter > side
                t = enter if is_cap else side
                end = far_x if far_x < far_y else far_y
                end = leave if leave < end else end
                side_pixel = x_pixel if is_x else y_pixel
                keep_nearest(frame, row, column, t, cap_pixel if is_cap else side_pixel, t < end)


@drawing_kernel
def draw_relief(
    ray: Ray,
    paint: Paint,
    bounds: Bounds,
    frame: Frame,
    atlas: Atlas,
    picture: int,
    level: int,
    half: np.float32,
    thickness: np.float32,
    bottom: np.float32,
    top: np.float32,
) -> None:
    """A picture that stands upright, facing along y."""
    bits = RELIEF_BITS - level
    size = F(1 << bits)
    last = np.int32((1 << bits) - 1)
    begin = np.int32(RELIEF_STARTS[picture, level])
    across, down = size / (TWO * half), size / (top - bottom)
    thick = thickness / F(255)
    shift = np.int32(bits)
    for row in range(bounds.top, bounds.bottom):
        slope = frame.slopes[row]
        for block in range(bounds.blocks):
            start = np.uint64(bounds.left + block * LANES)  # unsigned, or Numba would let it count from the end
            for lane in range(LANES):
                column = start + np.uint64(lane)
                step_x, step_y = step_of(ray, frame, column)
                step_y = step_y if step_y > TINY_STEP else TINY_STEP
                t = -ray.y / step_y
                u = (ray.x + t * step_x + half) * across
                v = (top - ray.z + t * slope) * down
                inside = (u >= ZERO) & (u < size) & (v >= ZERO) & (v < size)
                at_u = np.int32(np.int32(u if inside else ZERO) & last)
                at_v = np.int32(np.int32(v if inside else ZERO) & last)
                place = np.uint32(np.int32(begin + np.int32(np.int32(at_v << shift) | at_u)))
                texel = np.int32(relief_texel_at(atlas, place))
                brightness = F(np.int32(np.int32(texel >> EIGHT) & BYTE)) * F(1 / 255)
                brightness = paint.glow + (ONE - paint.glow) * brightness
                added = F(np.int32(np.int32(texel >> SIXTEEN) & BYTE)) * F(1 / 255)
                pixel = shiny(paint, brightness, added)
                t -= thick * F(np.int32(np.int32(texel >> TWENTY_FOUR) & BYTE))
                is_met = inside & (np.int32(texel & BYTE) != np.int32(0))
                keep_nearest(frame, row, column, t, pixel, is_met)
