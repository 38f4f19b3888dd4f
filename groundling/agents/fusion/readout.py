"""What a layer reads out of gated channels: its weights are gated, of which there are fewer than of cells."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def read_out_shared(attributes: Tensor, gates: Tensor, readout: nn.Linear) -> Tensor:
    """As :func:`read_out_gated`, of cells that all instructions share: one product of all cells and all instructions.

    Args:
        attributes: [V, F, D].
        gates: [S, F, D].
        readout: from D channels to K.

    Returns:
        [S, V, K].
    """
    weight = gates.unsqueeze(1) * readout.weight.unsqueeze(1)  # [S, K, F, D]
    read = torch.nn.functional.linear(attributes.flatten(1), weight.flatten(2).flatten(0, 1))  # [V, S * K]
    return read.unflatten(1, (len(gates), -1)).transpose(0, 1) + readout.bias


def read_out_gated(attributes: Tensor, gates: Tensor, readout: nn.Linear) -> Tensor:
    """What a layer reads out of gated channels, as one product: a gate scales the layer's weights as well as the cells.

    W sum_f (x_f * g_f) + b = sum_fd (W_d g_fd) x_fd + b

    There are many more cells than gates, so scaling the weights spares [S, V, F, D] products, forward and backward.

    Args:
        attributes: [S, V, F, D] of each instruction's own cells.
        gates: [S, F, D].
        readout: from D channels to K.

    Returns:
        [S, V, K].
    """
    weight = gates.unsqueeze(-1) * readout.weight.T
    return torch.baddbmm(readout.bias, attributes.flatten(2), weight.flatten(1, 2))
