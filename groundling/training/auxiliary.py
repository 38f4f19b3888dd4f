"""What an agent learns beside acting."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic


def due_loss(agent: ActorCritic, known: Tensor, due: Tensor) -> Tensor:
    """Cross-entropy of what an agent tells to be due, summed over all that might be; a mean over the frames.

    Args:
        agent: one that tells what is due.
        known: [T, B, D], what its heads are given.
        due: [T, B, NUM_DUE] bool.
    """
    assert agent.due is not None
    told = agent.due(known)
    return functional.binary_cross_entropy_with_logits(told, due.float(), reduction="none").sum(dim=-1).mean()
