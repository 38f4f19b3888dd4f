"""Plates: pictures cut out of a board, seen from all sides. Things that stand have them where others have reliefs."""

from __future__ import annotations

import numpy as np

from groundling.envs.first_person.atlas import Atlas, relief_texel_at
from groundling.envs.first_person.camera import LANES
from groundling.envs.first_person.drawing import (
    BYTE,
    EIGHT,
    ONE,
    SIXTEEN,
    TINY_STEP,
    TWO,
    ZERO,
    F,
    drawing_kernel,
)
from groundling.envs.first_person.shading import Paint, lit, mixed, shiny
from groundling.envs.first_person.shapes import NEAR_M, Bounds, Frame, Ray, keep_nearest, step_of
from groundling.envs.first_person.solids import RELIEF_BITS, RELIEF_STARTS
from groundling.envs.first_person.standing import PLATE_LEVEL

SIDE = 1 << (RELIEF_BITS - PLATE_LEVEL)  # texels
NUDGE = F(1e-4)  # of a texel, so that rounding leaves a ray in the cell that it enters


@drawing_kernel
def draw_plate(
    ray: Ray,
    paint: Paint,
    bounds: Bounds,
    frame: Frame,
    atlas: Atlas,
    picture: int,
    half: np.float32,
    thick: np.float32,
    bottom: np.float32,
    top: np.float32,
) -> None:
    """A picture cut out of a board that reaches ``thick`` to either side of y = 0, from -half to half along x."""
    begin = int(RELIEF_STARTS[picture, PLATE_LEVEL])
    across, down = F(SIDE) / (TWO * half), F(SIDE) / (top - bottom)
    for row in range(bounds.top, bounds.bottom):
        slope = frame.slopes[row]
        for lane in range(bounds.blocks * LANES):
            column = np.uint64(bounds.left + lane)
            step_x, step_y = step_of(ray, frame, column)
            step_y = step_y if abs(step_y) > TINY_STEP else TINY_STEP
            first, last = (-thick - ray.y) / step_y, (thick - ray.y) / step_y
            enter, leave = min(first, last), max(first, last)
            enter = max(enter, NEAR_M)
            # the ray in texels: u and v grow by so much in a metre of depth
            u_start, v_start = (ray.x + half) * across, (top - ray.z) * down
            u_step, v_step = step_x * across, slope * down
            side = 0  # what it comes in through: 0 a face, 1 an edge of u, 2 of v
            if abs(u_step) > TINY_STEP:
                low, high = -u_start / u_step, (F(SIDE) - u_start) / u_step
                if min(low, high) > enter:
                    enter, side = min(low, high), 1
                leave = min(leave, max(low, high))
            elif u_start < ZERO or u_start >= F(SIDE):
                continue
            if abs(v_step) > TINY_STEP:
                low, high = -v_start / v_step, (F(SIDE) - v_start) / v_step
                if min(low, high) > enter:
                    enter, side = min(low, high), 2
                leave = min(leave, max(low, high))
            elif v_start < ZERO or v_start >= F(SIDE):
                continue
            if enter >= leave:
                continue
            t = enter
            u = int(min(max(u_start + t * u_step + (NUDGE if u_step > ZERO else -NUDGE), ZERO), F(SIDE - 1)))
            v = int(min(max(v_start + t * v_step + (NUDGE if v_step > ZERO else -NUDGE), ZERO), F(SIDE - 1)))
            move_u, move_v = (1 if u_step > ZERO else -1), (1 if v_step > ZERO else -1)
            grow_u = ONE / abs(u_step) if abs(u_step) > TINY_STEP else F(1e9)
            grow_v = ONE / abs(v_step) if abs(v_step) > TINY_STEP else F(1e9)
            next_u = (F(u + (1 if u_step > ZERO else 0)) - u_start) / u_step if abs(u_step) > TINY_STEP else F(1e9)
            next_v = (F(v + (1 if v_step > ZERO else 0)) - v_start) / v_step if abs(v_step) > TINY_STEP else F(1e9)
            while True:
                texel = np.int32(relief_texel_at(atlas, np.uint32(begin + v * SIDE + u)))
                if np.int32(texel & BYTE) != np.int32(0):
                    if side == 0:
                        brightness = F(np.int32(np.int32(texel >> EIGHT) & BYTE)) * F(1 / 255)
                        brightness = paint.glow + (ONE - paint.glow) * brightness
                        added = F(np.int32(np.int32(texel >> SIXTEEN) & BYTE)) * F(1 / 255)
                        pixel = shiny(paint, brightness, added)
                    elif side == 1:
                        pixel = mixed(paint, lit(paint, -F(move_u) * paint.light_x))
                    else:
                        pixel = mixed(paint, lit(paint, F(move_v) * paint.light_z))
                    keep_nearest(frame, row, column, t, pixel, np.bool_(True))
                    break
                if next_u < next_v:
                    t, side = next_u, 1
                    next_u += grow_u
                    u += move_u
                else:
                    t, side = next_v, 2
                    next_v += grow_v
                    v += move_v
                if t >= leave or u < 0 or u >= SIDE or v < 0 or v >= SIDE:
                    break
