"""Group relative policy optimization: roll-outs of the same episode are compared with each other, without a critic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from groundling.training.algorithms.episodic import Grouped, Normalization, Objective
from groundling.training.checks import require_each, require_shares
from groundling.training.episodes import Episodes
from groundling.training.groups import group_advantages

EPSILON = 1e-6  # of the division by a spread


@dataclass(frozen=True)
class GRPOConfig:
    """Group relative policy optimization.

    Attributes:
        group_size: G, roll-outs of the same episode (world and instruction) that are compared; it divides --num-envs.
        num_steps: T, number of steps of each environment between updates.
        num_epochs: number of passes over the episodes of an update.
        minibatch_size: number of observations of a gradient step (with a memory, rounded to whole episodes).
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount of the return of an episode.
        clip: clipping range of the probability ratio.
        divide_by_spread: divide by the standard deviation of the group, as GRPO; without, as "Dr. GRPO".
        normalize_by: "trajectory" counts each roll-out alike, however long, as GRPO; "step" counts each step alike.
        kl_coef: weight of a penalty on KL(policy || initial policy), in runs with --init.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    group_size: int = 8
    num_steps: int = 16
    num_epochs: int = 4
    minibatch_size: int = 2048
    learning_rate: float = 1.5e-3
    anneal: bool = True
    gamma: float = 0.99
    clip: float = 0.2
    divide_by_spread: bool = True
    normalize_by: Normalization = "trajectory"
    kl_coef: float = 0.0
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        require_each(self, "group_size", least=2)
        require_each(self, "num_steps", "num_epochs", "minibatch_size", least=1)
        require_each(self, "learning_rate", "clip", "max_grad_norm", above=0)
        require_each(self, "kl_coef", least=0)
        require_shares(self, "gamma")
        self.objective()  # its checks are these

    def objective(self) -> Objective:
        """What an update makes of the advantages."""
        return Objective(
            num_epochs=self.num_epochs,
            minibatch_size=self.minibatch_size,
            clip=self.clip,
            normalize_by=self.normalize_by,
            kl_coef=self.kl_coef,
            value_coef=0.0,
            entropy_coef=self.entropy_coef,
            max_grad_norm=self.max_grad_norm,
            gamma=self.gamma,
        )


class GRPO(Grouped):
    """Group relative policy optimization.

    A_i = (R_i - mean(R_1 .. R_G)) / std(R_1 .. R_G), the same for every step of roll-out i

    J = 1/G sum_i 1/|o_i| sum_t (min(r_it A_i, clamp(r_it, 1 - clip, 1 + clip) A_i) - beta k3_it)

    with the ratio r of the policy to the one that acted, and the k3 estimate of KL(policy || initial policy). A group
    all of whose roll-outs end alike teaches nothing. The bank makes the G roll-outs free: all begin in the same state.

    Source: Shao et al. 2024, arXiv:2402.03300, equations 3 and 4 (outcome supervision, section 4.1.2); without
    ``divide_by_spread`` and ``normalize_by="step"`` about as in Liu et al. 2025 ("Dr. GRPO"), arXiv:2503.20783.
    """

    Config: ClassVar[type[Any]] = GRPOConfig
    section = "grpo"
    summary: ClassVar[str] = "group relative policy optimization: each roll-out of an episode against its group"
    title: ClassVar[str] = "GRPO"

    @classmethod
    def objective(cls, settings: GRPOConfig) -> Objective:
        """As the settings say."""
        return settings.objective()

    def advantages(self, episodes: Episodes) -> Tensor:
        """A of each step, [R] float32."""
        return self.outcomes(episodes)[episodes.episode]

    def outcomes(self, episodes: Episodes) -> Tensor:
        """A of each roll-out, [N] float32."""
        gain, spread = group_advantages(episodes.returns(self.settings.gamma), episodes.group)
        return gain / (spread + EPSILON) if self.settings.divide_by_spread else gain
