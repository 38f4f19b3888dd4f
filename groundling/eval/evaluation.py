"""Evaluation: roll-outs of a policy over an exact number of distinct episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs import EpisodeBank
from groundling.envs.embodiment import Embodiment
from groundling.envs.sources import embodiment_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.eval.statistics import Counted
from groundling.interfaces import Policy

DEFAULT_NUM_ENVS = 250


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one episode went.

    Attributes:
        instruction: the sentence of the episode, whatever a control was told in its place.
        success: whether it reached its goal.
        out_of_time: whether it was cut off, by its time limit or, in a foreign simulator, by an engine that failed;
            neither success nor out of time is a mistake that ends an episode, such as going to another object.
        length: number of steps.
        episode_return: sum of rewards.
    """

    instruction: str
    success: bool
    out_of_time: bool
    length: int
    episode_return: float


@dataclass(frozen=True)
class Evaluation(Counted):
    """What a policy reached on a set of episodes.

    Attributes:
        episodes: number of distinct episodes played, each once.
        successes: how many reached their goal.
        mean_return: mean sum of rewards.
        mean_length: mean number of steps.
        steps_ratio: steps of the successful episodes over those that the all-seeing expert takes in them; None if it
            was not asked, or nothing succeeded.
        outcomes: of each episode, in the order in which they ended; empty where only the counts are known.
    """

    episodes: int
    successes: int
    mean_return: float
    mean_length: float
    steps_ratio: float | None = None
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)

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
        return {
            "success": self.success,
            "low": low,
            "high": high,
            "episodes": self.episodes,
            "successes": self.successes,
            "mean_return": self.mean_return,
            "mean_length": self.mean_length,
            "steps_ratio": self.steps_ratio,
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
    """Play every episode of a bank exactly once.

    Environment i plays episodes i, i + B, i + 2B, ... and no other: its quota is fixed beforehand, so short episodes do
    not count more often than long ones.

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
    if len(np.unique(bank.seeds)) != len(bank):
        raise ConfigurationError("an evaluation plays distinct episodes, but some seeds stand in the bank twice")
    batch = min(num_envs, len(bank))
    embodiment = embodiment or embodiment_of(bank)
    envs = GroundlingVectorEnv(bank, batch, shuffle=False, copy=False, embodiment=embodiment)
    played = play(policy, envs, envs.reset(), len(bank), greedy=greedy, seed=seed, expert_steps=expert_steps)
    envs.close()
    return played


def play(
    policy: Policy,
    envs: VectorEnv,
    start: tuple[dict[str, Any], dict[str, Any]],
    episodes: int,
    *,
    greedy: bool = False,
    seed: int = 0,
    expert_steps: NDArray[np.integer[Any]] | None = None,
) -> Evaluation:
    """Play so many episodes in environments that have just been reset, each environment its share of them.

    Args:
        policy: what acts.
        envs: B vector environments that report ``episode``, ``success`` and ``instruction`` as Groundling's own do.
        start: what the reset returned, observation and info.
        episodes: in all.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
        expert_steps: [E] that an expert takes in each episode of a bank, where the environments play one.
    """
    with policy.inference_cache():
        return _play(policy, envs, start, episodes, greedy, seed, expert_steps)


def _play(
    policy: Policy,
    envs: VectorEnv,
    start: tuple[dict[str, Any], dict[str, Any]],
    episodes: int,
    greedy: bool,
    seed: int,
    expert_steps: NDArray[np.integer[Any]] | None,
) -> Evaluation:
    observation, info = start
    batch = envs.num_envs
    generator = torch.Generator().manual_seed(seed)
    left = np.array([len(range(i, episodes, batch)) for i in range(batch)])
    actions = np.zeros(batch, dtype=np.int64)
    rows = np.flatnonzero(left)  # those that have episodes left to play; nothing is asked of the policy for the others
    state = policy.initial_state(len(rows))
    is_first = np.ones(batch, dtype=np.bool_)
    told = np.array(info["instruction"], dtype=object)  # a copy: the next step may rewrite it
    outcomes: list[Outcome] = []
    own_steps, known_steps = 0, 0
    while len(rows):
        seen = observation if len(rows) == batch else {sense: values[rows] for sense, values in observation.items()}
        actions[rows], state = policy.act(seen, state, is_first[rows], greedy=greedy, generator=generator)
        observation, _, terminated, truncated, info = envs.step(actions)
        is_first = terminated | truncated
        counted = is_first & (left > 0)
        if counted.any():
            out_of_time = truncated & ~terminated  # an episode may end in its last step by itself
            outcomes += [
                Outcome(
                    instruction=str(told[row]),
                    success=bool(info["success"][row]),
                    out_of_time=bool(out_of_time[row]),
                    length=int(info["episode"]["l"][row]),
                    episode_return=float(info["episode"]["r"][row]),
                )
                for row in np.flatnonzero(counted)
            ]
            if expert_steps is not None:
                assert isinstance(envs, GroundlingVectorEnv)
                known = expert_steps[envs.worlds.outcomes.episode]
                compared = counted & info["success"] & (known > 0)
                own_steps += int(info["episode"]["l"][compared].sum())
                known_steps += int(known[compared].sum())
            left[counted] -= 1
            goes_on = left[rows] > 0
            rows, state = rows[goes_on], state[torch.from_numpy(goes_on)]
        if is_first.any():
            told = np.array(info["instruction"], dtype=object)
    return Evaluation.of(outcomes, own_steps / known_steps if known_steps else None)
