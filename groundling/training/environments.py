"""The environments that a run trains in: how a configuration makes them, and what others must have to be trained in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.space import AgentSpace
from groundling.envs.rovers import RoverBatch
from groundling.envs.vector import GroundlingVectorEnv
from groundling.training.config import TrainConfig
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.tasks import training_envs

EnvsMaker = Callable[[TrainConfig], VectorEnv]


@runtime_checkable
class SavableEnvs(Protocol):
    """Vector environments whose episodes can be saved and gone on with, bit by bit."""

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the state of every environment."""

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> dict[str, Any]:
        """Continue from :meth:`state_dict`; returns the current observations."""


def make_training_envs(config: TrainConfig, demonstrations: DemonstrationSet | None = None) -> VectorEnv:
    """The environments of a run.

    Any ``VectorEnv`` can be trained in that resets in mode ``SAME_STEP``, whose observations are a ``Dict`` of
    ``image`` [H, W, 3] uint8 and ``instruction`` [L] token ids (its upper bound says how many there are, or an
    attribute ``vocabulary_size`` does), and whose actions are ``Discrete`` from 0. Several tasks, curricula and
    teachers need a ``GroundlingVectorEnv``; exact resumption needs :class:`SavableEnvs`.

    Args:
        config: of the run.
        demonstrations: recorded episodes to play, instead of the tasks' own.
    """
    return training_envs(config, demonstrations)


def space_of(envs: VectorEnv) -> AgentSpace:
    """What an agent in these environments is built for; errors as :meth:`AgentSpace.of`."""
    vocabulary_size = getattr(envs.unwrapped, "vocabulary_size", None)
    return AgentSpace.of(envs.single_observation_space, envs.single_action_space, vocabulary_size)


def settling_updates(envs: VectorEnv, num_steps: int) -> list[int]:
    """Updates of so many steps that an episode of each task lasts at most; one where nobody knows."""
    if not isinstance(envs, GroundlingVectorEnv):
        return [1]
    worlds = envs.worlds
    scale = worlds.time_scale if isinstance(worlds, RoverBatch) else 1
    return [math.ceil(scale * limit / num_steps) for limit in worlds.mixture.time_limits]
