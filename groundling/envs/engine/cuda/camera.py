"""A rover's camera on a GPU: one thread a column marches the rays, then one thread a row of the picture draws it.

The functions are the CPU's (``first_person/scene.py``). What stands in for some of them here: large tables are read
from arguments, as constant memory is too small for them, and what other threads' rays have met is read from memory.
Pictures lie column by column while they are drawn, so that neighbouring threads, which draw neighbouring rows, write
neighbouring numbers.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numba.cuda
import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.cuda.building import device_function, stands_in_for
from groundling.envs.first_person import atlas, drawing, other_floors, raycasting, scene, style
from groundling.envs.first_person.atlas import Tables
from groundling.envs.first_person.drawing import ZERO, F
from groundling.envs.first_person.other_floors import Trace
from groundling.envs.first_person.raycasting import FLOAT_ROWS, INTEGER_ROWS
from groundling.envs.first_person.scene import Scratch
from groundling.envs.first_person.shapes import Frame

cuda: Any = numba.cuda  # by this name Numba's simulator finds it

MET_LOW, MET_HIGH = (
    INTEGER_ROWS,
    INTEGER_ROWS + 1,
)  # rows of the columns' integers: the two halves of what a ray has met
ROWS: Final = INTEGER_ROWS + 2
HALF_BITS, LOW_BITS = np.uint64(32), np.uint64(0xFFFFFFFF)


class Drawing(NamedTuple):
    """What B pictures need while they are drawn."""

    depths: NDArray[np.float32]  # [B, stride, H]
    pixels: NDArray[np.uint32]  # [B, stride, H]
    floats: NDArray[np.float32]  # [B, FLOAT_ROWS, stride]
    integers: NDArray[np.int32]  # [B, ROWS, stride]
    tiles: NDArray[np.int32]  # [B, objects]


def make_drawing(num_envs: int, height: int, stride: int, objects: int) -> Drawing:
    """Arrays of the device."""
    return Drawing(
        cuda.device_array((num_envs, stride, height), np.float32),
        cuda.device_array((num_envs, stride, height), np.uint32),
        cuda.device_array((num_envs, FLOAT_ROWS, stride), np.float32),
        cuda.device_array((num_envs, ROWS, stride), np.int32),
        cuda.device_array((num_envs, objects), np.int32),
    )


@stands_in_for(atlas.texel_at)
def texel_at(tables: Tables, place: Any) -> Any:
    """See ``atlas.texel_at``."""
    return tables.texels[place]


@stands_in_for(atlas.relief_texel_at)
def relief_texel_at(tables: Tables, place: Any) -> Any:
    """See ``atlas.relief_texel_at``."""
    return tables.reliefs[place]


@stands_in_for(atlas.part_field)
def part_field(tables: Tables, solid: int, part: int, field: int) -> Any:
    """See ``atlas.part_field``."""
    return tables.parts[solid, part, field]


@stands_in_for(drawing.floor_of)
def floor_of(value: Any) -> Any:
    """See ``drawing.floor_of``; NumPy's function is none that Numba has for a GPU."""
    return F(math.floor(value))


@stands_in_for(drawing.root_of)
def root_of(value: Any) -> Any:
    """See ``drawing.root_of``."""
    return F(math.sqrt(value))


@stands_in_for(raycasting.cast_columns)
def columns_met(
    cells: Any,
    floors: Any,
    looks: Any,
    width: int,
    eye: Any,
    lens: Any,
    own_style: Any,
    palette: Any,
    floats: Any,
    integers: Any,
    tiles: Any,
) -> Any:
    """What :func:`cast_rays` found before, in the place of ``raycasting.cast_columns``."""
    met = np.uint64(0)
    for column in range(lens.width):
        high = np.uint64(np.uint32(integers[MET_HIGH, column])) << HALF_BITS
        met |= high | np.uint64(np.uint32(integers[MET_LOW, column]))
    return met


@stands_in_for(other_floors.trace_floors)
def floors_traced(floors: Any, width: int, own_floor: int, eye: Any, lens: Any, floats: Any, integers: Any) -> Trace:
    """Columns were traced by :func:`cast_rays`, in the place of ``other_floors.trace_floors``: any may lead to some."""
    return Trace(ZERO, 0, lens.width)


eye_of, style_of = device_function(scene.eye_of), device_function(style.style_of)
floor_at, meet_own_tile = device_function(raycasting.floor_at), device_function(raycasting.meet_own_tile)
cast_column, trace_column = device_function(raycasting.cast_column), device_function(other_floors.trace_column)
repeat_last_column = device_function(raycasting.repeat_last_column)
draw_scene, show = device_function(scene.draw_scene), device_function(scene.show)


def cast_rays(
    scenes: Any, poses: Any, width: int, styles: Any, lens: Any, variation: Any, palette: Any, drawn: Any, mask: Any
) -> None:
    """March the rays of the environments of the mask [B], a thread for each of their columns."""
    i = cuda.grid(1)
    if i < mask.shape[0] * lens.width and mask[i // lens.width]:
        b, column = i // lens.width, i % lens.width
        cells, grounds, looks = scenes.cells[b], scenes.floors[b], scenes.looks[b]
        floats, integers, tiles = drawn.floats[b], drawn.integers[b], drawn.tiles[b]
        eye, own_style = eye_of(poses, b), style_of(styles[b], variation)
        own_floor = floor_at(grounds, width, eye)
        met = cast_column(
            cells, grounds, looks, width, eye, lens, own_style, palette, own_floor, column, floats, integers, tiles
        )
        if column == 0:
            met |= meet_own_tile(cells, width, eye, tiles)
        if len(grounds) > 0:
            trace_column(grounds, width, own_floor, eye, column, floats, integers)
        integers[MET_LOW, column] = np.int32(np.uint32(met & LOW_BITS))
        integers[MET_HIGH, column] = np.int32(np.uint32(met >> HALF_BITS))
        if column == lens.width - 1:
            repeat_last_column(lens, floats, integers)


def draw_rows(
    scenes: Any,
    poses: Any,
    width: int,
    styles: Any,
    views: Any,
    words: Any,
    lens: Any,
    variation: Any,
    palette: Any,
    tables: Any,
    drawn: Any,
    mask: Any,
) -> None:
    """Draw what the environments of the mask [B] see, a thread for each row, after :func:`cast_rays`."""
    i = cuda.grid(1)
    rows = lens.row_slopes.shape[0]
    if i < mask.shape[0] * rows and mask[i // rows]:
        b, row = i // rows, i % rows
        depths, pixels = drawn.depths[b].T, drawn.pixels[b].T
        scratch = Scratch(depths, pixels, drawn.floats[b], drawn.integers[b], drawn.tiles[b])
        frame = Frame(depths, pixels, scratch.floats, lens.row_slopes, row, row + 1)
        draw_scene(scenes, poses, width, styles[b], lens, variation, palette, tables, scratch, frame, b)
        show(views, words, lens, variation, styles[b], scenes.step_count[b], frame, False, b)
