"""Teachers: who says what to do in the states that imitation learns from, an expert or recorded demonstrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.bots import Expert, RoverExpert, Sight
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError
from groundling.interfaces import Teacher
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.tasks import families

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


class Recording:
    """Says what was done in the demonstrations that the environments play: right only if nothing else is done.

    Args:
        envs: the environments; their bank is that of the demonstrations.
        demonstrations: what was done.

    Raises:
        ConfigurationError: if the environments play other episodes.
    """

    def __init__(self, envs: VectorEnv, demonstrations: DemonstrationSet) -> None:
        worlds = worlds_of(envs)
        if not np.array_equal(worlds.bank.seeds, demonstrations.bank.seeds):
            raise ConfigurationError("recorded demonstrations teach only in the episodes that they are of")
        self.worlds = worlds
        self.lost = np.zeros(worlds.num_envs, dtype=np.bool_)
        self._actions = np.asarray(demonstrations.actions)
        self._starts = np.asarray(demonstrations.starts)

    def actions(self) -> NDArray[np.int64]:
        """The recorded action [B] of every environment's present step."""
        state = self.worlds.state
        frames = self._starts[state.episode] + state.step_count
        self.lost = frames >= self._starts[state.episode + 1]
        return self._actions[np.where(self.lost, 0, frames)].astype(np.int64)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: the worlds say where each of them is."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""


def find_teacher(envs: VectorEnv, config: TrainConfig, sees: Sight) -> Teacher:
    """Who knows the right actions in these environments: their families' expert, or the one that walks our grid.

    Args:
        envs: the environments.
        config: of the run.
        sees: what the grid's expert knows.

    Raises:
        ConfigurationError: if there is nobody, or the experts of several tasks are not one and the same.
    """
    if not config.made_by:
        teachers = {family.id: family.expert(envs) for family in families(config)}
        kinds = {id: type(teacher).__name__ for id, teacher in teachers.items() if teacher is not None}
        if kinds and (len(kinds) < len(teachers) or len(set(kinds.values())) > 1):
            told = ", ".join(f"{id} by {kinds.get(id, Expert.__name__)}" for id in teachers)
            raise ConfigurationError(f"one expert teaches all tasks of a run, these have several: {told}")
        for teacher in teachers.values():
            if teacher is not None:
                return teacher
    worlds = getattr(envs.unwrapped, "worlds", None)
    if isinstance(worlds, RoverBatch):
        return RoverExpert(worlds)
    return Expert(worlds_of(envs, config.algorithm), sees=sees)


def worlds_of(envs: VectorEnv, algorithm: str = "bc") -> WorldBatch:
    """The worlds of the grid that these environments are.

    Raises:
        ConfigurationError: if they are others.
    """
    worlds = getattr(envs.unwrapped, "worlds", None)
    if not isinstance(worlds, WorldBatch):
        raise ConfigurationError(
            f"algorithm {algorithm!r} learns from an expert that walks the grid, these environments are others: train "
            "with 'ppo' or 'a2c'"
        )
    return worlds
