"""Fusion: where an instruction meets the visual channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundling.agents.config import FusionKind


class GatedFusion(nn.Module):
    """Gated attention: a sigmoid gate of the instruction, multiplied element-wise into the visual channels.

    M(x, l) = x * sigmoid(W l + b), the gate the same at every place.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4.1 (Gated-Attention).
    """

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__()
        self.out_dim = cell_dim
        self.gate = nn.Linear(instruction_dim, cell_dim)

    def attention(self, instruction: Tensor) -> Tensor:
        """The gate [S, D] in (0, 1) of instruction vectors [S, E]."""
        return torch.sigmoid(self.gate(instruction))

    def forward(self, cells: Tensor, instruction: Tensor) -> Tensor:
        """Channels [V, D] of distinct cells under each of S instructions [S, E]: fused channels [S, V, D]."""
        return cells * self.attention(instruction).unsqueeze(1)


class ConcatFusion(nn.Module):
    """The baseline: the instruction's vector is appended to every cell's channels.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 4.1 (Concatenation).
    """

    def __init__(self, cell_dim: int, instruction_dim: int) -> None:
        super().__init__()
        self.out_dim = cell_dim + instruction_dim

    def forward(self, cells: Tensor, instruction: Tensor) -> Tensor:
        """Channels [V, D] of distinct cells under each of S instructions [S, E]: fused channels [S, V, D + E]."""
        shape = (len(instruction), len(cells), -1)
        return torch.cat([cells.expand(shape), instruction.unsqueeze(1).expand(shape)], dim=-1)


def make_fusion(kind: FusionKind, cell_dim: int, instruction_dim: int) -> GatedFusion | ConcatFusion:
    """A fusion of this kind; its ``out_dim`` says how many channels it gives."""
    fusions: dict[FusionKind, type[GatedFusion] | type[ConcatFusion]] = {"gated": GatedFusion, "concat": ConcatFusion}
    return fusions[kind](cell_dim, instruction_dim)
