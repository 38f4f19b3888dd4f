"""What agents see of a grid as the paper's pictures: 56 x 56 pixels, 8 x 8 of a cell, with a ring of walls."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.names import COLORS, FIRST_COLOR, FIRST_SHAPE, FLOOR_ID, SHAPES, SIZE
from groundling.envs.families.gridlu.state import ABSENT, CARRYING, FREE

PIXELS: Final = 8  # of a cell
PICTURE_SHAPE: Final = ((SIZE + 2) * PIXELS, (SIZE + 2) * PIXELS, 3)
WALL_RGB, AGENT_RGB = (110, 110, 110), (255, 255, 255)
BLOCK_RGB: Final = {"red": (220, 40, 40), "green": (40, 190, 60), "blue": (60, 90, 230)}


def shape_mask(shape: str) -> NDArray[np.bool_]:
    """Which of the pixels of a cell [8, 8] a block of a shape has."""
    y, x = np.mgrid[:PIXELS, :PIXELS] - (PIXELS - 1) / 2
    inside = np.maximum(abs(x), abs(y)) < 3
    if shape == "circle":
        return inside & (x**2 + y**2 < 8)
    return inside & (abs(x) <= (y + 3) / 2) if shape == "triangle" else inside


@cache
def tiles() -> NDArray[np.uint8]:
    """Pictures of cells by what is seen of them, [shapes + 1, colors + 1, 3, 8, 8, 3]; the first of each is floor."""
    found = np.zeros((len(SHAPES) + 1, len(COLORS) + 1, 3, PIXELS, PIXELS, 3), dtype=np.uint8)
    frame = np.ones((PIXELS, PIXELS), dtype=np.bool_)
    frame[1:-1, 1:-1] = False
    found[:, :, FREE, frame] = AGENT_RGB
    for color, name in enumerate(COLORS, start=1):
        found[:, color, CARRYING, frame] = BLOCK_RGB[name]
        for shape, kind in enumerate(SHAPES, start=1):
            for agent in (ABSENT, FREE, CARRYING):
                found[shape, color, agent, shape_mask(kind)] = BLOCK_RGB[name]
    return found


def paint(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures [B, 56, 56, 3] uint8 of what agents see as symbols, [B, 5, 5, 3]."""
    shape = np.where(image[..., 0] == FLOOR_ID, 0, image[..., 0].astype(np.int64) + 1 - FIRST_SHAPE)
    color = np.where(image[..., 1] == 0, 0, image[..., 1].astype(np.int64) + 1 - FIRST_COLOR)
    cells = tiles()[shape, color, image[..., 2]]  # [B, 5, 5, 8, 8, 3]
    pictures = np.empty((len(image), *PICTURE_SHAPE), dtype=np.uint8)
    pictures[:] = WALL_RGB
    inner = cells.transpose(0, 1, 3, 2, 4, 5).reshape(len(image), SIZE * PIXELS, SIZE * PIXELS, 3)
    pictures[:, PIXELS:-PIXELS, PIXELS:-PIXELS] = inner
    return pictures
