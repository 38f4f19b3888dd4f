"""ViZDoom's rooms from above, drawn like our own: the engine shows only what its player sees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import WALL_LOOK, look_parts
from groundling.envs.families.chaplot.episodes import ChaplotEpisode
from groundling.envs.families.chaplot.room import look_of
from groundling.envs.families.chaplot.rules import GROUNDED_RULES as RULES
from groundling.envs.rendering import render_body
from groundling.envs.simulators.doom_engine import DoomState
from groundling.envs.simulators.doom_maps import UNITS_PER_M

TILE_PIXELS = 24


def render_plan(episode: ChaplotEpisode, state: DoomState, *, tile_pixels: int = TILE_PIXELS) -> NDArray[np.uint8]:
    """An episode's room from above, the player at its pose: [15 * tile_pixels, 15 * tile_pixels, 3] uint8."""
    layout = np.zeros((RULES.room_tiles + 2, RULES.room_tiles + 2, 3), dtype=np.uint8)
    layout[[0, -1]] = layout[:, [0, -1]] = look_parts(WALL_LOOK)
    for thing, (column, row) in zip(episode.things, episode.tiles, strict=True):
        layout[row, column] = look_parts(look_of(thing))
    place = 1 + state.x / UNITS_PER_M, 1 + RULES.room_tiles - state.y / UNITS_PER_M
    return render_body(layout, place, -math.radians(state.angle_deg), RULES.agent_radius_m, tile_pixels=tile_pixels)
