"""The gradient step: the one place where a loss changes parameters, whichever algorithm computed it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from groundling.training.ranks import Ranks


class GradientStep:
    """Takes gradient steps: zero, backward, mean over the processes of the job, clip, step of the optimizer.

    All processes of a job are to take as many steps, in the same order.

    Args:
        optimizer: of the parameters that are trained.
        clipped: parameters whose gradients are scaled down together where they are too long; by default all of the
            optimizer's.
        max_norm: largest norm of their gradient.
        ranks: the processes of the job; by default those that this one has joined.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        clipped: Iterable[nn.Parameter] | None = None,
        *,
        max_norm: float,
        ranks: Ranks | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.clipped = list(self._parameters() if clipped is None else clipped)
        self.max_norm = max_norm
        self.ranks = ranks or Ranks.current()

    def __call__(self, loss: Tensor | None) -> Tensor:
        """Take one step down a loss [].

        Args:
            loss: of this process; None where it has nothing to learn from, and takes part in the mean with zeros.

        Returns:
            the norm [] of the gradient before it was scaled down.
        """
        self.forget()
        if loss is not None:
            loss.backward()
        return self.apply()

    def forget(self) -> None:
        """Forget the gradients of the step before."""
        self.optimizer.zero_grad(set_to_none=True)

    def apply(self) -> Tensor:
        """Take one step down the gradients that the parameters have; returns their norm [], as a call does."""
        self.ranks.average_gradients(self._parameters())
        norm = nn.utils.clip_grad_norm_(self.clipped, self.max_norm)
        self.optimizer.step()
        return norm

    def _parameters(self) -> list[nn.Parameter]:
        """Those of the optimizer, whatever groups were added to it."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
