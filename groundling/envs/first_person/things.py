"""Things: the parts of a solid, where it stands and however it is turned, drawn one after the other."""

from __future__ import annotations

import math

import numpy as np

from groundling.envs.engine.constants import OPEN
from groundling.envs.first_person.atlas import Atlas, part_field
from groundling.envs.first_person.camera import Lens, Variation
from groundling.envs.first_person.drawing import (
    HALF,
    ONE,
    TWO,
    ZERO,
    F,
    draw_from,
    drawing_kernel,
    root_of,
)
from groundling.envs.first_person.furniture import HELD_SCALE as FURNITURE_SCALE
from groundling.envs.first_person.palette import Palette
from groundling.envs.first_person.parts import (
    BLOCK,
    BLUE,
    BOTTOM,
    CONSTANT,
    GLOW,
    GREEN,
    HALF_X,
    HALF_Y,
    KIND,
    LATHE,
    LINEAR,
    PICTURE,
    REACH,
    RED,
    RELIEF,
    SQUARE,
    THICKNESS,
    TINT,
    TOP,
    X,
    Y,
)
from groundling.envs.first_person.plates import draw_plate
from groundling.envs.first_person.raycasting import CODE_SHIFT, Eye
from groundling.envs.first_person.shading import Paint
from groundling.envs.first_person.shapes import Frame, Ray, bounds_of, draw_block, draw_lathe, draw_relief
from groundling.envs.first_person.solids import (
    ANGLES,
    COUNTS,
    DOORWAY_YAW,
    FACING_YAW,
    HOLDING_PLACES,
    OPENED_SOLIDS,
    RELIEF_LEVELS,
    RELIEF_SIZE,
    SIZES,
    TURNED,
)
from groundling.envs.first_person.standing import BACK_X, BACK_Y, TURNING, half_of
from groundling.envs.first_person.style import OBJECTS, WHITEN, Style, fog

HELD_SCALE = F(FURNITURE_SCALE)
HELD_DEPTH_M = F(0.12)  # nearer than any wall
HELD_SIZE = F(0.42)  # of the view's height that a held thing a metre tall would take


@drawing_kernel
def draw_thing(
    look: int,
    code: int,
    away_x: np.float32,
    away_y: np.float32,
    height: np.float32,
    size: np.float32,
    along_y: bool,
    back: int,
    eye: Eye,
    lens: Lens,
    frame: Frame,
    style: Style,
    seed: np.uint64,
    variation: Variation,
    palette: Palette,
    atlas: Atlas,
) -> None:
    """Draw a thing.

    Args:
        look: its type, color and state.
        code: its cell code.
        away_x: of where it stands from the eye, in the world's directions.
        away_y: likewise.
        height: of the eye above where it stands.
        size: how much larger than it is.
        along_y: of a doorway, whether one passes it along y.
        back: to which side it has its back, see ``standing.back_of``; TURNING turns its front to the eye.
        eye: where the camera looks.
        lens: the camera's tables.
        frame: what is drawn on.
        style: how the episode looks.
        seed: the style as an integer.
        variation: how far looks vary.
        palette: what types and colors look like.
        atlas: what things are made of.
    """
    of_type, color, state = look & 0xFF, (look >> 8) & 0xFF, (look >> 16) & 0xFF
    if of_type >= len(palette.solids) or color >= len(palette.colors) or state >= SIZES.shape[1]:
        return
    solid = palette.solids[of_type]
    if state == OPEN:
        solid = OPENED_SOLIDS[solid]
    # the direction to the back of the thing
    turned = TURNED[solid]
    back_x, back_y = ZERO, -ONE
    if turned == FACING_YAW:
        if back != TURNING:
            back_x, back_y = BACK_X[back], BACK_Y[back]
        else:
            distance = root_of(away_x * away_x + away_y * away_y) + F(1e-6)
            back_x, back_y = away_x / distance, away_y / distance
    elif turned == DOORWAY_YAW:
        back_x, back_y = (ZERO, ONE) if along_y else (ONE, ZERO)
    angle = ANGLES[solid]
    if angle != ZERO:
        cosine, sine = F(math.cos(angle)), F(math.sin(angle))
        back_x, back_y = back_x * cosine - back_y * sine, back_x * sine + back_y * cosine
    right_x, right_y = -back_y, back_x
    wide, tall = size * SIZES[solid, state, 0], size * SIZES[solid, state, 1]
    forward_x = eye.forward_x * right_x + eye.forward_y * right_y
    forward_y = eye.forward_x * back_x + eye.forward_y * back_y
    aside_x = -eye.forward_y * right_x + eye.forward_x * right_y
    aside_y = -eye.forward_y * back_x + eye.forward_x * back_y
    from_x, from_y = -(away_x * right_x + away_y * right_y), -(away_x * back_x + away_y * back_y)
    light_x = style.light_x * right_x + style.light_y * right_y
    light_y = style.light_x * back_x + style.light_y * back_y
    ahead = away_x * eye.forward_x + away_y * eye.forward_y
    dim = fog(max(ahead, ZERO))
    strength = F(0.12) * F(variation.colors)
    red, green, blue = palette.colors[color, 0], palette.colors[color, 1], palette.colors[color, 2]
    if strength > ZERO:
        red = min(ONE, max(ZERO, red + strength * draw_from(seed, OBJECTS + 3 * color)))
        green = min(ONE, max(ZERO, green + strength * draw_from(seed, OBJECTS + 3 * color + 1)))
        blue = min(ONE, max(ZERO, blue + strength * draw_from(seed, OBJECTS + 3 * color + 2)))
    red, green, blue = (
        WHITEN + (ONE - WHITEN) * red,
        WHITEN + (ONE - WHITEN) * green,
        WHITEN + (ONE - WHITEN) * blue,
    )
    for p in range(COUNTS[solid]):
        shape = int(part_field(atlas, solid, p, KIND))
        bottom, top = part_field(atlas, solid, p, BOTTOM) * tall, part_field(atlas, solid, p, TOP) * tall
        ray = Ray(
            from_x - part_field(atlas, solid, p, X) * wide,
            from_y - part_field(atlas, solid, p, Y) * wide,
            height,
            forward_x,
            forward_y,
            aside_x,
            aside_y,
        )
        reach = part_field(atlas, solid, p, REACH) * wide
        if back != TURNING and shape == RELIEF:
            reach += half_of(part_field(atlas, solid, p, THICKNESS) * wide)
        bounds = bounds_of(ray, reach, bottom, top, frame, lens)
        if bounds.top >= bounds.bottom:
            continue
        tint = part_field(atlas, solid, p, TINT)
        paint = Paint(
            F(255) * min(ONE, dim * style.light_red * (tint * red + (ONE - tint) * part_field(atlas, solid, p, RED))),
            F(255)
            * min(ONE, dim * style.light_green * (tint * green + (ONE - tint) * part_field(atlas, solid, p, GREEN))),
            F(255)
            * min(ONE, dim * style.light_blue * (tint * blue + (ONE - tint) * part_field(atlas, solid, p, BLUE))),
            part_field(atlas, solid, p, GLOW),
            F(255) * min(ONE, dim * style.light_green),
            light_x,
            light_y,
            style.light_z,
            np.uint32(code << CODE_SHIFT),
        )
        if shape == LATHE:
            grow = wide * wide / (tall * tall)
            curve = (
                part_field(atlas, solid, p, SQUARE) * grow,
                part_field(atlas, solid, p, LINEAR) * grow * tall,
                part_field(atlas, solid, p, CONSTANT) * wide * wide,
            )
            draw_lathe(ray, paint, bounds, frame, curve, bottom, top)
        elif shape == BLOCK:
            draw_block(
                ray,
                paint,
                bounds,
                frame,
                part_field(atlas, solid, p, HALF_X) * wide,
                part_field(atlas, solid, p, HALF_Y) * wide,
                bottom,
                top,
            )
        elif back != TURNING:
            half, thick = (
                part_field(atlas, solid, p, HALF_X) * wide,
                half_of(part_field(atlas, solid, p, THICKNESS) * wide),
            )
            draw_plate(
                ray,
                paint,
                bounds,
                frame,
                atlas,
                int(part_field(atlas, solid, p, PICTURE)),
                half,
                thick,
                bottom,
                top,
            )
        else:
            half = part_field(atlas, solid, p, HALF_X) * wide
            texels = F(RELIEF_SIZE) * F(lens.slope_step) * ahead / (TWO * half)
            level = 0
            while level < RELIEF_LEVELS - 1 and texels > F(1.5):
                texels *= HALF
                level += 1
            draw_relief(
                ray,
                paint,
                bounds,
                frame,
                atlas,
                int(part_field(atlas, solid, p, PICTURE)),
                level,
                half,
                part_field(atlas, solid, p, THICKNESS) * wide,
                bottom,
                top,
            )


