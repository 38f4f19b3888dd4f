"""What is learned of FlightPref: vectors of utterances, a listener that chooses, a speaker that describes a reward."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from groundling.language.encoders.embeddings import embeddings_of
from groundling.language.encoders.pretrained import unit_variance
from groundling.language.encoders.sentence_models import find_model
from groundling.language.flights.games import FEATURES, VECTOR_SIZE, WEIGHTS

REWARD_SIZE: Final = len(FEATURES) * len(WEIGHTS)


class Texts(Protocol):
    """Gives vectors of utterances.

    Attributes:
        size: E.
    """

    size: int

    def vectors(self, utterances: Sequence[str]) -> Tensor:
        """[N, E] float32."""


class SentenceVectors:
    """The frozen all-MiniLM-L6-v2 (``groundling[sentence]``).

    Raises:
        ConfigurationError: if it is not installed.
    """

    def __init__(self) -> None:
        self._embeddings = embeddings_of(find_model(None))
        self.size = self._embeddings.dim

    def vectors(self, utterances: Sequence[str]) -> Tensor:
        """[N, E] float32, of length sqrt(E)."""
        return unit_variance(torch.from_numpy(self._embeddings.vectors(utterances)))


class BagOfWords:
    """Which words an utterance has, of those that at least three of some utterances have."""

    def __init__(self, utterances: Sequence[str]) -> None:
        count = Counter(word for utterance in utterances for word in set(_words(utterance)))
        self.place = {word: place for place, word in enumerate(sorted(w for w in count if count[w] >= 3))}
        self.size = len(self.place)

    def vectors(self, utterances: Sequence[str]) -> Tensor:
        """[N, E] float32, 1 for a word that is there."""
        found = torch.zeros(len(utterances), self.size)
        for row, utterance in enumerate(utterances):
            found[row, [self.place[word] for word in _words(utterance) if word in self.place]] = 1.0
        return found


class Listener(nn.Module):
    """Which option an utterance means: p(o | u, O) = softmax_o w(u) . o, with w(u) [24] read from the utterance.

    All options are scored alike, so their order tells nothing.
    """

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.weights = _reader(size, hidden, VECTOR_SIZE, dropout)

    def forward(self, utterances: Tensor, options: Tensor) -> Tensor:
        """Scores [N, 3] of options [N, 3, 24] by utterances [N, E]."""
        return torch.einsum("nod,nd->no", options, self.weights(utterances))


class RewardSpeaker(nn.Module):
    """How well an utterance describes a reward: a sum over features of a score of the weight that each has."""

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.reader = _reader(size, hidden, REWARD_SIZE, dropout)

    def forward(self, utterances: Tensor) -> Tensor:
        """Scores [N, 8 * 5] of utterances [N, E], by feature and weight."""
        found: Tensor = self.reader(utterances)
        return found


def one_hot_rewards(rewards: Tensor) -> Tensor:
    """Rewards [..., 8] of the five weights as [..., 8 * 5] float32 with eight ones."""
    place = ((rewards - WEIGHTS[0]) / (WEIGHTS[1] - WEIGHTS[0])).round().long()
    return nn.functional.one_hot(place, len(WEIGHTS)).flatten(-2).float()


def _reader(size: int, hidden: int, out: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(size, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, out)
    )


def _words(utterance: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+|[$!?]", utterance)
