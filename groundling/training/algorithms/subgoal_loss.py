"""The auxiliary loss of an agent that predicts the current subgoal."""

from __future__ import annotations

from functools import partial

from gymnasium.vector import VectorEnv
from torch import Tensor
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.engine.subgoals import NUM_SUBGOALS, subgoals_now
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.training.recorders import Labels

COLUMN = "subgoal"


def subgoal_labels(envs: VectorEnv) -> Labels:
    """Notes the current subgoals, [T, B, NUM_SUBGOALS] bool.

    Raises:
        ConfigurationError: if the environments are not Groundling's own worlds, which know them.
    """
    own = envs.unwrapped
    if not isinstance(own, GroundlingVectorEnv):
        raise ConfigurationError("only Groundling's own worlds know the current subgoal: leave subgoal_coef at 0")
    return Labels(COLUMN, NUM_SUBGOALS, partial(subgoals_now, own.worlds))


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
