"""Half batches: the environments are stepped in two halves, each while the agent decides on the other.

The agent's device and the processor's environments then work at the same time. On the CPU the environments are stepped
in a thread of their own, whose kernels hold no lock.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.envs.parts import PartOfEnvs
from groundling.errors import ConfigurationError
from groundling.training.collector import Collector, StepAnswer, next_of
from groundling.training.rollout import Rollout
from groundling.training.statistics import EpisodeStatistics

JOINED = ("is_first", "action", "log_prob", "value", "next_value", "reward", "terminated", "truncated")


class HalfBatchCollector(Collector):
    """Plays an agent in the halves of a vector environment in turn; arguments as of :class:`Collector`.

    The rollout is that of a :class:`Collector` up to rounding: actions are drawn from the same numbers, and every
    environment plays the same episodes. What is saved is the same, so a run may go on either way.

    Raises:
        ConfigurationError: if the environments cannot be stepped in parts, are an odd number, something notes columns
            beside the rollout's own, or the reward is not the environments' own.
    """

    def __init__(self, envs: VectorEnv, agent: ActorCritic, num_steps: int, *args: Any, **options: Any) -> None:
        super().__init__(envs, agent, num_steps, *args, **options)
        if self.recorders or not self.rewards.is_plain:
            names = ", ".join(recorder.name for recorder in self.recorders) or "a reward that is not the environment's"
            raise ConfigurationError(f"half batches do not go together with {names}: leave --half-batches out")
        if envs.num_envs % 2:
            raise ConfigurationError(f"{envs.num_envs} environments have no halves: give --num-envs an even number")
        middle = envs.num_envs // 2
        noise = _Noise(envs.num_envs, self.generator)
        self.parts = [PartOfEnvs(envs, 0, middle), PartOfEnvs(envs, middle, envs.num_envs)]
        self.halves = [_Half(part, self, noise) for part in self.parts]

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        out = self.rollout
        for half in self.halves:
            half.rollout.final_state.copy_(out.final_state[half.rows])
            half.is_first = self.is_first[half.rows]
            half.observation = half.part.seen()
        with ExitStack() as stack:
            for cache in self._caches():
                stack.enter_context(cache)
            self._alternate(stack.enter_context(ThreadPoolExecutor(1, "groundling-half")))
        for half in self.halves:
            for name, array in out.observation.items():
                array[:, half.rows] = half.rollout.observation[name]
            for name in JOINED:
                getattr(out, name)[:, half.rows] = getattr(half.rollout, name)
            out.initial_state[half.rows] = half.rollout.initial_state
            out.final_state[half.rows] = half.rollout.final_state
        if self.agent.device.type != "cpu":
            out.host = None  # the halves have what is on the host; it is copied for whoever asks
        self.state = out.final_state
        self.is_first = torch.cat([half.is_first for half in self.halves])
        seen = [half.observation for half in self.halves]
        self.observation = {key: np.concatenate([part[key] for part in seen]) for key in self.keys}
        self.rewards.settle(out)
        return out

    def _alternate(self, pool: ThreadPoolExecutor) -> None:
        """Step the environments of a half in the other thread, and meanwhile decide in this one for the other half."""
        plays = [half.play() for half in self.halves]
        answers: list[Future[StepAnswer] | None] = [
            pool.submit(half.part.step, next(play)) for half, play in zip(self.halves, plays, strict=True)
        ]
        while any(answers):
            for number, (half, play) in enumerate(zip(self.halves, plays, strict=True)):
                answer = answers[number]
                actions = None if answer is None else next_of(play, answer.result())
                answers[number] = None if actions is None else pool.submit(half.part.step, actions)


class _Noise:
    """What actions are drawn from, for all environments at once, as if they were stepped at once."""

    def __init__(self, num_envs: int, generator: torch.Generator) -> None:
        self._num_envs, self._generator = num_envs, generator
        self._drawn: Tensor | None = None

    def take(self, like: Tensor, rows: slice) -> Tensor:
        """The part [R, A] of these environments; the first one's comes first."""
        if rows.start == 0:
            drawn = like.new_empty(self._num_envs, like.shape[1])
            self._drawn = drawn.exponential_(generator=self._generator)
        assert self._drawn is not None
        return self._drawn[rows]


class _Half(Collector):
    """Plays the agent in one half."""

    def __init__(self, part: PartOfEnvs, whole: HalfBatchCollector, noise: _Noise) -> None:
        statistics: Any = _PartStatistics(whole.statistics, part.rows.start, whole.envs.num_envs)
        steps = len(whole.rollout.action)
        super().__init__(part, whole.agent, steps, whole.generator, statistics=statistics)
        self._unreported = None  # the environments tell of their episodes themselves
        self.part, self.rows, self._noise = part, part.rows, noise

    def sample(self, logits: Tensor) -> Tensor:
        """See :class:`Collector`."""
        return sample_actions(logits, noise=self._noise.take(logits, self.rows))


class _PartStatistics:
    """Notes the episodes of some environments in the statistics of all."""

    def __init__(self, every: EpisodeStatistics, start: int, num_envs: int) -> None:
        self._every, self._start, self._num_envs = every, start, num_envs

    def add(self, info: dict[str, Any], ended: NDArray[np.bool_]) -> None:
        """See :class:`EpisodeStatistics`."""
        self._every.add(info, ended, self._start, self._num_envs)
