"""Pairs of actions and a sentence, related or not: what a model of relatedness is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.described_clips import DescribedClips
from groundling.errors import ConfigurationError

LEAST_MOVES: Final = 5  # actions of a stretch that move something; of a shorter clip all are taken
LONGEST: Final = 150  # actions of a stretch
TRIES: Final = 20


@dataclass(frozen=True)
class Pairs:
    """P pairs, the first half related, the others not.

    Attributes:
        actions: [P, n] uint8, what was done; A where a stretch is over.
        histogram: [P, A] float32, how often each action was taken, of a sum of 1.
        sentence: [P] row of the sentences.
        is_related: [P] bool.
    """

    actions: NDArray[np.uint8]
    histogram: NDArray[np.float32]
    sentence: NDArray[np.int64]
    is_related: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sentence)


def distinct_sentences(clips: DescribedClips) -> tuple[str, ...]:
    """Every sentence of the clips once, in the order of their first use."""
    return tuple(dict.fromkeys(sentence for told in clips.sentences for sentence in told))


def draw_pairs(
    clips: DescribedClips, rows: NDArray[np.intp], sentences: Sequence[str], count: int, rng: np.random.Generator
) -> Pairs:
    """So many pairs of these clips, half of them related.

    A related pair is a stretch of a clip with one of the clip's sentences. For each there is an unrelated one: half of
    the time the same stretch with a sentence of another clip, half of the time the same sentence with as many random
    actions, of probabilities that are uniformly random and normalized.

    Args:
        clips: N of them.
        rows: of those that are drawn from.
        sentences: distinct ones, of all clips.
        count: P.
        rng: source of the draws.

    Raises:
        ConfigurationError: if there are no two sentences.

    Source: Goyal, Niekum and Mooney 2019, github.com/prasoongoyal/rl-learn (generation of pairs). There the random
    histogram is those probabilities themselves, which no actions of a short stretch have; and a sentence of another
    clip may be the same one.
    """
    place_of = {sentence: place for place, sentence in enumerate(sentences)}
    told = [np.array([place_of[sentence] for sentence in clips.sentences[row]]) for row in rows.tolist()]
    if len({place for own in told for place in own.tolist()}) < 2:
        raise ConfigurationError(
            f"relatedness is learned from clips of at least two sentences, these {len(rows)} clips have fewer: record "
            "more clips, or of more tasks"
        )
    half = count // 2
    clip = rng.integers(len(rows), size=half)
    begin, end = _stretches(clips, rows[clip], rng)
    sentence = _one_of(told, clip, rng)
    is_swapped = rng.random(half) < 0.5
    other, is_same = sentence.copy(), np.ones(half, dtype=np.bool_)
    while is_same.any():
        other[is_same] = _one_of(told, rng.integers(len(rows), size=int(is_same.sum())), rng)
        is_same = other == sentence
    actions = _padded(clips, begin, end)
    random = _random_actions(len(clips.action_names), end - begin, actions.shape[1], rng)
    false_actions = np.where(is_swapped[:, None], actions, random)
    both = np.concatenate([actions, false_actions])
    return Pairs(
        both,
        histograms(both, len(clips.action_names)),
        np.concatenate([sentence, np.where(is_swapped, other, sentence)]),
        np.arange(2 * half) < half,
    )


def histograms(actions: NDArray[np.uint8], num_actions: int) -> NDArray[np.float32]:
    """How often each action was taken, [P, A] of a sum of 1, of rows [P, n] that end in A."""
    counts = np.stack([(actions == action).sum(axis=1) for action in range(num_actions)], axis=1)
    return (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)


def _one_of(told: Sequence[NDArray[np.intp]], clips: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A sentence of each of these clips."""
    draws = rng.random(len(clips))
    return np.array([told[clip][int(draw * len(told[clip]))] for clip, draw in zip(clips, draws, strict=True)])


def _stretches(
    clips: DescribedClips, rows: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a stretch of each of these clips begins and ends: with enough moves, else the whole clip."""
    moves = np.concatenate([[0], np.cumsum(~np.isin(clips.actions, clips.idle))])
    first, last = clips.starts[rows], clips.starts[rows + 1]
    begin, end = first.copy(), last.copy()
    is_open = moves[last] - moves[first] >= LEAST_MOVES
    for _ in range(TRIES):
        if not is_open.any():
            break
        ends = np.sort(rng.integers(first[is_open], last[is_open] + 1, size=(2, int(is_open.sum()))), axis=0)
        is_good = moves[ends[1]] - moves[ends[0]] >= LEAST_MOVES
        chosen = np.flatnonzero(is_open)[is_good]
        begin[chosen], end[chosen] = ends[0][is_good], ends[1][is_good]
        is_open[chosen] = False
    return begin, np.minimum(end, begin + LONGEST)


def _padded(clips: DescribedClips, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint8]:
    steps = np.arange(int((end - begin).max()))
    place = np.minimum(begin[:, None] + steps, len(clips.actions) - 1)
    return np.where(steps < (end - begin)[:, None], clips.actions[place], len(clips.action_names)).astype(np.uint8)


def _random_actions(
    num_actions: int, lengths: NDArray[np.int64], width: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Rows [P, width] of actions, each drawn with probabilities that are uniformly random and normalized."""
    shares = np.cumsum(rng.random((len(lengths), num_actions)), axis=1)
    draws = rng.random((len(lengths), width)) * shares[:, -1:]
    drawn = np.zeros(draws.shape, dtype=np.uint8)
    for action in range(num_actions - 1):
        drawn += draws >= shares[:, action, None]
    return np.where(np.arange(width) < lengths[:, None], drawn, num_actions).astype(np.uint8)
