"""The environments that a run trains in: how a configuration makes them, and what others must have to be trained in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.rovers import RoverBatch
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


@runtime_checkable
class MixedEnvs(Protocol):
    """Vector environments that play a mixture of tasks by shares that can be set, on whatever device.

    Attributes:
        mixture: the tasks and their episodes.
        tasks: their ids.
        shares: how often each is drawn, [K] with sum 1.
        worlds: their state.
    """

    worlds: Any

    @property
    def mixture(self) -> TaskMixture:
        """See above."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """See above."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """See above."""

    def set_shares(self, shares: Sequence[float] | NDArray[np.floating[Any]]) -> None:
        """Draw the tasks of the episodes that begin from now on by these shares [K]."""


def make_training_envs(config: TrainConfig, demonstrations: DemonstrationSet | None = None) -> VectorEnv:
    """The environments of a run.

    Any ``VectorEnv`` can be trained in that resets in mode ``SAME_STEP`` and whose specification
    ``groundling.envs.specification.spec_of`` can tell: by an attribute ``agent_spec``, or by a ``Dict`` of pictures,
    numbers and an ``instruction`` [L] of token ids, and ``Discrete`` actions from 0. Several tasks, curricula and
    teachers need a ``GroundlingVectorEnv``; exact resumption needs :class:`SavableEnvs`.

    Args:
        config: of the run.
        demonstrations: recorded episodes to play, instead of the tasks' own.
    """
    return training_envs(config, demonstrations)


def name_of_maker(make_envs: EnvsMaker) -> str:
    """A name of a function that makes environments, ``"module:function"``, for people to know it by."""
    function = getattr(make_envs, "func", make_envs)  # of a functools.partial
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__qualname__)}"


def warmup_updates(envs: VectorEnv, num_steps: int) -> list[int]:
    """Updates of so many steps that an episode of each task lasts at most; one where nobody knows."""
    if not isinstance(envs, MixedEnvs):
        return [1]
    worlds = envs.worlds
    scale = worlds.time_scale if isinstance(worlds, RoverBatch) else 1
    return [math.ceil(scale * limit / num_steps) for limit in envs.mixture.time_limits]
