"""The manuals of a bank's episodes: the sentences that hold in each of them, which an agent is given to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.errors import EpisodeError, InstructionError
from groundling.language.vocabulary import Vocabulary


@dataclass(frozen=True)
class Manuals:
    """What E episodes have to read: at most S sentences of at most L tokens each, M distinct ones in all.

    Nothing is ever cut off: what does not fit is refused.

    Attributes:
        sentences: [M] distinct sentences in the order of their first appearance.
        rows: [E, S] int32, row of ``tokens`` of each sentence of an episode; 0 where it has no more.
        tokens: [M + 1, L] uint16 token ids, 0 = padding; the first row is empty.
    """

    sentences: tuple[str, ...]
    rows: NDArray[np.int32]
    tokens: NDArray[np.uint16]

    @classmethod
    def pack(cls, manuals: Sequence[Sequence[str]], space: tuple[int, int], vocabulary: Vocabulary) -> Manuals:
        """The manuals of episodes, in their order.

        Args:
            manuals: the sentences of each.
            space: S and L.
            vocabulary: of the token ids.

        Raises:
            InstructionError: if a manual has more sentences, a sentence more tokens, or a word is unknown.
        """
        most, length = space
        sentences = tuple(dict.fromkeys(sentence for manual in manuals for sentence in manual))
        row_of = {sentence: row for row, sentence in enumerate(sentences, start=1)}
        rows = np.zeros((len(manuals), most), dtype=np.int32)
        for row, manual in zip(rows, manuals, strict=True):
            check_space(manual, space)
            row[: len(manual)] = [row_of[sentence] for sentence in manual]
        return cls(sentences, rows, _tokens(sentences, length, vocabulary))

    @classmethod
    def concatenate(cls, parts: Sequence[Manuals | None], counts: Sequence[int]) -> Manuals | None:
        """The manuals of several banks one after the other; None if none of them has any.

        Args:
            parts: of each bank; None of one without.
            counts: E of each bank.
        """
        there = [part for part in parts if part is not None]
        if not there:
            return None
        most, length = (max(size) for size in zip(*(part.space for part in there), strict=True))
        row_of = {"": 0}
        tokens, rows = [np.zeros((1, length), dtype=np.uint16)], []
        for part, count in zip(parts, counts, strict=True):
            if part is None:
                rows.append(np.zeros((count, most), dtype=np.int32))
                continue
            fresh = [row for row, text in enumerate(part.sentences, start=1) if text not in row_of]
            row_of.update({part.sentences[row - 1]: len(row_of) + i for i, row in enumerate(fresh)})
            tokens.append(np.pad(part.tokens[fresh], [(0, 0), (0, length - part.space[1])]))
            moved = np.array([0, *(row_of[text] for text in part.sentences)], dtype=np.int32)
            rows.append(np.pad(moved[part.rows], [(0, 0), (0, most - part.space[0])]))
        return cls(tuple(row_of)[1:], np.concatenate(rows), np.concatenate(tokens))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Manuals | None:
        """Read :meth:`arrays` back from among others; None if they are not there."""
        if "manual_rows" not in arrays:
            return None
        sentences = tuple(arrays["manual_sentences"].tobytes().decode().split("\n")[:-1])
        rows, tokens = arrays["manual_rows"], arrays["manual_tokens"]
        if len(tokens) != len(sentences) + 1:
            raise ValueError(f"{len(sentences)} sentences of manuals, but the tokens of {len(tokens) - 1}")
        return cls(sentences, rows, tokens)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays for a file, the sentences as bytes, one a line."""
        text = "".join(f"{sentence}\n" for sentence in self.sentences).encode()
        sentences = np.frombuffer(text, dtype=np.uint8)
        return {"manual_sentences": sentences, "manual_rows": self.rows, "manual_tokens": self.tokens}

    def check(self, episodes: int, num_words: int | None = None) -> None:
        """Refuse manuals with sentences or words that there are not.

        Args:
            episodes: E, how many there have to be.
            num_words: of the vocabulary, where it is known.

        Raises:
            EpisodeError: if they have some.
        """
        rows, tokens = self.rows, self.tokens
        if rows.dtype != np.int32 or tokens.dtype != np.uint16 or rows.ndim != 2 or tokens.ndim != 2:
            raise EpisodeError(f"manuals are {rows.dtype} and {tokens.dtype}, not int32 and uint16 with two axes each")
        if len(rows) != episodes or len(tokens) != len(self.sentences) + 1:
            raise EpisodeError(f"there are manuals of {len(rows)} episodes, not of {episodes}")
        if rows.size and (rows.min() < 0 or rows.max() >= len(tokens)):
            raise EpisodeError("a manual has a sentence that there is not")
        if num_words is not None and tokens.size and tokens.max() >= num_words:
            raise EpisodeError(f"a manual has token id {tokens.max()}, that of no word: there are {num_words}")

    @property
    def space(self) -> tuple[int, int]:
        """S and L."""
        return self.rows.shape[1], self.tokens.shape[1]

    def take(self, rows: NDArray[np.integer[Any]] | slice) -> Manuals:
        """Those of some episodes; sentences that none of them has are left out."""
        taken = self.rows[rows]
        used = np.unique(taken[taken > 0])
        moved = np.zeros(len(self.tokens), dtype=np.int32)
        moved[used] = np.arange(1, len(used) + 1)
        sentences = tuple(self.sentences[row - 1] for row in used.tolist())
        return Manuals(sentences, moved[taken], self.tokens[np.concatenate([[0], used])])

    def encoded(self, vocabulary: Vocabulary) -> Manuals:
        """The same with the token ids of another vocabulary.

        Raises:
            InstructionError: if a sentence has a word that is not in it.
        """
        return replace(self, tokens=_tokens(self.sentences, self.space[1], vocabulary))

    def texts(self, episode: int) -> tuple[str, ...]:
        """The sentences of an episode."""
        return tuple(self.sentences[row - 1] for row in self.rows[episode].tolist() if row)


def check_space(manual: Sequence[str], space: tuple[int, int]) -> None:
    """Refuse a manual of too many sentences.

    Raises:
        InstructionError: naming the first for which there is no room.
    """
    if len(manual) > space[0]:
        raise InstructionError(
            f"a manual has {len(manual)} sentences, more than the {space[0]} that observations have room for: "
            f"{manual[space[0]]!r} is the first that does not fit"
        )


def _tokens(sentences: Sequence[str], length: int, vocabulary: Vocabulary) -> NDArray[np.uint16]:
    tokens = np.zeros((len(sentences) + 1, length), dtype=np.uint16)
    if sentences:
        tokens[1:] = vocabulary.encode_all(sentences, length=length)
    return tokens
