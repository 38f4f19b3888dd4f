"""Vision: symbolic cells to feature channels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from groundling.envs.engine.constants import NUM_COLORS, NUM_STATES, NUM_TYPES
from groundling.interfaces import MAP, SYMBOLS, Spec

NUM_ATTRIBUTES = 3  # type, color, state


class CellSizes(NamedTuple):
    """How many types and colors cells can have: those of the language, or more where a task brings some."""

    types: int = NUM_TYPES
    colors: int = NUM_COLORS

    @property
    def values(self) -> int:
        """How many different (type, color, state) there are."""
        return self.types * self.colors * NUM_STATES


USUAL_CELLS = CellSizes()
CELL_VALUES = USUAL_CELLS.values


def sizes_of(spec: Spec) -> CellSizes:
    """How many types and colors the symbols of a specification have."""
    found = [spec.observation[key].sizes for key in spec.keys_of(SYMBOLS, MAP)]
    types, colors, _ = next(filter(None, found), (*USUAL_CELLS, NUM_STATES))
    return CellSizes(types, colors)


class DistinctCells(NamedTuple):
    """The cells of a batch of symbolic images with every value once.

    Attributes:
        values: [V] int64, distinct packed (type, color, state).
        row_of: [B, N] int32, each cell's row of ``values``.
    """

    values: Tensor
    row_of: Tensor


def pack_cells(image: Tensor, sizes: CellSizes = USUAL_CELLS) -> Tensor:
    """Each cell's (type, color, state) [..., 3] uint8 as one integer [...] int32 in [0, sizes.values)."""
    parts = image.to(torch.int32)
    return (parts[..., 0] * sizes.colors + parts[..., 1]) * NUM_STATES + parts[..., 2]


def unpack_cells(values: Tensor, sizes: CellSizes = USUAL_CELLS) -> tuple[Tensor, Tensor, Tensor]:
    """Type, color and state [V] of packed cells [V]; the inverse of :func:`pack_cells`."""
    return values // (NUM_STATES * sizes.colors), values // NUM_STATES % sizes.colors, values % NUM_STATES


def distinct_cells(image: Tensor, present: Tensor | None = None, sizes: CellSizes = USUAL_CELLS) -> DistinctCells:
    """Find the distinct cells of symbolic images.

    Args:
        image: [B, H, W, 3] uint8 of MiniGrid's (type, color, state).
        present: [sizes.values] int32, 1 at values that are to be among them in any case; written.
        sizes: how many types and colors there are.

    On a device every value that there can be is taken for present: to learn which are, the host would have to wait.
    """
    packed = pack_cells(image.flatten(1, 2), sizes)
    if image.device.type != "cpu":
        return DistinctCells(torch.arange(sizes.values, device=image.device), packed)
    if present is None:
        present = torch.zeros(sizes.values, dtype=torch.int32, device=image.device)
    present[packed.flatten()] = 1
    return DistinctCells(present.nonzero().squeeze(1), rows_of_values(present)[packed])


def rows_of_values(present: Tensor) -> Tensor:
    """Each value's row among those that are present [values] int32 (0 or 1); int32, of others anything."""
    return torch.cumsum(present, 0, dtype=torch.int32) - 1


class CellEncoder(nn.Module):
    """A cell's type, color and state to channels, each to its own.

    Nothing mixes the attributes before the words meet them, so what a gate learns of a color with some types, and of a
    type with some colors, holds for pairs that it was never told about; with a layer that mixes them it learns pairs.

    The encoder looks at one cell at a time, so it is evaluated once for each distinct cell of a batch.

    Args:
        out_dim: D.
        sizes: how many types and colors there are.
    """

    def __init__(self, out_dim: int, sizes: CellSizes = USUAL_CELLS) -> None:
        super().__init__()
        self.sizes = sizes
        self.kinds = nn.Embedding(sizes.types, out_dim)
        self.colors = nn.Embedding(sizes.colors, out_dim)
        self.states = nn.Embedding(NUM_STATES, out_dim)

    def forward(self, values: Tensor) -> Tensor:
        """Packed cells [V] to the channels of their attributes [V, F, D]: type, color, state."""
        kind, color, state = unpack_cells(values, self.sizes)
        return torch.stack([self.kinds(kind), self.colors(color), self.states(state)], dim=1)
