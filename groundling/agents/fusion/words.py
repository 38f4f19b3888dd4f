"""Fusions that are given one vector of each word: cells, or attributes of cells, attend to the words."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from groundling.agents.encoders.cells import NUM_ATTRIBUTES
from groundling.agents.fusion.base import Fusion, Instruction, Linear
from groundling.agents.fusion.readout import read_out_gated, read_out_shared
from groundling.language.encoders import sinusoids

HEADS = 4  # or as many as divide the channels
PLACE_DIM = 16


class CrossAttentionFusion(Fusion):
    """Every cell attends to the words, and what it takes from them is added to its channels.

    CA(x, l) = x + W_o concat_h(sum_j softmax_j(<W_q x, W_k l_j> / sqrt(d)) W_v l_j)

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; from vision to words as in Lu et al. 2019,
    arXiv:1908.02265.
    """

    hears_words = True

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__(cell_dim, instruction_dim)
        self.heads = math.gcd(HEADS, cell_dim)
        self.query = nn.Linear(cell_dim, cell_dim)
        self.key = nn.Linear(instruction_dim, cell_dim, bias=False)  # a bias would add the same to every word
        self.heard = nn.Linear(instruction_dim, cell_dim)
        self.project = nn.Linear(cell_dim, cell_dim)

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Attributes under S instructions: fused channels [S, V, D]; see :class:`Fusion`."""
        cells = attributes.sum(dim=-2)
        split = (self.heads, -1)
        query = self.query(cells).unflatten(-1, split)
        key = self.key(instruction.vectors).unflatten(-1, split)
        heard = self.heard(instruction.vectors).unflatten(-1, split)
        pairs = "vhd,slhd->svlh" if query.ndim == 3 else "svhd,slhd->svlh"
        logits = torch.einsum(pairs, query, key) / math.sqrt(query.shape[-1])
        weight = softmax_over_words(logits, instruction.mask[:, None, :, None], dim=2)
        return cells + self.project(torch.einsum("svlh,slhd->svhd", weight, heard).flatten(2))


class AttributeGatedFusion(Fusion):
    """Gated attention for each attribute of a cell, by the words that this attribute listens to.

    M(x, l) = sum_f x_f * sigmoid(W_f m_f + b_f),   m_f = sum_j a_fj l_j,   a_fj = s_fj / sum_i s_fi,
    s_fj    = exp(e_fj) / (1 + sum_g exp(e_gj)),    e_fj = <u_f, l_j> + <p_f, place_j>

    with x_f the channels of one of a cell's F attributes (type, color and state of symbols, groups of channels that are
    learned of pixels) and l_j the vector of word j: each word is shared out among
    the attributes and nobody (the 1), and an attribute receives the mean of the words by its shares. Several heads,
    each with a part of the channels, listen on their own, so that one can follow the first noun phrase, another the
    second.

    Why it recombines: attributes compete for words, so the color comes to attend to the color word and the type to the
    noun. Then nothing depends on a pair: M is a term of (the cell's color, the color word) plus a term of (its type,
    the noun), and the sum for two words never heard together follows from sentences with each of them. One gate of the
    whole sentence also has terms of (color, noun) and (type, color word), and training uses them to store which pairs
    it was asked for; so does, with some seeds, an attention in which every attribute may attend to every word. Which
    word belongs to which attribute is learned; words for anything else (verbs, places, states) are heard by whatever
    head has use for them.

    Sources: Chaplot et al. 2018, arXiv:1706.07230, section 4.1 (the gate); Hu et al. 2017, arXiv:1611.09978, and Yu et
    al. 2018, arXiv:1801.08186 (soft attention over the words for each part that an expression speaks of); Locatello et
    al. 2020, arXiv:2006.15055, section 2.1 (competition: a softmax over those who listen, then a mean over the inputs).
    """

    hears_words = True
    has_gates = True

    def __init__(self, cell_dim: int, instruction_dim: int, attributes: int = NUM_ATTRIBUTES) -> None:
        super().__init__(cell_dim, instruction_dim)
        self.attributes = attributes
        self.heads = math.gcd(HEADS, cell_dim)
        # no bias: what is added to every word alike changes nothing
        self.listen = nn.Linear(instruction_dim, self.attributes * self.heads, bias=False)
        self.place = nn.Linear(PLACE_DIM, self.attributes * self.heads, bias=False)
        self.gate = nn.Linear(instruction_dim, self.attributes * cell_dim)
        # content first: a word stands at other places in other sentences
        nn.init.zeros_(self.place.weight)

    def listening(self, instruction: Instruction) -> Tensor:
        """How much each attribute attends to each word in each head: [S, L, F, H], a sum of 1 over the words."""
        places = sinusoids(instruction.vectors.shape[1], PLACE_DIM, instruction.vectors.device)
        logits = self.listen(instruction.vectors) + self.place(places)
        logits = logits.unflatten(2, (self.attributes, self.heads))
        nobody = torch.zeros_like(logits[:, :, :1])
        share = torch.cat([logits, nobody], dim=2).log_softmax(dim=2)[:, :, : self.attributes]
        return softmax_over_words(share, instruction.mask[:, :, None, None], dim=1)  # shares that sum to 1

    def attribute_gates(self, instruction: Instruction) -> Tensor:
        """The gate of each attribute's channels [S, F, D] in (0, 1)."""
        # words are averaged before the gate's layer: there are more of them than attributes and heads
        heard = torch.einsum("slfh,sle->sfhe", self.listening(instruction), instruction.vectors)
        weight = self.gate.weight.unflatten(0, (self.attributes, self.heads, -1))
        bias = self.gate.bias.unflatten(0, (self.attributes, self.heads, -1))
        return torch.sigmoid(torch.einsum("sfhe,fhde->sfhd", heard, weight) + bias).flatten(2)

    def gates(self, instruction: Instruction) -> Tensor:
        """The gates [S, F * D] in (0, 1), attribute by attribute."""
        return self.attribute_gates(instruction).flatten(1)

    def as_linear(self, instruction: Instruction) -> Linear:
        """The gates of each attribute; see :class:`Fusion`."""
        gates = self.attribute_gates(instruction)
        return Linear(gates, torch.zeros_like(gates[:, 0]))

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Attributes under S instructions: fused channels [S, V, D]; see :class:`Fusion`."""
        gates = self.attribute_gates(instruction)
        if attributes.ndim == 4:
            return (attributes * gates.unsqueeze(1)).sum(dim=2)
        return torch.einsum("vfd,sfd->svd", attributes, gates)

    def read_out(self, attributes: Tensor, instruction: Instruction, readout: nn.Linear) -> Tensor:
        """What a layer reads out of the fused channels [S, V, K]; see :class:`Fusion`."""
        gates = self.attribute_gates(instruction)
        if attributes.ndim == 4:
            return read_out_gated(attributes, gates, readout)
        return read_out_shared(attributes, gates, readout)


def softmax_over_words(logits: Tensor, mask: Tensor, *, dim: int) -> Tensor:
    """Softmax over the words' dimension of logits, nothing for padding, where the mask (broadcast) is False."""
    return logits.masked_fill(~mask, -math.inf).softmax(dim=dim)
