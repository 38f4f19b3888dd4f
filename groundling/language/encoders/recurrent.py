"""Recurrent encoders: a sentence is heard word after word."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from groundling.language.encoders.words import WordEncoder, word_mask


class GRUEncoder(WordEncoder):
    """A GRU over the words; a sentence's vector is the state after its last word.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4 (instruction processing).
    """

    heeds_neighbors = True

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__(vocabulary_size, word_dim, out_dim)
        self.gru = nn.GRU(word_dim, out_dim, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        last = (tokens != 0).sum(dim=1).clamp(min=1) - 1
        return self.states(tokens)[torch.arange(len(tokens), device=tokens.device), last]

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to the states after each word [S, L, D]."""
        states, _ = self.gru(self.embedding(tokens))
        return states


class BiGRUEncoder(WordEncoder):
    """A GRU in each direction; a sentence's vector is the mean of its words' states, weighted by attention.

    h_j = W [forward_j; backward_j],   a = softmax_j(v^T tanh(U h_j + b)),   m = sum_j a_j h_j

    Source: Lin et al. 2017, arXiv:1703.03130, section 2.1 (with one row of attention); the score is that of Bahdanau et
    al. 2015, arXiv:1409.0473, section 3.1.
    """

    heeds_neighbors = True

    def __init__(self, vocabulary_size: int, word_dim: int, out_dim: int) -> None:
        super().__init__(vocabulary_size, word_dim, out_dim)
        hidden = (out_dim + 1) // 2
        self.gru = nn.GRU(word_dim, hidden, batch_first=True, bidirectional=True)
        self.project = nn.Linear(2 * hidden, out_dim)
        self.score = nn.Sequential(nn.Linear(out_dim, out_dim), nn.Tanh(), nn.Linear(out_dim, 1, bias=False))

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        states = self.states(tokens)
        return (self.attention(tokens, states).unsqueeze(2) * states).sum(dim=1)

    def attention(self, tokens: Tensor, states: Tensor) -> Tensor:
        """How much each word counts, from the words' states [S, L, D]: [S, L], sums of 1, zero at padding."""
        score = self.score(states).squeeze(2)
        return score.masked_fill(~word_mask(tokens), -torch.inf).softmax(dim=1)

    def states(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to each word's state [S, L, D], which knows the words before and after it."""
        return self.project(read_both_ways(self.gru, self.embedding(tokens), tokens))


def read_both_ways(gru: nn.GRU, embedded: Tensor, tokens: Tensor) -> Tensor:
    """States [S, L, 2 D] of a bidirectional GRU over embeddings [S, L, E] of token ids [S, L], padding left out."""
    return read_lengths(gru, embedded, word_mask(tokens).sum(dim=1))


def read_lengths(reader: nn.GRU | nn.LSTM, embedded: Tensor, lengths: Tensor) -> Tensor:
    """States [S, L, 2 D] of a bidirectional GRU or LSTM over sequences [S, L, E] of these lengths [S], 1 at least;
    zeros behind their ends.
    """
    if lengths.device.type != "cpu":
        return read_lengths_on_device(reader, embedded, lengths)
    packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(reader(packed)[0], batch_first=True, total_length=embedded.shape[1])
    return states


def read_lengths_on_device(reader: nn.GRU | nn.LSTM, embedded: Tensor, lengths: Tensor) -> Tensor:
    """As :func:`read_lengths`, without the host, which would have to wait to learn the lengths.

    The sequences are read twice: as they are, of which the states of reading forward are right, and moved to the end of
    the padding, of which those of reading backward are.
    """
    count = embedded.shape[1]
    place = torch.arange(count, device=embedded.device)
    missing = (count - lengths).unsqueeze(1)
    at_end = embedded.gather(1, ((place - missing) % count).unsqueeze(2).expand_as(embedded))
    forward = reader(embedded)[0].chunk(2, dim=2)[0]
    backward = reader(at_end)[0].chunk(2, dim=2)[1]
    backward = backward.gather(1, ((place + missing) % count).unsqueeze(2).expand_as(backward))
    is_there = (place < lengths.unsqueeze(1)).unsqueeze(2)
    return torch.cat([forward, backward], dim=2) * is_there
