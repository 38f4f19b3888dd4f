"""Fusion: where an instruction meets the visual channels.

A fusion is given the attributes of cells and S instructions, and says what each instruction makes of its cells. It
looks at one cell at a time: of symbols, whose cells are few and come again and again, it is evaluated once for each
distinct pair of a cell and an instruction; of pixels, whose cells all differ, each instruction has its own image's.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.config import FusionKind
from groundling.agents.encoders.cells import NUM_ATTRIBUTES
from groundling.language.encoders import sinusoids

HEADS = 4  # or as many as divide the channels
PLACE_DIM = 16


class Instruction(NamedTuple):
    """What a fusion is given of S sentences: one vector for each word, or a single one for the whole sentence.

    Attributes:
        vectors: [S, L, E]; L = 1 where each sentence is one vector.
        mask: [S, L] bool, False at padding; every sentence has at least one vector.
    """

    vectors: Tensor
    mask: Tensor

    @classmethod
    def of_sentences(cls, vectors: Tensor) -> Instruction:
        """Sentences of one vector each, [S, E]."""
        return cls(vectors.unsqueeze(1), torch.ones(len(vectors), 1, dtype=torch.bool, device=vectors.device))

    @property
    def sentence(self) -> Tensor:
        """The vectors [S, E] of sentences that are heard as one vector each."""
        return self.vectors.squeeze(1)

    def rows(self, rows: Tensor) -> Instruction:
        """What is heard of the sentences of these rows [R] int64, which may come more than once."""
        return Instruction(self.vectors.index_select(0, rows), self.mask.index_select(0, rows))


class Linear(NamedTuple):
    """What a fusion makes of attributes x_f, where that is linear: [sum_f g_f x_f, 0 ...] + b.

    Attributes:
        gates: g [S, F, D], or [S, 1, D] where all attributes have the same.
        added: b [S, out_dim], of which the first D stand beside the sum.
    """

    gates: Tensor
    added: Tensor


class Fusion(nn.Module):
    """What every fusion has in common.

    Args:
        cell_dim: D, channels of a cell's attribute.
        instruction_dim: E, size of a vector of the instruction.
    """

    hears_words: ClassVar[bool] = False
    has_gates: ClassVar[bool] = False
    out_dim: int

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__()
        self.out_dim = cell_dim

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Fused channels of cells under instructions.

        Args:
            attributes: [V, F, D] of cells that all S instructions share, or [S, V, F, D] of each instruction's own.
            instruction: S instructions.

        Returns:
            [S, V, out_dim].
        """
        raise NotImplementedError

    def read_out(self, attributes: Tensor, instruction: Instruction, readout: nn.Linear) -> Tensor:
        """What a layer reads out of the fused channels: ``readout(self(attributes, instruction))``, up to rounding.

        Args:
            attributes: as of :meth:`forward`.
            instruction: S instructions.
            readout: from out_dim channels to K.

        Returns:
            [S, V, K].
        """
        return readout(self(attributes, instruction))

    def gates(self, instruction: Instruction) -> Tensor:
        """What multiplies the channels under each instruction, [S, K] in (0, 1); only where ``has_gates``."""
        raise NotImplementedError

    def as_linear(self, instruction: Instruction) -> Linear | None:
        """The fusion as a linear function of the attributes, one for each of S instructions; None where it is none."""
        return None


class GatedFusion(Fusion):
    """Gated attention: a sigmoid gate of the instruction, multiplied element-wise into the visual channels.

    M(x, l) = x * sigmoid(W l + b), the gate the same at every place.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4.1 (Gated-Attention).
    """

    has_gates = True

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__(cell_dim, instruction_dim)
        self.gate = nn.Linear(instruction_dim, cell_dim)

    def gates(self, instruction: Instruction) -> Tensor:
        """The gate [S, D] in (0, 1)."""
        return torch.sigmoid(self.gate(instruction.sentence))

    def as_linear(self, instruction: Instruction) -> Linear:
        """The gate, of all attributes alike; see :class:`Fusion`."""
        gates = self.gates(instruction)
        return Linear(gates.unsqueeze(1), torch.zeros_like(gates))

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Attributes under S instructions: fused channels [S, V, D]; see :class:`Fusion`."""
        return attributes.sum(dim=-2) * self.gates(instruction).unsqueeze(1)

    def read_out(self, attributes: Tensor, instruction: Instruction, readout: nn.Linear) -> Tensor:
        """What a layer reads out of the fused channels [S, V, K]; see :class:`Fusion`."""
        if attributes.ndim == 4:
            gates = self.gates(instruction).unsqueeze(1).expand(-1, attributes.shape[2], -1)
            return read_out_gated(attributes, gates, readout)
        return super().read_out(attributes, instruction, readout)


class FiLMFusion(Fusion):
    """Feature-wise linear modulation: the instruction scales and shifts every visual channel.

    FiLM(x, l) = (1 + g) * x + b,   (g, b) = W l + c

    Source: Perez et al. 2018, arXiv:1709.07871, section 2.1; the scale is learned as its distance from 1.
    """

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__(cell_dim, instruction_dim)
        self.modulation = nn.Linear(instruction_dim, 2 * cell_dim)

    def as_linear(self, instruction: Instruction) -> Linear:
        """The scale, of all attributes alike, and the shift; see :class:`Fusion`."""
        scale, shift = self.modulation(instruction.sentence).chunk(2, dim=-1)
        return Linear((1 + scale).unsqueeze(1), shift)

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Attributes under S instructions: fused channels [S, V, D]; see :class:`Fusion`."""
        scale, shift = self.modulation(instruction.sentence).unsqueeze(1).chunk(2, dim=-1)
        return (1 + scale) * attributes.sum(dim=-2) + shift


