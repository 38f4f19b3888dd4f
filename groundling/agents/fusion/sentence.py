"""Fusions that are given one vector of the whole sentence: a gate, a scale and a shift, or the vector itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.fusion.base import Fusion, Instruction, Linear
from groundling.agents.fusion.readout import read_out_gated


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
