"""Evaluation: what a policy reaches on an exact number of distinct episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.document_controls import OtherDocument
from groundling.envs import EpisodeBank
from groundling.envs.banks.sources import embodiment_of
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.banked import BankFamily, bank_episodes
from groundling.envs.families.base import EpisodeSet, MeasureTable
from groundling.envs.specification import spec_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.eval.rollout import FirstEpisodes, Observer, Outcome, Stepped, all_of, roll_out
from groundling.eval.statistics import Counted
from groundling.interfaces import BoundPolicy, Observation, Policy

DEFAULT_NUM_ENVS = BankFamily.most_envs
__all__ = ["Evaluation", "Outcome", "PlayedSet", "evaluate", "play"]


@dataclass(frozen=True)
class Evaluation(Counted):
    """What a policy reached on a set of episodes.

    Attributes:
        episodes: number of distinct episodes played, each once.
        successes: how many reached their goal.
        mean_return: mean sum of rewards.
        mean_length: mean number of steps.
        steps_ratio: steps of the successful episodes over those that the full-state expert takes in them; None if it
            was not asked, or nothing succeeded.
        outcomes: of each episode, in the order in which they ended; empty where only the counts are known.
        first_actions: the actions of the first episodes, of as many as were asked for (``keep_actions``).
        followed: of an agent that was given other episodes' documents: how many episodes ended as these ask, and in how
            many they ask for an ending other than the true one; None where nobody can tell.
        measures: what the family measures of the episodes beside their success, where it was asked.
    """

    episodes: int
    successes: int
    mean_return: float
    mean_length: float
    steps_ratio: float | None = None
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)
    first_actions: tuple[tuple[int, ...], ...] = field(default=(), repr=False, compare=False)
    followed: tuple[int, int] | None = None
    measures: tuple[MeasureTable, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], steps_ratio: float | None = None) -> Evaluation:
        """The counts and means of these outcomes, at least one."""
        episodes = len(outcomes)
        return cls(
            episodes=episodes,
            successes=sum(outcome.success for outcome in outcomes),
            mean_return=sum(outcome.episode_return for outcome in outcomes) / episodes,
            mean_length=sum(outcome.length for outcome in outcomes) / episodes,
            steps_ratio=steps_ratio,
            outcomes=tuple(outcomes),
        )

    def to_dict(self) -> dict[str, float | int | None]:
        """The rate, its interval, and the counts as plain values."""
        low, high = self.interval
        followed = {} if self.followed is None else {"followed": self.followed[0], "misled": self.followed[1]}
        return {
            "success": self.success,
            "low": low,
            "high": high,
            "episodes": self.episodes,
            "successes": self.successes,
            "mean_return": self.mean_return,
            "mean_length": self.mean_length,
            "steps_ratio": self.steps_ratio,
            **followed,
        }


def evaluate(
    policy: Policy,
    bank: EpisodeBank,
    *,
    greedy: bool = False,
    num_envs: int = DEFAULT_NUM_ENVS,
    seed: int = 0,
    expert_steps: NDArray[np.integer[Any]] | None = None,
    embodiment: Embodiment | None = None,
) -> Evaluation:
    """Play every episode of a bank exactly once; see :func:`groundling.eval.rollout.roll_out`.

    Args:
        policy: what acts.
        bank: the episodes.
        greedy: take the likeliest action instead of drawing one.
        num_envs: B, environments side by side (at most one for each episode).
        seed: of the drawn actions.
        expert_steps: [E] that an expert takes in each episode (``agents.bots.expert_steps``), to compare with.
        embodiment: what the episodes are played with; None takes their source's own.

    Raises:
        ConfigurationError: if num_envs is less than 1, or two episodes of the bank are of one seed.
    """
    if num_envs < 1:
        raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
    episodes = bank_episodes(bank, embodiment or embodiment_of(bank), num_envs)
    with PlayedSet(episodes) as played:
        return played.by(policy, greedy=greedy, seed=seed, expert_steps=expert_steps)


class PlayedSet:
    """A set of episodes that one policy after the other plays; a context that ends the environments.

    Args:
        episodes: to play.

    Raises:
        ConfigurationError: if two episodes of a bank are of one seed.
    """

    def __init__(self, episodes: EpisodeSet) -> None:
        bank = getattr(episodes, "bank", None)
        if isinstance(bank, EpisodeBank) and len(np.unique(bank.seeds)) != len(bank):
            raise ConfigurationError("an evaluation plays distinct episodes, but some seeds stand in the bank twice")
        self.episodes = episodes
        self._envs: VectorEnv | None = None

    def __enter__(self) -> PlayedSet:
        return self

    def __exit__(self, *error: object) -> None:
        if self._envs is not None:
            self._envs.close()
            self._envs = None

    def by(
        self,
        policy: Policy,
        *,
        greedy: bool = False,
        seed: int = 0,
        expert_steps: NDArray[np.integer[Any]] | None = None,
        keep_actions: int = 0,
        observer: Observer | None = None,
        on_begin: Callable[[VectorEnv, Observation], None] | None = None,
    ) -> Evaluation:
        """What a policy reaches on all of them; arguments and errors as :func:`play`'s, and ``on_begin``, which is
        told the environments and their first observation.
        """
        episodes = self.episodes
        if self._envs is None or episodes.reset_seed is None:
            if self._envs is not None:
                self._envs.close()
            self._envs = episodes.make_envs(min(episodes.most_envs, episodes.count))
        start = self._envs.reset(seed=episodes.reset_seed)
        if isinstance(policy, BoundPolicy):
            policy.bind(self._envs)
        if on_begin is not None:
            on_begin(self._envs, start[0])
        return play(
            policy,
            self._envs,
            start,
            episodes.count,
            greedy=greedy,
            seed=seed,
            expert_steps=expert_steps,
            keep_actions=keep_actions,
            observer=observer,
        )


def play(
    policy: Policy,
    envs: VectorEnv,
    start: tuple[Observation, dict[str, Any]],
    episodes: int,
    *,
    greedy: bool = False,
    seed: int = 0,
    expert_steps: NDArray[np.integer[Any]] | None = None,
    keep_actions: int = 0,
    observer: Observer | None = None,
) -> Evaluation:
    """Play so many episodes in environments that have just been reset, each environment its share of them.

    Args:
        policy: what acts.
        envs: B vector environments whose ``info`` tells success.
        start: what the reset returned, observation and info.
        episodes: in all.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
        expert_steps: [E] that an expert takes in each episode of a bank, where the environments play one.
        keep_actions: of how many of the first episodes the actions are kept; at most one for each environment.
        observer: told of every step.
    """
    compared = None if expert_steps is None else ExpertSteps(envs, expert_steps)
    first = FirstEpisodes(keep_actions)
    observers: list[Observer] = [each for each in (compared, observer) if each is not None]
    if isinstance(policy, OtherDocument):
        note = policy.note
        observers.append(lambda stepped: note(stepped.counted))
    outcomes = roll_out(
        policy, envs, start, episodes, spec=spec_of(envs), greedy=greedy, seed=seed, observer=all_of(first, *observers)
    )
    ratio = None if compared is None else compared.ratio
    followed = (policy.followed, policy.asked) if isinstance(policy, OtherDocument) and policy.asked else None
    return replace(Evaluation.of(outcomes, ratio), first_actions=tuple(map(tuple, first.actions)), followed=followed)


class ExpertSteps:
    """Compares the steps of successful episodes with those of an expert.

    Args:
        envs: that play a bank.
        known: [E] steps that the expert takes in each of its episodes; 0 and less where it finds no way.
    """

    def __init__(self, envs: VectorEnv, known: NDArray[np.integer[Any]]) -> None:
        if not isinstance(envs, GroundlingVectorEnv):
            raise ConfigurationError("steps are compared with an expert's where the episodes stand in a bank")
        self._outcomes = envs.worlds
        self._known = known
        self._own_steps, self._known_steps = 0, 0

    def __call__(self, stepped: Stepped) -> None:
        """Add the episodes that ended in success."""
        if not stepped.counted.any():
            return
        known = self._known[self._outcomes.outcomes.episode]
        compared = stepped.counted & stepped.success & (known > 0)
        self._own_steps += int(stepped.lengths[compared].sum())
        self._known_steps += int(known[compared].sum())

    @property
    def ratio(self) -> float | None:
        """Steps of the policy over those of the expert; None if nothing is comparable."""
        return self._own_steps / self._known_steps if self._known_steps else None
