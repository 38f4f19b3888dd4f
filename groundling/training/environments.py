"""The environments that a run trains in: how a configuration makes them, and what others must have to be trained in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs import TaskMixture
from groundling.envs.rovers import RoverBatch
from groundling.envs.simulators.doom import DOOM_IDS
from groundling.envs.simulators.doom_vector import make_grounded_doom_vec
from groundling.envs.vector import GroundlingVectorEnv
from groundling.training.config import TrainConfig
from groundling.training.demonstrations import DemonstrationSet

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

    Any ``VectorEnv`` can be trained in that resets in mode ``SAME_STEP`` and whose specification
    ``groundling.envs.specification.spec_of`` can tell: by an attribute ``agent_spec``, or by a ``Dict`` of pictures,
    numbers and an ``instruction`` [L] of token ids, and ``Discrete`` actions from 0. Several tasks, curricula and
    teachers need a ``GroundlingVectorEnv``; exact resumption needs :class:`SavableEnvs`.

    Args:
        config: of the run.
        demonstrations: recorded episodes to play, instead of the tasks' own.
    """
    if config.is_foreign:
        return make_grounded_doom_vec(DOOM_IDS[config.task], config.num_envs, **doom_camera(config))
    mixture = config.training_mixture() if demonstrations is None else TaskMixture.of([demonstrations.bank])
    if config.curriculum.of == "instructions":
        mixture = mixture.by_instruction()
    if config.time_share < 1:
        mixture = mixture.with_time_limit_scale(config.time_share)
    return GroundlingVectorEnv(mixture, config.num_envs, seed=config.seed, copy=False, embodiment=config.embodiment())


def name_of_maker(make_envs: EnvsMaker) -> str:
    """A name of a function that makes environments, ``"module:function"``, for people to know it by."""
    function = getattr(make_envs, "func", make_envs)  # of a functools.partial
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__qualname__)}"


def doom_camera(config: TrainConfig) -> dict[str, Any]:
    """What of a run's camera ViZDoom's environments are made with; their field of view is the task's."""
    camera = config.camera
    return {"image_size": (camera.width, camera.height), "horizon": camera.horizon}


def warmup_updates(envs: VectorEnv, num_steps: int) -> list[int]:
    """Updates of so many steps that an episode of each task lasts at most; one where nobody knows."""
    if not isinstance(envs, GroundlingVectorEnv):
        return [1]
    worlds = envs.worlds
    scale = worlds.time_scale if isinstance(worlds, RoverBatch) else 1
    return [math.ceil(scale * limit / num_steps) for limit in worlds.mixture.time_limits]
