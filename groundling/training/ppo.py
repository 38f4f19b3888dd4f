"""Proximal policy optimization: the clipped objective and the update of an agent from one rollout; and A2C."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.training.advantages import gae
from groundling.training.auxiliary import due_loss
from groundling.training.rollout import Rollout
from groundling.training.settings import A2CConfig, PPOConfig


def clipped_policy_loss(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """The negative clipped surrogate objective, a mean over the minibatch.

    L = -E[min(r A, clamp(r, 1 - clip, 1 + clip) A)],   r = exp(log_ratio)

    Source: Schulman et al. 2017, arXiv:1707.06347, equation 7.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()


def explained_variance(value: Tensor, target: Tensor) -> Tensor:
    """1 - Var(target - value) / Var(target): 1 is perfect, 0 no better than a constant; NaN for constant targets."""
    spread = target.var()
    return torch.where(spread > 0, 1 - (target - value).var() / spread, torch.nan)


def kl_divergence(log_probs: Tensor, reference: Tensor) -> Tensor:
    """KL(policy || reference), a mean over the minibatch, of log-probabilities [..., A]."""
    return (log_probs.exp() * (log_probs - reference)).sum(dim=-1).mean()


class PPO:
    """Updates an agent's parameters from rollouts.

    Args:
        agent: the agent.
        config: settings of the algorithm.
        generator: of the order of the minibatches.

    Source: Schulman et al. 2017, arXiv:1707.06347; details as in Huang et al. 2022, "The 37 implementation details of
    proximal policy optimization" (value clipping left out).
    """

    def __init__(self, agent: ActorCritic, config: PPOConfig, generator: torch.Generator) -> None:
        self.agent = agent
        self.config = config
        self.generator = generator
        self.optimizer = torch.optim.Adam(agent.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)

    def set_learning_rate(self, remaining: float) -> None:
        """Anneal: ``remaining`` falls from 1 to 0 over the run."""
        rate = self.config.learning_rate * (remaining if self.config.anneal else 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def update(self, rollout: Rollout) -> dict[str, float]:
        """Several epochs of minibatch gradient steps on one rollout.

        Returns:
            Means over the minibatches of policy and value loss, entropy, approximate KL, clip fraction and gradient
            norm, and of the loss of what is due, if it is learned; explained variance and spread (standard deviation)
            of the advantages over the rollout.
        """
        config = self.config
        advantage = gae(
            rollout.reward,
            rollout.value,
            rollout.next_value,
            rollout.terminated if config.bootstrap_truncated else rollout.terminated | rollout.truncated,
            rollout.truncated,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
        )
        target = advantage + rollout.value
        percepts = self.agent.perceive({k: v.flatten(0, 1) for k, v in rollout.observation.items()})
        flat = {
            "advantage": advantage.flatten(),
            "target": target.flatten(),
            "action": rollout.action.flatten(),
            "log_prob": rollout.log_prob.flatten(),
            "is_first": rollout.is_first.flatten(),
        }
        flat_reference = rollout.reference.flatten(0, 1)
        totals: list[Tensor] = []
        for rows, envs in self._minibatches(*rollout.action.shape):
            batch = {name: array[rows] for name, array in flat.items()}
            state = rollout.initial_state[envs]
            decision = self.agent(percepts.rows(rows.flatten()), state, batch["is_first"])
            log_probs = decision.logits.log_softmax(dim=-1)
            log_ratio = log_probs.gather(-1, batch["action"].unsqueeze(-1)).squeeze(-1) - batch["log_prob"]
            weight = batch["advantage"]
            if config.normalize_advantage and weight.numel() > 1:
                weight = (weight - weight.mean()) / (weight.std() + 1e-8)
            policy_loss = clipped_policy_loss(log_ratio, weight, config.clip)
            value_loss = 0.5 * (decision.value - batch["target"]).square().mean()
            entropy = -(log_probs.exp() * log_probs).sum(dim=-1).mean()
            loss = policy_loss + config.value_coef * value_loss - config.entropy_coef * entropy
            if config.kl_coef > 0:
                loss = loss + config.kl_coef * kl_divergence(log_probs, flat_reference[rows].log_softmax(dim=-1))
            told = [policy_loss, value_loss, entropy]
            if config.due_coef > 0:
                due = due_loss(self.agent, decision.known, rollout.due.flatten(0, 1)[rows])
                loss = loss + config.due_coef * due
                told.append(due)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.agent.parameters(), config.max_grad_norm)
            self.optimizer.step()
            with torch.no_grad():
                ratio = log_ratio.exp()
                kl = (ratio - 1 - log_ratio).mean()
                clipped = ((ratio - 1).abs() > config.clip).float().mean()
                totals.append(torch.stack([kl, clipped, norm, *told]))
        names = ["approximate_kl", "clip_fraction", "gradient_norm", "policy_loss", "value_loss", "entropy"]
        names += ["due_loss"] if config.due_coef > 0 else []
        metrics = dict(zip(names, torch.stack(totals).mean(dim=0).tolist(), strict=True))
        metrics["explained_variance"] = float(explained_variance(rollout.value, target))
        metrics["advantage_spread"] = float(advantage.std())
        return metrics

    def _minibatches(self, steps: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows [T', B'] of the flattened rollout, and the environments [B'] whose first state they begin with.

        Without a memory rows are drawn one by one (T' = 1); with one, whole environments are (T' = T), so that the
        memory is run over them again from the rollout's first step.
        """
        device = self.agent.device
        has_memory = self.agent.memory.state_dim > 0
        count = batch if has_memory else steps * batch
        size = max(1, self.config.minibatch_size // steps) if has_memory else self.config.minibatch_size
        time = torch.arange(steps, device=device).unsqueeze(1) * batch
        for _ in range(self.config.num_epochs):
            order = torch.randperm(count, generator=self.generator, device=device)
            for chosen in order.split(size):
                if has_memory:
                    yield time + chosen, chosen
                else:
                    yield chosen.unsqueeze(0), chosen % batch


class A2C(PPO):
    """Synchronous advantage actor-critic: one step on the whole rollout, without clipping.

    At the parameters that acted the ratio r of the new policy to the old one is 1, and PPO's gradient is that of
    -E[log pi(a) A], the policy gradient:   grad r = r grad log pi(a) = grad log pi(a)

    so A2C is PPO with one epoch, one minibatch and no clipping.

    Args:
        agent: the agent.
        config: settings of the algorithm.
        num_envs: B, environments of a rollout.
        generator: of the order of the rows, which changes roundings only.

    Source: Mnih et al. 2016, arXiv:1602.01783 (A3C), run in step; Huang et al. 2022, arXiv:2205.09123.
    """

    def __init__(self, agent: ActorCritic, config: A2CConfig, num_envs: int, generator: torch.Generator) -> None:
        super().__init__(agent, config.as_ppo(num_envs), generator)
