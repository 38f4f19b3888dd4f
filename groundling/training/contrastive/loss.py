"""InfoNCE between clips and sentences, with hard negatives on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Embedded:
    """N pairs of a clip and a sentence in one space, rows of length 1.

    Attributes:
        done: [N, E] clips of what was done.
        cut: [N, E] clips of the same episodes, cut before it was done.
        sentences: [N, E] that name what was done.
        swaps: [N, S, E] the same sentences with a word swapped.
        nothing: [E] what stands for "nothing was done yet".
    """

    done: Tensor
    cut: Tensor
    sentences: Tensor
    swaps: Tensor
    nothing: Tensor


@dataclass(frozen=True)
class Losses:
    """Means over a batch.

    Attributes:
        loss: what is minimized.
        accuracy: how often a clip is nearest to its own sentence, among those of the batch that ask for something else,
            its own with a word swapped, and nothing.
        undone: how often a clip that was cut is nearest to nothing.
    """

    loss: Tensor
    accuracy: Tensor
    undone: Tensor


def infonce(embedded: Embedded, meaning: Tensor, scale: Tensor, has_swap: Tensor) -> Losses:
    """Symmetric InfoNCE with hard negatives.

    With s(v, l) = scale <v, l>, of a clip v_i, its sentence l_i, the sentence's swaps l_ik, the clip c_i that was cut,
    and o, which stands for nothing:

    clip to sentence:  -log exp s(v_i, l_i) / (sum_j exp s(v_i, l_j) + sum_k exp s(v_i, l_ik) + exp s(v_i, o))
    cut to nothing:    -log exp s(c_i, o)   / (sum_j exp s(c_i, l_j) + exp s(c_i, o))
    sentence to clip:  -log exp s(v_i, l_i) / (sum_j exp s(v_j, l_i) + sum_j exp s(c_j, l_i))

    where j goes over i itself and the pairs of the batch with another meaning. The loss is the mean of the three.

    Args:
        embedded: of N pairs.
        meaning: [N] int64; equal numbers are the same request, and no negatives of one another.
        scale: the inverse of the temperature.
        has_swap: [N, S] bool, which swaps there are.

    Source: van den Oord et al. 2018, arXiv:1807.03748; symmetric as in Radford et al. 2021, arXiv:2103.00020; the
    negatives by cut clips and swapped words are ours.
    """
    done, cut, sentences, nothing = embedded.done, embedded.cut, embedded.sentences, embedded.nothing
    own = torch.arange(len(done), device=done.device)
    same = (meaning.unsqueeze(0) == meaning.unsqueeze(1)) & ~torch.eye(len(done), dtype=torch.bool, device=done.device)
    to_sentence = (scale * done @ sentences.T).masked_fill(same, -torch.inf)
    to_swap = (scale * torch.einsum("ne,nse->ns", done, embedded.swaps)).masked_fill(~has_swap, -torch.inf)
    to_nothing = (scale * done @ nothing).unsqueeze(1)
    clip_logits = torch.cat([to_sentence, to_swap, to_nothing], dim=1)
    cut_to_sentence = scale * cut @ sentences.T
    cut_logits = torch.cat([cut_to_sentence, (scale * cut @ nothing).unsqueeze(1)], dim=1)
    sentence_logits = torch.cat([to_sentence.T, cut_to_sentence.T], dim=1)
    last = torch.full_like(own, len(done))
    parts = [
        functional.cross_entropy(clip_logits, own),
        functional.cross_entropy(cut_logits, last),
        functional.cross_entropy(sentence_logits, own),
    ]
    with torch.no_grad():
        accuracy = (clip_logits.argmax(dim=1) == own).float().mean()
        undone = (cut_logits.argmax(dim=1) == last).float().mean()
    return Losses(torch.stack(parts).mean(), accuracy, undone)
