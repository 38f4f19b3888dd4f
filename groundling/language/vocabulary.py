"""The vocabulary: words to token ids and back. Id 0 is padding: an instruction is a row of ids that ends in zeros."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groundling.errors import InstructionError
from groundling.language.goals import Color, ObjectType

PADDING = "<pad>"
UNKNOWN = "<unk>"

_TOKEN = re.compile(r"[^\s,.;!?]+|[,.;!?]")


def split_words(text: str) -> list[str]:
    """A sentence as lower-case words; punctuation marks are words of their own."""
    return _TOKEN.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """An ordered set of words.

    Attributes:
        words: every word; ``words[0]`` is the padding, ``words[1]`` the unknown word.
    """

    words: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.words[:2] != (PADDING, UNKNOWN):
            raise InstructionError(f"a vocabulary begins with {PADDING!r}, {UNKNOWN!r}, got {self.words[:2]}")
        self._ids.update({word: index for index, word in enumerate(self.words)})
        if len(self._ids) != len(self.words):
            raise InstructionError("a vocabulary holds each word once")

    @classmethod
    def of(cls, words: Iterable[str]) -> Vocabulary:
        """A vocabulary of these words, in the order of their first appearance."""
        return cls((PADDING, UNKNOWN, *dict.fromkeys(words)))

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def encode(self, text: str, *, length: int | None = None, allow_unknown: bool = False) -> NDArray[np.int32]:
        """Token ids of a sentence.

        Args:
            text: the sentence.
            length: pad with zeros to this many ids; None does not pad.
            allow_unknown: give words outside the vocabulary the id of ``<unk>`` instead of refusing them.

        Returns:
            [L] int32.

        Raises:
            InstructionError: for an unknown word (unless allowed) or a sentence longer than ``length``.
        """
        ids = []
        for word in split_words(text):
            if word not in self._ids and not allow_unknown:
                close = difflib.get_close_matches(word, self.words[2:], n=3)
                hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
                raise InstructionError(
                    f"the word {word!r} of {text!r} is not in the vocabulary of {len(self)} words{hint} "
                    "Pass allow_unknown=True to read it as <unk>."
                )
            ids.append(self._ids.get(word, 1))
        if length is not None and len(ids) > length:
            raise InstructionError(f"{text!r} has {len(ids)} tokens, more than the {length} of this environment")
        return np.array(ids + [0] * ((length or len(ids)) - len(ids)), dtype=np.int32)

    def encode_all(self, texts: Sequence[str], *, length: int) -> NDArray[np.int32]:
        """Token ids [len(texts), length] of several sentences, padded with zeros."""
        tokens = np.zeros((len(texts), length), dtype=np.int32)
        for row, text in zip(tokens, texts, strict=True):
            row[:] = self.encode(text, length=length)
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence of a row of token ids, padding left out.

        Raises:
            InstructionError: for an id outside the vocabulary.
        """
        words = []
        for index in map(int, ids):
            if not 0 <= index < len(self.words):
                raise InstructionError(f"token id {index} is outside the vocabulary of {len(self)} words")
            if index:
                words.append(self.words[index])
        return re.sub(r"\s+([,.;!?])", r"\1", " ".join(words))


# BabyAI's whole language, sequences included, so that ids stay the same from level to level.
BABYAI_VOCABULARY = Vocabulary.of(
    [
        *("go", "to", "pick", "up", "open", "put", "next"),
        *("a", "the", "object", *ObjectType, *Color),
        *("on", "your", "left", "right", "in", "front", "of", "you", "behind"),
        *(",", "then", "after", "and"),
    ]
)
