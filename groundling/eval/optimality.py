"""The optimality gap: how much less a policy gets than what is possible, where an episode can be solved exactly."""

from __future__ import annotations

from typing import Final

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.base import MeasureTable
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, EnumerationError
from groundling.eval.rollout import Stepped
from groundling.exact import enumerate_episode, finite_horizon, steps_to_go
from groundling.interfaces import Observation

MOST_STATES: Final = 20_000  # of an episode: a fifth of a second each
COLUMNS: Final = {
    "gap": "mean of the best possible return less that of the agent, 0 at best",
    "best": "mean of the best possible return, V* of the first state under the environment's own reward and time limit",
    "extra_steps": "mean of the steps in successful episodes beyond the fewest possible",
}
TITLE: Final = "exact value"


class OptimalityGap:
    """An observer that compares the return of each episode of a roll-out with the best possible one.

    The best is that of whoever knows the whole world; what an agent cannot see it may have to look for.

    Args:
        most_states: episodes with more are left out, and counted as such.
    """

    def __init__(self, most_states: int = MOST_STATES) -> None:
        self._most_states = most_states
        self._worlds: WorldBatch | None = None
        self._known: dict[int, tuple[float, int] | None] = {}  # best return and fewest steps of each episode
        self._gaps: list[float] = []
        self._best: list[float] = []
        self._extra: list[float] = []
        self._left_out = 0

    def begin(self, envs: VectorEnv, observation: Observation) -> None:
        """The first episodes have begun in these environments.

        Raises:
            ConfigurationError: if their episodes cannot be enumerated.
        """
        own = envs.unwrapped
        if not isinstance(own, GroundlingVectorEnv) or not isinstance(own.worlds, WorldBatch):
            raise ConfigurationError(
                "the optimality gap is known where the body walks the grid and episodes stand in a bank: leave "
                "--optimality out"
            )
        self._worlds = own.worlds

    def __call__(self, stepped: Stepped) -> None:
        """Compare the episodes that ended."""
        assert self._worlds is not None
        ended = self._worlds.outcomes
        for row in np.flatnonzero(stepped.counted).tolist():
            solved = self._solve(int(ended.episode[row]))
            if solved is None:
                self._left_out += 1
                continue
            best, fewest = solved
            self._best.append(best)
            self._gaps.append(best - float(ended.episode_return[row]))
            if stepped.success[row]:
                self._extra.append(float(stepped.lengths[row]) - fewest)

    def tables(self) -> tuple[MeasureTable, ...]:
        """One row of the episodes that were solved, and one that says how many were too large."""
        rows = [("solved", len(self._gaps), (_mean(self._gaps), _mean(self._best), _mean(self._extra)))]
        if self._left_out:
            rows.append((f"over {self._most_states:,} states", self._left_out, (float("nan"),) * 3))
        return (MeasureTable(TITLE, COLUMNS, tuple(rows)),)

    def _solve(self, episode: int) -> tuple[float, int] | None:
        assert self._worlds is not None
        if episode not in self._known:
            try:
                mdp = enumerate_episode(self._worlds.bank, episode, most_states=self._most_states)
                self._known[episode] = float(finite_horizon(mdp)[0]), int(steps_to_go(mdp)[0])
            except EnumerationError:
                self._known[episode] = None
        return self._known[episode]


def _mean(numbers: list[float]) -> float:
    return float(np.mean(numbers)) if numbers else float("nan")
