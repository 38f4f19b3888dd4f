"""InfoNCE between clips and sentences, with hard negatives on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Scores:
    """How similar clips and sentences are, N pairs of a batch: logits.

    Attributes:
        own: [N] of each clip and its own sentence.
        others: [N, J] of clip i and the sentence of pair (i + d_j) mod N.
        shifts: [J] int64, the different d_j, from 1 to N - 1.
        swaps: [N, S] of each clip and its own sentence with a word swapped.
        has_swap: [N, S] bool, which of them there are.
        cut: [N] of the clip that was cut before its end and the same sentence.
        nothing: [] what stands for "nothing was done yet".
    """

    own: Tensor
    others: Tensor
    shifts: Tensor
    swaps: Tensor
    has_swap: Tensor
    cut: Tensor
    nothing: Tensor


@dataclass(frozen=True)
class Losses:
    """Means over a batch.

    Attributes:
        loss: what is minimized.
        accuracy: how often a clip is more similar to its own sentence than to the others that it is compared with,
            its own with a word swapped, and nothing.
        undone: how often a clip that was cut is less similar to its sentence than nothing.
    """

    loss: Tensor
    accuracy: Tensor
    undone: Tensor


def infonce(scores: Scores, meaning: Tensor) -> Losses:
    """Symmetric InfoNCE with hard negatives.

    With s(v, l) the score of a clip v_i and its sentence l_i, the sentence's swaps l_ik, the clip c_i that was cut, and
    o, the score of nothing:

    clip to sentence:  -log exp s(v_i, l_i) / (exp s(v_i, l_i) + sum_j exp s(v_i, l_j) + sum_k exp s(v_i, l_ik) + exp o)
    sentence to clip:  -log exp s(v_i, l_i) / (exp s(v_i, l_i) + sum_j exp s(v_j, l_i) + exp s(c_i, l_i))
    cut to nothing:    -log exp o           / (exp s(c_i, l_i) + exp o)

    where j goes over others of the batch, with another meaning. The loss is the mean of the three. A clip that was cut
    is compared with its own sentence only: it may show what another one asks for. So is o a number and no vector that
    clips could be near to: clips of what no sentence of training names would be.

    Args:
        scores: of N pairs.
        meaning: [N] int64; equal numbers are the same request, and no negatives of one another.

    Source: van den Oord et al. 2018, arXiv:1807.03748; symmetric as in Radford et al. 2021, arXiv:2103.00020; the
    negatives by cut clips and swapped words are ours.
    """
    first = torch.arange(len(scores.own), device=scores.own.device).unsqueeze(1)
    count = len(first)
    after, before = (first + scores.shifts) % count, (first - scores.shifts) % count  # [N, J]
    place = torch.arange(len(scores.shifts), device=first.device)
    to_sentences = scores.others.masked_fill(meaning[after] == meaning[first], -torch.inf)
    to_clips = scores.others[before, place].masked_fill(meaning[before] == meaning[first], -torch.inf)
    to_swaps = scores.swaps.masked_fill(~scores.has_swap, -torch.inf)
    own, cut = scores.own.unsqueeze(1), scores.cut.unsqueeze(1)
    nothing = scores.nothing.expand(count, 1)
    target = torch.zeros(count, dtype=torch.int64, device=first.device)
    clip_logits = torch.cat([own, to_sentences, to_swaps, nothing], dim=1)
    parts = [
        functional.cross_entropy(clip_logits, target),
        functional.cross_entropy(torch.cat([own, to_clips, cut], dim=1), target),
        functional.cross_entropy(torch.cat([nothing, cut], dim=1), target),
    ]
    with torch.no_grad():
        accuracy = (clip_logits.argmax(dim=1) == 0).float().mean()
        undone = (nothing > cut).float().mean()
    return Losses(torch.stack(parts).mean(), accuracy, undone)
