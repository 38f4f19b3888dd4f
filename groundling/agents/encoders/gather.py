"""Handing out rows of a small table by index, with a fast gradient on the CPU.

PyTorch's own gradient of an embedding costs a third of a training step here: it calls a vector routine for each of the
hundred thousand indices of a minibatch. Two compiled loops take its place on the CPU; elsewhere PyTorch's own is used.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


@numba.njit(cache=True, nogil=True)
def _gather(table: NDArray[np.float32], index: NDArray[np.int32], out: NDArray[np.float32]) -> None:
    for i in range(len(index)):
        row = np.uintp(index[i])
        for d in range(table.shape[1]):
            out[i, d] = table[row, d]


@numba.njit(cache=True, nogil=True)
def _scatter_add(grad: NDArray[np.float32], index: NDArray[np.int32], out: NDArray[np.float32]) -> None:
    for i in range(len(index)):
        row = np.uintp(index[i])
        for d in range(grad.shape[1]):
            out[row, d] += grad[i, d]


class _GatherRows(torch.autograd.Function):
    """Forward: table[index]. Backward: the sum of the gradients of each row, in the order of the index."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.num_rows = len(table)
        out = torch.empty(index.numel(), table.shape[1])
        _gather(table.detach().contiguous().numpy(), index.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        return _ScatterAddRows.apply(grads[0], index, ctx.num_rows), None  # type: ignore[no-untyped-call]


class _ScatterAddRows(torch.autograd.Function):
    """The gradient of :class:`_GatherRows`, whose own gradient (natural gradients need it) is a gather again."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, num_rows: int) -> Tensor:
        ctx.save_for_backward(index)
        rows = rows.detach().contiguous()
        out = torch.zeros(num_rows, rows.shape[1])
        _scatter_add(rows.numpy(), index.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return _GatherRows.apply(grads[0], index), None, None  # type: ignore[no-untyped-call]


def gather_rows(table: Tensor, index: Tensor) -> Tensor:
    """Rows of a table by index: ``table[index]``.

    Args:
        table: [R, D] float32.
        index: [...] int32 in [0, R).

    Returns:
        [..., D].
    """
    if table.device.type != "cpu" or table.dtype != torch.float32:
        return functional.embedding(index, table)
    rows: Tensor = _GatherRows.apply(table, index.contiguous().flatten())  # type: ignore[no-untyped-call]
    return rows.unflatten(0, index.shape)
