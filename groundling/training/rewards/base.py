"""What a reward derives from: defaults of all that a run may ask of one, and shaping by potentials."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.interfaces import Array, Transition

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout

Potential = Literal["none", "state", "history"]


class RewardTerm(ABC):
    """One term of what a policy is paid. Required is :meth:`__call__`; everything else has a default.

    A term with settings names their class, a frozen dataclass, ``Config``, and where they stand in the configuration
    and on the command line, ``section``.

    Args:
        config: of the run.
        envs: its environments.

    Attributes:
        potential: whether the reward is the difference of a potential of the "state", of one of the "history" of the
            episode, or of "none": with a potential of the state that is zero where episodes terminate, the optimal
            policy is that of the other terms (Ng et al. 1999).
        is_frozen: it has learned elsewhere: :meth:`update` is to learn nothing.
        learns_nothing: of one that has an :meth:`update`: it learns nothing of rollouts there, so the terms of several
            processes that train one agent stay the same.
    """

    learns_nothing: ClassVar[bool] = False

    potential: Potential = "none"
    is_frozen: bool = False

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        self.config = config
        self.envs = envs

    @property
    def zeroes_terminal(self) -> bool:
        """Whether the potential is zero where an episode terminates."""
        return False

    def begin(self) -> None:  # noqa: B027 - most have nothing to note
        """The first episodes have begun in all environments."""

    @abstractmethod
    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step; zeros where :meth:`repaid` decides."""

    def freeze(self) -> None:
        """From now on nothing is learned."""
        self.is_frozen = True

    def update(self, rollout: Rollout) -> Mapping[str, float]:
        """Learn from the rollout that was just collected, if it learns; returns metrics."""
        return {}

    def repaid(self, rollout: Rollout) -> Array | None:
        """The reward [T, B] of all steps of the rollout, where it is decided only after the rollout and its
        :meth:`update`, so that all of it is paid by what was learned last; None leaves what was paid.
        """
        return None

    def verdicts(self, transition: Transition) -> NDArray[np.bool_] | None:
        """Whether the reward takes each episode [B] that ends in a step for solved; None if it never says.

        Evaluation counts by them how often a reward is wrong.
        """
        return None

    def state_dict(self) -> dict[str, Any]:
        """All that its next answers depend on; tensors and plain values."""
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:  # noqa: B027 - most remember nothing
        """Continue from :meth:`state_dict`."""

    def load_learned(self, saved: dict[str, Any]) -> None:
        """Take over from a :meth:`state_dict` what was learned, in environments of another number and other episodes;
        to be written where the state holds more than that.
        """
        self.load_state_dict(saved)


class PotentialTerm(RewardTerm):
    """Shaping by a potential: r_t = gamma Phi(s_t+1) - Phi(s_t), with the discount of the run's algorithm.

    Phi is zero where an episode terminates, unless ``zero_terminal`` is set off. An episode that the time limit cuts
    off keeps the potential of its last state, since its value goes on beyond (with ``bootstrap_truncated``, PPO's and
    A2C's default; without it the limit terminates).

    Source: Ng, Harada and Russell 1999, "Policy invariance under reward transformations".
    """

    def __init__(self, config: TrainConfig, envs: VectorEnv, *, zero_terminal: bool = True) -> None:
        super().__init__(config, envs)
        settings = config.algorithm_settings
        self.gamma = float(getattr(settings, "gamma", 1.0))
        self._limit_terminates = not getattr(settings, "bootstrap_truncated", True)
        self._zero_terminal = zero_terminal
        self._now = np.zeros(envs.num_envs)

    @property
    def zeroes_terminal(self) -> bool:
        """As it was set."""
        return self._zero_terminal

    @abstractmethod
    def begun(self, chosen: NDArray[np.bool_]) -> Array:
        """Phi [B] of the first states of episodes; only those ``chosen`` [B] are read."""

    @abstractmethod
    def reached(self, transition: Transition) -> Array:
        """Phi [B] of what a step led to, before environments went on to their next episodes."""

    def begin(self) -> None:
        """Note the potentials of the first states."""
        self._now = np.array(self.begun(np.ones(self.envs.num_envs, dtype=np.bool_)), dtype=np.float64)

    def __call__(self, transition: Transition) -> Array:
        """The difference of potentials [B]."""
        after = np.array(self.reached(transition), dtype=np.float64)
        ended = transition.terminated | transition.truncated
        if self._zero_terminal:
            after[ended if self._limit_terminates else transition.terminated] = 0.0
        paid = self.gamma * after - self._now
        self._now = after
        if ended.any():
            self._now = np.where(ended, self.begun(ended), after)
        return paid

    def state_dict(self) -> dict[str, Any]:
        """The potentials of the present states."""
        return {"potentials": torch.as_tensor(self._now)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self._now = saved["potentials"].numpy().copy()

    def load_learned(self, saved: dict[str, Any]) -> None:
        """A potential by itself learns nothing."""
