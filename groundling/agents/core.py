"""The core of an agent: what makes a decision of the features of observations, and remembers.

Most agents have a memory and linear heads (``actor_critic``). An observation encoder may bring a core of its own
(``ObservationEncoder.make_core``), so that a network that is more than an encoder, as those of papers are, is trained,
saved and measured like any other agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

IMPOSSIBLE = -1e9  # the logit of an action that is left out


@dataclass(frozen=True)
class Decision:
    """What the agent makes of T steps of B observations.

    Attributes:
        logits: [T, B, A] of the policy.
        value: [T, B].
        state: [B, M], the memory after the last step.
        features: [T, B, D], what the heads are given.
    """

    logits: Tensor
    value: Tensor
    state: Tensor
    features: Tensor


class Core(nn.Module):
    """Memory and heads of an agent; subclasses write :meth:`forward`.

    All that it remembers of an environment is that one's row of the state, so that rows can be chosen and saved.

    Attributes:
        state_dim: M, columns of the state.
        out_dim: D of ``Decision.features``.
    """

    state_dim: int
    out_dim: int

    def initial_state(self, num_envs: int, device: torch.device | str = "cpu") -> Tensor:
        """The state [B, M] before the first observation: zeros."""
        return torch.zeros(num_envs, self.state_dim, device=device)

    def forward(self, features: Tensor, prepared: Any, state: Tensor, is_first: Tensor) -> Decision:
        """Decide on T steps of B environments.

        Args:
            features: [T, B, F], what the encoder's ``forward`` gave.
            prepared: the T * B observations as the encoder prepared them, time first.
            state: [B, M], before the first step; of no effect where an episode begins.
            is_first: [T, B] bool, whether an observation begins an episode.
        """
        raise NotImplementedError
