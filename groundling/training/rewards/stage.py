"""The one stage between environments and algorithm, where terms of the reward are weighted, added up and logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.errors import ConfigurationError
from groundling.interfaces import Array, Reward, Transition
from groundling.training.rewards import REWARDS
from groundling.training.rewards.environment import EnvironmentReward

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


class RewardStage:
    """A weighted sum of rewards: r_t = sum_i w_i r_i(transition_t).

    The success of an episode is a flag of its own, which no term changes.

    Args:
        terms: the rewards by their names.
        weights: one for each.
    """

    def __init__(self, terms: dict[str, Reward], weights: Sequence[float]) -> None:
        self.terms = terms
        self.weights = tuple(weights)
        self.is_plain = all(isinstance(term, EnvironmentReward) for term in terms.values()) and self.weights == (1.0,)
        self._sums = dict.fromkeys(terms, 0.0)
        self._steps = 0
        self._learned: dict[str, float] = {}

    @classmethod
    def of_environment(cls) -> RewardStage:
        """The environments' own reward as it is."""
        return cls({"environment": EnvironmentReward()}, (1.0,))

    @classmethod
    def of(cls, config: TrainConfig, envs: VectorEnv) -> RewardStage:
        """The terms of a run.

        Raises:
            ConfigurationError: if there is no reward of a name.
            ExtensionError: if one's own code cannot be imported.
        """
        terms = {name: REWARDS.find(name)(config, envs) for name in config.reward}
        return cls(terms, config.reward_weights or (1.0,) * len(terms))

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step.

        Raises:
            ConfigurationError: if a term gives something else than [B] finite numbers.
        """
        total = np.zeros(len(transition.reward))
        for (name, term), weight in zip(self.terms.items(), self.weights, strict=True):
            paid = np.asarray(term(transition), dtype=np.float64)
            if paid.shape != total.shape or not np.isfinite(paid).all():
                raise ConfigurationError(
                    f"the reward {name!r} gave {paid.shape} {paid}, it is to give [{len(total)}] finite numbers"
                )
            self._sums[name] += float(paid.mean())
            total += weight * paid
        self._steps += 1
        return total

    def texts_of(self, envs: VectorEnv) -> tuple[str, ...]:
        """The sentences of the environments before a step, if a term might want them."""
        return () if self.is_plain else tuple(getattr(envs.unwrapped, "instructions", ()))

    def learn(self, batch: Any) -> None:
        """Have each term learn from the steps that it was asked about."""
        for name, term in self.terms.items():
            self._learned |= {f"reward/{name}/{key}": value for key, value in term.update(batch).items()}

    def take_metrics(self) -> dict[str, float]:
        """The mean of each term a step since the last call, unweighted, and what terms tell of their learning."""
        told, self._learned = self._learned, {}
        if not self.is_plain and self._steps:
            told |= {f"reward/{name}": total / self._steps for name, total in self._sums.items()}
        self._sums, self._steps = dict.fromkeys(self.terms, 0.0), 0
        return told

    def state_dict(self) -> dict[str, Any]:
        """All that the next rewards depend on."""
        return {name: term.state_dict() for name, term in self.terms.items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        for name, term in self.terms.items():
            term.load_state_dict(saved[name])
