"""What is saved of a batch of worlds: its names, and what it has to be before kernels index by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_STATES, OPAQUE_BIT
from groundling.envs.engine.episode_checks import MOST_COLORS, MOST_TYPES
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY
from groundling.envs.engine.state import Episodes, Worlds
from groundling.envs.engine.world_checks import check_worlds
from groundling.envs.saved_states import refuse_beyond
from groundling.errors import ConfigurationError

SAVED_AS: Final = {"current_step": "stage"}  # names that checkpoints keep from before the fields had theirs

# The highest number of a type, color, state or floor, whatever words a task brings: copies may lack them.
MOST_CODE: Final = max(MOST_TYPES, MOST_COLORS, NUM_STATES) - 1


def state_name(field: str) -> str:
    """The name under which a field of ``Worlds`` is saved."""
    return f"state.{SAVED_AS.get(field, field)}"


def bounds_of_saved(num_actions: int) -> dict[str, tuple[float, float]]:
    """The lowest and the highest number of arrays of a saved state whose numbers have some of their own.

    Args:
        num_actions: A.
    """
    codes = (0, MOST_CODE)
    return {
        "limits": (0, 1),
        "observations.explored": codes,
        "observations.on_top": codes,
        "explored": (0, (1 << OPAQUE_BIT - 2) - 1),
        PREVIOUS_ACTION_KEY: (0, num_actions),
    }


def check_saved_worlds(
    saved: Mapping[str, NDArray[Any]], state: Worlds, width: int, episodes: Episodes, *, has_map: bool
) -> None:
    """Refuse a saved state that no worlds of these episodes can have.

    Args:
        saved: arrays of the right shapes and types, see ``Batch.state_dict``.
        state: the worlds that it is to be copied into.
        width: tiles in a row of their maps, the border of walls included.
        episodes: the episodes that are played.
        has_map: whether a map of what the agent has seen is a sense.

    Raises:
        ConfigurationError: naming the first thing that is wrong.
    """
    worlds = Worlds(**{name: saved.get(state_name(name), array) for name, array in state._asdict().items()})
    check_worlds(worlds, width, episodes)
    if has_map:
        for shift in (0, 8, 16):  # type, color and state of each tile
            refuse_beyond(saved["explored"] >> shift & 0xFF, 0, MOST_CODE, "explored")
    limits = saved["limits"]
    if (np.diff(limits, prepend=0.0) < 0).any() or limits[-1] != 1:
        raise ConfigurationError("the saved environments have shares of tasks that are none: the state is damaged")
    tokens = episodes.tokens[worlds.sentence]
    if not np.array_equal(saved["observations.instruction"], tokens):
        raise ConfigurationError("the saved environments have other sentences than these: another bank")
