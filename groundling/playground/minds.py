"""Minds of a tab: an agent with its memory, and what it makes of what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.explanation import has_gates, word_strength
from groundling.errors import GroundlingError
from groundling.eval.attention import contrast
from groundling.language.encoders import ManualReader
from groundling.language.vocabulary import split_words
from groundling.playground.errors import PlaygroundError


@dataclass(frozen=True)
class Thought:
    """What an agent makes of one observation.

    Attributes:
        probabilities: [A] of the actions.
        value: what it expects to gain from here on.
        words: of the sentence that it reads, each with how much it changes the gates (0 to 1, the strongest is 1);
            all 0 where the agent has no gates.
        attention: [rows, columns] how strongly the words let each place of its picture through, 0 to 1; None where it
            has no such map.
        sentences: weight of each sentence of the manual; empty where it reads none with the instruction.
    """

    probabilities: tuple[float, ...]
    value: float
    words: tuple[tuple[str, float], ...]
    attention: NDArray[np.float32] | None
    sentences: tuple[float, ...]


class Mind:
    """An agent in one world.

    Args:
        agent: whose network it is; several tabs may share it.
    """

    def __init__(self, agent: ActorCritic) -> None:
        self.agent = agent
        self.forget()

    def forget(self) -> None:
        """An episode begins."""
        self._state: Tensor = self.agent.initial_state(1)
        self._next: Tensor = self._state
        self._is_first = True
        self._strengths: dict[bytes, tuple[tuple[str, float], ...]] = {}

    @torch.no_grad()
    def think(self, observation: Mapping[str, Any], sentence: str) -> Thought:
        """What the agent makes of an observation [1, ...] with this sentence; its memory stays as it was.

        Raises:
            PlaygroundError: if what comes out of it is no number.
        """
        agent = self.agent
        prepared = agent.prepare(observation)
        decision = agent(prepared, self._state, torch.tensor([[self._is_first]]))
        probabilities = decision.logits[0, 0].softmax(dim=-1)  # a closed action's logit may be -inf, which is none here
        if not (probabilities.isfinite().all() and decision.value[0, 0].isfinite().all()):
            raise PlaygroundError("this agent's numbers are not finite: it diverged in training, choose another one")
        self._next = decision.state
        return Thought(
            probabilities=tuple(probabilities.tolist()),
            value=float(decision.value[0, 0]),
            words=self._words(observation, sentence),
            attention=self._attention(observation),
            sentences=self._sentences(observation),
        )

    def move_on(self) -> None:
        """A step was taken: the memory is that after the last thought."""
        self._state, self._is_first = self._next, False

    def _words(self, observation: Mapping[str, Any], sentence: str) -> tuple[tuple[str, float], ...]:
        words = split_words(sentence)
        encoder = self.agent.encoder
        tokens = np.asarray(observation[encoder.text_key]).astype(np.int64)
        key = b"".join(np.asarray(observation[name]).tobytes() for name in encoder.text_keys) + sentence.encode()
        if key not in self._strengths:
            found = np.zeros(len(words), dtype=np.float32)
            if has_gates(self.agent):
                manual = self._manual(observation)
                before = None if manual is None else manual.flatten(1)
                found = word_strength(self.agent, torch.as_tensor(tokens), before)[0, : len(words)].cpu().numpy()
            strongest = max(float(found.max(initial=0.0)), 1e-9)
            self._strengths[key] = tuple(zip(words, (found / strongest).tolist(), strict=False))
        return self._strengths[key]

    def _attention(self, observation: Mapping[str, Any]) -> NDArray[np.float32] | None:
        if not isinstance(self.agent.encoder, TextEncoder):
            return None
        with suppress(GroundlingError):  # an encoder that has no map of its attention
            (found,) = contrast(self.agent, observation)
            return np.asarray(found / max(float(found.max()), 1e-9), dtype=np.float32)
        return None

    def _manual(self, observation: Mapping[str, Any]) -> Tensor | None:
        """Token ids [1, S, L] of the manual that is read with the instruction; None where there is none."""
        encoder = self.agent.encoder
        key = encoder.manual_key if isinstance(encoder, TextEncoder) else None
        return None if key is None else torch.as_tensor(np.asarray(observation[key]).astype(np.int64))

    def _sentences(self, observation: Mapping[str, Any]) -> tuple[float, ...]:
        manual = self._manual(observation)
        reader: Any = getattr(self.agent.encoder, "language", None)
        if manual is None or not isinstance(reader, ManualReader):
            return ()
        tokens = torch.as_tensor(np.asarray(observation[self.agent.encoder.text_key]).astype(np.int64))
        return tuple(map(float, reader.weights(manual, tokens)[0].tolist()))
