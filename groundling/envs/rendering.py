"""Pictures of a world: MiniGrid's own tiles, drawn from our arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.constants import BORDER, UNSEEN, VIEW_SIZE
from groundling.envs.worlds import WorldBatch

TILE_PIXELS = 32


def world_layout(worlds: WorldBatch, row: int) -> tuple[NDArray[np.uint8], tuple[int, int], int]:
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


def visible_tiles(worlds: WorldBatch, row: int) -> NDArray[np.bool_]:
    """Which tiles [H, W] the agent of one environment sees now."""
    layout, (x, y), direction = world_layout(worlds, row)
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


def render_world(worlds: WorldBatch, row: int, *, tile_pixels: int = TILE_PIXELS) -> NDArray[np.uint8]:
    """A top-down picture of one environment, what the agent sees lit up.

    Returns:
        [H * tile_pixels, W * tile_pixels, 3] uint8, RGB.
    """
    from minigrid.core.grid import Grid

    layout, position, direction = world_layout(worlds, row)
    grid, _ = Grid.decode(layout.transpose(1, 0, 2))
    visible = visible_tiles(worlds, row).T
    return np.asarray(grid.render(tile_pixels, position, direction, highlight_mask=visible), dtype=np.uint8)
