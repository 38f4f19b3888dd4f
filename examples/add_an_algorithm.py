"""An algorithm of your own: advantage-weighted regression (Peng et al. 2019, arXiv:1910.00177), on-policy.

groundling train --task BabyAI-GoToObj-v0 --algorithm examples/add_an_algorithm.py:AdvantageWeighted
"""

from dataclasses import dataclass

from torch.nn.utils import clip_grad_norm_

from groundling.training import gae
from groundling.training.algorithms.base import OnPolicy
from groundling.training.rollout import Rollout


@dataclass(frozen=True)
class AdvantageWeightedConfig:
    """Settings of the algorithm; each is an option --awr.NAME.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        num_epochs: gradient steps on each rollout.
        learning_rate: of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        temperature: beta; small values imitate the best actions only.
    """

    num_steps: int = 16
    num_epochs: int = 4
    learning_rate: float = 2e-3
    anneal: bool = True
    gamma: float = 0.99
    temperature: float = 0.5


class AdvantageWeighted(OnPolicy):
    """Imitates its own actions, the better ones more: loss = -E[min(exp(A' / beta), 20) log pi(a)], A' normalized."""

    Config = AdvantageWeightedConfig
    section = "awr"
    title = "AWR"

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Gradient steps on one rollout; returns metrics."""
        told = (rollout.reward, rollout.value, rollout.next_value, rollout.terminated, rollout.truncated)
        advantage = gae(*told, gamma=self.settings.gamma, gae_lambda=0.95)  # [T, B]
        target = advantage + rollout.value
        normal = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        weight = (normal / self.settings.temperature).exp().clamp(max=20)
        prepared = self.prepared(rollout)
        for _ in range(self.settings.num_epochs):
            decision = self.agent(prepared, rollout.initial_state, rollout.is_first)
            log_prob = decision.logits.log_softmax(dim=-1).gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
            policy_loss = -(weight * log_prob).mean()
            value_loss = (decision.value - target).square().mean()
            self.optimizer.zero_grad()
            (policy_loss + 0.5 * value_loss).backward()
            clip_grad_norm_(self.agent.parameters(), 0.5)
            self.optimizer.step()
        return {"policy_loss": policy_loss.item(), "value_loss": value_loss.item()}
