"""InfoNCE against sums written out, and what it may not compare."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from groundling.training.contrastive.loss import Scores, infonce

N, S, J = 5, 3, 2


def scores_of(seed: int = 0) -> Scores:
    torch.manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64)

    has_swap = torch.tensor([[True, False, True]] * N)
    return Scores(draw(N), draw(N, J), torch.tensor([3, 1]), draw(N, S), has_swap, draw(N), draw(1)[0])


def test_loss_is_the_mean_of_three_sums_written_out() -> None:
    scores, meaning = scores_of(), [7, 8, 7, 9, 8]
    nothing, total, right, undone = math.exp(float(scores.nothing)), 0.0, 0, 0
    for i in range(N):
        own, cut = math.exp(float(scores.own[i])), math.exp(float(scores.cut[i]))
        swaps = [math.exp(float(scores.swaps[i, k])) for k in (0, 2)]
        sentences, clips = [], []
        for j, shift in enumerate((3, 1)):
            if meaning[(i + shift) % N] != meaning[i]:
                sentences.append(math.exp(float(scores.others[i, j])))
            if meaning[(i - shift) % N] != meaning[i]:  # the clip whose others hold sentence i
                clips.append(math.exp(float(scores.others[(i - shift) % N, j])))
        total -= math.log(own / (own + sum(sentences) + sum(swaps) + nothing))
        total -= math.log(own / (own + sum(clips) + cut))
        total -= math.log(nothing / (nothing + cut))
        right += own > max(*sentences, *swaps, nothing)
        undone += nothing > cut
    found = infonce(scores, torch.tensor(meaning))
    assert float(found.loss) == pytest.approx(total / (3 * N), rel=1e-9)
    assert float(found.accuracy) == pytest.approx(right / N)
    assert float(found.undone) == pytest.approx(undone / N)


def test_pairs_of_one_meaning_are_no_negatives_of_one_another() -> None:
    """Where all pairs ask for the same, the scores of others change nothing."""
    scores, same = scores_of(), torch.zeros(N, dtype=torch.int64)
    changed = replace(scores, others=scores.others + 100)
    assert torch.equal(infonce(scores, same).loss, infonce(changed, same).loss)
    assert not torch.equal(infonce(scores, torch.arange(N)).loss, infonce(changed, torch.arange(N)).loss)


def test_swaps_that_there_are_not_change_nothing() -> None:
    scores, meaning = scores_of(), torch.arange(N)
    swaps = scores.swaps.clone()
    swaps[:, 1] += 100
    assert torch.equal(infonce(scores, meaning).loss, infonce(replace(scores, swaps=swaps), meaning).loss)
