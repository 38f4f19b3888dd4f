"""Memory: an optional recurrent layer between the fused features and the heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundling.agents.config import MemoryKind


class Memory(nn.Module):
    """A GRU or LSTM whose state begins at zero with every episode; "none" passes features through.

    The state of a batch is one tensor [B, M] (an LSTM's is its output and its cell side by side), so it can be stored,
    indexed and saved like any other array. M is 0 without a memory.
    """

    def __init__(self, kind: MemoryKind, in_dim: int, memory_dim: int) -> None:
        super().__init__()
        self.kind = kind
        self.out_dim = in_dim if kind == "none" else memory_dim
        self.state_dim = {"none": 0, "gru": memory_dim, "lstm": 2 * memory_dim}[kind]
        if kind == "gru":
            self.cell: nn.Module = nn.GRUCell(in_dim, memory_dim)
        elif kind == "lstm":
            self.cell = nn.LSTMCell(in_dim, memory_dim)

    def initial_state(self, num_envs: int, device: torch.device | str = "cpu") -> Tensor:
        """The state [B, M] before the first observation: zeros."""
        return torch.zeros(num_envs, self.state_dim, device=device)

    def forward(self, features: Tensor, state: Tensor, is_first: Tensor) -> tuple[Tensor, Tensor]:
        """Run over T steps.

        Args:
            features: [T, B, D].
            state: [B, M] before the first of the steps.
            is_first: [T, B] bool, whether the observation begins an episode; the state is zeroed there.

        Returns:
            features [T, B, out_dim] and the state [B, M] after the last step.
        """
        if self.kind == "none":
            return features, state
        outputs = []
        keep = (~is_first).unsqueeze(-1).to(features.dtype)
        for step in range(len(features)):
            state = self._step(features[step], state * keep[step])
            outputs.append(state[:, : self.out_dim])
        return torch.stack(outputs), state

    def _step(self, features: Tensor, state: Tensor) -> Tensor:
        if self.kind == "gru":
            return self.cell(features, state)
        output, cell = state.chunk(2, dim=-1)
        return torch.cat(self.cell(features, (output.contiguous(), cell.contiguous())), dim=-1)