class ConcatFusion(Fusion):
    """The baseline: the instruction's vector is appended to every cell's channels.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4.1 (Concatenation).
    """

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__(cell_dim, instruction_dim)
        self.out_dim = cell_dim + instruction_dim

    def as_linear(self, instruction: Instruction) -> Linear:
        """The channels as they are, and the sentence behind them; see :class:`Fusion`."""
        sentence = instruction.sentence
        size = self.out_dim - sentence.shape[1]
        return Linear(torch.ones(len(sentence), 1, size, device=sentence.device), functional.pad(sentence, (size, 0)))

    def forward(self, attributes: Tensor, instruction: Instruction) -> Tensor:
        """Attributes under S instructions: fused channels [S, V, D + E]; see :class:`Fusion`."""
        cells, sentence = attributes.sum(dim=-2), instruction.sentence
        shape = (len(sentence), cells.shape[-2], -1)
        return torch.cat([cells.expand(shape), sentence.unsqueeze(1).expand(shape)], dim=-1)


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


def read_out_shared(attributes: Tensor, gates: Tensor, readout: nn.Linear) -> Tensor:
    """As :func:`read_out_gated`, of cells that all instructions share: one product of all cells and all instructions.

    Args:
        attributes: [V, F, D].
        gates: [S, F, D].
        readout: from D channels to K.

    Returns:
        [S, V, K].
    """
    weight = gates.unsqueeze(1) * readout.weight.unsqueeze(1)  # [S, K, F, D]
    read = torch.nn.functional.linear(attributes.flatten(1), weight.flatten(2).flatten(0, 1))  # [V, S * K]
    return read.unflatten(1, (len(gates), -1)).transpose(0, 1) + readout.bias


def read_out_gated(attributes: Tensor, gates: Tensor, readout: nn.Linear) -> Tensor:
    """What a layer reads out of gated channels, as one product: a gate scales the layer's weights as well as the cells.

    W sum_f (x_f * g_f) + b = sum_fd (W_d g_fd) x_fd + b

    There are many more cells than gates, so scaling the weights spares [S, V, F, D] products, forward and backward.

    Args:
        attributes: [S, V, F, D] of each instruction's own cells.
        gates: [S, F, D].
        readout: from D channels to K.

    Returns:
        [S, V, K].
    """
    weight = gates.unsqueeze(-1) * readout.weight.T
    return torch.baddbmm(readout.bias, attributes.flatten(2), weight.flatten(1, 2))


def softmax_over_words(logits: Tensor, mask: Tensor, *, dim: int) -> Tensor:
    """Softmax over the words' dimension of logits, nothing for padding, where the mask (broadcast) is False."""
    return logits.masked_fill(~mask, -math.inf).softmax(dim=dim)


FUSIONS: dict[FusionKind, type[Fusion]] = {
    "attribute_gated": AttributeGatedFusion,
    "gated": GatedFusion,
    "film": FiLMFusion,
    "concat": ConcatFusion,
    "cross_attention": CrossAttentionFusion,
}


def make_fusion(kind: FusionKind, cell_dim: int, instruction_dim: int, *, attributes: int = NUM_ATTRIBUTES) -> Fusion:
    """A fusion of this kind, of cells with so many attributes; its ``out_dim`` says how many channels it gives."""
    if kind == "attribute_gated":
        return AttributeGatedFusion(cell_dim, instruction_dim, attributes)
    return FUSIONS[kind](cell_dim, instruction_dim)
