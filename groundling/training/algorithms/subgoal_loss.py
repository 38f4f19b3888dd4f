"""The auxiliary loss of an agent that predicts the current subgoal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.core import Decision
from groundling.envs.engine.subgoals import NUM_SUBGOALS, subgoals_now
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.recorders import Column, Labels

COLUMN = "subgoal"


class SubgoalLoss(AuxiliaryLoss):
    """Cross-entropy of the current subgoals."""

    name: ClassVar[str] = "subgoal_loss"

    def recorder(self, envs: VectorEnv) -> Labels:
        """Notes the current subgoals, [T, B, NUM_SUBGOALS] bool.

        Raises:
            ConfigurationError: if the environments are not Groundling's own worlds, which know them.
        """
        own = envs.unwrapped
        if not isinstance(own, GroundlingVectorEnv):
            raise ConfigurationError("only Groundling's own worlds know the current subgoal: leave subgoal_coef at 0")
        return Labels(COLUMN, Column((NUM_SUBGOALS,), torch.bool), partial(subgoals_now, own.worlds))

    def __call__(self, decision: Decision, columns: Mapping[str, Tensor]) -> Tensor:
        """See :class:`AuxiliaryLoss`."""
        return subgoal_loss(self.agent, decision.features, columns[COLUMN])


def subgoal_loss(agent: ActorCritic, features: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the predicted subgoals, summed over all that there might be; a mean over the frames.

    Args:
        agent: one that predicts subgoals.
        features: [T, B, D], what its heads are given.
        labels: [T, B, NUM_SUBGOALS] bool.
    """
    assert agent.subgoal is not None
    logits = agent.subgoal(features)
    return functional.binary_cross_entropy_with_logits(logits, labels.float(), reduction="none").sum(dim=-1).mean()
