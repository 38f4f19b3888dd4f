"""Pictures of a world from above."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.constants import BORDER, UNSEEN, VIEW_SIZE
from groundling.envs.rovers import RoverBatch
from groundling.envs.tiles import thing
from groundling.envs.worlds import WorldBatch

TILE_PIXELS: Final = 32
_SUBPIXEL_BITS: Final = 8  # of OpenCV's fixed-point coordinates


def world_layout(worlds: WorldBatch | RoverBatch, row: int) -> tuple[NDArray[np.uint8], tuple[int, int], int]:
    """The map of one environment as MiniGrid encodes it.

    Returns:
        (type, color, state) of every tile [H, W, 3] uint8, the agent's (x, y), and its direction.
    """
    state = worlds.state
    _, height, _ = worlds.bank.cells.shape
    cells = state.cells[row].reshape(height + 2 * BORDER, worlds.width)[BORDER:-BORDER, BORDER:-BORDER]
    looks = state.looks[row][cells]
    layout = np.stack([looks & 0xFF, (looks >> 8) & 0xFF, (looks >> 16) & 0xFF], axis=-1).astype(np.uint8)
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
    """
    from minigrid.core.grid import Grid

    layout, position, direction = world_layout(worlds, row)
    height, width = layout.shape[:2]
    grid = Grid(width, height)
    for y, x in np.ndindex(height, width):
        grid.set(x, y, thing(*map(int, layout[y, x])))
    visible = visible_tiles(worlds, row).T
    if isinstance(worlds, RoverBatch):
        # MiniGrid draws no agent outside of the map
        picture = np.array(grid.render(tile_pixels, (-1, -1), 0, highlight_mask=visible), dtype=np.uint8)
        _draw_rover(picture, worlds, row, tile_pixels)
        return picture
    return np.asarray(grid.render(tile_pixels, position, direction, highlight_mask=visible), dtype=np.uint8)


def _draw_rover(picture: NDArray[np.uint8], worlds: RoverBatch, row: int, tile_pixels: int) -> None:
    """A disc of the body's size with a nose where it heads, in the red of MiniGrid's agent."""
    poses = worlds.poses
    center = (np.array([poses.x[row], poses.y[row]]) - BORDER) * tile_pixels
    radius = worlds.rover.radius_m * tile_pixels
    nose = center + 1.6 * radius * np.array([np.cos(poses.heading[row]), np.sin(poses.heading[row])])
    scale = 1 << _SUBPIXEL_BITS

    def subpixel(point: NDArray[np.float64]) -> tuple[int, int]:
        return round(float(point[0]) * scale), round(float(point[1]) * scale)

    cv2.circle(picture, subpixel(center), int(radius * scale), (255, 0, 0), cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    width = max(1, tile_pixels // 10)
    cv2.line(picture, subpixel(center), subpixel(nose), (255, 0, 0), width, cv2.LINE_AA, _SUBPIXEL_BITS)