@drawing_kernel
def draw_held(
    look: int,
    code: int,
    eye: Eye,
    lens: Lens,
    frame: Frame,
    style: Style,
    seed: np.uint64,
    variation: Variation,
    palette: Palette,
    atlas: Atlas,
) -> None:
    """Draw what is carried, small, at the lower edge of the view and a little to the right."""
    rows = len(frame.slopes)
    lowest = frame.slopes[rows - 1] + HALF * F(lens.slope_step)
    tall = F(rows) * F(lens.slope_step)  # of the view at a metre
    size = HELD_SIZE * min(tall, F(lens.width) * F(lens.slope_step)) * HELD_DEPTH_M
    aside = F(0.22) * F(lens.width) * F(lens.slope_step) * HELD_DEPTH_M
    away_x = HELD_DEPTH_M * eye.forward_x - aside * eye.forward_y
    away_y = HELD_DEPTH_M * eye.forward_y + aside * eye.forward_x
    height = (lowest - F(0.02) * tall) * HELD_DEPTH_M
    draw_thing(
        look,
        code,
        away_x,
        away_y,
        height,
        size,
        False,
        TURNING,
        eye,
        lens,
        frame,
        style,
        seed,
        variation,
        palette,
        atlas,
    )


@drawing_kernel
def draw_shown(
    holder: int,
    look: int,
    code: int,
    away_x: np.float32,
    away_y: np.float32,
    back: int,
    eye: Eye,
    lens: Lens,
    frame: Frame,
    style: Style,
    seed: np.uint64,
    variation: Variation,
    palette: Palette,
    atlas: Atlas,
) -> None:
    """Draw what stands on a thing or lies in it, smaller than on the floor; ``holder`` is the look of the thing."""
    of_type, state = holder & 0xFF, (holder >> 16) & 0xFF
    if of_type >= len(palette.solids) or state >= SIZES.shape[1]:
        return
    solid = palette.solids[of_type]
    up = HOLDING_PLACES[solid, 0] * SIZES[solid, state, 1]
    front = HOLDING_PLACES[solid, 1]
    if back != TURNING:
        away_x, away_y = away_x - front * BACK_X[back], away_y - front * BACK_Y[back]
    else:
        near = ONE - front / (root_of(away_x * away_x + away_y * away_y) + F(1e-6))
        away_x, away_y = away_x * near, away_y * near
    draw_thing(
        look,
        code,
        away_x,
        away_y,
        F(lens.eye_height_m) - up,
        HELD_SCALE,
        False,
        back,
        eye,
        lens,
        frame,
        style,
        seed,
        variation,
        palette,
        atlas,
    )
