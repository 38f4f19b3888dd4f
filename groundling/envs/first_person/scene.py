"""One environment's picture, in functions that the CPU's loop and a GPU's threads share.

Rays march to the walls (``raycasting``), the background is filled in, the things on the tiles that the rays crossed are
drawn (``things``, from the tables of ``solids``), then the senses are written out. All but the rays can be done for
some rows of a picture, whatever is done for the others.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, HELD, HOLDS, NOTHING_CODE, OPEN
from groundling.envs.engine.rover import Poses
from groundling.envs.first_person.atlas import Atlas
from groundling.envs.first_person.camera import Lens, Variation
from groundling.envs.first_person.drawing import F, drawing_kernel, hash64, inlined_drawing_kernel
from groundling.envs.first_person.image_arrays import add_noise, write_codes, write_colors, write_depths, write_words
from groundling.envs.first_person.other_floors import fill_other_floors, trace_floors
from groundling.envs.first_person.palette import Palette
from groundling.envs.first_person.raycasting import (
    Eye,
    cast_columns,
    fill_background,
    floor_at,
    floor_texture,
    spans_x,
)
from groundling.envs.first_person.shapes import Frame
from groundling.envs.first_person.standing import TURNING, back_of
from groundling.envs.first_person.style import style_of
from groundling.envs.first_person.things import draw_held, draw_shown, draw_thing


class Views(NamedTuple):
    """What B cameras see; a sense that a camera lacks has no environments."""

    rgb: NDArray[np.uint8]  # [B, H, W, 3]
    depth: NDArray[np.float32]  # [B, H, W] metres along the camera's axis
    segmentation: NDArray[np.uint8]  # [B, H, W] 0 floor or ceiling, 1 wall, else the object's cell code


class Scratch(NamedTuple):
    """What one thread needs while it draws."""

    depths: NDArray[np.float32]  # [H, stride]
    pixels: NDArray[np.uint32]  # [H, stride]
    floats: NDArray[np.float32]  # [FLOAT_ROWS, stride]
    integers: NDArray[np.int32]  # [INTEGER_ROWS, stride]
    tiles: NDArray[np.int32]  # [objects]


class Scenes(NamedTuple):
    """The part of the worlds that is seen."""

    cells: NDArray[np.uint8]  # [B, H * W]
    floors: NDArray[np.uint8]  # [B, H * W] floor codes, or [B, 0] where all are plain
    looks: NDArray[np.int32]  # [B, O + 2]
    contents: NDArray[np.uint8]  # [B, O]
    carried: NDArray[np.uint8]  # [B]
    step_count: NDArray[np.int32]  # [B]


@drawing_kernel
def eye_of(poses: Poses, b: int) -> Eye:
    """Where environment ``b``'s camera is."""
    heading = poses.heading[b]
    return Eye(F(poses.x[b]), F(poses.y[b]), F(math.cos(heading)), F(math.sin(heading)))


@drawing_kernel
def draw_scene(
    scenes: Scenes,
    poses: Poses,
    width: int,
    seed: np.uint64,
    lens: Lens,
    variation: Variation,
    palette: Palette,
    atlas: Atlas,
    scratch: Scratch,
    frame: Frame,
    b: int,
) -> None:
    """Draw environment ``b`` on the rows of a frame from its ``top`` to its ``bottom``."""
    eye = eye_of(poses, b)
    style = style_of(seed, variation)
    cells, looks, grounds = scenes.cells[b], scenes.looks[b], scenes.floors[b]
    floats, integers = scratch.floats, scratch.integers
    met = cast_columns(cells, grounds, looks, width, eye, lens, style, palette, floats, integers, scratch.tiles)
    floor = floor_at(grounds, width, eye)
    texture = floor_texture(floor, style)
    top, bottom = frame.top, frame.bottom
    fill_background(eye, lens, style, texture, atlas, floats, integers, frame.depths, frame.pixels, top, bottom)
    if len(grounds) > 0:
        trace = trace_floors(grounds, width, floor, eye, lens, floats, integers)
        fill_other_floors(trace, eye, lens, style, atlas, floats, integers, frame.pixels, top, bottom)
    k = 0
    while met != np.uint64(0):
        if met & np.uint64(1):
            look = int(looks[k + FIRST_OBJECT])
            # a door that is closed is part of the walls
            if look & 0xFF != DOOR or (look >> 16) & 0xFF == OPEN:
                tile = scratch.tiles[k]
                row = tile // width
                away_x = F(tile - row * width) + F(0.5) - eye.x
                away_y = F(row) + F(0.5) - eye.y
                along_y = look & 0xFF == DOOR and spans_x(cells, tile)
                back = back_of(cells, tile, width) if lens.standing else TURNING
                draw_thing(
                    look,
                    k + FIRST_OBJECT,
                    away_x,
                    away_y,
                    F(lens.eye_height_m),
                    F(1),
                    along_y,
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
                held = int(scenes.contents[b, k])
                if held >= HOLDS and held & HELD != NOTHING_CODE and (look >> 16) & 0xFF != CLOSED:
                    draw_shown(
                        look,
                        int(looks[held & HELD]),
                        held & HELD,
                        away_x,
                        away_y,
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
        met >>= np.uint64(1)
        k += 1
    held = int(scenes.carried[b])
    if held != NOTHING_CODE:
        draw_held(int(looks[held]), held, eye, lens, frame, style, seed, variation, palette, atlas)


@inlined_drawing_kernel
def show(
    views: Views,
    words: NDArray[np.uint32],
    lens: Lens,
    variation: Variation,
    seed: np.uint64,
    step_count: int,
    frame: Frame,
    has_depth: bool,
    b: int,
) -> None:
    """Write the rows of a finished frame into environment ``b``'s senses.

    Args:
        views: written.
        words: the colors of the views four bytes at a time, [B, H, W * 3 / 4]; [0, ...] where they do not fit.
        lens: the camera's tables.
        variation: how far looks vary.
        seed: the style as an integer.
        step_count: steps of the episode; each has noise of its own.
        frame: the picture, of which the rows from ``top`` to ``bottom`` are written.
        has_depth: whether the depths are there already.
        b: the environment.
    """
    top, bottom = frame.top, frame.bottom
    if len(views.rgb) > 0:
        if variation.pixel_noise > 0:
            noise_seed = hash64(seed ^ hash64(np.uint64(step_count)))
            add_noise(frame.pixels, lens.width, noise_seed, F(variation.pixel_noise), top, bottom)
        if len(words) > 0:
            write_words(words[b], frame.pixels, top, bottom)
        else:
            write_colors(views.rgb[b], frame.pixels, top, bottom)
    if len(views.depth) > 0 and not has_depth:
        write_depths(views.depth[b], frame.depths, top, bottom)
    if len(views.segmentation) > 0:
        write_codes(views.segmentation[b], frame.pixels, top, bottom)
