"""Evaluation during training: what the agent alone reaches on new worlds, a few times a run."""

from __future__ import annotations

import logging

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.families.base import EpisodeSet
from groundling.errors import GroundlingError
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.training.config import TrainConfig
from groundling.training.tasks import evaluation_options, families

SEED = 1  # `groundling evaluate` has 0 by default: what a run was stopped or tuned by is not what it is reported by

_log = logging.getLogger(__name__)


class PeriodicEvaluation:
    """Plays a run's agent on new worlds of its tasks, whose instructions training may ask for.

    The worlds are the same every time, and not those of ``groundling evaluate``. Nothing of the run depends on it: its
    random draws are its own.

    Args:
        config: of the run.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._refused = False
        self._sets: dict[str, EpisodeSet] = {}  # the same every time, so they are made once

    @classmethod
    def of(cls, config: TrainConfig) -> PeriodicEvaluation | None:
        """The one that a configuration asks for; None if it asks for none, or nobody can make its worlds again."""
        return cls(config) if config.evaluation_interval and not config.made_by else None

    def __call__(self, agent: ActorCritic) -> dict[str, float]:
        """Metrics of the agent as it is now: success, return, length and the number of episodes.

        What cannot be evaluated is logged once, and training goes on.
        """
        if self._refused:
            return {}
        try:
            found = self._evaluations(agent)
        except GroundlingError as error:
            _log.warning("the run is not evaluated while it trains: %s", error)
            self._refused = True
            return {}
        episodes = sum(part.episodes for part in found.values())
        metrics = {
            "evaluation_success": sum(part.successes for part in found.values()) / episodes,
            "evaluation_return": sum(part.mean_return * part.episodes for part in found.values()) / episodes,
            "evaluation_length": sum(part.mean_length * part.episodes for part in found.values()) / episodes,
            "evaluation_episodes": float(episodes),
        }
        if len(found) > 1:
            metrics |= {f"evaluation_success/{task}": part.success for task, part in found.items()}
        return metrics

    def _evaluations(self, agent: ActorCritic) -> dict[str, Evaluation]:
        """What the agent reaches in each task."""
        self._sets = self._sets or self._make_sets()
        found = {}
        for task, episodes in self._sets.items():
            with PlayedSet(episodes) as played:
                found[task] = played.by(agent, seed=SEED)
        return found

    def _make_sets(self) -> dict[str, EpisodeSet]:
        """The episodes of each task."""
        config = self._config
        tasks = families(config)
        world = evaluation_options(config, tasks)
        count = max(1, config.evaluation_episodes // len(tasks))
        return {
            family.id: family.episodes(next(iter(family.suites)), config.held_out, count, SEED, world, progress=False)
            for family in tasks
        }
