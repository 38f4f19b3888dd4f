"""Pictures of a world from above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import (
    BORDER,
    CLOSED,
    FIRST_OBJECT,
    HELD,
    HOLDS,
    NOTHING_CODE,
    NOWHERE,
    UNSEEN,
    VIEW_SIZE,
    look_parts,
)
from groundling.envs.engine.floors import TINTS
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.tiles import draw_tile, thing

if TYPE_CHECKING:
    from minigrid.core.grid import Grid

TILE_PIXELS: Final = 32
HIGHLIGHT: Final = 0.3  # how much whiter MiniGrid draws what is in view
_SUBPIXEL_BITS: Final = 8  # of OpenCV's fixed-point coordinates


def world_layout(worlds: WorldBatch | RoverBatch, row: int) -> tuple[NDArray[np.uint8], tuple[int, int], int]:
    """The map of one environment as MiniGrid encodes it.

    Returns:
        (type, color, state) of every tile [H, W, 3] uint8, the agent's (x, y), and its direction. The color of a free
        tile is its floor.
    """
    state = worlds.state
    _, height, _ = worlds.bank.cells.shape
    cells = state.cells[row].reshape(height + 2 * BORDER, worlds.width)[BORDER:-BORDER, BORDER:-BORDER]
    looks = state.looks[row][cells]
    layout = np.stack([looks & 0xFF, (looks >> 8) & 0xFF, (looks >> 16) & 0xFF], axis=-1).astype(np.uint8)
    if state.floors.shape[1] > 0:
        floors = state.floors[row].reshape(-1, worlds.width)[BORDER:-BORDER, BORDER:-BORDER]
        layout[..., 1] = np.where(cells == NOTHING_CODE, floors, layout[..., 1])
    y, x = divmod(int(state.position[row]), worlds.width)
    return layout, (x - BORDER, y - BORDER), int(state.direction[row])


def visible_tiles(worlds: WorldBatch | RoverBatch, row: int) -> NDArray[np.bool_]:
    """Which tiles [H, W] the agent of one environment sees now; of a rover none are marked."""
    layout, (x, y), direction = world_layout(worlds, row)
    if isinstance(worlds, RoverBatch):
        return np.zeros(layout.shape[:2], dtype=np.bool_)
    image = worlds.observations.image[row].reshape(VIEW_SIZE, VIEW_SIZE, 3)
    ahead = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)][direction])
    right = np.array([-ahead[1], ahead[0]])
    height, width = layout.shape[:2]
    visible = np.zeros((height, width), dtype=np.bool_)
    for column in range(VIEW_SIZE):
        for line in range(VIEW_SIZE):
            if image[column, line, 0] == UNSEEN:
                continue
            tile_x, tile_y = np.array([x, y]) + (VIEW_SIZE - 1 - line) * ahead + (column - VIEW_SIZE // 2) * right
            if 0 <= tile_y < height and 0 <= tile_x < width:
                visible[tile_y, tile_x] = True
    return visible


def render_world(worlds: WorldBatch | RoverBatch, row: int, *, tile_pixels: int = TILE_PIXELS) -> NDArray[np.uint8]:
    """A top-down picture of one environment, what the agent sees lit up, or a rover at its pose.

    Returns:
        [H * tile_pixels, W * tile_pixels, 3] uint8, RGB.

    Raises:
        ConfigurationError: if the worlds have types or colors of a task's own, but not its lexicon.
    """
    layout, position, direction = world_layout(worlds, row)
    if isinstance(worlds, RoverBatch):
        poses = worlds.poses
        place = poses.x[row] - BORDER, poses.y[row] - BORDER
        radius = worlds.rover.radius_m
        picture = render_body(layout, place, poses.heading[row], radius, tile_pixels=tile_pixels, kinds=worlds.kinds)
        _draw_shown(picture, worlds, row, tile_pixels)
        return _on_floors(picture, worlds, row, tile_pixels)
    visible = visible_tiles(worlds, row)
    has_floors = worlds.state.floors.shape[1] > 0
    lit = np.zeros_like(visible) if has_floors else visible  # what is lit is no longer black, as the ground is
    rendered = _grid_of(layout, worlds.kinds).render(tile_pixels, position, direction, highlight_mask=lit.T)
    picture = np.array(rendered, dtype=np.uint8)
    _draw_shown(picture, worlds, row, tile_pixels)
    if not has_floors:
        return picture
    picture = _on_floors(picture, worlds, row, tile_pixels)
    lit_pixels = visible.repeat(tile_pixels, axis=0).repeat(tile_pixels, axis=1)[:, :, None]
    return np.where(lit_pixels, picture + HIGHLIGHT * (255.0 - picture), picture).astype(np.uint8)


def _on_floors(
    picture: NDArray[np.uint8], worlds: WorldBatch | RoverBatch, row: int, tile_pixels: int
) -> NDArray[np.uint8]:
    """A picture with the tints of the floors where it is black."""
    floors = worlds.state.floors[row]
    if not floors.size:
        return picture
    tints = TINTS[floors.reshape(-1, worlds.width)[BORDER:-BORDER, BORDER:-BORDER]]
    ground = tints.repeat(tile_pixels, axis=0).repeat(tile_pixels, axis=1)
    return np.where(picture.any(axis=-1, keepdims=True), picture, ground)


def shown_things(worlds: WorldBatch | RoverBatch, row: int) -> list[tuple[tuple[int, int], tuple[int, int, int]]]:
    """What stands on things or lies in open ones: the (x, y) of each, and its type, color and state."""
    state, found = worlds.state, []
    for k in np.flatnonzero(state.contents[row] >= HOLDS).tolist():
        held, place = int(state.contents[row, k]) & HELD, int(state.positions[row, k])
        is_closed = look_parts(int(state.looks[row, k + FIRST_OBJECT]))[2] == CLOSED
        if held != NOTHING_CODE and place != NOWHERE and not is_closed:
            y, x = divmod(place, worlds.width)
            found.append(((x - BORDER, y - BORDER), look_parts(int(state.looks[row, held]))))
    return found


def _draw_shown(picture: NDArray[np.uint8], worlds: WorldBatch | RoverBatch, row: int, tile_pixels: int) -> None:
    """Draw what stands on things or lies in open ones, half as large, into the upper right of their tiles."""
    half = tile_pixels // 2
    for (column, line), look in shown_things(worlds, row):
        y, x = line * tile_pixels, column * tile_pixels
        picture[y : y + half, x + tile_pixels - half : x + tile_pixels] = draw_tile(*look, half, worlds.kinds)


def render_body(
    layout: NDArray[np.uint8],
    place: tuple[float, float],
    heading_rad: float,
    radius: float,
    *,
    tile_pixels: int = TILE_PIXELS,
    kinds: Kinds = PLAIN_KINDS,
) -> NDArray[np.uint8]:
    """A top-down picture of a map with a body on it that stands anywhere: a disc, and a nose where it heads.

    Args:
        layout: (type, color, state) of every tile [H, W, 3] uint8.
        place: x to the right and y down, in tiles.
        heading_rad: clockwise from the right.
        radius: of the body, in tiles.
        tile_pixels: pixels along a tile.
        kinds: the types and colors of the map.

    Returns:
        [H * tile_pixels, W * tile_pixels, 3] uint8, RGB.
    """
    nothing = np.zeros(layout.shape[1::-1], dtype=np.bool_)
    # MiniGrid draws no agent outside of the map
    picture = np.array(_grid_of(layout, kinds).render(tile_pixels, (-1, -1), 0, highlight_mask=nothing), dtype=np.uint8)
    _draw_body(picture, np.array(place) * tile_pixels, heading_rad, radius * tile_pixels, tile_pixels)
    return picture


def _grid_of(layout: NDArray[np.uint8], kinds: Kinds) -> Grid:
    from minigrid.core.grid import Grid

    height, width = layout.shape[:2]
    grid = Grid(width, height)
    for y, x in np.ndindex(height, width):
        kind, color, state = map(int, layout[y, x])
        grid.set(x, y, thing(kind, color, state, kinds))
    return grid


def _draw_body(
    picture: NDArray[np.uint8], center: NDArray[np.float64], heading_rad: float, radius: float, tile_pixels: int
) -> None:
    """In the red of MiniGrid's agent."""
    nose = center + 1.6 * radius * np.array([np.cos(heading_rad), np.sin(heading_rad)])
    scale = 1 << _SUBPIXEL_BITS

    def subpixel(point: NDArray[np.float64]) -> tuple[int, int]:
        return round(float(point[0]) * scale), round(float(point[1]) * scale)

    cv2.circle(picture, subpixel(center), int(radius * scale), (255, 0, 0), cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    width = max(1, tile_pixels // 10)
    cv2.line(picture, subpixel(center), subpixel(nose), (255, 0, 0), width, cv2.LINE_AA, _SUBPIXEL_BITS)
