"""Staging: what is known on the host, step by step, on its way into a rollout that lives on the agent's device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from groundling.agents.placement import Layout, host_block
from groundling.training.recorders import Column


class Staging:
    """Columns [T, B, ...] that are written on the host and read on a device.

    For a device that is not the CPU, all that is known of one step stands in one block, which is copied at once and
    without waiting. Each step has a block of its own, so none is written again while it may still be on its way: before
    that comes the next rollout, and meanwhile the host has waited for actions.

    Args:
        columns: shape of one step of one environment, and type, by name.
        num_steps: T.
        batch: B.
        device: where they are read.

    Attributes:
        host: where to write, [T, B, ...] by name.
        device: where to read, [T, B, ...] by name; on the CPU the same tensors.
    """

    def __init__(self, columns: Mapping[str, Column], num_steps: int, batch: int, device: torch.device) -> None:
        self._sent: tuple[Tensor, Tensor] | None = None
        if device.type == "cpu":
            made = {
                name: torch.zeros(num_steps, batch, *column.shape, dtype=column.dtype)
                for name, column in columns.items()
            }
            self.host = self.device = made
            return
        layout = Layout({name: ((batch, *column.shape), column.dtype) for name, column in columns.items()})
        here = host_block(num_steps, layout.size, device=device)
        there = torch.zeros(num_steps, layout.size, dtype=torch.uint8, device=device)
        self.host, self.device = layout.unpacked(here), layout.unpacked(there)
        self._sent = here, there

    def send(self, step: int) -> None:
        """Copy what is known of a step to the device, without waiting."""
        if self._sent is not None:
            here, there = self._sent
            there[step].copy_(here[step], non_blocking=True)

    def send_all(self) -> None:
        """Copy what is known of all steps to the device, without waiting."""
        if self._sent is not None:
            here, there = self._sent
            there.copy_(here, non_blocking=True)
