"""The view from above as a sense: the tiles of the pictures, put together by a kernel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine import constants, dynamics, floors, state
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import BORDER, CLOSED, DOOR, LOCKED, NOTHING_CODE, NUM_STATES, OPEN, look_parts
from groundling.envs.engine.dynamics import shown_by
from groundling.envs.engine.floors import TINTS
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.engine.state import Worlds
from groundling.envs.tiles import draw_tile
from groundling.errors import ConfigurationError

MIN_PIXELS, MAX_PIXELS = 4, 64
BODY_RADIUS = 0.4  # tiles; drawn larger than a rover is, so that it is seen at a few pixels a tile
RED, WHITE = (255, 0, 0), (255, 255, 255)

kernel = compiler(__file__, state.__file__, constants.__file__, floors.__file__, *dynamics.SOURCES)


class TopDownPainter:
    """Draws the worlds of a bank from above.

    Args:
        bank: the episodes that will be played.
        tile_pixels: P, of a tile.
        kinds: the types and colors of the worlds.

    Raises:
        ConfigurationError: if P is not from 4 to 64, or the bank has types or colors that the kinds lack.
    """

    def __init__(self, bank: EpisodeBank, tile_pixels: int, kinds: Kinds = PLAIN_KINDS) -> None:
        if not MIN_PIXELS <= tile_pixels <= MAX_PIXELS:
            raise ConfigurationError(f"top-down tiles have {MIN_PIXELS} to {MAX_PIXELS} pixels, got {tile_pixels}")
        looks = {int(seen) & 0xFFFFFF for seen in np.unique(bank.looks)}
        doors = {seen & 0xFFFF for seen in looks if look_parts(seen)[0] == DOOR}
        looks |= {door | state << 16 for door in doors for state in (OPEN, CLOSED, LOCKED)}
        self._tiles = np.zeros((len(looks), tile_pixels, tile_pixels, 3), dtype=np.uint8)
        self._tile_of = np.zeros((len(kinds.solids), len(kinds.rgb), NUM_STATES), dtype=np.int16)
        half = tile_pixels // 2
        self._small_tiles = np.zeros((len(looks), half, half, 3), dtype=np.uint8)
        for row, seen in enumerate(sorted(looks)):
            kind, color, state = look_parts(seen)
            kinds.check(kind, color)
            self._tiles[row] = draw_tile(kind, color, state, tile_pixels, kinds)
            self._small_tiles[row] = draw_tile(kind, color, state, half, kinds)
            self._tile_of[kind, color, state] = row
        _, height, width = bank.cells.shape
        self.shape = (height * tile_pixels, width * tile_pixels, 3)

    def draw(
        self,
        state: Worlds,
        width: int,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        heading: NDArray[np.float64],
        pictures: NDArray[np.uint8],
        rows: NDArray[np.int64],
    ) -> None:
        """Draw environments ``rows`` [R] into ``pictures`` [B, H * P, W * P, 3]; poses [B] are in tiles and radians."""
        draw_from_above(state, width, x, y, heading, self._tiles, self._small_tiles, self._tile_of, pictures, rows)


@kernel
def lay(floor: int, picture: NDArray[np.uint8], top: int, left: int, size: int) -> None:
    """Give the black pixels of a tile the tint of its floor."""
    for line in range(top, top + size):
        for dot in range(left, left + size):
            if picture[line, dot, 0] == 0 and picture[line, dot, 1] == 0 and picture[line, dot, 2] == 0:
                for channel in range(3):
                    picture[line, dot, channel] = TINTS[floor, channel]


@kernel
def draw_from_above(
    w: Worlds,
    width: int,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    heading: NDArray[np.float64],
    tiles: NDArray[np.uint8],
    small_tiles: NDArray[np.uint8],
    tile_of: NDArray[np.int16],
    pictures: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> None:
    """Copy every cell's tile into the picture, what shows on its thing small into the upper right, then the body.

    The ground is black or, where a world has floors, of their tints; the body is a red disc with a white nose.
    """
    size, half = tiles.shape[1], small_tiles.shape[1]
    for i in range(rows.shape[0]):
        b = rows[i]
        for row in range(pictures.shape[1] // size):
            for column in range(pictures.shape[2] // size):
                place = (row + BORDER) * width + column + BORDER
                seen = w.looks[b, w.cells[b, place]]
                tile = tile_of[seen & 0xFF, seen >> 8 & 0xFF, seen >> 16 & 0xFF]
                for line in range(size):
                    for dot in range(size):
                        for channel in range(3):
                            pixel = tiles[tile, line, dot, channel]
                            pictures[b, row * size + line, column * size + dot, channel] = pixel
                shown = shown_by(w, b, int(w.cells[b, place]))
                if shown != NOTHING_CODE:
                    seen = w.looks[b, shown]
                    tile = tile_of[seen & 0xFF, seen >> 8 & 0xFF, seen >> 16 & 0xFF]
                    for line in range(half):
                        for dot in range(half):
                            for channel in range(3):
                                pixel = small_tiles[tile, line, dot, channel]
                                pictures[b, row * size + line, (column + 1) * size - half + dot, channel] = pixel
                if w.floors.shape[1] > 0:
                    lay(w.floors[b, place], pictures[b], row * size, column * size, size)
        center_x, center_y = (x[b] - BORDER) * size, (y[b] - BORDER) * size
        radius = BODY_RADIUS * size
        ahead_x, ahead_y = math.cos(heading[b]), math.sin(heading[b])
        for line in range(max(0, int(center_y - radius)), min(pictures.shape[1], int(center_y + radius) + 1)):
            for dot in range(max(0, int(center_x - radius)), min(pictures.shape[2], int(center_x + radius) + 1)):
                off_x, off_y = dot + 0.5 - center_x, line + 0.5 - center_y
                if off_x * off_x + off_y * off_y > radius * radius:
                    continue
                ahead = off_x * ahead_x + off_y * ahead_y
                beside = abs(off_x * ahead_y - off_y * ahead_x)
                is_nose = ahead > 0 and beside < max(0.12 * size, 0.6)
                for channel in range(3):
                    pictures[b, line, dot, channel] = WHITE[channel] if is_nose else RED[channel]
