"""The recurrent cells of a GPU as plain operations: PyTorch asks a device that is not the CPU for fused ones.

Formulas as in PyTorch's own kernels (aten/src/ATen/native/cuda/RNN.cu).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor


def gru(
    input_gates: Tensor,
    hidden_gates: Tensor,
    hx: Tensor,
    input_bias: Tensor | None = None,
    hidden_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The next state [B, H], and what the gradient needs."""
    given = input_gates if input_bias is None else input_gates + input_bias
    kept = hidden_gates if hidden_bias is None else hidden_gates + hidden_bias
    (reset_in, update_in, new_in), (reset_kept, update_kept, new_kept) = given.chunk(3, 1), kept.chunk(3, 1)
    reset, update = torch.sigmoid(reset_in + reset_kept), torch.sigmoid(update_in + update_kept)
    new = torch.tanh(new_in + reset * new_kept)
    return new + update * (hx - new), torch.cat([reset, update, new, hx, new_kept], dim=1)


def gru_backward(grad: Tensor, workspace: Tensor, has_bias: bool) -> tuple[Tensor | None, ...]:
    """Gradients of both gates [B, 3 H], of the state [B, H], and of both biases."""
    reset, update, new, hx, new_kept = workspace.chunk(5, dim=1)
    of_update = grad * (hx - new) * update * (1 - update)
    of_new = grad * (1 - update) * (1 - new * new)
    of_reset = of_new * new_kept * (1 - reset) * reset
    given = torch.cat([of_reset, of_update, of_new], dim=1)
    kept = torch.cat([of_reset, of_update, of_new * reset], dim=1)
    return given, kept, grad * update, *((given.sum(0), kept.sum(0)) if has_bias else (None, None))


def lstm(
    input_gates: Tensor,
    hidden_gates: Tensor,
    cx: Tensor,
    input_bias: Tensor | None = None,
    hidden_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The next output and cell [B, H], and what the gradient needs."""
    gates = input_gates + hidden_gates
    for bias in (input_bias, hidden_bias):
        gates = gates if bias is None else gates + bias
    entering, kept, new, out = gates.chunk(4, dim=1)
    entering, kept, new, out = torch.sigmoid(entering), torch.sigmoid(kept), torch.tanh(new), torch.sigmoid(out)
    cy = kept * cx + entering * new
    return out * torch.tanh(cy), cy, torch.cat([entering, kept, new, out], dim=1)


def lstm_backward(
    grad_output: Tensor | None, grad_cell: Tensor | None, cx: Tensor, cy: Tensor, workspace: Tensor, has_bias: bool
) -> tuple[Tensor | None, ...]:
    """Gradients of the gates [B, 4 H], of the cell [B, H], and of the biases."""
    entering, kept, new, out = workspace.chunk(4, dim=1)
    told = torch.tanh(cy)
    of_output = torch.zeros_like(cx) if grad_output is None else grad_output
    of_cell = of_output * out * (1 - told * told) + (0 if grad_cell is None else grad_cell)
    parts = [
        of_cell * new * entering * (1 - entering),
        of_cell * cx * kept * (1 - kept),
        of_cell * entering * (1 - new * new),
        of_output * told * out * (1 - out),
    ]
    gates = torch.cat(parts, dim=1)
    return gates, of_cell * kept, gates.sum(0) if has_bias else None


CELLS: Final[dict[str, Callable[..., Any]]] = {
    "_thnn_fused_gru_cell": gru,
    "_thnn_fused_gru_cell_backward": gru_backward,
    "_thnn_fused_lstm_cell": lstm,
    "_thnn_fused_lstm_cell_backward_impl": lstm_backward,
}
