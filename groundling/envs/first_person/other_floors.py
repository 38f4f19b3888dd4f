"""The floors of other rooms, seen through doorways: drawn over the background, where a ray leads onto one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.atlas import Atlas, texel_at
from groundling.envs.first_person.camera import FARTHEST_M, Lens
from groundling.envs.first_person.drawing import (
    BYTE,
    EIGHT,
    ONE,
    SIXTEEN,
    TINY_STEP,
    ZERO,
    F,
    drawing_kernel,
    floor_of,
    packed,
)
from groundling.envs.first_person.patterns import SIZE_BITS
from groundling.envs.first_person.raycasting import (
    CHANGE,
    CHANGES,
    DEPTH,
    FLOOR,
    OTHER_FLOORS,
    SLOPE,
    Eye,
    floor_texture,
)
from groundling.envs.first_person.style import Style, shade
from groundling.envs.first_person.textures import STARTS


class Trace(NamedTuple):
    """Where other floors may be seen."""

    nearest: np.float32  # the depth of the nearest one
    left: int  # the first column and the end of those that lead to any
    right: int


@drawing_kernel
def trace_column(
    floors: NDArray[np.uint8],
    width: int,
    own_floor: int,
    eye: Eye,
    column: int,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
) -> np.float32:
    """Note where other floors begin along the ray of a column that leads to some: its CHANGE and FLOOR.

    Args:
        floors: [H * W] floor codes.
        width: W.
        own_floor: code of the one that the camera stands on.
        eye: where the camera is.
        column: of the picture.
        floats: of each column, written.
        integers: of each column, written.

    Returns:
        The depth of the nearest such place; FARTHEST_M where there is none.
    """
    for i in range(CHANGES):
        floats[CHANGE + i, column] = F(FARTHEST_M)
    if integers[OTHER_FLOORS, column] == 0:
        return F(FARTHEST_M)
    start_x, start_y = int(floor_of(eye.x)), int(floor_of(eye.y))
    in_x, in_y = eye.x - F(start_x), eye.y - F(start_y)
    slope = floats[SLOPE, column]
    ray_x, ray_y = eye.forward_x - slope * eye.forward_y, eye.forward_y + slope * eye.forward_x
    if abs(ray_x) < TINY_STEP:
        ray_x = TINY_STEP
    if abs(ray_y) < TINY_STEP:
        ray_y = TINY_STEP
    across_x, across_y = ONE / abs(ray_x), ONE / abs(ray_y)
    move_x, move_y = 1 if ray_x > ZERO else -1, width if ray_y > ZERO else -width
    next_x = (ONE - in_x if ray_x > ZERO else in_x) * across_x
    next_y = (ONE - in_y if ray_y > ZERO else in_y) * across_y
    tile, floor, changes = start_y * width + start_x, own_floor, 0
    while changes < CHANGES:
        depth = min(next_x, next_y)
        if next_x < next_y:
            next_x += across_x
            tile += move_x
        else:
            next_y += across_y
            tile += move_y
        if depth >= floats[DEPTH, column]:
            break
        if floors[tile] != floor:
            floor = int(floors[tile])
            floats[CHANGE + changes, column] = depth
            integers[FLOOR + changes, column] = floor
            changes += 1
    return floats[CHANGE, column]


@drawing_kernel
def trace_floors(
    floors: NDArray[np.uint8],
    width: int,
    own_floor: int,
    eye: Eye,
    lens: Lens,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
) -> Trace:
    """As :func:`trace_column`, of all columns; most rays lead to no other floor."""
    nearest, left, right = F(FARTHEST_M), lens.width, 0
    others = 0
    for column in range(lens.width):
        others += integers[OTHER_FLOORS, column]
    if others == 0:
        return Trace(nearest, left, right)
    for column in range(lens.width):
        depth = trace_column(floors, width, own_floor, eye, column, floats, integers)
        if depth < F(FARTHEST_M):
            nearest = min(nearest, depth)
            left, right = min(left, column), column + 1
    return Trace(nearest, left, right)


@drawing_kernel
def fill_other_floors(
    trace: Trace,
    eye: Eye,
    lens: Lens,
    style: Style,
    atlas: Atlas,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
    pixels: NDArray[np.uint32],
    top: int,
    bottom: int,
) -> None:
    """Draw the floors of other rooms, over the one that the camera stands on.

    Args:
        trace: where there are some.
        eye: where the camera is.
        lens: the camera's tables.
        style: how the episode looks.
        atlas: what everything is made of.
        floats: of each column, traced.
        integers: of each column, traced.
        pixels: [H, stride], written.
        top: the first row that is drawn.
        bottom: the end of the rows that are drawn.
    """
    if trace.left >= trace.right:
        return
    for row in range(top, bottom):
        far = lens.row_depths[row]
        if lens.row_slopes[row] <= ZERO or far < trace.nearest:
            continue
        level, light = lens.row_levels[row], lens.row_lights[row]
        bits = SIZE_BITS - level
        side, mask = F(1 << bits), np.int32((1 << bits) - 1)
        red, green, blue = light * style.floor_red, light * style.floor_green, light * style.floor_blue
        full_red, full_green, full_blue = shade(red), shade(green), shade(blue)
        u_start, v_start = (eye.x + far * eye.forward_x) * side, (eye.y + far * eye.forward_y) * side
        u_step, v_step = -far * eye.forward_y * side, far * eye.forward_x * side
        for column in range(trace.left, trace.right):
            if far < floats[CHANGE, column] or floats[DEPTH, column] < far:
                continue
            number = 0
            while number + 1 < CHANGES and far >= floats[CHANGE + number + 1, column]:
                number += 1
            first = STARTS[floor_texture(integers[FLOOR + number, column], style), level]
            aside = floats[SLOPE, column]
            u, v = np.int32(u_start + aside * u_step) & mask, np.int32(v_start + aside * v_step) & mask
            texel = np.int32(texel_at(atlas, np.uint32(first + (v << bits | u))))
            r = np.int32((texel & BYTE) * full_red >> EIGHT)
            g = np.int32((texel >> EIGHT & BYTE) * full_green >> EIGHT)
            b = np.int32((texel >> SIXTEEN) * full_blue >> EIGHT)
            pixels[row, column] = packed(r, g, b, np.uint32(0))
