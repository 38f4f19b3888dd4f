"""Imitation: the update of an agent towards the actions of a teacher, from the same rollouts as PPO's."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.training.advantages import gae
from groundling.training.auxiliary import due_loss
from groundling.training.rollout import NO_LABEL, Rollout
from groundling.training.settings import ImitationConfig


class Imitation:
    """Behavior cloning on the states of a rollout, whoever acted in them.

    Environments go through one episode after the other and a rollout cuts them where it ends; the memory's state is
    carried from one rollout to the next and gradients are not (truncated back-propagation through time). So every frame
    of a [T, B] rollout is one to learn from, and none is padding.

    The value learns the return of whoever acted, so that PPO can go on from the agent.

    Args:
        agent: the agent.
        config: settings of the algorithm.
        generator: of the order of the minibatches.

    Source: Ross et al. 2011, arXiv:1011.0686 (DAgger); behavior cloning as in Chevalier-Boisvert et al. 2019,
    arXiv:1810.08272, section 4.
    """

    def __init__(self, agent: ActorCritic, config: ImitationConfig, generator: torch.Generator) -> None:
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
        """Gradient steps towards the labels of one rollout; the memory after it goes into ``rollout.final_state``.

        Returns:
            Means over the minibatches of the imitation loss (cross-entropy), accuracy (how often the likeliest action
            is the teacher's), value loss, entropy and gradient norm; of the loss of what is due, if it is learned.
        """
        config = self.config
        percepts = self.agent.perceive({k: v.flatten(0, 1) for k, v in rollout.observation.items()})
        totals: list[Tensor] = []
        steps, batch = rollout.label.shape
        rows = torch.arange(steps * batch, device=self.agent.device).unflatten(0, (steps, batch))
        for envs in self._minibatches(steps, batch):
            is_first, label = rollout.is_first[:, envs], rollout.label[:, envs]
            decision = self.agent(percepts.rows(rows[:, envs].flatten()), rollout.initial_state[envs], is_first)
            rollout.final_state[envs] = decision.state.detach()
            loss, accuracy, entropy = imitation_loss(decision.logits, label)
            value_loss = 0.5 * (decision.value - self._returns(rollout, envs, decision.value)).square().mean()
            total = loss + config.value_coef * value_loss - config.entropy_coef * entropy
            told = [loss, accuracy, value_loss, entropy]
            if config.due_coef > 0:
                due = due_loss(self.agent, decision.known, rollout.due[:, envs])
                total = total + config.due_coef * due
                told.append(due)
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()
            norm = nn.utils.clip_grad_norm_(self.agent.parameters(), config.max_grad_norm)
            self.optimizer.step()
            totals.append(torch.stack([part.detach() for part in (norm, *told)]))
        names = ["gradient_norm", "imitation_loss", "accuracy", "value_loss", "entropy"]
        names += ["due_loss"] if config.due_coef > 0 else []
        return dict(zip(names, torch.stack(totals).mean(dim=0).tolist(), strict=True))

    def _returns(self, rollout: Rollout, envs: Tensor, value: Tensor) -> Tensor:
        """Targets [T, B'] of the value, from its own estimates in this rollout.

        What follows the last step, and what would have followed a step at which time ran out, is taken to be worth as
        much as that step itself.
        """
        value = value.detach()
        truncated, terminated = rollout.truncated[:, envs], rollout.terminated[:, envs]
        next_value = torch.cat([value[1:], value[-1:]])
        next_value = torch.where(truncated & ~terminated, value, next_value)
        advantage = gae(
            rollout.reward[:, envs],
            value,
            next_value,
            terminated,
            truncated,
            gamma=self.config.gamma,
            gae_lambda=self.config.gae_lambda,
        )
        return advantage + value

    def _minibatches(self, steps: int, batch: int) -> Iterator[Tensor]:
        """Environments [B'] of each minibatch: whole ones, so that the memory runs over all of their steps."""
        size = max(1, self.config.minibatch_size // steps)
        for _ in range(self.config.num_epochs):
            yield from torch.randperm(batch, generator=self.generator, device=self.agent.device).split(size)


def imitation_loss(logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of the teacher's actions, accuracy and entropy, means over the frames that have a label.

    Args:
        logits: [T, B, A] of the policy.
        label: [T, B] int64 actions; ``NO_LABEL`` where the teacher knew none.
    """
    log_probs = logits.log_softmax(dim=-1)
    has_label = label != NO_LABEL
    count = has_label.sum().clamp(min=1)
    loss = functional.nll_loss(log_probs.flatten(0, 1), label.flatten(), ignore_index=NO_LABEL, reduction="sum") / count
    accuracy = ((logits.argmax(dim=-1) == label) & has_label).sum() / count
    entropy = -((log_probs.exp() * log_probs).sum(dim=-1) * has_label).sum() / count
    return loss, accuracy, entropy
