"""Walls, doors, floor and ceiling: one ray a column marches over the tiles, then the picture is filled row by row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, LOCKED, NOTHING_CODE, WALL_CODE
from groundling.envs.engine.floors import PLAIN_FLOOR
from groundling.envs.first_person.atlas import Atlas, texel_at
from groundling.envs.first_person.camera import WALL_HEIGHT_M, Lens
from groundling.envs.first_person.drawing import (
    BYTE,
    EIGHT,
    HALF,
    ONE,
    SIXTEEN,
    TINY_STEP,
    ZERO,
    F,
    chosen,
    drawing_kernel,
    floor_of,
    inlined_drawing_kernel,
    packed,
)
from groundling.envs.first_person.palette import Palette
from groundling.envs.first_person.patterns import SIZE, SIZE_BITS
from groundling.envs.first_person.style import WHITEN, Style, fog, level_of, shade
from groundling.envs.first_person.textures import (
    CLOSED_DOOR,
    LOCKED_DOOR,
    ROOM_FLOORS,
    ROOM_WALLS,
    STARTS,
)

# Rows of a frame's tables of columns
DEPTH, V_START, V_STEP, SLOPE, CHANGE = range(5)  # float32; the last is the first of CHANGES
TEXTURE, RED, GREEN, BLUE, CODE, OTHER_FLOORS, FLOOR = range(7)  # int32; the last is the first of CHANGES
CHANGES = 2  # of the floor along a ray, from one room to another; what lies farther looks as the last of them
FLOAT_ROWS, INTEGER_ROWS = CHANGE + CHANGES, FLOOR + CHANGES

CODE_SHIFT = 24  # a pixel is 0xCCBBGGRR: cell code (0 floor, 1 wall), blue, green, red


class Eye(NamedTuple):
    """Where a camera is and looks."""

    x: np.float32
    y: np.float32
    forward_x: np.float32
    forward_y: np.float32


@drawing_kernel
def floor_texture(code: int, style: Style) -> int:
    """The texture of a floor code."""
    return style.floor if code == PLAIN_FLOOR else ROOM_FLOORS + code - 1


@drawing_kernel
def floor_at(floors: NDArray[np.uint8], width: int, eye: Eye) -> int:
    """The code of the floor that a camera stands on."""
    tile = int(floor_of(eye.y)) * width + int(floor_of(eye.x))
    return int(floors[tile]) if 0 <= tile < len(floors) else PLAIN_FLOOR


@drawing_kernel
def meet_own_tile(cells: NDArray[np.uint8], width: int, eye: Eye, tiles: NDArray[np.int32]) -> np.uint64:
    """The set of what stands on the camera's own tile; where it stands is noted in ``tiles`` [objects]."""
    start = int(floor_of(eye.y)) * width + int(floor_of(eye.x))
    here = int(cells[start]) if 0 <= start < len(cells) else NOTHING_CODE
    if here < FIRST_OBJECT:
        return np.uint64(0)
    tiles[here - FIRST_OBJECT] = start
    return np.uint64(1) << np.uint64(here - FIRST_OBJECT)


