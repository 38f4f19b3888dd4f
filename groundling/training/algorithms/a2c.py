"""Synchronous advantage actor-critic."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from groundling.training.algorithms.ppo import PPO, PPOConfig

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class A2CConfig:
    """Synchronous advantage actor-critic: PPO's rollout with one gradient step on all of it, and no clipping.

    Attributes:
        num_steps: T, number of steps of each environment in a rollout.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        gae_lambda: lambda of generalized advantage estimation (GAE); 1 uses the n-step return.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
        normalize_advantage: normalize the advantages to mean 0 and standard deviation 1 in each rollout.
        bootstrap_truncated: bootstrap from the value of the last observation where the time limit truncates an episode.
            False treats the limit as part of the task. Source: Pardo et al. 2018, arXiv:1712.00378.
    """

    num_steps: int = 8
    learning_rate: float = 5e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 1.0
    value_coef: float = 0.5
    entropy_coef: float = 1e-3
    max_grad_norm: float = 0.5
    normalize_advantage: bool = False
    bootstrap_truncated: bool = True

    def __post_init__(self) -> None:
        self.as_ppo(1)  # its checks are these

    def as_ppo(self, num_envs: int) -> PPOConfig:
        """The same as settings of PPO, for rollouts of so many environments."""
        return PPOConfig(
            **dataclasses.asdict(self), num_epochs=1, minibatch_size=num_envs * max(1, self.num_steps), clip=math.inf
        )


class A2C(PPO):
    """Synchronous advantage actor-critic: one step on the whole rollout, without clipping.

    At the parameters that acted the ratio r of the new policy to the old one is 1, and PPO's gradient is that of
    -E[log pi(a) A], the policy gradient:   grad r = r grad log pi(a) = grad log pi(a)

    so A2C is PPO with one epoch, one minibatch and no clipping.

    Source: Mnih et al. 2016, arXiv:1602.01783 (A3C), run in step; Huang et al. 2022, arXiv:2205.09123.
    """

    Config: ClassVar[type[Any]] = A2CConfig
    section = "a2c"
    title: ClassVar[str] = "A2C"

    @classmethod
    def as_ppo(cls, config: TrainConfig) -> PPOConfig:
        """The settings of a run as those of PPO."""
        return config.settings_of(A2CConfig).as_ppo(config.num_envs)
