"""What saved worlds and poses have to be before a kernel steps or draws them; see ``episode_checks`` for episodes."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import BORDER, NOWHERE, WALL_CODE
from groundling.envs.engine.episode_checks import check_programs, check_things, is_no_object
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Episodes, Worlds
from groundling.envs.saved_states import refuse_beyond
from groundling.errors import ConfigurationError, EpisodeError

FULL_TURN: Final = 2 * math.pi


def check_worlds(w: Worlds, width: int, e: Episodes) -> None:
    """Refuse the state of B environments that no world can be.

    Args:
        w: the state, of the right shapes and types.
        width: tiles in a row of the maps, the border of walls included.
        e: the episodes that are played.

    Raises:
        ConfigurationError: naming the first thing that is wrong.
    """
    tiles = w.cells.shape[1]
    codes = w.looks.shape[1]
    bounds: dict[str, tuple[float, float]] = {
        "position": (0, tiles - 1),
        "positions": (NOWHERE, tiles - 1),
        "direction": (0, 3),
        "current_step": (0, w.programs.shape[1] - 1),
        "step_count": (0, np.inf),
        "max_steps": (1, np.inf),
        "episode": (0, len(e.sentences) - 1),
        "episode_number": (0, np.inf),
    }
    for name, (low, high) in bounds.items():
        refuse_beyond(getattr(w, name), low, high, name)
    if not np.array_equal(w.sentence, e.sentences[w.episode]):
        raise ConfigurationError("the saved environments have other sentences than their episodes: another bank")
    is_inside = np.zeros(tiles, dtype=np.bool_)
    is_inside.reshape(-1, width)[BORDER:-BORDER, BORDER:-BORDER] = True
    somewhere = np.where(w.positions == NOWHERE, w.position[:, None], w.positions)
    if not is_inside[w.position].all() or not is_inside[somewhere].all():
        raise ConfigurationError("the saved environments have an agent or a thing beside the map: the state is damaged")
    if (w.cells[:, ~is_inside] != WALL_CODE).any():
        raise ConfigurationError("the saved environments have maps without walls around: the state is damaged")
    if is_no_object(w.carried_before, codes).any():
        raise ConfigurationError("the saved environments have carried what there is not: the state is damaged")
    try:
        check_things({name: getattr(w, name) for name in ("cells", "looks", "contents", "carried", "floors")})

        def is_no_place(operand: NDArray[np.uint64]) -> NDArray[np.bool_]:
            return operand >= np.uint64(tiles)

        check_programs(w.programs, w.contents.shape[1], w.floors.shape[1] > 0, is_no_place)
    except EpisodeError as error:
        raise ConfigurationError(f"the saved environments are damaged: {error}") from error


def check_poses(poses: Poses, position: NDArray[Any], width: int, height: int) -> None:
    """Refuse poses of B rovers that are beside the map, or not where their tiles are.

    Args:
        poses: of the rovers.
        position: [B] the tile of each, y * width + x.
        width: tiles in a row of the maps, the border of walls included.
        height: rows, likewise.

    Raises:
        ConfigurationError: naming the first thing that is wrong.
    """
    refuse_beyond(poses.x, BORDER, width - BORDER, "poses.x")
    refuse_beyond(poses.y, BORDER, height - BORDER, "poses.y")
    refuse_beyond(poses.heading, 0, FULL_TURN, "poses.heading")
    if not np.array_equal(np.floor(poses.y) * width + np.floor(poses.x), position):
        raise ConfigurationError("the saved environments have rovers that are not where their tiles are: another state")
