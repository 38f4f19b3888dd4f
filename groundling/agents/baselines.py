"""Baselines and controls: what an agent is compared with."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.sources import meanings_of
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.errors import ConfigurationError
from groundling.interfaces import Observation, Policy


class RandomPolicy:
    """Every action with the same probability, whatever is seen or said."""

    def __init__(self, num_actions: int = NUM_ACTIONS) -> None:
        self.num_actions = num_actions

    def initial_state(self, num_envs: int) -> Tensor:
        """No memory: [B, 0]."""
        return torch.zeros(num_envs, 0)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """Draw uniformly (``greedy`` makes no difference)."""
        actions = torch.randint(self.num_actions, (len(state),), generator=generator)
        return actions.numpy(), state

    def inference_cache(self) -> AbstractContextManager[None]:
        """Nothing to keep."""
        return nullcontext()


class ShuffledInstructions:
    """An agent that is told another episode's goal: the control that shows whether the words matter.

    At the start of each episode a sentence with another goal than its own is drawn, as often as it occurs among the
    episodes, and stays until the episode ends. "A red ball" and "the red ball" are one goal.

    Args:
        policy: the agent.
        tokens: the sentences [S, L], integers, padded as the observations' are.
        goals: what each of them means.
        sentences: of each episode [E], in [0, S).
        seed: of the draw.
        key: of the sentences in an observation.

    Raises:
        ConfigurationError: if all episodes have the same goal, so that there is no other to give.
    """

    def __init__(
        self,
        policy: Policy,
        tokens: NDArray[np.integer[Any]],
        goals: Sequence[Hashable],
        sentences: NDArray[np.integer[Any]],
        seed: int,
        key: str = "instruction",
    ) -> None:
        if len(set(goals)) < 2:
            raise ConfigurationError("every episode has the same goal: there is no other to give")
        number_of = {goal: number for number, goal in enumerate(dict.fromkeys(goals))}
        self._policy = policy
        self._tokens = tokens.astype(np.int32)
        self._goals = np.array([number_of[goal] for goal in goals])  # [S] of each sentence
        self._sentences = sentences
        self._row_of = {row.tobytes(): number for number, row in enumerate(self._tokens)}
        self._generator = np.random.default_rng(seed)
        self._key = key

    @classmethod
    def of_bank(cls, policy: Policy, bank: EpisodeBank, seed: int) -> ShuffledInstructions:
        """An agent that is told the goal of another episode of a bank."""
        return cls(policy, bank.tokens, meanings_of(bank), bank.sentences, seed)

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own, and in one more column which sentence it is told."""
        state = self._policy.initial_state(num_envs)
        return torch.cat([state, state.new_zeros(num_envs, 1)], dim=1)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The agent's action under the other sentence."""
        own = np.asarray(observation[self._key], dtype=np.int32)
        sentence = state[:, -1].cpu().numpy().astype(np.int64)
        for row in np.flatnonzero(np.asarray(is_first)):
            sentence[row] = self._another(own[row])
        told = {**observation, self._key: self._tokens[sentence]}
        actions, own_state = self._policy.act(told, state[:, :-1], is_first, greedy=greedy, generator=generator)
        return actions, torch.cat([own_state, torch.from_numpy(sentence).to(own_state).unsqueeze(1)], dim=1)

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self._policy.inference_cache()

    def _another(self, own: NDArray[np.int32]) -> int:
        """A sentence with another goal."""
        row = self._row_of.get(own.tobytes())  # of some environments not all sentences are known beforehand
        goal = None if row is None else self._goals[row]
        while True:
            drawn = self._sentences[self._generator.integers(len(self._sentences))]
            if self._goals[drawn] != goal:
                return int(drawn)
