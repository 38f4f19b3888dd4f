"""Attention of a memory over the words of its instruction, for what is to be done at the present step."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Sentences(NamedTuple):
    """What a memory may read: S sentences word by word, and whose is which.

    Attributes:
        words: [S, L, E].
        mask: [S, L] bool, False at padding.
        row_of: [T, B] int64, the sentence that each observation came with.
    """

    words: Tensor
    mask: Tensor
    row_of: Tensor


class InstructionReader(nn.Module):
    """Attention of a memory's state over the words of its instruction.

    c = sum_j a_j l_j,   a = softmax_j(<W h, l_j> / sqrt(E)),   read(h, l) = U c

    with h the state before the step and l_j the vectors of the words. Gates say at every step where things are that the
    whole instruction speaks of; which of its clauses comes next only the memory knows.

    Source: Bahdanau et al. 2015, arXiv:1409.0473, section 3.1 (attention by a recurrent state), with the product of
    Luong et al. 2015, arXiv:1508.04025; a memory that asks the instruction as in Chevalier-Boisvert et al. 2019,
    arXiv:1810.08272, appendix (the large model).

    Args:
        state_dim: size of the memory's output.
        word_dim: E.
        out_dim: size of what is read.
    """

    def __init__(self, state_dim: int, word_dim: int, out_dim: int) -> None:
        super().__init__()
        self.ask = nn.Linear(state_dim, word_dim)
        self.tell = nn.Linear(word_dim, out_dim, bias=False)

    def forward(self, state: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """What states [B, state_dim] read in their sentences, words [B, L, E] and mask [B, L]: [B, out_dim]."""
        scores = torch.bmm(words, self.ask(state).unsqueeze(2)).squeeze(2) / math.sqrt(words.shape[2])
        weight = scores.masked_fill(~mask, -math.inf).softmax(dim=1)
        return self.tell(torch.bmm(weight.unsqueeze(1), words).squeeze(1))
