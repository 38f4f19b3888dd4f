"""The vocabulary: words to token ids and back. Id 0 is padding: an instruction is a row of ids that ends in zeros."""

from __future__ import annotations

import difflib
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from groundling.errors import InstructionError
from groundling.language.phrasings import all_words
from groundling.language.quoting import LONGEST, check_text, quoted

PADDING = "<pad>"
UNKNOWN = "<unk>"

_MARKS = ",.;!?"


def split_words(text: str) -> list[str]:
    """A sentence as lower-case words; punctuation marks are words of their own.

    Raises:
        InstructionError: if it is no text.
    """
    text = check_text(text).lower()
    for mark in _MARKS:
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    return text.split()


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

    @classmethod
    def unnamed(cls, size: int) -> Vocabulary:
        """A vocabulary of ``size`` token ids whose words nobody told: ``"#2"``, ``"#3"``, ..."""
        return cls((PADDING, UNKNOWN, *(f"#{index}" for index in range(2, size))))

    @classmethod
    def joined(cls, vocabularies: Iterable[Vocabulary]) -> Vocabulary:
        """The words of several vocabularies, those of the first with the ids that they have there."""
        return cls.of(word for vocabulary in vocabularies for word in vocabulary.words[2:])

    @property
    def is_named(self) -> bool:
        """Whether the words are known, see :meth:`unnamed`."""
        return len(self.words) < 3 or self.words[2] != "#2"

    def __len__(self) -> int:
        return len(self.words)

    @property
    def fingerprint(self) -> int:
        """A checksum of the words and their order: token ids of another vocabulary mean something else."""
        return zlib.crc32(" ".join(self.words).encode())

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
        ids = self._ids_of(text, allow_unknown=allow_unknown)
        if length is not None and len(ids) > length:
            raise self._too_long(text, len(ids), length)
        return np.array(ids + [0] * ((length or len(ids)) - len(ids)), dtype=np.int32)

    def encode_all(self, texts: Sequence[str], *, length: int) -> NDArray[np.int32]:
        """Token ids [len(texts), length] int32 of several sentences, padded with zeros; errors as ``encode``'s."""
        rows = [self._ids_of(text) for text in texts]
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        if len(rows) and lengths.max() > length:
            longest = int(lengths.argmax())
            raise self._too_long(texts[longest], int(lengths[longest]), length)
        tokens = np.zeros((len(rows), length), dtype=np.int32)
        tokens[np.arange(length) < lengths[:, None]] = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
        return tokens

    def _ids_of(self, text: str, *, allow_unknown: bool = False) -> list[int]:
        words = split_words(text)
        try:
            return list(map(self._ids.__getitem__, words))
        except KeyError:
            if allow_unknown:
                return [self._ids.get(word, 1) for word in words]
        word = next(word for word in words if word not in self._ids)
        hint = self.suggestion(word) or "."
        raise InstructionError(
            f"the word {quoted(word)} of {quoted(text)} is not in the vocabulary of {len(self)} words{hint} "
            "Pass allow_unknown=True to read it as <unk>."
        )

    def suggestion(self, word: str) -> str:
        """The words most like one that it lacks, for example ``"; did you mean 'ball' or 'tall'?"``, else nothing."""
        close = [] if len(word) > LONGEST else difflib.get_close_matches(word, self.words[2:], n=3)
        return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""

    def _too_long(self, text: str, count: int, length: int) -> InstructionError:
        return InstructionError(f"{quoted(text)} has {count} tokens, more than the {length} of this environment")

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


# Every word of the language, in this order: those of the canonical templates, names, colors and sizes, those of the
# paraphrases, synonyms, plurals, punctuation marks; each in the order of groundling.language.phrasings.
VOCABULARY = Vocabulary.of(all_words())
