"""Dropout whose draws are saved with the agent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

NUM_SEEDS = 2**62


class SavedDropout(nn.Module):
    """Dropout only where gradients are taken, with draws that a checkpoint continues.

    An agent that acts drops nothing. The seed of the next draw is a buffer, so a run that is resumed draws as it would
    have. An algorithm that weighs how likely its actions were when they were taken (PPO) needs a share of 0, else the
    policy that learns is another one than the policy that acted.

    Args:
        share: of the numbers that are set to zero; the others are divided by 1 - share.

    Source: Srivastava et al. 2014, JMLR 15.
    """

    seed: Tensor  # [] int64

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("seed", torch.randint(NUM_SEEDS, ()))
        self._noted = (-1, 0)  # version and value of the seed when the host knew it last

    def forward(self, x: Tensor) -> Tensor:
        """Numbers [...] with some of them set to zero."""
        if self.share == 0 or not (self.training and torch.is_grad_enabled()):
            return x
        if self.seed._version != self._noted[0]:  # somebody else has written it, as where a run is resumed
            self._noted = (0, int(self.seed))
        number = self._noted[1]
        generator = torch.Generator(x.device).manual_seed(number)
        self.seed += 1
        self._noted = (self.seed._version, number + 1)
        kept = torch.empty_like(x).uniform_(generator=generator) >= self.share
        return x * kept / (1 - self.share)
