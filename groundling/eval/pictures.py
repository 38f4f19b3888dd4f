"""Pictures for people of what an agent is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.constants import VIEW_SIZE
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.tiles import draw_tile
from groundling.interfaces import GRAY, RGB, SYMBOLS, Field, Spec

TILE_PIXELS = 32
MAIN_KEY = "image"


def drawn_kinds(envs: VectorEnv) -> Kinds:
    """The types and colors of environments, a task's own among them."""
    kinds: Kinds = getattr(getattr(envs.unwrapped, "worlds", None), "kinds", PLAIN_KINDS)
    return kinds


def picture_of(
    observation: Mapping[str, Any], spec: Spec, row: int = 0, kinds: Kinds = PLAIN_KINDS
) -> NDArray[np.uint8] | None:
    """What an environment's agent sees [H, W, 3] uint8, MiniGrid's view drawn as tiles; None if it sees no picture."""
    keys = [key for key in spec.keys_of(RGB, GRAY, SYMBOLS) if _is_drawn(spec.observation[key], kinds)]
    if not keys:
        return None
    key = MAIN_KEY if MAIN_KEY in keys else keys[0]
    image = np.asarray(observation[key])[row]
    kind = spec.observation[key].kind
    if kind == GRAY:
        return np.repeat(image[..., None], 3, axis=2)
    if kind == RGB:
        return image.copy()
    return draw_symbols(image, kinds) if image.shape[:2] == (VIEW_SIZE, VIEW_SIZE) else None


def _is_drawn(part: Field, kinds: Kinds) -> bool:
    """Whether it is a picture, or symbols of which somebody knows what they look like."""
    return part.kind in (RGB, GRAY) or not part.sizes or kinds is not PLAIN_KINDS


def draw_symbols(image: NDArray[np.uint8], kinds: Kinds = PLAIN_KINDS) -> NDArray[np.uint8]:
    """MiniGrid's symbolic view [7, 7, 3] as tiles, [7 * P, 7 * P, 3]; the agent is at the bottom, looking up."""
    canvas = np.zeros((VIEW_SIZE * TILE_PIXELS, VIEW_SIZE * TILE_PIXELS, 3), dtype=np.uint8)
    for column, line in np.ndindex(VIEW_SIZE, VIEW_SIZE):
        kind, color, state = map(int, image[column, line])
        if kind:
            y, x = line * TILE_PIXELS, column * TILE_PIXELS
            canvas[y : y + TILE_PIXELS, x : x + TILE_PIXELS] = draw_tile(kind, color, state, TILE_PIXELS, kinds)
    return canvas
