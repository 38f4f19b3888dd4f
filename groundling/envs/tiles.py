"""Tiles: MiniGrid's own, and in their style our own objects, colors and sizes, and those of a task."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import constants
from groundling.envs.engine.constants import (
    BIG,
    EMPTY,
    FIRST_OWN_TYPE,
    HUGE,
    OPEN,
    ORDINARY,
    SIZES,
    SMALL,
    TINY,
    TYPE_OF_CODE,
)
from groundling.envs.engine.kinds import PLAIN_KINDS, SOLIDS, Kinds, Rgb
from groundling.envs.furniture_tiles import OPEN_STROKES, STROKES, draw_strokes
from groundling.language.goals import MINIGRID_COLORS, ObjectType

SCALES: Final = {TINY: 0.4, SMALL: 0.62, BIG: 0.85, HUGE: 1.12}  # beside the ordinary size, at which MiniGrid draws

_CANVAS_PIXELS: Final = 192  # shapes are drawn this large and then made smaller
_FULL, _DIM, _DARK = 255, 130, 0  # how much of its color a part of a shape shows
_SHAPE_OF: Final = {solid: shape for shape, solid in SOLIDS.items()}


def draw_tile(
    type_code: int, color_code: int, state: int, tile_pixels: int, kinds: Kinds = PLAIN_KINDS
) -> NDArray[np.uint8]:
    """A tile with this thing on it, [P, P, 3] uint8; errors as :func:`thing`."""
    from minigrid.core.grid import Grid

    drawn = thing(type_code, color_code, state, kinds)
    return np.asarray(Grid.render_tile(drawn, tile_size=tile_pixels), dtype=np.uint8)


def thing(type_code: int, color_code: int, state: int, kinds: Kinds = PLAIN_KINDS) -> Any:
    """What MiniGrid's grid draws on a tile: its own object where it has one, else one of ours, None for nothing.

    Raises:
        ConfigurationError: if the kinds have no such type or color.
    """
    from minigrid.core.world_object import WorldObj

    if type_code == EMPTY:  # whatever its floor, which its color tells
        return None
    if type_code >= FIRST_OWN_TYPE or color_code >= len(MINIGRID_COLORS) or state in SIZES:
        kinds.check(type_code, color_code)
        return _OwnThing(kinds.solids[type_code], kinds.rgb[color_code], state)
    return WorldObj.decode(type_code, color_code, state)


class _OwnThing:
    """An object that MiniGrid does not have, as its grid asks for it (``Grid.render_tile``, which keeps the tiles)."""

    def __init__(self, solid: int, rgb: Rgb, state: int) -> None:
        self.key = (solid, rgb, state)

    def encode(self) -> tuple[int, Rgb, int]:
        """The key under which MiniGrid keeps the tile; none of its own has a tuple in it."""
        return self.key

    def render(self, image: NDArray[np.uint8]) -> None:
        """Draw the object on a tile [P, P, 3]."""
        solid, rgb, state = self.key
        shape = _shape(solid, ORDINARY if state in SIZES else state)
        margin = round(_CANVAS_PIXELS * (1 / SCALES.get(state, 1) - 1) / 2)
        scaled = np.pad(shape, margin) if margin >= 0 else shape[-margin:margin, -margin:margin]
        shade = cv2.resize(scaled, image.shape[:2], interpolation=cv2.INTER_AREA)[:, :, None] / _FULL
        image[:] = np.where(shade > 0, shade * rgb, image)


@lru_cache(maxsize=64)
def _shape(solid: int, state: int) -> NDArray[np.uint8]:
    """How much of its color a solid shows on each pixel of the canvas, [P, P] uint8."""
    if solid < FIRST_OWN_TYPE:
        from minigrid.core.world_object import WorldObj

        picture = np.zeros((_CANVAS_PIXELS, _CANVAS_PIXELS, 3), dtype=np.uint8)
        drawing: Any = WorldObj.decode(solid, 0, state)  # in red
        drawing.render(picture)
        return picture[:, :, 0]
    pen = _Pen()
    match TYPE_OF_CODE.get(solid):
        case ObjectType.BELL:
            pen.circle(0.5, 0.16, 0.06)
            pen.ellipse(0.5, 0.42, 0.24, 0.24)
            pen.polygon((0.26, 0.42), (0.74, 0.42), (0.78, 0.62), (0.9, 0.74), (0.1, 0.74), (0.22, 0.62))
            pen.rectangle(0.1, 0.66, 0.9, 0.7, _DARK)
            pen.circle(0.5, 0.82, 0.08)
        case ObjectType.BOOK:
            for side in (-1, 1):
                pen.polygon((0.5, 0.3), (0.5 + 0.4 * side, 0.2), (0.5 + 0.4 * side, 0.72), (0.5, 0.84))
                for line in (0.38, 0.5, 0.62):
                    pen.line((0.5 + 0.1 * side, line), (0.5 + 0.32 * side, line - 0.055), 0.045, _DARK)
            pen.line((0.5, 0.28), (0.5, 0.86), 0.045, _DARK)
        case ObjectType.CUP:
            pen.circle(0.68, 0.52, 0.2)
            pen.circle(0.68, 0.52, 0.11, _DARK)
            pen.rectangle(0.16, 0.28, 0.68, 0.76)
            pen.ellipse(0.42, 0.76, 0.26, 0.09)
            pen.ellipse(0.42, 0.28, 0.26, 0.1, _DIM)
            pen.ellipse(0.42, 0.28, 0.19, 0.055, _DARK)
        case ObjectType.HAT:
            pen.ellipse(0.5, 0.74, 0.4, 0.11)
            pen.rectangle(0.27, 0.2, 0.73, 0.74)
            pen.ellipse(0.5, 0.2, 0.23, 0.06)
            pen.rectangle(0.27, 0.55, 0.73, 0.63, _DARK)
        case ObjectType.LAMP:
            pen.polygon((0.36, 0.1), (0.64, 0.1), (0.86, 0.5), (0.14, 0.5))
            pen.rectangle(0.46, 0.5, 0.54, 0.8, _DIM)
            pen.ellipse(0.5, 0.82, 0.24, 0.08, _DIM)
        case ObjectType.RING:
            pen.circle(0.5, 0.63, 0.28)
            pen.circle(0.5, 0.63, 0.19, _DARK)
            pen.line((0.26, 0.24), (0.74, 0.24), 0.06, _DARK)
            pen.polygon((0.28, 0.2), (0.38, 0.09), (0.62, 0.09), (0.72, 0.2), (0.5, 0.44))
            pen.polygon((0.38, 0.23), (0.62, 0.23), (0.5, 0.37), shade=_DIM)
        case ObjectType.STAR:
            angles = np.pi * (np.arange(10) / 5 - 0.5)
            radii = np.where(np.arange(10) % 2, 0.17, 0.41)
            pen.polygon(*zip(0.5 + radii * np.cos(angles), 0.52 + radii * np.sin(angles), strict=True))
    match solid:
        case constants.TORCH:
            pen.rectangle(0.46, 0.42, 0.54, 0.86, _DIM)
            pen.rectangle(0.34, 0.84, 0.66, 0.9, _DIM)
            pen.polygon((0.32, 0.42), (0.4, 0.22), (0.5, 0.06), (0.6, 0.22), (0.68, 0.42))
            pen.ellipse(0.5, 0.42, 0.18, 0.1)
        case constants.PILLAR:
            pen.rectangle(0.34, 0.16, 0.66, 0.84)
            pen.rectangle(0.24, 0.1, 0.76, 0.2)
            pen.rectangle(0.24, 0.8, 0.76, 0.9)
            pen.line((0.44, 0.24), (0.44, 0.76), 0.03, _DARK)
            pen.line((0.56, 0.24), (0.56, 0.76), 0.03, _DARK)
        case constants.KEYCARD:
            pen.rectangle(0.28, 0.16, 0.72, 0.84)
            pen.rectangle(0.28, 0.26, 0.72, 0.36, _DARK)
            pen.rectangle(0.38, 0.5, 0.62, 0.74, _DIM)
        case constants.SKULLKEY:
            pen.circle(0.5, 0.34, 0.24)
            pen.rectangle(0.38, 0.5, 0.62, 0.64)
            pen.circle(0.4, 0.34, 0.07, _DARK)
            pen.circle(0.6, 0.34, 0.07, _DARK)
            pen.rectangle(0.46, 0.64, 0.54, 0.92)
            pen.rectangle(0.54, 0.76, 0.66, 0.82)
        case constants.ARMOR:
            pen.polygon((0.12, 0.24), (0.34, 0.14), (0.66, 0.14), (0.88, 0.24), (0.8, 0.44), (0.7, 0.38))
            pen.polygon((0.3, 0.16), (0.7, 0.16), (0.7, 0.84), (0.3, 0.84))
            pen.polygon((0.12, 0.24), (0.34, 0.14), (0.34, 0.4), (0.2, 0.44))
            pen.ellipse(0.5, 0.14, 0.12, 0.07, _DARK)
        case constants.CHAIR:
            pen.rectangle(0.3, 0.1, 0.7, 0.2)
            pen.rectangle(0.26, 0.28, 0.74, 0.8)
            pen.rectangle(0.32, 0.34, 0.68, 0.74, _DIM)
        case constants.TABLE:
            pen.rectangle(0.1, 0.2, 0.9, 0.8)
            pen.rectangle(0.16, 0.26, 0.84, 0.74, _DIM)
    shape = _SHAPE_OF.get(solid, "")
    _draw_plain_shape(pen, shape)
    draw_strokes(pen, STROKES.get(shape, ()))
    if state == OPEN:
        draw_strokes(pen, OPEN_STROKES.get(shape, ()))
    return pen.canvas


def _draw_plain_shape(pen: _Pen, shape: str | None) -> None:
    """One of ``own_words.PLAIN_SHAPES``, seen from the side as the other things are."""
    match shape:
        case "cone":
            pen.polygon((0.5, 0.1), (0.84, 0.8), (0.16, 0.8))
            pen.ellipse(0.5, 0.8, 0.34, 0.1)
            pen.line((0.32, 0.56), (0.68, 0.56), 0.04, _DARK)
        case "can":
            pen.rectangle(0.26, 0.22, 0.74, 0.78)
            pen.ellipse(0.5, 0.78, 0.24, 0.09)
            pen.ellipse(0.5, 0.22, 0.24, 0.09, _DIM)
            pen.rectangle(0.26, 0.44, 0.74, 0.62, _DIM)
        case "steps":
            for half, top in ((0.4, 0.64), (0.27, 0.42), (0.14, 0.2)):
                pen.rectangle(0.5 - half, top, 0.5 + half, 0.86)
                pen.rectangle(0.5 - half, top + 0.17, 0.5 + half, top + 0.2, _DARK)
        case "mushroom":
            pen.rectangle(0.42, 0.46, 0.58, 0.86, _DIM)
            pen.ellipse(0.5, 0.46, 0.4, 0.32)
            pen.rectangle(0.1, 0.46, 0.42, 0.8, 0)
            pen.rectangle(0.58, 0.46, 0.9, 0.8, 0)
            pen.rectangle(0.42, 0.46, 0.58, 0.86, _DIM)
            for x, y in ((0.34, 0.34), (0.54, 0.24), (0.68, 0.38)):
                pen.circle(x, y, 0.05, _DARK)
        case "hourglass":
            pen.polygon((0.2, 0.14), (0.8, 0.14), (0.53, 0.5), (0.8, 0.86), (0.2, 0.86), (0.47, 0.5))
            pen.rectangle(0.16, 0.1, 0.84, 0.17, _DIM)
            pen.rectangle(0.16, 0.83, 0.84, 0.9, _DIM)
        case "stack":
            pen.circle(0.5, 0.64, 0.26)
            pen.circle(0.5, 0.27, 0.17)
            pen.ellipse(0.5, 0.42, 0.14, 0.03, _DARK)
        case "cross":
            pen.rectangle(0.39, 0.12, 0.61, 0.88)
            pen.rectangle(0.14, 0.28, 0.86, 0.5)
        case "diamond":
            pen.polygon((0.5, 0.08), (0.82, 0.5), (0.5, 0.92), (0.18, 0.5))
            pen.line((0.2, 0.5), (0.8, 0.5), 0.04, _DARK)


class _Pen:
    """Draws on a black canvas, in fractions of it, with soft edges."""

    _FRACTION_BITS = 4  # of OpenCV's coordinates

    def __init__(self) -> None:
        self.canvas = np.zeros((_CANVAS_PIXELS, _CANVAS_PIXELS), dtype=np.uint8)

    def polygon(self, *corners: tuple[float, float], shade: int = _FULL) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.canvas, [self._fixed(*corners)], shade, cv2.LINE_AA, self._FRACTION_BITS)

    def rectangle(self, left: float, top: float, right: float, bottom: float, shade: int = _FULL) -> None:
        """A filled rectangle."""
        self.polygon((left, top), (right, top), (right, bottom), (left, bottom), shade=shade)

    def ellipse(self, x: float, y: float, half_width: float, half_height: float, shade: int = _FULL) -> None:
        """A filled ellipse."""
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        rim = zip(x + half_width * np.cos(angles), y + half_height * np.sin(angles), strict=True)
        self.polygon(*rim, shade=shade)

    def circle(self, x: float, y: float, radius: float, shade: int = _FULL) -> None:
        """A filled circle."""
        self.ellipse(x, y, radius, radius, shade)

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, shade: int = _FULL) -> None:
        """A line with round ends."""
        first, last = self._fixed(start, end).tolist()
        pixels = max(1, round(width * _CANVAS_PIXELS))
        cv2.line(self.canvas, first, last, shade, pixels, cv2.LINE_AA, self._FRACTION_BITS)

    def _fixed(self, *points: tuple[float, float]) -> NDArray[np.int32]:
        return np.round(np.array(points) * (_CANVAS_PIXELS << self._FRACTION_BITS)).astype(np.int32)
