"""An auxiliary loss: an agent's features are to tell whether what it sees now was paid for."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.errors import ConfigurationError
from groundling.training.rollout import Rollout

COLUMN: Final = "was paid"


class RewardPrediction(nn.Module):
    """A head on the features that policy and value are given, which acting does not use.

    It is like the reward prediction of UNREAL (Jaderberg et al. 2017, arXiv:1611.05397), but of the step that led to an
    observation, from this observation alone, since rewards that judge states are paid for what a step led to.

    Args:
        agent: whose features they are.

    Raises:
        ConfigurationError: if the agent's vision brings heads of its own.
    """

    def __init__(self, agent: ActorCritic) -> None:
        super().__init__()
        if agent.core is not None:
            raise ConfigurationError(
                f"an agent of vision {agent.config.vision!r} has heads of its own: leave reward_coef at 0"
            )
        self.head = nn.Linear(agent.policy.in_features, 1)

    @staticmethod
    def labels(rollout: Rollout) -> Tensor:
        """Whether the step that led to each observation was paid more than nothing, [T, B, 1] float32: 1 or 0; -1 where
        nobody knows, in first observations of episodes and of the rollout.
        """
        paid = torch.full_like(rollout.reward, -1.0)
        paid[1:] = (rollout.reward[:-1] > 0).float()
        return paid.masked_fill(rollout.is_first, -1.0).unsqueeze(-1)

    def loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, a mean over the observations of which it is known; 0 if there are none.

        Args:
            features: [T, B, D], what the agent's heads are given.
            labels: [T, B, 1], see :meth:`labels`.
        """
        known = (labels >= 0).float()
        each = functional.binary_cross_entropy_with_logits(self.head(features), labels.clamp(min=0), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)
