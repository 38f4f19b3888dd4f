"""A part of a vector environment: some of its environments, stepped by themselves while the others wait."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.batch import ObservationArrays
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError


class PartOfEnvs(VectorEnv[ObservationArrays, NDArray[np.int64], NDArray[Any]]):
    """Environments ``start`` to ``stop`` of a vector environment of ours. What it returns are views of arrays that its
    next step writes again, and no step of another part.

    Every environment plays what it would play if all were stepped at once.

    Args:
        envs: the whole, which has begun its episodes.
        start: the first environment.
        stop: the one after the last.

    Raises:
        ConfigurationError: if the environments cannot be stepped in parts.
    """

    def __init__(self, envs: VectorEnv, start: int, stop: int) -> None:
        own = envs.unwrapped
        reason = "they are not Groundling's own"
        if isinstance(own, GroundlingVectorEnv):
            reason = own.worlds.why_undivided()
        if reason or not isinstance(own, GroundlingVectorEnv):
            raise ConfigurationError(f"these environments cannot be stepped in parts: {reason}")
        self.whole = own
        self.rows = slice(start, stop)
        self.num_envs = stop - start
        self.metadata = own.metadata
        self.single_observation_space = own.single_observation_space
        self.single_action_space = own.single_action_space

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sentence that each environment's agent is following now."""
        return self.whole.instructions[self.rows]

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[ObservationArrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step these environments; see ``GroundlingVectorEnv.step``."""
        return self.whole.step_part(actions, self.rows)

    def seen(self) -> ObservationArrays:
        """What the agents see now."""
        return {key: array[self.rows] for key, array in self.whole.worlds.seen().items()}
