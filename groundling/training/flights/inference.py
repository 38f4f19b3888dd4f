"""Rewards inferred from what was said: an utterance may describe the best option, or the reward behind it.

    p(u | r, O) = alpha p_action(u | r, O) + (1 - alpha) p_reward(u | r)

    p_action(u | r, O) = p_L(o*_r | u, O) / sum_u' p_L(o*_r | u', O)      o*_r: the best option under r
    p_reward(u | r)    = softmax_u' s(u', r) / temperature

where u' are short utterances of the training games and u itself.

Source: Lin, Fried, Klein and Dragan 2022, "Inferring rewards from language in context", section 4. They sample 1,000
rewards of a continuous prior; here all 390,625 rewards are enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.language.flights.carriers import one_name
from groundling.language.flights.games import FEATURES, WEIGHTS, Game, Round, best_options, option_vectors
from groundling.language.flights.posterior import Posterior, all_rewards, choice_accuracy
from groundling.training.checks import require, require_shares
from groundling.training.flights.models import Listener, RewardSpeaker, Texts

HALF = len(WEIGHTS) ** (len(FEATURES) // 2)  # rewards of the first and of the last four features


@dataclass(frozen=True)
class Fitted:
    """The models of one seed.

    Attributes:
        texts: gives the vectors of utterances.
        listener: of options.
        speaker: of rewards.
    """

    texts: Texts
    listener: Listener
    speaker: RewardSpeaker


@dataclass(frozen=True)
class InferenceConfig:
    """How an utterance is taken.

    Attributes:
        alpha: how likely it describes the best option; else it describes the reward. 1: always, 0: never.
        temperature: of the reward speaker; above 1 flattens it.
    """

    alpha: float = 0.5
    temperature: float = 3.0

    def __post_init__(self) -> None:
        require_shares(self, "alpha")
        require(self.temperature > 0, f"temperature must be above 0, got {self.temperature}")


class PragmaticListener:
    """Infers a speaker's reward.

    Args:
        ensemble: models whose probabilities are averaged.
        others: the utterances that might have been said instead.
        config: how an utterance is taken.
    """

    def __init__(self, ensemble: Sequence[Fitted], others: Sequence[str], config: InferenceConfig) -> None:
        self.ensemble = tuple(ensemble)
        self.config = config
        self._rewards = all_rewards()
        with torch.no_grad():
            self._others = [one.texts.vectors(others) for one in self.ensemble]  # [K, E] each
            self._sums = [  # of exp scores over the other utterances, [390,625] each
                summed_over_utterances(one.speaker.eval()(vectors) / config.temperature)
                for one, vectors in zip(self.ensemble, self._others, strict=True)
            ]

    @torch.no_grad()
    def likelihood(self, told: Round) -> NDArray[np.float64]:
        """p(u | r, O) [390,625] of an utterance under every reward."""
        alpha, found = self.config.alpha, np.zeros(len(self._rewards))
        if alpha > 0:
            found += alpha * self.action_likelihood(told)[best_options(self._rewards, told.options)]
        if alpha < 1:
            found += (1 - alpha) * self.reward_likelihood(told)
        return found

    @torch.no_grad()
    def action_likelihood(self, told: Round) -> NDArray[np.float64]:
        """p_action [3]: of the utterance, if it describes each of the options."""
        options = torch.from_numpy(option_vectors(told.options))
        chosen = torch.zeros(1, 3)
        for one, others in zip(self.ensemble, self._others, strict=True):
            vectors = torch.cat([others, self._vector(one, told)])
            scores = one.listener.eval()(vectors, options.expand(len(vectors), -1, -1))
            chosen = chosen + scores.softmax(dim=1) / len(self.ensemble)
        return np.asarray((chosen[-1] / chosen.sum(dim=0)).double().numpy())

    @torch.no_grad()
    def reward_likelihood(self, told: Round) -> NDArray[np.float64]:
        """p_reward [390,625]: of the utterance, if it describes each of the rewards."""
        found = torch.zeros(len(self._rewards), dtype=torch.float64)
        for one, sums in zip(self.ensemble, self._sums, strict=True):
            score = summed_over_utterances(one.speaker.eval()(self._vector(one, told)) / self.config.temperature)
            found += score / (sums + score) / len(self.ensemble)
        return np.asarray(found.numpy())

    def infer(self, rounds: Sequence[Round]) -> list[NDArray[np.float64]]:
        """The expected reward [8] after each of some utterances of one speaker."""
        posterior, means = Posterior(), []
        for told in rounds:
            posterior.observe(self.likelihood(told))
            means.append(posterior.mean)
        return means

    def _vector(self, one: Fitted, told: Round) -> Tensor:
        return one.texts.vectors([one_name(told.utterance)])


def summed_over_utterances(scores: Tensor) -> Tensor:
    """sum_u exp s(u, r) for every reward r, [390,625] float64, of scores [U, 8 * 5] that add up over features.

    exp s(u, r) is a product of what the first four and the last four features give, so the sum over utterances is one
    product of two [U, 625] matrices.
    """
    first, last = (_products(half.double()) for half in scores.unflatten(1, (2, -1)).unbind(dim=1))
    return (first.T @ last).flatten()


def _products(scores: Tensor) -> Tensor:
    """Exp of the sums [U, 5^4] of scores [U, 4 * 5] for every choice of four weights, the last changing fastest."""
    found = torch.zeros(len(scores), 1, dtype=scores.dtype)
    for feature in scores.unflatten(1, (-1, len(WEIGHTS))).unbind(dim=1):
        found = (found.unsqueeze(2) + feature.unsqueeze(1)).flatten(1)
    return found.exp()


def accuracies(
    listener: PragmaticListener, games: Sequence[Game], sets: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """How often inferred rewards choose as the true ones do in new option sets [N, 3, 8].

    Returns:
        for each utterance that counts: the number of its game, which one of the game it is (from 1), and the accuracy
        of the reward inferred from the game's utterances up to it.
    """
    return [
        (number, count, choice_accuracy(mean, game.reward, sets))
        for number, game in enumerate(games)
        for count, mean in enumerate(listener.infer(game.told), start=1)
    ]
