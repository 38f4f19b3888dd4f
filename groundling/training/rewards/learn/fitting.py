"""Training a model of relatedness on described clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.envs.described_clips import DescribedClips
from groundling.errors import ConfigurationError
from groundling.seeding import integer
from groundling.training.checks import require_each
from groundling.training.rewards.learn.model import Reads, Relatedness, RelatednessNet, vocabulary_of
from groundling.training.rewards.learn.pairs import Pairs, distinct_sentences, draw_pairs

LONGEST_SENTENCE = 96  # tokens
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class FitConfig:
    """How a model of relatedness is trained.

    The authors take batches of 32 for 50 epochs and a rate of 1e-4 that falls by .95 each 10,000 steps; these defaults
    are far fewer steps with larger batches and were not compared with theirs.

    Attributes:
        reads: what of the actions: their "histogram" or their "sequence".
        pairs: of actions and a sentence, a fifth of them for validation.
        epochs: times that all pairs are learned from; the best by validation is kept.
        batch_size: pairs of a step.
        learning_rate: of Adam.
        decay: of the rate, an epoch.
        seed: of pairs, parameters and batches.
    """

    reads: Reads = "histogram"
    pairs: int = 100_000
    epochs: int = 8
    batch_size: int = 512
    learning_rate: float = 1e-3
    decay: float = 0.8
    seed: int = 0

    def __post_init__(self) -> None:
        require_each(self, "epochs", least=1)
        require_each(self, "pairs", least=20)
        require_each(self, "batch_size", least=2)
        require_each(self, "learning_rate", "decay", above=0)


def fit(clips: DescribedClips, config: FitConfig | None = None) -> Relatedness:
    """A model of relatedness, trained on clips until the last epoch; the best one by validation.

    Args:
        clips: with some that are for validation.
        config: how.

    Raises:
        ConfigurationError: if no clips, or none for validation, or fewer than two sentences are given.
    """
    config = config or FitConfig()
    rows = [np.flatnonzero(clips.is_validation == part) for part in (False, True)]
    if not all(map(len, rows)):
        raise ConfigurationError(
            f"a model of relatedness needs clips to train on and others to validate it by, got {len(rows[0])} and "
            f"{len(rows[1])}: record more clips"
        )
    rng = np.random.default_rng(integer(config.seed, "pairs"))
    sentences = distinct_sentences(clips)
    held = int(VALIDATION_SHARE * config.pairs)
    train, validation = (
        draw_pairs(clips, own, sentences, count, rng)
        for own, count in zip(rows, (config.pairs - held, held), strict=True)
    )
    vocabulary = vocabulary_of(sentences)
    tokens = torch.as_tensor(vocabulary.encode_all(sentences, length=LONGEST_SENTENCE), dtype=torch.int64)
    tokens = tokens[:, : int((tokens != 0).sum(dim=1).max())]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer(config.seed, "relatedness"))
        net = RelatednessNet(len(clips.action_names), len(vocabulary), config.reads)
        best, accuracy = _train(net, tokens, train, validation, config)
    net.load_state_dict(best)
    facts = {"accuracy": accuracy, "clips": float(len(clips)), "pairs": float(config.pairs)}
    return Relatedness(net.eval(), vocabulary, clips.action_names, sentences, facts)


def accuracy_of(model: Relatedness, pairs: Pairs) -> float:
    """How many pairs it judges rightly, of those whose sentences are rows of its own."""
    tokens = torch.as_tensor(model.vocabulary.encode_all(model.sentences, length=LONGEST_SENTENCE), dtype=torch.int64)
    return _accuracy(model.net, tokens, pairs, 4096)


def _train(
    net: RelatednessNet, tokens: Tensor, train: Pairs, validation: Pairs, config: FitConfig
) -> tuple[dict[str, Tensor], float]:
    optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, config.decay)
    best: dict[str, Tensor] = {}
    highest = -1.0
    for _ in range(config.epochs):
        net.train()
        for rows in torch.randperm(len(train)).split(config.batch_size):
            if len(rows) < 2:
                continue
            logits = _judged(net, tokens, train, rows.numpy())
            wanted = torch.as_tensor(train.is_related[rows.numpy()], dtype=torch.int64)
            loss = nn.functional.cross_entropy(logits, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        accuracy = _accuracy(net, tokens, validation, 4 * config.batch_size)
        if accuracy > highest:
            best, highest = {name: value.clone() for name, value in net.state_dict().items()}, accuracy
    return best, highest


@torch.no_grad()
def _accuracy(net: RelatednessNet, tokens: Tensor, pairs: Pairs, batch_size: int) -> float:
    net.eval()
    right = 0
    for begin in range(0, len(pairs), batch_size):
        rows = np.arange(begin, min(begin + batch_size, len(pairs)))
        told = _judged(net, tokens, pairs, rows).argmax(dim=1).numpy()
        right += int((told == pairs.is_related[rows]).sum())
    return right / len(pairs)


def _judged(net: RelatednessNet, tokens: Tensor, pairs: Pairs, rows: NDArray[Any]) -> Tensor:
    """Logits of some pairs; each distinct sentence among them is read once."""
    if net.reads == "histogram":
        memory = torch.as_tensor(pairs.histogram[rows])
    else:
        memory = net.remember(torch.as_tensor(pairs.actions[rows], dtype=torch.int64))
    distinct, place = np.unique(pairs.sentence[rows], return_inverse=True)
    own = tokens[torch.as_tensor(distinct)]
    own = own[:, : int((own != 0).sum(dim=1).max())]
    return net(memory, net.read(own)[torch.as_tensor(place)])
