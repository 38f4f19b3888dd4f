"""How often learned rewards are wrong: failures that they take for solved, and successes that they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.envs.families.base import MeasureTable
from groundling.eval.rollout import Stepped
from groundling.interfaces import Observation, Transition
from groundling.training.config import TrainConfig
from groundling.training.received import is_left_out
from groundling.training.rewards import find_reward
from groundling.training.rewards.base import RewardTerm

COLUMNS: Final = {
    "false_positives": "share of failed episodes that the reward takes for solved",
    "false_negatives": "share of successful episodes that the reward does not take for solved",
}
TITLE: Final = "reward"


def judges(config: TrainConfig) -> bool:
    """Whether a run has rewards beside the environment's, which may say what they take for solved."""
    return any(name != "environment" and not is_left_out(name) for name in config.reward)


class RewardErrors:
    """An observer that asks the rewards of a run what they take the episodes of a roll-out for.

    Args:
        config: of the run.
        saved: its rewards, as its checkpoint holds them.
    """

    def __init__(self, config: TrainConfig, saved: Mapping[str, Any]) -> None:
        self._config = config
        self._saved = saved
        self._envs: VectorEnv | None = None
        self._terms: dict[str, RewardTerm] = {}
        self._before: Observation = {}
        self._texts: tuple[str, ...] = ()
        self._told: dict[str, list[tuple[bool, bool]]] = {}  # of each episode: taken for solved, success

    def begin(self, envs: VectorEnv, observation: Observation) -> None:
        """The first episodes have begun in these environments."""
        self._envs = envs
        for name in (name for name in self._config.reward if not is_left_out(name)):
            term = find_reward(name)(self._config, envs)
            if isinstance(term, RewardTerm):
                term.load_learned(self._saved[name])
                term.freeze()
                term.begin()
                self._terms[name] = term
        self._note(observation)

    def __call__(self, stepped: Stepped) -> None:
        """Ask what each episode that ended was taken for."""
        transition = Transition(
            self._before,
            stepped.actions.copy(),
            stepped.observation,
            stepped.reward,
            stepped.terminated,
            stepped.truncated,
            stepped.info,
            self._texts,
        )
        for name, term in self._terms.items():
            term(transition)
            if not stepped.counted.any():
                continue
            verdicts = term.verdicts(transition)
            if verdicts is not None:
                pairs = zip(verdicts[stepped.counted], stepped.success[stepped.counted], strict=True)
                self._told.setdefault(name, []).extend((bool(taken), bool(success)) for taken, success in pairs)
        self._note(stepped.observation)

    def tables(self) -> tuple[MeasureTable, ...]:
        """What was found, a row for each reward that says what it takes for solved; empty if none does."""
        rows = []
        for name, told in self._told.items():
            taken, success = np.array(told, dtype=np.bool_).T
            rows.append((name, len(told), (_share(taken[~success]), _share(~taken[success]))))
        return (MeasureTable(TITLE, COLUMNS, tuple(rows)),) if rows else ()

    def _note(self, observation: Observation) -> None:
        self._before = {key: np.array(array) for key, array in observation.items()}
        self._texts = tuple(getattr(self._envs.unwrapped if self._envs else None, "instructions", ()))


def _share(where: np.ndarray[Any, Any]) -> float:
    return float(where.mean()) if len(where) else float("nan")
