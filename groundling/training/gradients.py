"""The gradient step: the one place where a loss changes parameters, whichever algorithm computed it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class GradientStep:
    """Takes gradient steps: zero, backward, clip, step of the optimizer.

    Args:
        optimizer: of the parameters that are trained.
        clipped: parameters whose gradients are scaled down together where they are too long; by default all of the
            optimizer's.
        max_norm: largest norm of their gradient.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, clipped: Iterable[nn.Parameter] | None = None, *, max_norm: float
    ) -> None:
        self.optimizer = optimizer
        every = (parameter for group in optimizer.param_groups for parameter in group["params"])
        self.clipped = list(every if clipped is None else clipped)
        self.max_norm = max_norm

    def __call__(self, loss: Tensor) -> Tensor:
        """Take one step down a loss [].

        Returns:
            the norm [] of the gradient before it was scaled down.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.clipped, self.max_norm)
        self.optimizer.step()
        return norm
