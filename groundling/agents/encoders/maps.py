"""A map of what was seen, taken in region by region: tile by tile around the agent, in ever wider blocks beyond.

Cells of a map are what the cells of a view are, so the words meet both in the same way; what they make of the cells of
a region is added up. Most of a map is unseen and adds nothing, and two compiled loops skip it on the CPU.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.cells import USUAL_CELLS, CellSizes, pack_cells
from groundling.agents.linear import Linear
from groundling.envs.engine.constants import FIRST_TASK_TYPE, NUM_COLORS, NUM_STATES, UNSEEN
from groundling.errors import ObservationError
from groundling.language.own_words import MAX_OWN_COLORS, MAX_OWN_TYPES

NEAR = 4  # tiles to each side of the agent that are told apart
WIDENING = 3  # how much wider regions are from one ring to the next
NOT_SEEN = -1


def regions_of(radius: int) -> tuple[NDArray[np.int32], int]:
    """Which region each cell of a map is of: 9 x 9 single tiles amid 9 x 9 blocks of 3 x 3, amid 9 x 9 of 9 x 9 ...

    Args:
        radius: R, tiles that the map reaches to each side.

    Returns:
        [M * M] regions from 0, column by column as in the map, M = 2 R + 1; and how many there are.
    """
    offset = np.arange(-radius, radius + 1)
    column, row = np.meshgrid(offset, offset, indexing="ij")
    distance = np.maximum(abs(column), abs(row))
    width = np.ones_like(distance)
    while (is_beyond := distance > NEAR * width + width // 2).any():
        width[is_beyond] *= WIDENING
    names = np.stack([width, (column + width // 2) // width, (row + width // 2) // width], axis=-1)
    _, region = np.unique(names.reshape(-1, 3), axis=0, return_inverse=True)
    flat: NDArray[np.int32] = np.asarray(region, dtype=np.int32).reshape(-1)
    return flat, int(flat.max()) + 1


@numba.njit(cache=True, nogil=True)
def _pack(
    cells: NDArray[np.uint8], present: NDArray[np.int32], packed: NDArray[np.int16], types: int, colors: int
) -> bool:
    for b in range(cells.shape[0]):
        for n in range(cells.shape[1]):
            kind = cells[b, n, 0]
            if kind == UNSEEN:
                packed[b, n] = NOT_SEEN
                continue
            color, state = cells[b, n, 1], cells[b, n, 2]
            if kind >= types or color >= colors or state >= NUM_STATES:
                return False
            value = (int(kind) * colors + color) * NUM_STATES + state
            packed[b, n] = value
            present[value] = 1
    return True


def packed_map(explored: Tensor, present: Tensor, sizes: CellSizes = USUAL_CELLS) -> Tensor:
    """The cells of maps as integers, those that were not seen ``NOT_SEEN``.

    Args:
        explored: [R, M, M, 3] uint8 of MiniGrid's (type, color, state).
        present: [sizes.values] int32, set to 1 where a cell is in a map.
        sizes: how many types and colors there are.

    Returns:
        [R, M * M] int16.

    Raises:
        ObservationError: if a cell is none of MiniGrid's.
    """
    cells = explored.flatten(1, 2)
    if explored.device.type == "cpu":
        packed = torch.empty(cells.shape[:2], dtype=torch.int16)
        is_right = _pack(cells.contiguous().numpy(), present.numpy(), packed.numpy(), sizes.types, sizes.colors)
    else:
        is_right = True  # values are checked before they leave the host
        packed = pack_on_device(cells, present, sizes)
    if not is_right:
        raise ObservationError(
            f"a map has cells whose type, color or state is out of range: they are below {sizes.types}, "
            f"{sizes.colors} and {NUM_STATES}"
        )
    return packed


def pack_on_device(cells: Tensor, present: Tensor, sizes: CellSizes) -> Tensor:
    """As :func:`packed_map` of cells [R, N, 3], on any device and without waiting for it; values are not checked."""
    packed = torch.where(cells[..., 0] == UNSEEN, NOT_SEEN, pack_cells(cells, sizes)).to(torch.int16)
    seen = (packed != NOT_SEEN).to(present.dtype)
    present.scatter_reduce_(0, packed.long().clamp(min=0).flatten(), seen.flatten(), "amax")
    return packed


@numba.njit(cache=True, nogil=True)
def _add_up(
    table: NDArray[np.float32],
    first: NDArray[np.int64],
    row_of: NDArray[np.int32],
    packed: NDArray[np.int16],
    region: NDArray[np.integer[Any]],
    out: NDArray[np.float32],
) -> None:
    step = 1 if region.shape[0] > 1 else 0
    for b in range(packed.shape[0]):
        for n in range(packed.shape[1]):
            value = packed[b, n]
            if value < 0:  # most of a map
                continue
            place = region[b * step, n]
            if place >= 0:
                row = first[b] + row_of[value]
                for d in range(table.shape[1]):
                    out[b, place, d] += table[row, d]


@numba.njit(cache=True, nogil=True)
def _hand_back(
    grad: NDArray[np.float32],
    first: NDArray[np.int64],
    row_of: NDArray[np.int32],
    packed: NDArray[np.int16],
    region: NDArray[np.integer[Any]],
    out: NDArray[np.float32],
) -> None:
    step = 1 if region.shape[0] > 1 else 0
    for b in range(packed.shape[0]):
        for n in range(packed.shape[1]):
            value = packed[b, n]
            if value < 0:  # most of a map
                continue
            place = region[b * step, n]
            if place >= 0:
                row = first[b] + row_of[value]
                for d in range(grad.shape[2]):
                    out[row, d] += grad[b, place, d]


class _SumRegions(torch.autograd.Function):
    """Forward: sums of rows by region. Backward: each row gets the gradients of the regions that it was added to."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, first: Tensor, row_of: Tensor, packed: Tensor, region: Tensor, count: int
    ) -> Tensor:
        ctx.save_for_backward(first, row_of, packed, region)
        ctx.num_rows = len(table)
        out = torch.zeros(len(packed), count, table.shape[1])
        rows = table.detach().contiguous().numpy()
        _add_up(rows, first.numpy(), row_of.numpy(), packed.numpy(), region.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        back = _HandBack.apply(grads[0], *ctx.saved_tensors, ctx.num_rows)  # type: ignore[no-untyped-call]
        return back, None, None, None, None, None


class _HandBack(torch.autograd.Function):
    """The gradient of :class:`_SumRegions`, whose own gradient (natural gradients need it) is such sums again."""

    @staticmethod
    def forward(
        ctx: Any, grad: Tensor, first: Tensor, row_of: Tensor, packed: Tensor, region: Tensor, num_rows: int
    ) -> Tensor:
        ctx.save_for_backward(first, row_of, packed, region)
        ctx.count = grad.shape[1]
        out = torch.zeros(num_rows, grad.shape[2])
        given = grad.detach().contiguous().numpy()
        _hand_back(given, first.numpy(), row_of.numpy(), packed.numpy(), region.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        sums = _SumRegions.apply(grads[0], *ctx.saved_tensors, ctx.count)  # type: ignore[no-untyped-call]
        return sums, None, None, None, None, None


def sum_regions(table: Tensor, first: Tensor, row_of: Tensor, packed: Tensor, region: Tensor, count: int) -> Tensor:
    """What was made of the cells of R maps, added up by region.

    Args:
        table: [P, D] float32, what each sentence makes of each distinct cell.
        first: [R] int64, the row of the table at which the cells under a map's sentence begin.
        row_of: [values] int32, where from there a cell's row is.
        packed: [R, N] int16, the cells, see :func:`packed_map`.
        region: [R, N] or, of all maps alike, [1, N] integers in [0, G), or -1.
        count: G.

    Returns:
        [R, G, D]; cells that were not seen, or are of region -1, add nothing.
    """
    if table.device.type == "cpu" and table.dtype == torch.float32:
        sums: Tensor = _SumRegions.apply(table, first, row_of, packed, region, count)  # type: ignore[no-untyped-call]
        return sums
    return sum_regions_on_device(table, first, row_of, packed, region, count)


def sum_regions_on_device(
    table: Tensor, first: Tensor, row_of: Tensor, packed: Tensor, region: Tensor, count: int
) -> Tensor:
    """As :func:`sum_regions`, on any device."""
    is_seen = (packed != NOT_SEEN) & (region >= 0)
    rows = first.unsqueeze(1) + row_of[packed.long().clamp(min=0)]
    cells = functional.embedding(rows.clamp(min=0), table) * is_seen.unsqueeze(2)
    sums = torch.zeros(len(packed), count, table.shape[1], dtype=table.dtype, device=table.device)
    return sums.scatter_add(1, region.long().clamp(min=0).unsqueeze(2).expand_as(cells), cells)


@numba.njit(cache=True, nogil=True)
def _count(packed: NDArray[np.int16], column_of: NDArray[np.int32], counts: NDArray[np.float32]) -> None:
    for b in range(packed.shape[0]):
        for n in range(packed.shape[1]):
            if packed[b, n] >= 0:
                counts[b, column_of[packed[b, n]]] += 1


def count_values(packed: Tensor, values: Tensor, cell_values: int) -> Tensor:
    """How many cells of each map have each value.

    Args:
        packed: [R, N] int16, the cells, see :func:`packed_map`.
        values: [V] int64, all values that maps have, each once.
        cell_values: how many different values there can be.

    Returns:
        [R, V] float32; cells that were not seen are not counted.
    """
    column_of = torch.zeros(cell_values, dtype=torch.int32, device=packed.device)
    column_of[values] = torch.arange(len(values), dtype=torch.int32, device=packed.device)
    counts = torch.zeros(len(packed), len(values), device=packed.device)
    if packed.device.type == "cpu":
        _count(packed.numpy(), column_of.numpy(), counts.numpy())
        return counts
    return count_on_device(packed, column_of, counts)


def count_on_device(packed: Tensor, column_of: Tensor, counts: Tensor) -> Tensor:
    """Counts [R, V], zeros at first, of maps [R, N] whose values have columns; see :func:`count_values`."""
    columns = column_of[packed.long().clamp(min=0)].long()
    return counts.scatter_add(1, columns, (packed != NOT_SEEN).to(torch.float32))


class MapReader(nn.Module):
    """A layer that sees a map region by region.

    Args:
        radius: R, tiles that the map reaches to each side.
        readout_dim: D, channels of a cell.
        hidden_dim: size of what it gives.
    """

    region: Tensor

    def __init__(self, radius: int, readout_dim: int, hidden_dim: int) -> None:
        super().__init__()
        region, self.count = regions_of(radius)
        self.register_buffer("region", torch.from_numpy(region).unsqueeze(0), persistent=False)  # [1, N]
        self.spatial = Linear(self.count * readout_dim, hidden_dim, bias=False)

    def forward(self, table: Tensor, first: Tensor, row_of: Tensor, packed: Tensor) -> Tensor:
        """What R maps [R, hidden_dim] show under their sentences; arguments as of :func:`sum_regions`."""
        return self.of_sums(sum_regions(table, first, row_of, packed, self.region, self.count))

    def of_sums(self, sums: Tensor) -> Tensor:
        """What the sums [R, G, readout_dim] of regions say, [R, hidden_dim]."""
        features: Tensor = self.spatial(sums.flatten(1))
        return features


assert np.iinfo(np.int16).max > CellSizes(FIRST_TASK_TYPE + MAX_OWN_TYPES, NUM_COLORS + MAX_OWN_COLORS).values
