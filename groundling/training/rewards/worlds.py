"""The worlds behind environments, for rewards that read more of them than agents see."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.bots import Expert
from groundling.agents.bots.expert import UNREACHABLE
from groundling.envs.engine.batch import Batch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError


def own_worlds(envs: VectorEnv, reward: str) -> tuple[GroundlingVectorEnv, Batch[Any]]:
    """The environments as ours, and their worlds.

    Args:
        envs: of a run.
        reward: the name of the reward that needs them, for the message.

    Raises:
        ConfigurationError: if they are another simulator's.
    """
    own = envs.unwrapped
    if not isinstance(own, GroundlingVectorEnv):
        raise ConfigurationError(
            f"the reward {reward!r} reads the worlds of Groundling's own tasks, these environments are "
            f"{type(own).__name__}: choose another reward for this task"
        )
    return own, own.worlds


def require_goals(worlds: Batch[Any], reward: str) -> None:
    """Refuse worlds whose goals are answers, of which neither the expert of the grid nor the list of parts knows."""
    if worlds.num_actions > WorldBatch.num_actions:
        raise ConfigurationError(
            f"the reward {reward!r} knows goals that are reached, no answers to questions: choose another reward for "
            "tasks with questions"
        )


def grid_copy(worlds: Batch[Any], rows: NDArray[np.intp]) -> WorldBatch:
    """Worlds of the grid in the present state of these rows [R] of a batch, of rovers too; they can be stepped."""
    twin = WorldBatch(worlds.mixture, len(rows), shuffle=worlds.shuffle, order_seed=worlds.order_seed)
    theirs = worlds.state._asdict()
    for name, ours in twin.state._asdict().items():
        ours[...] = theirs[name][rows]
    twin.state.max_steps[:] = np.iinfo(np.int32).max
    # written at the beginning of an episode only; a copy of the copy is refused if it is not the state's sentence
    twin.observations.instruction[...] = twin.episodes.tokens[twin.state.sentence]
    return twin


def steps_to_go(worlds: Batch[Any], rows: NDArray[np.intp], lost: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """How many moves on the grid [R] the full-state expert takes to success from the present state of these rows.

    Args:
        worlds: B of them.
        rows: [R] of those that are asked about.
        lost: [B] what is answered where it finds no way.
    """
    if not len(rows):
        return np.zeros(0)
    steps = Expert(grid_copy(worlds, rows), sees="world").steps_to_go()
    return np.where(steps == UNREACHABLE, lost[rows], steps).astype(np.float64)
