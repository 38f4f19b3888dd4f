"""What sentences mean and how else they can be said, for a run whose sentences may be of any family."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.base import EnvFamily
from groundling.errors import InstructionError
from groundling.language.goals import Goal
from groundling.language.grammar import parse
from groundling.language.paraphrases import Wording
from groundling.language.vocabulary import Vocabulary
from groundling.seeding import generator
from groundling.training.tasks import families

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


class RunSentences:
    """The sentences of a run as token ids.

    Args:
        config: of the run.
        vocabulary: what token ids mean.
        text_key: the key of the instruction.
    """

    def __init__(self, config: TrainConfig, vocabulary: Vocabulary, text_key: str) -> None:
        self._families: tuple[EnvFamily, ...] = () if config.made_by else families(config)
        self._seed = config.seed
        self._vocabulary = vocabulary
        self._key = text_key
        self._wording = Wording("trained", config.held_out.phrasings, config.held_out.synonyms)
        self._meanings: dict[bytes, int] = {}
        self._goals: dict[bytes, Goal | None] = {}

    def meaning(self, tokens: NDArray[np.integer]) -> int:
        """A number for what a sentence [L] asks for: the same for sentences that ask for the same."""
        words = self._words(tokens)
        if words not in self._meanings:
            self._meanings[words] = zlib.crc32(repr(self._meaning(self._text(tokens))).encode())
        return self._meanings[words]

    def _meaning(self, text: str) -> object:
        for family in self._families:
            try:
                return family.meaning({self._key: text})
            except InstructionError:
                continue
        return text

    def said_otherwise(self, tokens: NDArray[np.integer], share: float, number: int) -> NDArray[np.integer]:
        """The same request [L] in other words that training may use, where the language reads the sentence.

        Args:
            tokens: [L] of a sentence.
            share: how often it is said otherwise.
            number: names the draw.
        """
        if not share:
            return tokens
        words = self._words(tokens)
        if words not in self._goals:
            try:
                self._goals[words] = parse(self._text(tokens))
            except InstructionError:
                self._goals[words] = None
        goal, rng = self._goals[words], generator(self._seed, "said otherwise", number)
        if goal is None or rng.random() >= share:
            return tokens
        try:
            return self._vocabulary.encode(self._wording.phrase(goal, rng), length=len(tokens)).astype(tokens.dtype)
        except InstructionError:  # words that the vocabulary lacks, or too many
            return tokens

    def _text(self, tokens: NDArray[np.integer]) -> str:
        return self._vocabulary.decode(tokens)

    @staticmethod
    def _words(tokens: NDArray[np.integer]) -> bytes:
        return tokens[tokens != 0].astype(np.int64).tobytes()
