"""Controls of agents that read a document: without it, with its words mixed up, with that of another episode."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.interfaces import DocumentJudge, Observation, Policy

KEPT: Final = 4096  # documents that are remembered
TRIES: Final = 32  # documents that are looked at for one that asks for something else


class NoDocument:
    """An agent whose documents are empty.

    Args:
        policy: the agent.
        keys: of the documents in an observation.
    """

    def __init__(self, policy: Policy, keys: Sequence[str]) -> None:
        self._policy = policy
        self._keys = tuple(keys)

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own."""
        return self._policy.initial_state(num_envs)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The agent's action, given another document or none."""
        changed = {key: self._changed(np.asarray(observation[key])) for key in self._keys}
        told = {**observation, **changed}
        return self._policy.act(told, state, is_first, greedy=greedy, generator=generator)

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self._policy.inference_cache()

    def _changed(self, documents: NDArray[Any]) -> NDArray[Any]:
        """What is read in place of documents [B, S, L]."""
        return np.zeros_like(documents)


class MixedWords(NoDocument):
    """An agent whose documents have all their words, in any order and in any sentence: the same in all of an episode.

    Within sentences alone words are not mixed: to readers that take a sentence for the set of its words that would
    change nothing.

    Args:
        policy: the agent.
        keys: of the documents in an observation.
        seed: of the order.
    """

    def __init__(self, policy: Policy, keys: Sequence[str], seed: int) -> None:
        super().__init__(policy, keys)
        self._seed = seed
        self._mixed: dict[bytes, NDArray[Any]] = {}

    def _changed(self, documents: NDArray[Any]) -> NDArray[Any]:
        return np.stack([self._mix(document) for document in documents])

    def _mix(self, document: NDArray[Any]) -> NDArray[Any]:
        """The document of the same words in another order."""
        name = document.tobytes()
        if name not in self._mixed:
            if len(self._mixed) >= KEPT:
                self._mixed.clear()
            rng = np.random.default_rng((self._seed, zlib.crc32(name)))
            mixed = document.copy()
            mixed[document != 0] = rng.permutation(document[document != 0])
            self._mixed[name] = mixed
        return self._mixed[name]


class OtherDocument:
    """An agent that is given another episode's document: it shows whether an agent does what the document says.

    At the start of each episode a document is drawn from those that the other environments have had, and stays until
    the episode ends. In environments that are a :class:`DocumentJudge` (see :meth:`bind`) it is one that asks for
    another ending than the true one, where such a one is found; then it is counted how often the episode ends as the
    wrong document asks. With a single environment the first episode has its own document.

    Args:
        policy: the agent.
        keys: of the documents in an observation; a judge is asked about the first.
        seed: of the draw.

    Attributes:
        asked: episodes that ended, in which the wrong document asked for an ending of its own.
        followed: of these, those that ended in that way.
    """

    def __init__(self, policy: Policy, keys: Sequence[str], seed: int) -> None:
        self.asked, self.followed = 0, 0
        self._policy = policy
        self._keys = tuple(keys)
        self._generator = np.random.default_rng(seed)
        self._judge: DocumentJudge | None = None
        self._pool: list[tuple[NDArray[Any], ...]] = []
        self._next = 0
        self._given: list[tuple[NDArray[Any], ...]] = []  # of each environment
        self._ending = np.zeros(0, dtype=np.int64)  # [B] that the given document asks for; -1: not known

    def bind(self, envs: VectorEnv) -> None:
        """Say in which environments it is going to play."""
        own = envs.unwrapped
        self._judge = own if isinstance(own, DocumentJudge) else None

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own, and in one more column the number of the environment."""
        self.asked, self.followed = 0, 0
        self._pool, self._next = [], 0
        self._given = [()] * num_envs
        self._ending = np.full(num_envs, -1, dtype=np.int64)
        state = self._policy.initial_state(num_envs)
        return torch.cat([state, torch.arange(num_envs).to(state).unsqueeze(1)], dim=1)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The agent's action under the other document."""
        envs = state[:, -1].long().cpu().numpy()
        arrays = [np.asarray(observation[key]) for key in self._keys]
        begun = np.flatnonzero(np.asarray(is_first))
        own = [tuple(array[row].copy() for array in arrays) for row in begun]
        for documents in own:
            self._remember(documents)
        for row, documents in zip(begun, own, strict=True):
            self._give(int(envs[row]), documents)
        given = [self._given[env] for env in envs]
        told = {key: np.stack([documents[place] for documents in given]) for place, key in enumerate(self._keys)}
        actions, own_state = self._policy.act(
            {**observation, **told}, state[:, :-1], is_first, greedy=greedy, generator=generator
        )
        return actions, torch.cat([own_state, state[:, -1:]], dim=1)

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self._policy.inference_cache()

    def note(self, ended: NDArray[np.bool_]) -> None:
        """Count the episodes that have just ended, where ``ended`` [B] says so."""
        if self._judge is None:
            return
        envs = np.flatnonzero(ended[: len(self._ending)])
        asked = self._ending[envs]
        self.asked += int((asked >= 0).sum())
        self.followed += int(((asked >= 0) & (self._judge.endings[envs] == asked)).sum())

    def _remember(self, documents: tuple[NDArray[Any], ...]) -> None:
        if len(self._pool) < KEPT:
            self._pool.append(documents)
        else:
            self._pool[self._next] = documents
            self._next = (self._next + 1) % KEPT

    def _give(self, env: int, own: tuple[NDArray[Any], ...]) -> None:
        """Draw the document of an environment's episode."""
        drawn = [self._pool[place] for place in self._generator.integers(len(self._pool), size=TRIES)]
        others = [one for one in drawn if any((a != b).any() for a, b in zip(one, own, strict=True))] or [own]
        self._given[env], self._ending[env] = others[0], -1
        if self._judge is None:
            return
        documents = np.stack([one[0] for one in (own, *others)])
        endings = self._judge.endings_asked(documents, np.full(len(documents), env))
        fit = np.flatnonzero((endings[1:] >= 0) & (endings[1:] != endings[0]))
        if len(fit):
            self._given[env], self._ending[env] = others[fit[0]], endings[1 + fit[0]]
