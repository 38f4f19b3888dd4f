"""Proximal policy optimization with a penalty on the KL divergence that adapts, in place of clipping."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from groundling.agents.actor_critic import PreparedObservation
from groundling.training.algorithms.base import Run
from groundling.training.algorithms.ppo import PPO, PPOConfig, clipped_policy_loss, kl_divergence
from groundling.training.checks import require_each
from groundling.training.rollout import Rollout

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

NEAR = 1.5  # times the target: within, the weight stays as it is
WEIGHTS = 2.0**-30, 2.0**30  # of the penalty: 0 could not grow again, and an infinite one is no number
OLD = "old log-probabilities"  # column of a rollout


@dataclass(frozen=True)
class PPOKLConfig:
    """Proximal policy optimization with an adaptive KL penalty.

    Attributes:
        num_steps: T, number of steps of each environment in a rollout.
        num_epochs: number of passes over each rollout.
        minibatch_size: number of observations of a gradient step (with a memory, rounded to whole environments).
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        gae_lambda: lambda of generalized advantage estimation (GAE).
        kl_target: KL(old policy || new policy) of an update that the weight of the penalty is adapted to.
        beta: weight of the penalty at the beginning.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
        normalize_advantage: normalize the advantages to mean 0 and standard deviation 1 in each minibatch.
        bootstrap_truncated: bootstrap from the value of the last observation where the time limit truncates an episode.
    """

    num_steps: int = 16
    num_epochs: int = 4
    minibatch_size: int = 2048
    learning_rate: float = 1.5e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 0.95
    kl_target: float = 0.01
    beta: float = 1.0
    value_coef: float = 0.5
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5
    normalize_advantage: bool = True
    bootstrap_truncated: bool = True

    def __post_init__(self) -> None:
        require_each(self, "kl_target", "beta", above=0)
        self.as_ppo()  # the other checks are PPO's

    def as_ppo(self) -> PPOConfig:
        """The same as settings of PPO, which clips nothing."""
        values = dataclasses.asdict(self)
        return PPOConfig(**{k: v for k, v in values.items() if k not in ("kl_target", "beta")}, clip=math.inf)


class PPOKL(PPO):
    """Proximal policy optimization with an adaptive KL penalty.

    L = -E[r A - beta KL(old || new)],   r = new(a) / old(a)

    d = E[KL(old || new)] after an update:   d < d_target / 1.5: beta <- beta / 2;   d > 1.5 d_target: beta <- 2 beta

    beta stays between 2^-30 and 2^30 (the source has no bounds), so that it can come back from either.

    Source: Schulman et al. 2017, arXiv:1707.06347, equation 8 and section 4.
    """

    Config: ClassVar[type[Any]] = PPOKLConfig
    section = "ppo_kl"
    title: ClassVar[str] = "PPO with a KL penalty"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.beta = float(self.settings.beta)

    @classmethod
    def as_ppo(cls, config: TrainConfig) -> PPOConfig:
        """The settings of a run as those of PPO."""
        return config.settings_of(PPOKLConfig).as_ppo()

    def more_columns(self, rollout: Rollout, prepared: PreparedObservation) -> dict[str, Tensor]:
        """The old policy's log-probabilities of all actions, [T, B, A]."""
        return {OLD: self._log_probs(rollout, prepared)}

    def policy_loss(self, log_probs: Tensor, log_ratio: Tensor, advantage: Tensor, noted: dict[str, Tensor]) -> Tensor:
        """L of a minibatch."""
        return clipped_policy_loss(log_ratio, advantage, math.inf) + self.beta * kl_divergence(noted[OLD], log_probs)

    def after_update(self, rollout: Rollout, prepared: PreparedObservation, columns: dict[str, Tensor]) -> None:
        """Adapt the weight of the penalty."""
        now = self._log_probs(rollout, prepared).flatten(0, 1)
        self.kl = float(self.ranks.mean(kl_divergence(columns[OLD], now)))
        self.beta = adapted(self.beta, self.kl, self.settings.kl_target)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """As PPO; also ``kl``, of the whole update, and ``beta``, with which the next one begins."""
        metrics = super().learn(rollout)
        return {**metrics, "kl": self.kl, "beta": self.beta}

    @torch.no_grad()
    def _log_probs(self, rollout: Rollout, prepared: PreparedObservation) -> Tensor:
        logits: Tensor = self.agent(prepared, rollout.initial_state, rollout.is_first).logits
        return logits.log_softmax(dim=-1)

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {**super().state_dict(), "beta": self.beta}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        self.beta = saved["beta"]


def adapted(beta: float, kl: float, target: float) -> float:
    """The weight of the penalty after an update that moved the policy so far."""
    if kl < target / NEAR:
        return max(beta / 2, min(beta, WEIGHTS[0]))
    return min(beta * 2, max(beta, WEIGHTS[1])) if kl > target * NEAR else beta
