"""Language encoders: token ids of distinct sentences to vectors. The only PyTorch in this room."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

LanguageKind = Literal["positional", "bow", "gru"]


class DistinctSentences(NamedTuple):
    """The instructions of a batch with every sentence once.

    Attributes:
        tokens: [S, L] token ids, columns that are padding in every sentence cut off.
        row_of: [B] int64, each environment's row of ``tokens``.
    """

    tokens: Tensor
    row_of: Tensor


def distinct_sentences(instruction: Tensor) -> DistinctSentences:
    """Find the distinct rows of a batch of instructions.

    Rows are compared by a 64-bit hash and the result is checked; should two sentences ever share a hash, the rows are
    sorted instead.

    Args:
        instruction: [B, L] integer token ids, 0 = padding.
    """
    used = (instruction != 0).any(dim=0).nonzero()
    length = int(used[-1]) + 1 if len(used) else 1
    words = instruction[:, :length].long()
    place = torch.arange(1, length + 1, device=words.device)
    multipliers = (place * 0x5851F42D4C957F2D + 0x14057B7EF767814F) | 1
    hashes = ((words + 1) * multipliers).sum(dim=1)
    values, index = torch.unique(hashes, return_inverse=True)
    first = torch.full_like(values, len(words)).scatter_reduce_(
        0, index, torch.arange(len(words), device=words.device), "amin"
    )
    tokens = words[first]
    if not torch.equal(tokens[index], words):
        tokens, index = torch.unique(words, dim=0, return_inverse=True)
    return DistinctSentences(tokens, index)


class BagOfWords(nn.Module):
    """The sum of the words' embeddings, then one linear layer: word order is lost."""

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, word_dim, padding_idx=0)
        self.project = nn.Linear(word_dim, out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        return self.project(self.embedding(tokens).sum(dim=1))


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


class GRUEncoder(nn.Module):
    """A GRU over the words; a sentence's vector is the state after its last word.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4 (instruction processing).
    """

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, word_dim, padding_idx=0)
        self.gru = nn.GRU(word_dim, out_dim, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        states, _ = self.gru(self.embedding(tokens))
        last = (tokens != 0).sum(dim=1).clamp(min=1) - 1
        return states[torch.arange(len(tokens), device=tokens.device), last]


def make_language_encoder(kind: LanguageKind, vocabulary_size: int, word_dim: int, out_dim: int) -> nn.Module:
    """An encoder from token ids [S, L] to vectors [S, out_dim]."""
    encoders: dict[LanguageKind, type[nn.Module]] = {
        "positional": PositionalBagOfWords,
        "bow": BagOfWords,
        "gru": GRUEncoder,
    }
    return encoders[kind](vocabulary_size, word_dim, out_dim)
