"""A room from above, for people: the monster is a red disc, items are diamonds, each with its letter."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.drawing import FLOOR_RGB, SELF_RGB, TILE, write_word
from groundling.envs.families.manuals.rock_paper_scissors.names import ITEM_ID, MONSTER_ID, NAMES
from groundling.envs.families.manuals.rtfm.drawing import ITEM_RGB, WALL_RGB, draw_diamond
from groundling.envs.families.manuals.rtfm.names import RESERVED, SELF_ID, WALL_ID

MONSTER_RGB: Final = (230, 90, 50)


def draw(symbols: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture [H * TILE, W * TILE, 3] uint8 of the symbols [H, W, 3] of a room."""
    height, width = symbols.shape[:2]
    picture = np.empty((height * TILE, width * TILE, 3), dtype=np.uint8)
    picture[:] = FLOOR_RGB
    center = (TILE // 2, TILE // 2)
    for row in range(height):
        for column in range(width):
            tile = picture[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            noun, letter = int(symbols[row, column, 0]), int(symbols[row, column, 1])
            if noun == WALL_ID:
                tile[:] = WALL_RGB
            elif noun == ITEM_ID:
                draw_diamond(tile, ITEM_RGB)
            elif noun in (SELF_ID, MONSTER_ID):
                color = SELF_RGB if noun == SELF_ID else MONSTER_RGB
                cv2.circle(tile, center, TILE // 3, color, -1, cv2.LINE_AA)
            if noun in (SELF_ID, MONSTER_ID, ITEM_ID):
                write_word(tile, NAMES[(letter or noun) - RESERVED], TILE // 2 + 4)
    return picture
