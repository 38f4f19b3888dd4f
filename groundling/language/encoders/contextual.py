"""Words that know their sentence: each is itself, and a correction by what stands before and after it."""

from __future__ import annotations

from torch import Tensor, nn

from groundling.language.encoders.bags import PositionalBagOfWords
from groundling.language.encoders.recurrent import read_both_ways
from groundling.language.encoders.words import word_mask


class ContextualBagOfWords(PositionalBagOfWords):
    """A bag of words in which a word also tells which part it has in its sentence.

    h_j = W x_j + U [forward_j; backward_j],   m = W sum_j l_j * x_j + U mean_j [forward_j; backward_j]

    with x_j the embedding of word j, l_j the weights of a positional bag of words, and forward_j and backward_j the
    states of a GRU in each direction. U adds what no word says by itself: which of two objects is to be put, which
    clause comes first. Where it adds nothing a word is what it is alone, which is what lets a gate recombine words.

    Source: the states are those of Schuster & Paliwal 1997 (doi:10.1109/78.650093), of gated units (Cho et al. 2014,
    arXiv:1406.1078); the sum with what is not recurrent as in He et al. 2016, arXiv:1512.03385.
    """

    heeds_neighbors = True

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__(vocabulary_size, word_dim, out_dim)
        self.gru = nn.GRU(word_dim, out_dim, batch_first=True, bidirectional=True)
        self.context = nn.Linear(2 * out_dim, out_dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of the sentences [S, D]."""
        mask = word_mask(tokens).unsqueeze(2)
        around = read_both_ways(self.gru, self.embedding(tokens), tokens) * mask
        return super().forward(tokens) + self.context(around.sum(dim=1) / mask.sum(dim=1))

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors of their words [S, L, D], each with what its sentence adds."""
        around = read_both_ways(self.gru, self.embedding(tokens), tokens)
        return super().states(tokens) + self.context(around)
