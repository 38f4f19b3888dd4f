"""What encoders that read a sentence word by word have in common: an embedding, and vectors of single words."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


def word_mask(tokens: Tensor) -> Tensor:
    """Where words are, [S, L] bool, in sentences [S, L]; a sentence without words counts its first padding as one."""
    mask = tokens != 0
    mask[:, 0] |= ~mask.any(dim=1)
    return mask


class WordEncoder(nn.Module):
    """An encoder of sentences that also gives a vector for every word of them.

    Attributes:
        heeds_neighbors: whether the vector of a word depends on those beside it.
    """

    heeds_neighbors: ClassVar[bool] = False

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim
        self.embedding = nn.Embedding(vocabulary_size, word_dim, padding_idx=0)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of the sentences [S, D]."""
        raise NotImplementedError

    def words(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of their words [S, L, D], zero at padding."""
        return self.states(tokens) * (tokens != 0).unsqueeze(2)

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of their words [S, L, D], anything at padding."""
        raise NotImplementedError