@inlined_drawing_kernel
def cast_column(
    cells: NDArray[np.uint8],
    floors: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    eye: Eye,
    lens: Lens,
    style: Style,
    palette: Palette,
    own_floor: int,
    column: int,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
    tiles: NDArray[np.int32],
) -> np.uint64:
    """March the ray of a column to the wall or closed door that ends it.

    Args:
        cells: [H * W] cell codes of one environment.
        floors: [H * W] floor codes, or [0] where all are plain.
        looks: [O + 2] look of each cell code.
        width: W.
        eye: where the camera is.
        lens: the camera's tables.
        style: how the episode looks.
        palette: what types and colors look like; it has those of all doors.
        own_floor: code of the floor that the camera stands on.
        column: of the picture.
        floats: [FLOAT_ROWS, stride], written: of each column.
        integers: [INTEGER_ROWS, stride], written: of each column; CHANGE and FLOOR are left to ``other_floors``.
        tiles: [objects], written: on which tile each object that was met stands.

    Returns:
        The set of the objects on tiles that the ray crossed, a bit each.
    """
    met = np.uint64(0)
    ceiling = F(WALL_HEIGHT_M) - F(lens.eye_height_m)
    first, step = F(lens.first_slope), F(lens.slope_step)
    start_x, start_y = int(floor_of(eye.x)), int(floor_of(eye.y))
    start = start_y * width + start_x
    in_x, in_y = eye.x - F(start_x), eye.y - F(start_y)
    has_floors = len(floors) > 0
    # forward has length 1 and the rest stands at right angles to it: the ray's parameter is the depth along the
    # camera's axis, not the distance, so straight walls stay straight
    slope = first + F(column) * step
    ray_x = eye.forward_x - slope * eye.forward_y
    ray_y = eye.forward_y + slope * eye.forward_x
    # a ray along an axis would divide by zero
    if abs(ray_x) < TINY_STEP:
        ray_x = TINY_STEP
    if abs(ray_y) < TINY_STEP:
        ray_y = TINY_STEP
    across_x, across_y = ONE / abs(ray_x), ONE / abs(ray_y)  # depth gained in a tile
    move_x = 1 if ray_x > ZERO else -1
    move_y = width if ray_y > ZERO else -width
    next_x = (ONE - in_x if ray_x > ZERO else in_x) * across_x  # depth of the next border
    next_y = (ONE - in_y if ray_y > ZERO else in_y) * across_y
    tile = start
    depth = ZERO
    vertical = True  # the border last crossed runs along y
    code = WALL_CODE
    door = 0
    along = ZERO
    through = False  # a doorway
    # Amanatides and Woo 1987: of the next borders along x and along y the ray crosses the nearer one
    while True:
        if next_x < next_y:
            depth = next_x
            next_x += across_x
            tile += move_x
            vertical = True
        else:
            depth = next_y
            next_y += across_y
            tile += move_y
            vertical = False
        if tile < 0 or tile >= len(cells):
            code = WALL_CODE
            break
        code = int(cells[tile])
        if code == NOTHING_CODE:
            continue
        if code == WALL_CODE:
            break
        met |= np.uint64(1) << np.uint64(code - FIRST_OBJECT)
        tiles[code - FIRST_OBJECT] = tile
        seen = looks[code]
        if seen & 0xFF != DOOR:
            continue
        through = True
        state = (seen >> 16) & 0xFF
        if state in (CLOSED, LOCKED):
            # a door hangs in the middle of its tile
            row = tile // width
            if spans_x(cells, tile):
                at = (F(row) + HALF - eye.y) / ray_y
                along = eye.x + at * ray_x - F(tile - row * width)
                crossing = False
            else:
                at = (F(tile - row * width) + HALF - eye.x) / ray_x
                along = eye.y + at * ray_y - F(row)
                crossing = True
            if at > ZERO and along >= ZERO and along < ONE:
                depth = at
                vertical = crossing
                door = LOCKED_DOOR if state == LOCKED else CLOSED_DOOR
                break
    if door == 0:
        along = eye.y + depth * ray_y if vertical else eye.x + depth * ray_x
        along -= floor_of(along)
    texture = door if door != 0 else style.wall
    if has_floors:
        last = tile if door != 0 else tile - (move_x if vertical else move_y)
        floor = int(floors[last])
        if door == 0 and floor != PLAIN_FLOOR:
            texture = ROOM_WALLS + floor - 1
        integers[OTHER_FLOORS, column] = through or floor != own_floor
    level = level_of(F(SIZE) * depth * step)
    size = SIZE >> level
    texels = F(size)
    # rounding can make a fraction of a tile 1
    u = min(int(along * texels), size - 1)
    facing = -style.light_x * F(1 if move_x > 0 else -1) if vertical else -style.light_y * F(1 if move_y > 0 else -1)
    light = (F(0.9) + F(0.3) * facing) * fog(depth)
    floats[DEPTH, column] = depth
    floats[SLOPE, column] = slope
    floats[V_START, column] = ceiling * texels / F(WALL_HEIGHT_M)
    floats[V_STEP, column] = depth * texels / F(WALL_HEIGHT_M)
    integers[TEXTURE, column] = STARTS[texture, level] + u * size
    if door != 0:
        color = (looks[code] >> 8) & 0xFF
        integers[RED, column] = shade(light * style.light_red * (WHITEN + (ONE - WHITEN) * palette.colors[color, 0]))
        integers[GREEN, column] = shade(
            light * style.light_green * (WHITEN + (ONE - WHITEN) * palette.colors[color, 1])
        )
        integers[BLUE, column] = shade(light * style.light_blue * (WHITEN + (ONE - WHITEN) * palette.colors[color, 2]))
    else:
        code = WALL_CODE
        integers[RED, column] = shade(light * style.wall_red)
        integers[GREEN, column] = shade(light * style.wall_green)
        integers[BLUE, column] = shade(light * style.wall_blue)
    integers[CODE, column] = code << CODE_SHIFT
    return met


