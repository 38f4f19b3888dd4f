"""Memory: an optional recurrent layer between the fused features and the heads, and an optional sense of time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundling.agents.config import MemoryKind
from groundling.agents.encoders.cells import USUAL_CELLS, CellSizes
from groundling.agents.encoders.ways import ThingFinder, Things
from groundling.agents.instruction_attention import InstructionReader, Sentences

KEY_DIM = 32  # of what a memory looks for


class Memory(nn.Module):
    """A GRU or LSTM whose state begins at zero with every episode; "none" passes features through.

    The state of a batch is one tensor [B, M] (an LSTM's is its output and its cell side by side), so it can be stored,
    indexed and saved like any other array. M is 0 without a memory.

    With a sense of time the step within the episode is counted in one more column of the state, and its embedding is
    appended to the output.

    Args:
        kind: "none", "gru" or "lstm".
        in_dim: D, size of the features.
        memory_dim: size of the recurrent layer.
        time_dim: size of the step's embedding; 0 for none.
        time_steps: steps that are told apart; later ones share the last.
        word_dim: E of the words that it reads at every step, added to the features; 0 if it reads none.
        finds: whether it looks for a thing on a map at every step; what it finds is added to the features.
        skips: whether the features are also appended to the output, so that what is seen now need not pass through the
            recurrent layer.

    Source: Chaplot et al. 2018, arXiv:1706.07230, and the authors' code (the embedding of the step).
    """

    def __init__(
        self,
        kind: MemoryKind,
        in_dim: int,
        memory_dim: int,
        *,
        time_dim: int = 0,
        time_steps: int = 1,
        word_dim: int = 0,
        finds: bool = False,
        skips: bool = False,
        cells: CellSizes = USUAL_CELLS,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.recurrent_dim = in_dim if kind == "none" else memory_dim
        self.skips = skips
        self.out_dim = self.recurrent_dim + (in_dim if skips else 0) + time_dim
        self.state_dim = {"none": 0, "gru": memory_dim, "lstm": 2 * memory_dim}[kind] + (time_dim > 0)
        if kind == "gru":
            self.cell: nn.Module = nn.GRUCell(in_dim, memory_dim)
        elif kind == "lstm":
            self.cell = nn.LSTMCell(in_dim, memory_dim)
        self.time = nn.Embedding(time_steps, time_dim) if time_dim else None
        self.reader = InstructionReader(memory_dim, word_dim, in_dim) if word_dim else None
        self.finder = ThingFinder(memory_dim, KEY_DIM, in_dim, sizes=cells) if finds else None

    def initial_state(self, num_envs: int, device: torch.device | str = "cpu") -> Tensor:
        """The state [B, M] before the first observation: zeros."""
        return torch.zeros(num_envs, self.state_dim, device=device)

    def forward(
        self,
        features: Tensor,
        state: Tensor,
        is_first: Tensor,
        sentences: Sentences | None = None,
        things: Things | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Run over T steps.

        Args:
            features: [T, B, D].
            state: [B, M] before the first of the steps.
            is_first: [T, B] bool, whether the observation begins an episode; the state is zeroed there.
            sentences: what a memory that reads may read.
            things: what a memory that looks for things may find.

        Returns:
            features [T, B, out_dim] and the state [B, M] after the last step.
        """
        if self.time is None:
            return self._remember(features, state, is_first, sentences, things)
        step, count = _steps_of_episode(state[:, -1], is_first)
        output, state = self._remember(features, state[:, :-1], is_first, sentences, things)
        time = self.time(step.long().clamp(max=self.time.num_embeddings - 1))
        return torch.cat([output, time], dim=-1), torch.cat([state, count.unsqueeze(1)], dim=1)

    def _remember(
        self,
        features: Tensor,
        state: Tensor,
        is_first: Tensor,
        sentences: Sentences | None,
        things: Things | None,
    ) -> tuple[Tensor, Tensor]:
        if self.kind == "none":
            return features, state
        outputs = []
        keep = (~is_first).unsqueeze(-1).to(features.dtype)
        for step in range(len(features)):
            before = state * keep[step]
            seen = features[step] + self._read(before, sentences, step) + self._find(before, things, step)
            state = self._step(seen, before)
            outputs.append(state[:, : self.recurrent_dim])
        output = torch.stack(outputs)
        return (torch.cat([output, features], dim=-1) if self.skips else output), state

    def _read(self, state: Tensor, sentences: Sentences | None, step: int) -> Tensor | float:
        if self.reader is None:
            return 0.0
        assert sentences is not None
        row = sentences.row_of[step]
        return self.reader(state[:, : self.recurrent_dim], sentences.words[row], sentences.mask[row])

    def _find(self, state: Tensor, things: Things | None, step: int) -> Tensor | float:
        if self.finder is None:
            return 0.0
        assert things is not None
        return self.finder(state[:, : self.recurrent_dim], things.traits[step], things.way[step])

    def _step(self, features: Tensor, state: Tensor) -> Tensor:
        if self.kind == "gru":
            return self.cell(features, state)
        output, cell = state.chunk(2, dim=-1)
        return torch.cat(self.cell(features, (output.contiguous(), cell.contiguous())), dim=-1)


def _steps_of_episode(count: Tensor, is_first: Tensor) -> tuple[Tensor, Tensor]:
    """The step [T, B] within its episode of every observation, and the count [B] of steps before the next one."""
    steps = []
    for first in is_first:
        count = count.masked_fill(first, 0.0)
        steps.append(count)
        count = count + 1
    return torch.stack(steps), count
