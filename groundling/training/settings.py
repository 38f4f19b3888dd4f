"""The settings of each algorithm, as frozen values that are validated when made."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import get_args

from groundling.agents.bots import Sight
from groundling.errors import ConfigurationError


def require(condition: bool, message: str) -> None:
    """Refuse a setting.

    Raises:
        ConfigurationError: with this message, unless the condition holds.
    """
    if not condition:
        raise ConfigurationError(message)


def require_each(settings: object, *names: str, least: float = -math.inf, above: float = -math.inf) -> None:
    """Refuse settings that are too small; errors as :func:`require`'s."""
    for name in names:
        value = getattr(settings, name)
        require(value >= least, f"{name} must be at least {least:g}, got {value}")
        require(value > above, f"{name} must be greater than {above:g}, got {value}")


def require_shares(settings: object, *names: str) -> None:
    """Refuse settings that are not from 0 to 1; errors as :func:`require`'s."""
    for name in names:
        value = getattr(settings, name)
        require(0 <= value <= 1, f"{name} must be between 0 and 1, got {value}")


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimization with a clipped objective.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        num_epochs: passes over a rollout.
        minibatch_size: observations of a gradient step (with a memory, rounded to whole environments).
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        gamma: discount.
        gae_lambda: decay of the advantage estimate.
        clip: range of the probability ratio.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm.
        normalize_advantage: to mean 0 and standard deviation 1 in each minibatch.
        bootstrap_truncated: the value goes on beyond the time limit of an episode; False where the limit is part of the
            task, and an agent is to hurry. Source: Pardo et al. 2018, arXiv:1712.00378.
        due_coef: weight of the loss of an agent that ``tells_due``.
        kl_coef: weight of a penalty on KL(policy || initial policy), for runs that start from another one (``init``).
    """

    num_steps: int = 16
    num_epochs: int = 4
    minibatch_size: int = 2048
    learning_rate: float = 1.5e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_coef: float = 0.5
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5
    normalize_advantage: bool = True
    bootstrap_truncated: bool = True
    due_coef: float = 0.0
    kl_coef: float = 0.0

    def __post_init__(self) -> None:
        require(self.due_coef >= 0, f"due_coef must not be negative, got {self.due_coef}")
        require(self.kl_coef >= 0, f"kl_coef must not be negative, got {self.kl_coef}")
        require_each(self, "num_steps", "num_epochs", "minibatch_size", least=1)
        require_each(self, "learning_rate", "clip", "max_grad_norm", above=0)
        require_shares(self, "gamma", "gae_lambda")


@dataclass(frozen=True)
class A2CConfig:
    """Synchronous advantage actor-critic: PPO's rollout with one gradient step on all of it, and no clipping.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        gamma: discount.
        gae_lambda: decay of the advantage estimate.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm.
        normalize_advantage: to mean 0 and standard deviation 1 in each rollout.
        bootstrap_truncated: see :class:`PPOConfig`.
    """

    num_steps: int = 8
    learning_rate: float = 1e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 1.0
    value_coef: float = 0.5
    entropy_coef: float = 0.01
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


@dataclass(frozen=True)
class ImitationConfig:
    """Learning from a teacher: behavior cloning ("bc", the teacher acts) and DAgger ("dagger", it labels).

    Attributes:
        expert: what the expert sees, "explored" (what the agent has seen, so that it can be imitated) or "world".
        demonstrations: with "bc", a file of recorded demonstrations to learn from; without one the expert acts afresh.
        mixing: with "dagger", the share of the run over which the expert's share of the actions falls from 1.
        kept_share: with "dagger", the share that it falls to. Above 0 the expert frees an agent that is stuck; where
            episodes are long, being stuck would otherwise fill the rollouts.
        num_steps: T, steps of each environment in a rollout, and of back-propagation through the memory.
        num_epochs: passes over a rollout.
        minibatch_size: observations of a gradient step, rounded to whole environments.
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        gamma: discount of the returns that the value learns.
        gae_lambda: decay of their estimate.
        due_coef: weight of the loss of an agent that ``tells_due``.
        max_grad_norm: gradients are scaled down to this norm.
    """

    expert: Sight = "explored"
    demonstrations: str = ""
    mixing: float = 0.3
    kept_share: float = 0.0
    num_steps: int = 20
    num_epochs: int = 1
    minibatch_size: int = 320
    learning_rate: float = 1e-3
    anneal: bool = True
    value_coef: float = 0.1
    entropy_coef: float = 0.0
    gamma: float = 0.99
    gae_lambda: float = 0.95
    due_coef: float = 0.0
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        require(self.due_coef >= 0, f"due_coef must not be negative, got {self.due_coef}")
        require(self.expert in get_args(Sight), f"expert is one of {', '.join(get_args(Sight))}, not {self.expert!r}")
        require_each(self, "num_steps", "num_epochs", "minibatch_size", least=1)
        require_each(self, "learning_rate", "max_grad_norm", above=0)
        require_shares(self, "gamma", "gae_lambda", "mixing", "kept_share")
