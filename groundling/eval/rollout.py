"""The roll-out loop that evaluation, watching and whoever else plays whole episodes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.outcomes import require_successes
from groundling.envs.texts import texts_of
from groundling.interfaces import Observation, Policy, Spec


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
class Stepped:
    """A step of all environments, as an observer sees it.

    Attributes:
        actions: [B] that were taken.
        observation: after the step.
        reward: [B] of the environments.
        terminated: [B] bool.
        truncated: [B] bool.
        info: of the step.
        counted: [B] bool, where an episode of the roll-out ended.
        success: [B] bool, whether it reached its goal, where one ended.
        lengths: [B] int, steps of the episode so far, where one ended of all of it.
    """

    actions: NDArray[np.int64]
    observation: Observation
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: dict[str, Any]
    counted: NDArray[np.bool_]
    success: NDArray[np.bool_]
    lengths: NDArray[np.int64]


class Observer(Protocol):
    """Sees every step of a roll-out; the arrays are written again by the next one."""

    def __call__(self, stepped: Stepped) -> None:
        """A step was taken."""


class FirstEpisodes:
    """An observer that notes the actions of the first episode of each of the first environments.

    Args:
        count: of how many environments; environment i plays episode i first.

    Attributes:
        actions: of each of them, as far as there are so many environments.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._has_ended: list[bool] = []
        self.actions: list[list[int]] = []

    def __call__(self, stepped: Stepped) -> None:
        """Add the actions of those that have not ended."""
        if not self.actions:
            count = min(self._count, len(stepped.actions))
            self.actions, self._has_ended = [[] for _ in range(count)], [False] * count
        if all(self._has_ended):
            return
        for row, own in enumerate(self.actions):
            if not self._has_ended[row]:
                own.append(int(stepped.actions[row]))
                self._has_ended[row] = bool(stepped.terminated[row] or stepped.truncated[row])


def all_of(*observers: Observer) -> Observer:
    """Observers as one."""

    def observe(stepped: Stepped) -> None:
        for observer in observers:
            observer(stepped)

    return observe


def roll_out(
    policy: Policy,
    envs: VectorEnv,
    start: tuple[Observation, dict[str, Any]],
    episodes: int,
    *,
    spec: Spec,
    greedy: bool = False,
    seed: int = 0,
    observer: Observer | None = None,
) -> list[Outcome]:
    """Play so many episodes in environments that have just been reset, each environment its share of them.

    Environment i plays episodes i, i + B, i + 2B, ... and no other: its quota is fixed beforehand, so short episodes do
    not count more often than long ones. One that has played its quota is stepped on, but the policy is not asked.

    Args:
        policy: what acts; its state has a row for each environment that is still asked for.
        envs: B vector environments in autoreset mode SAME_STEP; where one episode each is played, in any mode.
        start: what the reset returned, observation and info.
        episodes: in all.
        spec: of the environments.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
        observer: told of every step.

    Returns:
        the outcome of each episode, in the order in which they ended.

    Raises:
        ConfigurationError: if the environments do not tell success, or their sentences.
    """
    with policy.inference_cache():
        return _roll_out(policy, envs, start, episodes, spec, greedy, seed, observer)


def _roll_out(
    policy: Policy,
    envs: VectorEnv,
    start: tuple[Observation, dict[str, Any]],
    episodes: int,
    spec: Spec,
    greedy: bool,
    seed: int,
    observer: Observer | None,
) -> list[Outcome]:
    observation, info = start
    batch = envs.num_envs
    generator = torch.Generator().manual_seed(seed)
    left = np.array([len(range(i, episodes, batch)) for i in range(batch)])
    actions = np.zeros(batch, dtype=np.int64)
    rows = np.flatnonzero(left)  # those that have episodes left to play; nothing is asked of the policy for the others
    state = policy.initial_state(len(rows))
    is_first = np.ones(batch, dtype=np.bool_)
    told: Sequence[str] = texts_of(envs, observation, info, spec)
    returns, lengths = np.zeros(batch), np.zeros(batch, dtype=np.int64)
    outcomes: list[Outcome] = []
    while len(rows):
        seen = observation if len(rows) == batch else {sense: values[rows] for sense, values in observation.items()}
        actions[rows], state = policy.act(seen, state, is_first[rows], greedy=greedy, generator=generator)
        observation, reward, terminated, truncated, info = envs.step(actions)
        returns, lengths = returns + reward, lengths + 1
        is_first = terminated | truncated
        counted = is_first & (left > 0)
        success = np.zeros(batch, dtype=np.bool_)
        if counted.any():
            success = require_successes(info, counted)
            out_of_time = truncated & ~terminated  # an episode may end in its last step by itself
            outcomes += [
                Outcome(
                    instruction=told[row],
                    success=bool(success[row]),
                    out_of_time=bool(out_of_time[row]),
                    length=int(lengths[row]),
                    episode_return=float(returns[row]),
                )
                for row in np.flatnonzero(counted).tolist()
            ]
        if observer is not None:
            observer(Stepped(actions, observation, reward, terminated, truncated, info, counted, success, lengths))
        if counted.any():
            left[counted] -= 1
            goes_on = left[rows] > 0
            rows, state = rows[goes_on], state[torch.from_numpy(goes_on)]
        if is_first.any() and len(rows):
            returns[is_first], lengths[is_first] = 0.0, 0
            told = texts_of(envs, observation, info, spec)
    return outcomes
