"""The one stage between environments and algorithm, where terms of the reward are weighted, added up and logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.errors import ConfigurationError, DivergenceError
from groundling.interfaces import Array, Reward, Transition
from groundling.training.rewards import find_reward
from groundling.training.rewards.accounts import PaidReturns
from groundling.training.rewards.base import RewardTerm
from groundling.training.rewards.environment import EnvironmentReward

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout

RETURNS: Final = "returns of episodes"  # in what is saved, beside the terms by their names


class RewardStage:
    """A weighted sum of rewards: r_t = sum_i w_i r_i(transition_t).

    The success of an episode is a flag of its own, which no term changes.

    Args:
        terms: the rewards by their names.
        weights: one for each.
    """

    def __init__(self, terms: dict[str, Reward], weights: Sequence[float]) -> None:
        self.terms = terms
        self.weights = tuple(weights)
        self.is_plain = all(isinstance(term, EnvironmentReward) for term in terms.values()) and self.weights == (1.0,)
        self._paid: dict[str, list[Array]] = {name: [] for name in terms}  # [B] of each step of the present rollout
        self._sums = dict.fromkeys(terms, 0.0)
        self._steps = 0
        self._learned: dict[str, float] = {}
        self._returns: PaidReturns | None = None

    @classmethod
    def of_environment(cls) -> RewardStage:
        """The environments' own reward as it is."""
        return cls({"environment": EnvironmentReward()}, (1.0,))

    @classmethod
    def of(cls, config: TrainConfig, envs: VectorEnv) -> RewardStage:
        """The terms of a run.

        Raises:
            ConfigurationError: if there is no reward of a name.
            ExtensionError: if one's own code cannot be imported.
        """
        terms = {name: find_reward(name)(config, envs) for name in config.reward}
        return cls(terms, config.reward_weights or (1.0,) * len(terms))

    def check_processes(self) -> None:
        """Refuse terms that would learn otherwise in each process of a job.

        Raises:
            ConfigurationError: naming the first.
        """
        for name, term in self.terms.items():
            if isinstance(term, RewardTerm):
                has_update = type(term).update is not RewardTerm.update
                learns = has_update and not type(term).learns_nothing
            else:
                learns = True  # nobody knows
            if learns:
                raise ConfigurationError(
                    f"the reward {name!r} learns from rollouts, and several processes would learn several: train with "
                    "one process, then with more on --reward frozen:RUN"
                )

    def begin(self) -> None:
        """The first episodes have begun."""
        for term in self.terms.values():
            if isinstance(term, RewardTerm):
                term.begin()

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step, as far as it is known before the rollout ends; see :meth:`settle`.

        Raises:
            ConfigurationError: if a term gives something else than [B] numbers.
            DivergenceError: if one of them is not finite.
        """
        batch = len(transition.reward)
        total = np.zeros(batch)
        for (name, term), weight in zip(self.terms.items(), self.weights, strict=True):
            paid = _checked(name, term(transition), (batch,))
            self._paid[name].append(paid)
            total += weight * paid
        if self._returns is None:
            self._returns = PaidReturns(batch)
        self._returns.note(transition)
        return total

    def texts_of(self, envs: VectorEnv) -> tuple[str, ...]:
        """The sentences of the environments before a step, if a term might want them."""
        return () if self.is_plain else tuple(getattr(envs.unwrapped, "instructions", ()))

    def settle(self, rollout: Rollout) -> None:
        """Have each term learn from the steps that it was asked about, and pay again what it decides only now.

        Raises:
            ConfigurationError: if a term gives something else than [T, B] numbers.
            DivergenceError: if one of them is not finite.
        """
        for name, term in self.terms.items():
            self._learned |= {f"reward/{name}/{key}": value for key, value in term.update(rollout).items()}
        if self.is_plain or self._returns is None or not any(self._paid.values()):
            return
        is_changed = False
        paid = {name: np.stack(steps) for name, steps in self._paid.items()}
        for name, term in self.terms.items():
            again = term.repaid(rollout) if isinstance(term, RewardTerm) else None
            if again is not None:
                paid[name], is_changed = _checked(name, again, paid[name].shape), True
        if is_changed:
            total = sum(weight * paid[name] for name, weight in zip(self.terms, self.weights, strict=True))
            rollout.on_host.reward.copy_(torch.as_tensor(total, dtype=torch.float32))
            if rollout.reward is not rollout.on_host.reward:
                rollout.reward.copy_(rollout.on_host.reward)
        self._returns.settle(rollout.on_host.reward.numpy())
        for name, array in paid.items():
            self._sums[name] += float(array.mean(axis=1).sum())
            self._paid[name].clear()
        self._steps += len(rollout.reward)

    def take_metrics(self) -> dict[str, float]:
        """The mean of each term a step since the last call, unweighted; what terms tell of their learning; and the
        returns that episodes were paid, see ``PaidReturns.take``.
        """
        told, self._learned = self._learned, {}
        if not self.is_plain and self._steps:
            told |= {f"reward/{name}": total / self._steps for name, total in self._sums.items()}
        if self._returns is not None:
            told |= self._returns.take()
        self._sums, self._steps = dict.fromkeys(self.terms, 0.0), 0
        return told

    def state_dict(self) -> dict[str, Any]:
        """All that the next rewards depend on."""
        saved = {name: term.state_dict() for name, term in self.terms.items()}
        return saved if self._returns is None else {**saved, RETURNS: self._returns.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        for name, term in self.terms.items():
            term.load_state_dict(saved[name])
        if RETURNS in saved:
            self._returns = PaidReturns(saved[RETURNS]["running"].shape[1])
            self._returns.load_state_dict(saved[RETURNS])


def _checked(name: str, paid: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """What a term gave, as it is to be."""
    array = np.array(paid, dtype=np.float64)
    if array.shape != shape:
        raise ConfigurationError(
            f"the reward {name!r} gave {array.shape} {array}, it is to give {list(shape)} finite numbers"
        )
    if not np.isfinite(array).all():
        raise DivergenceError(
            f"the reward {name!r} gave {array[~np.isfinite(array)][0]}, it is to give {list(shape)} finite numbers"
        )
    return array
