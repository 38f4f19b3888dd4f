"""A grid as a picture, for people: blocks in their colors, and a cursor that has the color of what it carries."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.names import NUM_CELLS, SHAPES, SIZE
from groundling.envs.families.gridlu.state import NONE, Worlds

TILE: Final = 64  # pixels
FLOOR_RGB, LINE_RGB, CURSOR_RGB = (70, 70, 76), (84, 84, 90), (235, 235, 235)
BLOCK_RGB: Final = ((214, 62, 54), (74, 174, 80), (62, 108, 214))  # red, green, blue
MARGIN: Final = 12


def draw(worlds: Worlds, row: int) -> NDArray[np.uint8]:
    """A picture [320, 320, 3] uint8 of the grid of an environment."""
    picture = np.empty((SIZE * TILE, SIZE * TILE, 3), dtype=np.uint8)
    picture[:] = FLOOR_RGB
    picture[::TILE] = LINE_RGB
    picture[:, ::TILE] = LINE_RGB
    agent, carried = int(worlds.position[row]), int(worlds.carried[row])
    for cell in range(NUM_CELLS):
        y, x = cell // SIZE * TILE, cell % SIZE * TILE
        tile = picture[y : y + TILE, x : x + TILE]
        block = int(worlds.blocks[row, cell])
        if block != NONE:
            draw_block(tile, block)
        if cell == agent:
            color = CURSOR_RGB if carried == NONE else BLOCK_RGB[(carried - 1) % 3]
            cv2.rectangle(tile, (4, 4), (TILE - 4, TILE - 4), color, 4)
            if carried != NONE:
                draw_block(tile, carried)
    return picture


def draw_block(tile: NDArray[np.uint8], block: int) -> None:
    """A block on a tile [64, 64, 3]."""
    color, shape = BLOCK_RGB[(block - 1) % 3], SHAPES[(block - 1) // 3]
    low, high, middle = MARGIN, TILE - MARGIN, TILE // 2
    if shape == "circle":
        cv2.circle(tile, (middle, middle), middle - MARGIN, color, -1, cv2.LINE_AA)
    elif shape == "square":
        cv2.rectangle(tile, (low, low), (high, high), color, -1)
    else:
        corners = np.array([[middle, low], [high, high], [low, high]], dtype=np.int32)
        cv2.fillPoly(tile, [corners], color, cv2.LINE_AA)
