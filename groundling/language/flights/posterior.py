"""The exact posterior over all rewards that a speaker may have, and how well it predicts choices."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.language.flights.games import FEATURES, WEIGHTS


@cache
def all_rewards() -> NDArray[np.float32]:
    """Every reward, [5^8 = 390,625, 8] float32; the last feature changes fastest."""
    axes = np.meshgrid(*[np.array(WEIGHTS, dtype=np.float32)] * len(FEATURES), indexing="ij")
    rewards = np.stack([axis.ravel() for axis in axes], axis=1)
    rewards.flags.writeable = False
    return rewards


class Posterior:
    """p(reward | utterances) over :func:`all_rewards`, from a uniform prior.

    Utterances are independent given the reward: p(r | u_1 .. u_n) is proportional to prod_i p(u_i | r, options_i). All
    390,625 terms are summed up; nothing is sampled.
    """

    def __init__(self) -> None:
        self._log = np.zeros(len(all_rewards()))

    def observe(self, likelihood: NDArray[np.floating[Any]]) -> None:
        """Multiply with the likelihood [390,625] of an utterance under each reward.

        Raises:
            ValueError: if it is of another shape, negative, or zero for every reward.
        """
        if likelihood.shape != self._log.shape or not (likelihood >= 0).all() or not likelihood.any():
            raise ValueError(f"a likelihood is {self._log.shape} numbers from 0 on that are not all 0")
        with np.errstate(divide="ignore"):
            self._log += np.log(likelihood.astype(np.float64))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Of each reward, [390,625]; their sum is 1."""
        weights = np.exp(self._log - self._log.max())
        return np.asarray(weights / weights.sum())

    @property
    def mean(self) -> NDArray[np.float64]:
        """The expected reward [8]."""
        return np.asarray(self.probabilities @ all_rewards().astype(np.float64))


def choice_accuracy(
    guess: NDArray[np.floating[Any]], truth: NDArray[np.floating[Any]], sets: NDArray[np.floating[Any]]
) -> float:
    """The share of option sets [N, 3, 8] in which a guessed reward [8] chooses the option that the true one does.

    Source: Lin et al. 2022, the accuracy on held-out option sets.
    """
    return float(((sets @ guess).argmax(axis=1) == (sets @ truth).argmax(axis=1)).mean())
