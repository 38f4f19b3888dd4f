"""How an episode looks: the textures, shades and light that its style, an integer, stands for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from groundling.envs.first_person.camera import FOG, SHARPEST, Variation
from groundling.envs.first_person.drawing import HALF, ONE, F, draw_from, draw_index, drawing_kernel
from groundling.envs.first_person.textures import CEILINGS, CHOICES, FLOORS, LEVELS, WALLS

FULL = F(256)  # of a shade
WHITEN = F(0.12)  # light that even a pure color reflects
LIGHTING, SURFACES, TEXTURES, OBJECTS = 0, 16, 32, 64  # streams of a style
LIGHT_TURN, LIGHT_ACROSS, LIGHT_UP = F(-2.2), F(0.45), F(0.89)  # towards the light: its heading on the map, its parts


class Style(NamedTuple):
    """How an episode looks."""

    wall: int  # textures
    floor: int
    ceiling: int
    wall_red: np.float32  # shades
    wall_green: np.float32
    wall_blue: np.float32
    floor_red: np.float32
    floor_green: np.float32
    floor_blue: np.float32
    ceiling_red: np.float32
    ceiling_green: np.float32
    ceiling_blue: np.float32
    light_red: np.float32
    light_green: np.float32
    light_blue: np.float32
    light_x: np.float32  # towards the light
    light_y: np.float32
    light_z: np.float32


@drawing_kernel
def style_of(style: np.uint64, variation: Variation) -> Style:
    """What the style of an episode, an integer, stands for."""
    wall, floor, ceiling = WALLS, FLOORS, CEILINGS
    if variation.textures:
        wall += draw_index(style, TEXTURES, CHOICES)
        floor += draw_index(style, TEXTURES + 1, CHOICES)
        ceiling += draw_index(style, TEXTURES + 2, CHOICES)
    lighting, colors = F(variation.lighting), F(variation.colors)
    bright = ONE + F(0.35) * lighting * draw_from(style, LIGHTING)
    warm = F(0.15) * lighting * draw_from(style, LIGHTING + 1)
    red, green, blue = bright * (ONE + warm), bright, bright * (ONE - warm)
    turn = LIGHT_TURN + F(np.pi) * lighting * draw_from(style, LIGHTING + 2)
    c = F(0.55) * colors
    s = style
    return Style(
        wall,
        floor,
        ceiling,
        red * (ONE + c * draw_from(s, SURFACES)),
        green * (ONE + c * draw_from(s, SURFACES + 1)),
        blue * (ONE + c * draw_from(s, SURFACES + 2)),
        red * (ONE + c * draw_from(s, SURFACES + 3)),
        green * (ONE + c * draw_from(s, SURFACES + 4)),
        blue * (ONE + c * draw_from(s, SURFACES + 5)),
        red * (ONE + c * draw_from(s, SURFACES + 6)),
        green * (ONE + c * draw_from(s, SURFACES + 7)),
        blue * (ONE + c * draw_from(s, SURFACES + 8)),
        red,
        green,
        blue,
        LIGHT_ACROSS * F(math.cos(turn)),
        LIGHT_ACROSS * F(math.sin(turn)),
        LIGHT_UP,
    )


@drawing_kernel
def fog(depth: np.float32) -> np.float32:
    """How much of its light a surface keeps at this depth."""
    return ONE / (ONE + F(FOG) * depth * depth)


@drawing_kernel
def shade(value: np.float32) -> np.int32:
    """A factor as an integer that texels are multiplied by, at most 1."""
    return np.int32(FULL * (value if value < ONE else ONE))


@drawing_kernel
def level_of(texels_a_pixel: np.float32) -> int:
    """Which smaller copy of a texture to read."""
    level = 0
    while level < LEVELS - 1 and texels_a_pixel > F(SHARPEST):
        texels_a_pixel *= HALF
        level += 1
    return level