@drawing_kernel
def repeat_last_column(lens: Lens, floats: NDArray[np.float32], integers: NDArray[np.int32]) -> None:
    """Fill the columns that are more than the picture has, up to a whole block."""
    first, step = F(lens.first_slope), F(lens.slope_step)
    for column in range(lens.width, lens.stride):
        for i in range(FLOAT_ROWS):
            floats[i, column] = floats[i, lens.width - 1]
        for i in range(INTEGER_ROWS):
            integers[i, column] = integers[i, lens.width - 1]
        floats[SLOPE, column] = first + F(column) * step


@drawing_kernel
def cast_columns(
    cells: NDArray[np.uint8],
    floors: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    eye: Eye,
    lens: Lens,
    style: Style,
    palette: Palette,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
    tiles: NDArray[np.int32],
) -> np.uint64:
    """March one ray a column; arguments and what is returned as of :func:`cast_column`, of all columns."""
    met = meet_own_tile(cells, width, eye, tiles)
    own_floor = floor_at(floors, width, eye)
    for column in range(lens.width):
        met |= cast_column(
            cells, floors, looks, width, eye, lens, style, palette, own_floor, column, floats, integers, tiles
        )
    repeat_last_column(lens, floats, integers)
    return met


@drawing_kernel
def spans_x(cells: NDArray[np.uint8], tile: int) -> bool:
    """Whether a doorway stands between walls on its left and right, so that one passes along y."""
    return bool(cells[max(tile - 1, 0)] == WALL_CODE and cells[min(tile + 1, len(cells) - 1)] == WALL_CODE)


@drawing_kernel
def fill_background(
    eye: Eye,
    lens: Lens,
    style: Style,
    floor: int,
    atlas: Atlas,
    floats: NDArray[np.float32],
    integers: NDArray[np.int32],
    depths: NDArray[np.float32],
    pixels: NDArray[np.uint32],
    top: int,
    bottom: int,
) -> None:
    """Draw walls, doors, ceiling, and everywhere the floor that the camera stands on, in the rows from top to bottom.

    Args:
        eye: where the camera is.
        lens: the camera's tables.
        style: how the episode looks.
        floor: the texture of the floor that the camera stands on.
        atlas: what everything is made of.
        floats: of each column.
        integers: of each column.
        depths: [H, stride], written.
        pixels: [H, stride], written: 0xCCBBGGRR.
        top: the first row that is drawn.
        bottom: the end of the rows that are drawn.
    """
    for row in range(top, bottom):
        slope, far = lens.row_slopes[row], lens.row_depths[row]
        level = lens.row_levels[row]
        bits = SIZE_BITS - level
        side = F(1 << bits)
        mask = np.int32((1 << bits) - 1)
        light = lens.row_lights[row]
        if slope > ZERO:
            texture = np.int32(STARTS[floor, level])
            lights = light * style.floor_red, light * style.floor_green, light * style.floor_blue
        else:
            texture = STARTS[style.ceiling, level]
            lights = light * style.ceiling_red, light * style.ceiling_green, light * style.ceiling_blue
        row_red, row_green, row_blue = shade(lights[0]), shade(lights[1]), shade(lights[2])
        u_start = (eye.x + far * eye.forward_x) * side
        v_start = (eye.y + far * eye.forward_y) * side
        u_step = -far * eye.forward_y * side
        v_step = far * eye.forward_x * side
        shift = np.int32(bits)
        for column in range(lens.stride):
            depth, aside = floats[DEPTH, column], floats[SLOPE, column]
            # all ones where the wall is nearer than the floor, else 0: a mask instead of a branch, for vectors
            wall = np.int32(-np.int32(depth < far))
            down = np.int32(floats[V_START, column] + slope * floats[V_STEP, column])
            on_wall = np.int32(integers[TEXTURE, column] + down)
            # the size is a power of two, so the mask repeats the texture on every tile
            u = np.int32(np.int32(u_start + aside * u_step) & mask)
            v = np.int32(np.int32(v_start + aside * v_step) & mask)
            on_floor = np.int32(texture + np.int32(np.int32(v << shift) | u))
            texel = np.int32(texel_at(atlas, np.uint32(chosen(wall, on_wall, on_floor))))
            red = chosen(wall, integers[RED, column], row_red)
            green = chosen(wall, integers[GREEN, column], row_green)
            blue = chosen(wall, integers[BLUE, column], row_blue)
            r = np.int32(np.int32(np.int32(texel & BYTE) * red) >> EIGHT)
            g = np.int32(np.int32(np.int32(np.int32(texel >> EIGHT) & BYTE) * green) >> EIGHT)
            b = np.int32(np.int32(np.int32(texel >> SIXTEEN) * blue) >> EIGHT)
            pixels[row, column] = packed(r, g, b, np.uint32(np.int32(integers[CODE, column] & wall)))
            depths[row, column] = depth if depth < far else far
