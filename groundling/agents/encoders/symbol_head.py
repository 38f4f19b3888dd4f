"""A head that names what an encoder of pictures sees in each of its cells: type, color and state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from groundling.envs.engine.symbols_in_view import SYMBOL_SIZES


class SymbolHead(nn.Module):
    """Predicts the symbol (type, color, state) of each cell from its channels; learned by an auxiliary loss.

    Args:
        channels: of a cell.
        grid: rows and columns of cells.
    """

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.logits = nn.Linear(channels, sum(SYMBOL_SIZES))

    def forward(self, cells: Tensor) -> Tensor:
        """The logits [..., sum(SYMBOL_SIZES)] of cells [..., channels]: of types, then colors, then states."""
        logits: Tensor = self.logits(cells)
        return logits

    @contextmanager
    def noting(self, given: list[Tensor]) -> Iterator[None]:
        """A context that adds to a list what this head gives in it: a loss need not look at the pictures once more."""
        hook = self.register_forward_hook(lambda module, inputs, output: given.append(output))
        try:
            yield
        finally:
            hook.remove()


def split_symbols(logits: Tensor) -> tuple[Tensor, ...]:
    """The logits of types, of colors and of states, each [..., number]."""
    return torch.split(logits, list(SYMBOL_SIZES), dim=-1)
