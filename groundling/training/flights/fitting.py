"""Fitting the listener and the speaker to games of FlightPref."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from groundling.language.flights.carriers import NAMES, one_name, with_shifted_carriers
from groundling.language.flights.games import Game, option_vectors
from groundling.seeding import integer
from groundling.training.checks import require, require_each
from groundling.training.flights.inference import Fitted
from groundling.training.flights.models import (
    BagOfWords,
    Listener,
    RewardSpeaker,
    SentenceVectors,
    Texts,
    one_hot_rewards,
)

MOST_WORDS: Final = 8  # of an utterance that might have been said instead


@dataclass(frozen=True)
class FlightConfig:
    """How models are fitted.

    Attributes:
        text: "minilm" (vectors of a frozen sentence model) or "bag" (which words there are).
        hidden: units of the layer between an utterance's vector and what is read from it.
        dropout: of the vector and of that layer.
        epochs: passes over the games.
        batch_size: rounds of a gradient step; the reward speaker tells each utterance from those of the others.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        shifts_carriers: learn from the games with carriers exchanged as well.
    """

    text: Literal["minilm", "bag"] = "minilm"
    hidden: int = 128
    dropout: float = 0.3
    epochs: int = 14
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    shifts_carriers: bool = True

    def __post_init__(self) -> None:
        require(self.text in ("minilm", "bag"), f"text is minilm or bag, not {self.text!r}")
        require_each(self, "hidden", "epochs", "batch_size", least=1)
        require_each(self, "learning_rate", above=0)
        require(0 <= self.dropout < 1, f"dropout is from 0 on and below 1, not {self.dropout}")


class _Rounds(NamedTuple):
    """N rounds, with K distinct utterances."""

    vectors: Tensor  # [K, E]
    utterance: Tensor  # [N] of the K
    reward: Tensor  # [N, 40]
    options: Tensor  # [N, 3, 24]
    best: Tensor  # [N]


def fit(games: Sequence[Game], config: FlightConfig, seed: int) -> Fitted:
    """A listener and a speaker, fitted to the rounds of games in which something is said."""
    shifts = range(len(NAMES)) if config.shifts_carriers else range(1)
    changed = [with_shifted_carriers(game, shift) for shift in shifts for game in games]
    texts: Texts
    if config.text == "minilm":
        texts = SentenceVectors()
    else:
        texts = BagOfWords([one.utterance for game in changed for one in game.told])
    rounds = _rounds(changed, texts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer(seed, "flights"))
        listener = Listener(texts.size, config.hidden, config.dropout)
        speaker = RewardSpeaker(texts.size, config.hidden, config.dropout)
        _minimize(listener, config, rounds, lambda rows: listener_loss(listener, rounds, rows))
        _minimize(speaker, config, rounds, lambda rows: speaker_loss(speaker, rounds, rows))
    return Fitted(texts, listener.eval(), speaker.eval())


def other_utterances(games: Sequence[Game]) -> tuple[str, ...]:
    """The distinct utterances of at most eight words without digits, which might have been said instead of one."""
    told = {one_name(one.utterance) for game in games for one in game.told}
    return tuple(sorted(u for u in told if len(u.split()) <= MOST_WORDS and not re.search(r"\d", u)))


def listener_loss(listener: Listener, rounds: _Rounds, rows: Tensor) -> Tensor:
    """Cross-entropy of the best option, -log p_L(o* | u, O)."""
    scores = listener(rounds.vectors[rounds.utterance[rows]], rounds.options[rows])
    return nn.functional.cross_entropy(scores, rounds.best[rows])


def speaker_loss(speaker: RewardSpeaker, rounds: _Rounds, rows: Tensor) -> Tensor:
    """-log p(u | r) = -log softmax_u' s(u', r), against the utterances u' of the other rounds of the batch."""
    which = rounds.utterance[rows]
    is_same = which.unsqueeze(1) == which
    is_same.fill_diagonal_(False)
    scores = rounds.reward[rows] @ speaker(rounds.vectors[which]).T
    told: Tensor = scores.masked_fill(is_same, -torch.inf).log_softmax(dim=1).diagonal()
    return -told.mean()


def _minimize(model: nn.Module, config: FlightConfig, rounds: _Rounds, loss: Callable[[Tensor], Tensor]) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    model.train()
    for rows in _batches(len(rounds.utterance), config):
        optimizer.zero_grad(set_to_none=True)
        loss(rows).backward()
        optimizer.step()


def _batches(count: int, config: FlightConfig) -> Iterator[Tensor]:
    for _ in range(config.epochs):
        yield from torch.randperm(count).split(config.batch_size)


def _rounds(games: Sequence[Game], texts: Texts) -> _Rounds:
    told = [(game.reward, one) for game in games for one in game.told]
    utterances = [one_name(one.utterance) for _, one in told]
    place = {utterance: row for row, utterance in enumerate(dict.fromkeys(utterances))}
    return _Rounds(
        texts.vectors(list(place)),
        torch.tensor([place[utterance] for utterance in utterances]),
        one_hot_rewards(torch.tensor(np.array([reward for reward, _ in told]))),
        torch.from_numpy(option_vectors(np.array([one.options for _, one in told]))),
        torch.tensor([one.best for _, one in told]),
    )
