"""REINFORCE leave-one-out: each roll-out of an episode is compared with the mean of the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from groundling.training.algorithms.episodic import Grouped, Objective
from groundling.training.checks import require_each, require_shares
from groundling.training.episodes import Episodes
from groundling.training.groups import group_advantages


@dataclass(frozen=True)
class RLOOConfig:
    """REINFORCE leave-one-out: one gradient step on the groups that are whole, with the others' mean as the baseline.

    Attributes:
        group_size: G, roll-outs of the same episode (world and instruction) that are compared; it divides --num-envs.
        num_steps: T, number of steps of each environment between updates.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount of the return of an episode.
        kl_coef: weight of a penalty on KL(policy || initial policy), in runs with --init.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    group_size: int = 8
    num_steps: int = 8
    learning_rate: float = 3e-3
    anneal: bool = True
    gamma: float = 0.99
    kl_coef: float = 0.0
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        require_each(self, "group_size", least=2)
        require_each(self, "num_steps", least=1)
        require_each(self, "learning_rate", "max_grad_norm", above=0)
        require_each(self, "kl_coef", least=0)
        require_shares(self, "gamma")


class RLOO(Grouped):
    """REINFORCE leave-one-out.

    grad J = 1/G sum_i (R_i - 1/(G - 1) sum_{j != i} R_j) grad log pi(trajectory i)

    The baseline of a roll-out does not depend on it, so the gradient is unbiased, unlike that of GRPO.

    Source: Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline for free!"; Ahmadian et al. 2024,
    arXiv:2402.14740, equation 7.
    """

    Config: ClassVar[type[Any]] = RLOOConfig
    section = "rloo"
    summary: ClassVar[str] = "REINFORCE leave-one-out: each roll-out of an episode against the mean of the others"
    title: ClassVar[str] = "RLOO"

    @classmethod
    def objective(cls, settings: RLOOConfig) -> Objective:
        """One gradient step on all, with nothing clipped."""
        return Objective(
            num_epochs=1,
            minibatch_size=0,
            clip=math.inf,
            normalize_by="step",
            kl_coef=settings.kl_coef,
            value_coef=0.0,
            entropy_coef=settings.entropy_coef,
            max_grad_norm=settings.max_grad_norm,
            gamma=settings.gamma,
        )

    def advantages(self, episodes: Episodes) -> Tensor:
        """R_i less the mean of the others, of each step, [R] float32."""
        gain, _ = group_advantages(episodes.returns(self.settings.gamma), episodes.group, leave_one_out=True)
        return gain[episodes.episode]
