"""A small transformer, trained with the agent: every word attends to every other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from groundling.language.encoders.words import WordEncoder, word_mask

LAYERS = 2
HEADS = 4  # or as many as divide the word's size


class TransformerEncoder(WordEncoder):
    """Two layers of self-attention over embeddings and places; a sentence's vector is the mean over its words.

    Layers are normalized before, not after; there is no dropout, so that an agent decides on a rollout as it did in it.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3; the order of normalization is that of Xiong et al. 2020,
    arXiv:2002.04745.
    """

    heeds_neighbors = True

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__(vocabulary_size, word_dim, out_dim)
        layer = nn.TransformerEncoderLayer(
            word_dim,
            math.gcd(HEADS, word_dim),
            4 * word_dim,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(word_dim), enable_nested_tensor=False)
        self.project = nn.Linear(word_dim, out_dim)
        for parameter in self.layers.parameters():  # the layers are copies of one: draw each its own weights
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        mask = word_mask(tokens).unsqueeze(2)
        return (self.states(tokens) * mask).sum(dim=1) / mask.sum(dim=1)

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to each word's state [S, L, D], which knows the other words."""
        words = self.embedding(tokens)
        places = sinusoids(words.shape[1], words.shape[2], words.device).to(words.dtype)
        return self.project(self.layers(words + places, src_key_padding_mask=~word_mask(tokens)))


def sinusoids(length: int, dim: int, device: torch.device) -> Tensor:
    """Vectors [length, dim] that tell places apart: sines in the even dimensions, cosines in the odd ones.

    p_{j,2k} = sin(j / 10000^(2k / d)),   p_{j,2k+1} = cos(j / 10000^(2k / d))

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    dimension = torch.arange(dim, device=device)
    rate = torch.exp(-math.log(10_000.0) / dim * (dimension - dimension % 2))
    angle = torch.arange(length, device=device).unsqueeze(1) * rate
    return torch.where(dimension % 2 == 0, angle.sin(), angle.cos())
