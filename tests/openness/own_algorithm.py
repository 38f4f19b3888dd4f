"""An algorithm of one's own: REINFORCE with the value as its baseline."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from groundling.training.algorithms.base import OnPolicy
from groundling.training.rollout import Rollout


@dataclass(frozen=True)
class ReinforceConfig:
    """Settings of REINFORCE.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        learning_rate: of Adam.
        anneal: let the learning rate fall linearly to zero.
        gamma: discount.
    """

    num_steps: int = 16
    learning_rate: float = 1e-2
    anneal: bool = True
    gamma: float = 0.9


class Reinforce(OnPolicy):
    Config = ReinforceConfig
    section = "reinforce"
    title = "REINFORCE"

    def learn(self, rollout: Rollout) -> dict[str, float]:
        decision = self.agent(self.prepared(rollout), rollout.initial_state, rollout.is_first)
        returns = torch.zeros_like(rollout.reward)
        following = rollout.next_value[-1]
        for step in reversed(range(len(returns))):
            following = rollout.reward[step] + self.settings.gamma * following * ~rollout.terminated[step]
            returns[step] = following
        log_probs = decision.logits.log_softmax(dim=-1).gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
        policy_loss = -(log_probs * (returns - rollout.value)).mean()
        value_loss = (decision.value - returns).square().mean()
        self.optimizer.zero_grad()
        (policy_loss + 0.5 * value_loss).backward()
        self.optimizer.step()
        return {"policy_loss": float(policy_loss), "value_loss": float(value_loss)}
