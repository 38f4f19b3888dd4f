"""Rooms for tests of the rover."""

from __future__ import annotations

import numpy as np

from groundling.envs import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import FIRST_OBJECT, NOTHING_CODE, Verb


def room(
    *things: tuple[int, int, int], pose: tuple[int, int, int] = (4, 4, 0), size: int = 9, goal: int = 1, flags: int = 0
) -> EpisodeBank:
    """One room of ``size`` tiles with objects (x, y, look); the goal is to go to those of the mask ``goal``."""
    cells = np.ones((size, size), dtype=np.uint8)
    cells[1:-1, 1:-1] = NOTHING_CODE
    for k, (x, y, _) in enumerate(things):
        cells[y, x] = FIRST_OBJECT + k
    episode = Episode(
        cells=cells,
        looks=tuple(seen for _, _, seen in things),
        contents=(0,) * len(things),
        positions=tuple(y * size + x for x, y, _ in things),
        pose=pose,
        carried=NOTHING_CODE,
        program=((int(Verb.GO_TO), flags, goal, 0),),
        max_steps=100,
        instruction="go to the red ball",
        seed=0,
    )
    return EpisodeBank.pack("room", [episode])
