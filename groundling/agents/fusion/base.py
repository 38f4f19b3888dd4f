"""What every fusion is given, and what it has in common with the others."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn


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
