"""InfoNCE against sums written out, and what it may not compare."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groundling.training.contrastive.loss import Embedded, infonce

N, S, E = 5, 3, 4


def embedded(seed: int = 0) -> Embedded:
    torch.manual_seed(seed)

    def rows(*shape: int) -> Tensor:
        return functional.normalize(torch.randn(*shape, E, dtype=torch.float64), dim=-1)

    return Embedded(rows(N), rows(N), rows(N), rows(N, S), torch.tensor(0.2, dtype=torch.float64))


def test_loss_is_the_mean_of_three_sums_written_out() -> None:
    batch, scale = embedded(), 3.0
    meaning = torch.tensor([7, 8, 7, 9, 8])
    has_swap = torch.tensor([[True, False, True]] * N)

    def s(clip: Tensor, sentence: Tensor) -> float:
        return math.exp(scale * float(clip @ sentence))

    nothing = math.exp(scale * 0.2)
    total = 0.0
    for i in range(N):
        others = [j for j in range(N) if j == i or meaning[j] != meaning[i]]
        own = s(batch.done[i], batch.sentences[i])
        swapped = sum(s(batch.done[i], batch.swaps[i, k]) for k in range(S) if has_swap[i, k])
        cut = s(batch.cut[i], batch.sentences[i])
        total -= math.log(own / (sum(s(batch.done[i], batch.sentences[j]) for j in others) + swapped + nothing))
        total -= math.log(own / (sum(s(batch.done[j], batch.sentences[i]) for j in others) + cut))
        total -= math.log(nothing / (nothing + cut))
    found = infonce(batch, meaning, torch.tensor(scale, dtype=torch.float64), has_swap)
    assert float(found.loss) == pytest.approx(total / (3 * N), rel=1e-9)


def test_pairs_of_one_meaning_are_no_negatives_of_one_another() -> None:
    """Where all pairs ask for the same, the others of the batch change nothing."""
    batch, none = embedded(), torch.zeros(N, S, dtype=torch.bool)
    scale = torch.tensor(5.0, dtype=torch.float64)
    whole = infonce(batch, torch.zeros(N, dtype=torch.int64), scale, none).loss
    alone = [
        infonce(
            Embedded(
                *(part[i : i + 1] for part in (batch.done, batch.cut, batch.sentences, batch.swaps)), batch.nothing
            ),
            torch.zeros(1, dtype=torch.int64),
            scale,
            none[:1],
        ).loss
        for i in range(N)
    ]
    assert float(whole) == pytest.approx(float(torch.stack(alone).mean()))


def test_perfect_vectors_have_no_loss_and_are_counted_as_right() -> None:
    eye = torch.eye(8)
    batch = Embedded(eye[:3], eye[3:6], eye[:3], eye[3:6].unsqueeze(1), torch.tensor(0.5))
    all_swaps = torch.ones(3, 1, dtype=torch.bool)
    found = infonce(batch, torch.arange(3), torch.tensor(60.0), all_swaps)
    assert float(found.loss) < 1e-6
    assert (float(found.accuracy), float(found.undone)) == (1.0, 1.0)
    swapped = Embedded(batch.done, batch.done, batch.sentences, batch.done.unsqueeze(1), batch.nothing)
    wrong = infonce(swapped, torch.arange(3), torch.tensor(60.0), all_swaps)
    assert float(wrong.undone) == 0.0
    assert float(wrong.loss) > 1
