"""Shaping by distance: how many steps the expert still takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.interfaces import Array, Transition
from groundling.training.checks import require_each
from groundling.training.rewards.base import Potential, PotentialTerm
from groundling.training.rewards.worlds import own_worlds, require_goals, steps_to_go

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class DistanceConfig:
    """Shaping by the steps that the expert still takes to success.

    Attributes:
        scale: of the potential, a step.
        zero_terminal: let the potential be zero where an episode terminates, so that the optimal policy stays the same.
    """

    scale: float = 0.05
    zero_terminal: bool = True

    def __post_init__(self) -> None:
        require_each(self, "scale", above=0)


class DistanceReward(PotentialTerm):
    """A potential of the state, Phi(s) = -scale * d(s), with d the moves on the grid that the full-state expert still
    takes; where it finds no way, d is the episode's time limit.

    The expert is asked in every state, which makes collecting many times slower than the plain reward.

    Source: the shaping term F1 of Misra et al. 2017, arXiv:1704.08795, section 5.

    Raises:
        ConfigurationError: if the environments are not ours, or the expert does not know their goals.
    """

    summary: ClassVar[str] = "shaping by the steps that the expert still takes to success"
    Config: ClassVar[type[Any]] = DistanceConfig
    section: ClassVar[str] = "distance"
    potential: Potential = "state"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        self.settings: DistanceConfig = config.settings_of(DistanceConfig)
        super().__init__(config, envs, zero_terminal=self.settings.zero_terminal)
        own, self._worlds = own_worlds(envs, "distance")
        require_goals(self._worlds, "distance")
        self._reached = np.zeros(envs.num_envs)
        own.watch(self._look)

    def begun(self, chosen: NDArray[np.bool_]) -> Array:
        """Phi [B] of the first states."""
        return self._potential(np.flatnonzero(chosen))

    def reached(self, transition: Transition) -> Array:
        """Phi [B] of what the step led to."""
        return self._reached

    def _look(self) -> None:
        open_ones = np.flatnonzero(~self._worlds.outcomes.success)
        self._reached = self._potential(open_ones)

    def _potential(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Phi [B] of these rows, 0 elsewhere: nothing is to go where the goal is reached."""
        found = np.zeros(self._worlds.num_envs)
        found[rows] = -self.settings.scale * steps_to_go(self._worlds, rows, self._worlds.state.max_steps)
        return found
