"""Bags of words: a sentence is the weighted sum of its words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundling.language.encoders.words import WordEncoder


class BagOfWords(WordEncoder):
    """The sum of the words' embeddings, then one linear layer: word order is lost."""

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__(vocabulary_size, word_dim, out_dim)
        self.project = nn.Linear(word_dim, out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        return self.project(self.embedding(tokens).sum(dim=1))

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of their words [S, L, D]: each word on its own, wherever it stands."""
        return self.project(self.embedding(tokens))


class PositionalBagOfWords(BagOfWords):
    """A bag of words that keeps their order: each embedding is weighted by its word's place before the sum.

    m = sum_j l_j * x_j,   l_kj = (1 - j / J) - (k / d) (1 - 2 j / J)

    with j the place of a word, J the number of words and k one of d dimensions. Every word adds its share, whatever the
    others are, which is what lets a gate recombine words that it never met together.

    Source: Sukhbaatar et al. 2015, arXiv:1503.08895, section 4.1 (position encoding).
    """

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        words = self.embedding(tokens)
        count = (tokens != 0).sum(dim=1).clamp(min=1).to(words.dtype)
        place = torch.arange(1, tokens.shape[1] + 1, device=tokens.device) / count.unsqueeze(1)
        dimension = torch.arange(1, words.shape[2] + 1, device=tokens.device) / words.shape[2]
        weight = (1 - place).unsqueeze(2) - dimension * (1 - 2 * place).unsqueeze(2)
        return self.project((words * weight).sum(dim=1))
