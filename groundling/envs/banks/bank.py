"""The episode bank: thousands of finished episodes as arrays, an exact and nameable data set saved as one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank_file import read_bank, write_bank
from groundling.envs.banks.episode import Episode, sample_episodes
from groundling.envs.banks.episode_arrays import Sizes, enlarge_arrays, pack_episodes
from groundling.envs.banks.manuals import Manuals
from groundling.envs.catalog import find_family
from groundling.envs.engine.episode_checks import check_episodes
from groundling.envs.engine.state import Episodes
from groundling.errors import BankFileError, EpisodeError, TaskError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.language.goals import Goal
from groundling.language.grammar import parse
from groundling.language.lexicon import PLAIN
from groundling.language.vocabulary import VOCABULARY, Vocabulary

CLAUSE_TOKENS = 24  # tokens of an instruction of one clause, padding included
SEQUENCE_TOKENS = 96  # tokens of an instruction of up to four clauses


def _source_of(level: str) -> Any:
    """The source of a level's or a task's episodes; None if they stand in no bank. Errors as of ``find_family``."""
    return getattr(find_family(level), "source", None)


@dataclass(frozen=True)
class EpisodeBank:
    """Finished episodes of one level or task as arrays: E episodes, at most O objects, S distinct sentences.

    Build one with ``groundling.envs.build_bank`` (a split, in parallel, cached) or :meth:`of_seeds` (exactly these
    seeds); give it to ``groundling.make_vec(bank=...)``.

    Attributes:
        level: id of the level or task that the episodes come from.
        split: the split that they belong to, as JSON (``Split.describe``); empty for chosen seeds.
        instructions: [S] distinct sentences in the order of their first appearance.
        seeds: [E] int64, the seed that the generator was given.
        sentences: [E] int32, each episode's row of ``instructions``.
        tokens: [S, L] uint16 token ids of the sentences, 0 = padding.
        vocabulary: checksum of the vocabulary that the token ids are of.
        manuals: what the episodes have to read; None of tasks without manuals.
        cells, looks, contents, positions, poses, carried, programs, max_steps, floors: see ``state.Episodes``.
    """

    level: str
    split: str
    instructions: tuple[str, ...]
    seeds: NDArray[np.int64]
    sentences: NDArray[np.int32]
    tokens: NDArray[np.uint16]
    cells: NDArray[np.uint8]
    looks: NDArray[np.int32]
    contents: NDArray[np.uint8]
    positions: NDArray[np.int16]
    poses: NDArray[np.int16]
    carried: NDArray[np.uint8]
    programs: NDArray[np.uint64]
    max_steps: NDArray[np.int32]
    floors: NDArray[np.uint8]
    vocabulary: int = VOCABULARY.fingerprint
    manuals: Manuals | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def instruction_length(self) -> int:
        """L, tokens of every instruction with its padding."""
        return self.tokens.shape[1]

    @classmethod
    def of_seeds(cls, level: str, seeds: Sequence[int]) -> EpisodeBank:
        """The episodes that a level or task generates for exactly these seeds, in their order.

        For a MiniGrid level each seed is given to a freshly made environment: an episode depends on its seed alone.

        Raises:
            UnknownEnvironmentError: if there is no level or task with this id.
            UnsupportedLevelError: if the level asks for what is not compiled.
            ConfigurationError: if there is no seed or a seed is negative.
        """
        source = _source_of(level)
        if source is None:
            raise UnsupportedLevelError(
                f"the episodes of {level} stand in no bank, its simulator makes them: choose a level or task of the "
                "grid or the rooms, such as BabyAI-GoToObj-v0"
            )
        episodes = sample_episodes(source, seeds)
        vocabulary = source.embodiment.vocabulary
        return cls.pack(
            source.id,
            episodes,
            length=source.instruction_length,
            vocabulary=vocabulary,
            manual_space=source.embodiment.manual_space,
        )

    @classmethod
    def pack(
        cls,
        level: str,
        episodes: Sequence[Episode],
        *,
        length: int = CLAUSE_TOKENS,
        split: str = "",
        vocabulary: Vocabulary = VOCABULARY,
        manual_space: tuple[int, int] | None = None,
    ) -> EpisodeBank:
        """Pack episodes of one level into arrays, smaller maps framed by walls.

        Args:
            level: id.
            episodes: at least one.
            length: tokens of every instruction, padding included.
            split: that they belong to, as JSON.
            vocabulary: of the token ids.
            manual_space: sentences of a manual and tokens of each; None of tasks without manuals.

        Raises:
            InstructionError: if an instruction or a manual is longer, or has a word that is not in the vocabulary.
        """
        instructions = tuple(dict.fromkeys(e.instruction for e in episodes))
        tokens = vocabulary.encode_all(instructions, length=length).astype(np.uint16)
        told = [e.manual for e in episodes]
        bank = cls(
            level=level,
            split=split,
            instructions=instructions,
            vocabulary=vocabulary.fingerprint,
            manuals=None if manual_space is None else Manuals.pack(told, manual_space, vocabulary),
            **pack_episodes(episodes, instructions, tokens),
        )
        try:
            bank.check()
        except EpisodeError as error:
            seed = "" if error.row is None else f", seed {episodes[error.row].seed}"
            raise TaskError(f"{level}{seed}: {error}; the task that makes it has to be mended") from error
        return bank

    def check(self, num_words: int | None = None) -> None:
        """Refuse episodes that no world can be, once: a bank that was found right is not looked at again.

        Args:
            num_words: of its vocabulary, where it is known.

        Raises:
            EpisodeError: naming the first thing that is wrong.
        """
        if "_is_checked" not in vars(self):
            check_episodes(self._arrays(), num_words)
            if self.manuals is not None:
                self.manuals.check(len(self), num_words)
            vars(self)["_is_checked"] = True

    @classmethod
    def concatenate(cls, banks: Sequence[EpisodeBank]) -> EpisodeBank:
        """The episodes of several banks in order; smaller maps are framed by walls, level and split are the first's."""
        sizes = Sizes.largest([Sizes.of(bank._arrays()) for bank in banks])
        banks = [bank._enlarged(sizes) for bank in banks]
        row_of: dict[str, int] = {}
        tokens, sentences = [], []
        for bank in banks:
            fresh = [row for row, text in enumerate(bank.instructions) if text not in row_of]
            row_of.update({bank.instructions[row]: len(row_of) + i for i, row in enumerate(fresh)})
            tokens.append(bank.tokens[fresh])
            sentences.append(np.array([row_of[text] for text in bank.instructions], dtype=np.int32)[bank.sentences])
        joined = {name: np.concatenate([getattr(bank, name) for bank in banks]) for name in banks[0]._arrays()}
        joined["sentences"], joined["tokens"] = np.concatenate(sentences), np.concatenate(tokens)
        first = banks[0]
        manuals = Manuals.concatenate([bank.manuals for bank in banks], [len(bank) for bank in banks])
        return cls(first.level, first.split, tuple(row_of), vocabulary=first.vocabulary, manuals=manuals, **joined)

    def _enlarged(self, sizes: Sizes) -> EpisodeBank:
        """The same episodes in larger arrays."""
        arrays: dict[str, Any] = enlarge_arrays(self._arrays(), sizes)
        return replace(self, **arrays)

    def take(self, rows: NDArray[np.integer] | slice) -> EpisodeBank:
        """A bank of these rows, in their order; sentences that no row uses are left out."""
        arrays: dict[str, Any] = {n: array[rows] for n, array in self._arrays().items() if n != "tokens"}
        sentences = arrays["sentences"]
        if len(sentences) and not 0 <= sentences.min() <= sentences.max() < len(self.tokens) == len(self.instructions):
            raise EpisodeError("an episode has a sentence that there is not")
        row_of = {old: new for new, old in enumerate(dict.fromkeys(arrays["sentences"].tolist()))}
        arrays["sentences"] = np.array([row_of[old] for old in arrays["sentences"].tolist()], dtype=np.int32)
        instructions = tuple(self.instructions[i] for i in row_of)
        manuals = None if self.manuals is None else self.manuals.take(rows)
        tokens = self.tokens[list(row_of)]
        return replace(self, instructions=instructions, tokens=tokens, manuals=manuals, **arrays)

    def encoded(self, vocabulary: Vocabulary) -> EpisodeBank:
        """The same episodes with the token ids of another vocabulary.

        Raises:
            InstructionError: if a sentence has a word that is not in it.
        """
        if vocabulary.fingerprint == self.vocabulary:
            return self
        tokens = vocabulary.encode_all(self.instructions, length=self.instruction_length).astype(np.uint16)
        manuals = None if self.manuals is None else self.manuals.encoded(vocabulary)
        return replace(self, tokens=tokens, vocabulary=vocabulary.fingerprint, manuals=manuals)

    def instruction(self, row: int) -> str:
        """The sentence of an episode."""
        return self.instructions[self.sentences[row]]

    def manual(self, row: int) -> tuple[str, ...]:
        """The sentences of an episode's manual; none of tasks without manuals."""
        return () if self.manuals is None else self.manuals.texts(row)

    def goals(self) -> list[Goal]:
        """The goal of each distinct sentence, [S].

        Raises:
            InstructionError: if a sentence is a task's own, which the language does not read.
        """
        source = self.find_source()
        lexicon = PLAIN if source is None else source.embodiment.lexicon
        return [parse(text, lexicon) for text in self.instructions]

    def find_source(self) -> Any:
        """The source of the episodes, see ``sources.source_of``; None where it has other words by now."""
        try:
            source = _source_of(self.level)
        except (UnknownEnvironmentError, UnsupportedLevelError, TaskError):
            return None
        if source is None or source.embodiment.lexicon == PLAIN:  # whose words may be told among those of other tasks
            return source
        return source if source.embodiment.vocabulary.fingerprint == self.vocabulary else None

    def episodes(self) -> Episodes:
        """The bank as the kernels read it, with token ids [S, L] (0 = padding)."""
        names = [name for name in Episodes._fields if name != "tokens"]
        # read-only arrays, as of a mapped file, would be another type to the kernels, and have them compiled anew
        shared = {name: np.require(getattr(self, name), requirements=["C", "W"]) for name in names}
        return Episodes(tokens=self.tokens.astype(np.int32), **shared)

    def save(self, path: Path | str, *, key: str = "") -> None:
        """Write the bank as one file (NumPy's .npz), aside and then renamed: a file is never half-written.

        Args:
            path: where to; missing folders are made.
            key: what the bank was built from; :meth:`load` can insist on it.

        Raises:
            StorageError: if the disk is full or the folder cannot be written; an older file stays as it was.
        """
        header = {"level": self.level, "split": self.split, "key": key, "vocabulary": self.vocabulary}
        write_bank(path, header, self.instructions, self._arrays(), self.manuals)

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        key: str | None = None,
        vocabulary: Vocabulary = VOCABULARY,
        trust_code: bool = False,
    ) -> EpisodeBank:
        """Read a bank; every byte is checked against the file's checksums.

        Args:
            path: of the file.
            key: what it has to have been built from; None takes any.
            vocabulary: that it has to have been built with.
            trust_code: if its task is code of somebody's own, run it where the task is asked for.

        Raises:
            BankFileError: if the file is missing, damaged, truncated, of another format version, or (with ``key``) was
                built from something else.
        """
        header, instructions, arrays, manuals = read_bank(
            path, ARRAYS, key, vocabulary.fingerprint, trust_code=trust_code
        )
        bank = cls(
            level=header["level"],
            split=header["split"],
            instructions=instructions,
            vocabulary=header["vocabulary"],
            manuals=manuals,
            **arrays,
        )
        try:
            bank.check(len(vocabulary))
        except EpisodeError as error:
            raise BankFileError(f"{path} is damaged: {error}; delete it, and it is built again") from error
        return bank

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, name) for name in ARRAYS}


ARRAYS: Final = tuple(
    field.name
    for field in fields(EpisodeBank)
    if field.name not in ("level", "split", "instructions", "vocabulary", "manuals")
)
