"""Shaping by a demonstration: how far along the expert's way the agent is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.bots import Expert
from groundling.envs.engine.batch import Batch
from groundling.interfaces import Array, Transition
from groundling.training.checks import require_each
from groundling.training.rewards.base import Potential, PotentialTerm
from groundling.training.rewards.worlds import grid_copy, own_worlds, require_goals

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class DemonstrationConfig:
    """Shaping by the progress along one demonstration of each episode.

    Attributes:
        scale: of the potential, from the first state of the demonstration to its end.
        zero_terminal: let the potential be zero where an episode terminates, so that the optimal policy stays the same.
    """

    scale: float = 1.0
    zero_terminal: bool = True

    def __post_init__(self) -> None:
        require_each(self, "scale", above=0)


class DemonstrationReward(PotentialTerm):
    """A potential of the state, Phi(s) = scale * j / J, where the j-th of the J states of a demonstration is the one
    nearest to s: among those in which the same thing is carried, the one fewest tiles away, the last of several. It is
    0 where no state of the demonstration carries what the agent carries.

    The demonstration is played by the full-state expert when the episode begins.

    Source: the shaping term F2 of Misra et al. 2017, arXiv:1704.08795, section 5, as progress along the trajectory.

    Raises:
        ConfigurationError: if the environments are not ours, or the expert does not know their goals.
    """

    summary: ClassVar[str] = "shaping by progress along the expert's way in each episode"
    Config: ClassVar[type[Any]] = DemonstrationConfig
    section: ClassVar[str] = "demonstration"
    potential: Potential = "state"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        self.settings: DemonstrationConfig = config.settings_of(DemonstrationConfig)
        super().__init__(config, envs, zero_terminal=self.settings.zero_terminal)
        own, self._worlds = own_worlds(envs, "demonstration")
        require_goals(self._worlds, "demonstration")
        # position and cell code carried [B, J, 2] in each state of the demonstrations, -1 behind their ends
        self._states = np.zeros((envs.num_envs, 0, 2), dtype=np.int32)
        self._reached = np.zeros(envs.num_envs)
        own.watch(self._look)

    def begun(self, chosen: NDArray[np.bool_]) -> Array:
        """Phi [B] of the first states, after the demonstrations were played that begin in them."""
        rows = np.flatnonzero(chosen)
        played = played_states(self._worlds, rows)
        longer = played.shape[1] - self._states.shape[1]
        if longer > 0:
            self._states = np.pad(self._states, ((0, 0), (0, longer), (0, 0)), constant_values=-1)
        self._states[rows] = -1
        self._states[rows, : played.shape[1]] = played
        return self._potential()

    def reached(self, transition: Transition) -> Array:
        """Phi [B] of what the step led to."""
        return self._reached

    def _look(self) -> None:
        self._reached = self._potential()

    def _potential(self) -> NDArray[np.float64]:
        """Phi [B] of the present states."""
        position, carried = self._states[..., 0], self._states[..., 1]
        now, width = self._worlds.state.position[:, None].astype(np.int32), self._worlds.width
        away = np.abs(position // width - now // width) + np.abs(position % width - now % width)
        fits = carried == self._worlds.state.carried[:, None]
        away = np.where(fits, away, NEVER)
        count = self._states.shape[1]
        nearest = count - 1 - np.argmin(away[:, ::-1], axis=1)
        length = np.maximum((carried >= 0).sum(axis=1), 1)
        return np.where(fits.any(axis=1), self.settings.scale * (nearest + 1) / length, 0.0)

    def state_dict(self) -> dict[str, Any]:
        """The demonstrations of the present episodes too."""
        return {**super().state_dict(), "states": torch.as_tensor(self._states)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        super().load_state_dict(saved)
        self._states = saved["states"].numpy().copy()


def played_states(worlds: Batch[Any], rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """The states in which the full-state expert is on its way from the present state of these rows to success.

    Args:
        worlds: B of them; they are not changed.
        rows: [R] of those that are asked about.

    Returns:
        [R, J, 2] position and cell code carried, from the present state on; -1 from the end on.
    """
    twin = grid_copy(worlds, rows)
    expert = Expert(twin, sees="world")
    state, limits = twin.state, worlds.state.max_steps[rows]
    open_ones = np.ones(len(rows), dtype=np.bool_)
    states: list[NDArray[np.int32]] = []
    while open_ones.any():
        now = np.stack([state.position, state.carried], axis=1).astype(np.int32)
        states.append(np.where(open_ones[:, None], now, -1))
        actions = expert.actions()
        open_ones &= ~expert.lost & (len(states) < limits)
        twin.step(actions, autoreset=False)
        open_ones &= ~twin.outcomes.ended
    return np.stack(states, axis=1)
