"""What worlds and poses have to be before they are drawn: rays end at walls, and kernels index by cells and looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import FIRST_OBJECT, WALL_CODE
from groundling.envs.engine.episode_checks import check_things
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Worlds
from groundling.errors import ConfigurationError, EpisodeError


def check_drawn(state: Worlds, poses: Poses, width: int, style: NDArray[np.uint64], start: int, stop: int) -> None:
    """Refuse what cannot be drawn: kernels index by it; arguments as of :meth:`FirstPersonRenderer.draw`.

    Raises:
        ConfigurationError: naming the first thing that is wrong.
    """
    tiles = state.cells.shape[1]
    worlds = (state.cells, state.floors, state.looks, state.contents, state.carried, state.step_count)
    parts: tuple[NDArray[Any], ...] = (*worlds, *poses, style)
    count = min(len(part) for part in parts)
    if not 0 <= start <= stop <= count:
        raise ConfigurationError(f"there are {count} worlds and poses to draw, not {start} to {stop}")
    if width < 1 or tiles % width or state.contents.shape[1] + FIRST_OBJECT < state.looks.shape[1]:
        raise ConfigurationError(f"maps of {tiles} tiles have no rows of {width}, or looks and contents do not fit")
    if state.floors.shape[1] not in (0, tiles):
        raise ConfigurationError(f"there are floors of {state.floors.shape[1]} tiles, maps have {tiles}")
    part = slice(start, stop)
    for name, array, end in (("x", poses.x, width), ("y", poses.y, tiles // width)):
        if not ((array[part] >= 0) & (array[part] < end)).all():
            raise ConfigurationError(f"a pose has {name} beside the map: it is from 0 to {end} metres")
    if not np.isfinite(poses.heading[part]).all():
        raise ConfigurationError("a pose has a heading that is no number")
    names = ("cells", "looks", "contents", "carried", "floors")
    try:
        check_things({name: getattr(state, name)[part] for name in names}, start)
    except EpisodeError as error:
        raise ConfigurationError(f"these worlds cannot be drawn: {error}") from error
    rims = state.cells[part].reshape(stop - start, -1, width)
    if not all((rim == WALL_CODE).all() for rim in (rims[:, 0], rims[:, -1], rims[:, :, 0], rims[:, :, -1])):
        raise ConfigurationError("these worlds cannot be drawn: a map has no walls around it, where rays would end")
