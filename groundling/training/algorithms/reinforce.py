"""REINFORCE: the Monte-Carlo policy gradient, with no baseline, a moving average or a learned one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from groundling.training.algorithms.base import Run
from groundling.training.algorithms.episodic import Episodic, Objective
from groundling.training.checks import require, require_each, require_shares
from groundling.training.episodes import Episodes

Baseline = Literal["none", "average", "learned"]


@dataclass(frozen=True)
class ReinforceConfig:
    """REINFORCE: one gradient step on the whole episodes that ended, with their returns to go.

    Attributes:
        baseline: what is taken from a return: "none" (nothing), "average" (a moving average of earlier returns) or
            "learned" (the value that the agent's head predicts for the observation).
        num_steps: T, number of steps of each environment between updates.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        decay: of the moving average, an update: b <- decay b + (1 - decay) mean(G).
        value_coef: weight of the value loss, for the learned baseline.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    baseline: Baseline = "learned"
    num_steps: int = 8
    learning_rate: float = 3e-3
    anneal: bool = True
    gamma: float = 0.99
    decay: float = 0.9
    value_coef: float = 0.05
    entropy_coef: float = 1e-3
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        known = get_args(Baseline)
        require(
            self.baseline in known, f"the baseline of REINFORCE is one of {', '.join(known)}, not {self.baseline!r}"
        )
        require_each(self, "num_steps", least=1)
        require_each(self, "learning_rate", "max_grad_norm", above=0)
        require_each(self, "value_coef", least=0)
        require_shares(self, "gamma")
        require(0 <= self.decay < 1, f"decay is from 0 on and below 1, not {self.decay}")


class Reinforce(Episodic):
    """The policy gradient from whole episodes.

    grad J = E[sum_t grad log pi(a_t | o_t) (G_t - b_t)],   G_t = sum_k gamma^k r_{t+k}

    A baseline b that does not depend on the action leaves the mean as it is and makes the spread smaller. The time
    limit ends a return like any other end: nothing is bootstrapped. It is PPO with one epoch, one minibatch, no
    clipping and these advantages; steps that an older policy made, of episodes longer than --num-steps, are weighted by
    the probability ratio.

    Source: Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement learning";
    the baselines as in Sutton and Barto 2018, section 13.4.
    """

    Config: ClassVar[type[Any]] = ReinforceConfig
    section = "reinforce"
    plays_on_device = True
    summary: ClassVar[str] = "the policy gradient from whole episodes, with their returns to go"
    title: ClassVar[str] = "REINFORCE"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.average = 0.0  # of the returns to go of earlier updates
        self._weight = 0.0  # of what it has seen

    @classmethod
    def objective(cls, settings: ReinforceConfig) -> Objective:
        """One gradient step on all, with nothing clipped."""
        return Objective(
            num_epochs=1,
            minibatch_size=0,
            clip=math.inf,
            normalize_by="step",
            kl_coef=0.0,
            value_coef=settings.value_coef if settings.baseline == "learned" else 0.0,
            entropy_coef=settings.entropy_coef,
            max_grad_norm=settings.max_grad_norm,
            gamma=settings.gamma,
        )

    def advantages(self, episodes: Episodes) -> Tensor:
        """G_t - b_t, [R] float32; the moving average is that of earlier updates, then it moves."""
        returns = episodes.returns_to_go(self.settings.gamma)
        if self.settings.baseline == "learned":
            return returns - episodes.value
        if self.settings.baseline == "none":
            return returns
        baseline = self.average / self._weight if self._weight else 0.0
        decay = self.settings.decay
        self.average = decay * self.average + (1 - decay) * self._mean(returns)
        self._weight = decay * self._weight + (1 - decay)  # it begins at the first mean and not at 0
        return returns - torch.tensor(baseline, dtype=returns.dtype, device=returns.device)

    def _mean(self, returns: Tensor) -> float:
        """Of those of all processes."""
        if self.ranks.size == 1:
            return float(returns.mean())
        total, count = self.ranks.total(torch.tensor([float(returns.sum()), len(returns)])).tolist()
        return total / count

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {**super().state_dict(), "average": self.average, "average_weight": self._weight}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        self.average, self._weight = saved["average"], saved["average_weight"]
