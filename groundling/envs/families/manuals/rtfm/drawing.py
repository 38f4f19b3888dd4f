"""A room from above, for people: monsters are discs in the color of their element, items are diamonds."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.drawing import FLOOR_RGB, SELF_RGB, TILE, write_word
from groundling.envs.families.manuals.rtfm.names import (
    FIRST_ELEMENT,
    FIRST_ITEM,
    FIRST_KIND,
    FIRST_MODIFIER,
    NAMES,
    RESERVED,
    SELF_ID,
    WALL_ID,
)

WALL_RGB: Final = (130, 130, 130)
ELEMENT_RGB: Final = ((90, 160, 255), (230, 90, 50), (235, 215, 70), (90, 190, 80))  # cold, fire, lightning, poison
ITEM_RGB: Final = (170, 120, 210)


def draw(symbols: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture [H * TILE, W * TILE, 3] uint8 of the symbols [H, W, 3] of a room."""
    height, width = symbols.shape[:2]
    picture = np.empty((height * TILE, width * TILE, 3), dtype=np.uint8)
    picture[:] = FLOOR_RGB
    for row in range(height):
        for column in range(width):
            tile = picture[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            _draw_tile(tile, int(symbols[row, column, 0]), int(symbols[row, column, 1]))
    return picture


def _draw_tile(tile: NDArray[np.uint8], noun: int, adjective: int) -> None:
    center = (TILE // 2, TILE // 2)
    if noun == WALL_ID:
        tile[:] = WALL_RGB
    elif noun == SELF_ID:
        cv2.circle(tile, center, TILE // 3, SELF_RGB, -1, cv2.LINE_AA)
    elif FIRST_KIND <= noun < FIRST_ITEM:
        cv2.circle(tile, center, TILE // 2 - 3, ELEMENT_RGB[adjective - FIRST_ELEMENT], -1, cv2.LINE_AA)
    elif noun >= FIRST_ITEM and adjective >= FIRST_MODIFIER:
        draw_diamond(tile, ITEM_RGB)
    else:
        return
    if noun != WALL_ID:
        words = [NAMES[number - RESERVED] for number in (adjective, noun) if number]
        for line, word in enumerate(words):
            write_word(tile, word, TILE // 2 + 14 * line - (4 if len(words) > 1 else -4))


def draw_diamond(tile: NDArray[np.uint8], rgb: tuple[int, int, int]) -> None:
    """A diamond that fills a tile."""
    half = TILE // 2
    corners = np.array([[half, 3], [TILE - 4, half], [half, TILE - 4], [3, half]], dtype=np.int32)
    cv2.fillPoly(tile, [corners], rgb, cv2.LINE_AA)
