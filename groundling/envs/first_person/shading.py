"""The color of a surface: its paint, from the light and from what shines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from groundling.envs.first_person.drawing import ONE, F, drawing_kernel, packed

AMBIENT, DIFFUSE, DARKEST = F(0.62), F(0.42), F(0.3)
SHINE_FROM, SHINE = F(0.8), F(2.2)  # polished: the cosine at which white begins, and how fast it grows


class Paint(NamedTuple):
    """How a part is colored: full colors, and the light's direction as the part sees it."""

    red: np.float32
    green: np.float32
    blue: np.float32
    glow: np.float32
    white: np.float32  # of what shines
    light_x: np.float32
    light_y: np.float32
    light_z: np.float32
    code: np.uint32


@drawing_kernel
def mixed(paint: Paint, brightness: np.float32) -> np.uint32:
    """A pixel of a painted surface."""
    red, green, blue = paint.red * brightness, paint.green * brightness, paint.blue * brightness
    return packed(np.int32(red), np.int32(green), np.int32(blue), paint.code)


@drawing_kernel
def lit(paint: Paint, facing: np.float32) -> np.float32:
    """The brightness of a surface, from the cosine between its normal and the light."""
    brightness = AMBIENT + DIFFUSE * facing
    brightness = brightness if brightness > DARKEST else DARKEST
    brightness = brightness if brightness < ONE else ONE
    return paint.glow + (ONE - paint.glow) * brightness


@drawing_kernel
def shiny(paint: Paint, brightness: np.float32, shine: np.float32) -> np.uint32:
    """A pixel of a painted surface of which a share is white."""
    own, white = brightness * (ONE - shine), paint.white * shine
    red = np.int32(paint.red * own + white)
    green = np.int32(paint.green * own + white)
    blue = np.int32(paint.blue * own + white)
    return packed(red, green, blue, paint.code)
