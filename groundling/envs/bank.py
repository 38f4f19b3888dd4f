"""The episode bank: thousands of finished episodes as arrays, an exact and nameable data set saved as one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.constants import (
    EMPTY_LOOK,
    FIRST_OBJECT,
    NOWHERE,
    WALL_LOOK,
)
from groundling.envs.kernels import Episodes
from groundling.errors import BankFileError
from groundling.files import written_whole
from groundling.language.goals import Goal
from groundling.language.grammar import parse
from groundling.language.vocabulary import BABYAI_VOCABULARY

FORMAT_VERSION = 1
INSTRUCTION_LENGTH = 24  # tokens of every instruction, padding included: all levels share one observation space


@dataclass(frozen=True)
class Episode:
    """One episode before it is packed: a world, a pose, a goal program and a sentence.

    Attributes:
        cells: [H, W] uint8 cell codes.
        looks: one look an object.
        contents: one cell code an object: what is inside.
        positions: one y * W + x an object, or NOWHERE.
        pose: x, y, direction of the agent.
        carried: cell code of what the agent holds.
        program: [verb, strict, mask, mask].
        max_steps: time limit.
        instruction: the sentence.
        seed: the seed that the level's generator was given.
    """

    cells: NDArray[np.uint8]
    looks: tuple[int, ...]
    contents: tuple[int, ...]
    positions: tuple[int, ...]
    pose: tuple[int, int, int]
    carried: int
    program: tuple[int, int, int, int]
    max_steps: int
    instruction: str
    seed: int


@dataclass(frozen=True)
class EpisodeBank:
    """Finished episodes of one level as arrays: E episodes, at most O objects, S distinct sentences.

    Build one with :meth:`from_minigrid` (exactly these seeds) or ``groundling.envs.build_bank`` (a split, in
    parallel, cached); give it to ``groundling.make_vec(bank=...)``.

    Attributes:
        level: id of the level that the episodes come from.
        instructions: [S] distinct sentences in the order of their first appearance.
        seeds: [E] int64, the seed that MiniGrid's generator was given.
        sentences: [E] int32, each episode's row of ``instructions``.
        cells, looks, contents, positions, poses, carried, programs, max_steps: see ``kernels.Episodes``.
    """

    level: str
    instructions: tuple[str, ...]
    seeds: NDArray[np.int64]
    sentences: NDArray[np.int32]
    cells: NDArray[np.uint8]
    looks: NDArray[np.int32]
    contents: NDArray[np.uint8]
    positions: NDArray[np.int16]
    poses: NDArray[np.int16]
    carried: NDArray[np.uint8]
    programs: NDArray[np.uint64]
    max_steps: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.seeds)

    @classmethod
    def from_minigrid(cls, level: str, seeds: Sequence[int]) -> EpisodeBank:
        """The episodes that the MiniGrid level ``level`` generates for exactly these seeds, in their order.

        Each seed is given to a freshly made environment, so an episode depends on its seed alone.

        Raises:
            UnknownEnvironmentError: if no level has this id.
            UnsupportedLevelError: if the level asks for what is not compiled (an instruction of several clauses, lava).
            ConfigurationError: if there is no seed or a seed is negative.
        """
        from groundling.envs.levels import sample_episodes

        return cls.pack(level, sample_episodes(level, seeds))

    @classmethod
    def pack(cls, level: str, episodes: Sequence[Episode]) -> EpisodeBank:
        """Pack episodes of one level into arrays, smaller maps framed by walls."""
        count = len(episodes)
        height = max(e.cells.shape[0] for e in episodes)
        width = max(e.cells.shape[1] for e in episodes)
        objects = max([1, *(len(e.looks) for e in episodes)])
        instructions = tuple(dict.fromkeys(e.instruction for e in episodes))
        row_of = {text: row for row, text in enumerate(instructions)}
        bank = cls(
            level=level,
            instructions=instructions,
            seeds=np.array([e.seed for e in episodes], dtype=np.int64),
            sentences=np.array([row_of[e.instruction] for e in episodes], dtype=np.int32),
            cells=np.ones((count, height, width), dtype=np.uint8),
            looks=np.full((count, FIRST_OBJECT + objects), EMPTY_LOOK, dtype=np.int32),
            contents=np.zeros((count, objects), dtype=np.uint8),
            positions=np.full((count, objects), NOWHERE, dtype=np.int16),
            poses=np.array([e.pose for e in episodes], dtype=np.int16),
            carried=np.array([e.carried for e in episodes], dtype=np.uint8),
            programs=np.array([e.program for e in episodes], dtype=np.uint64),
            max_steps=np.array([e.max_steps for e in episodes], dtype=np.int32),
        )
        bank.looks[:, 1] = WALL_LOOK
        for row, episode in enumerate(episodes):
            own_height, own_width = episode.cells.shape
            bank.cells[row, :own_height, :own_width] = episode.cells
            here = len(episode.looks)
            bank.looks[row, FIRST_OBJECT : FIRST_OBJECT + here] = episode.looks
            bank.contents[row, :here] = episode.contents
            for k, place in enumerate(episode.positions):
                if place != NOWHERE:
                    bank.positions[row, k] = place // own_width * width + place % own_width
        return bank

    @classmethod
    def concatenate(cls, banks: Sequence[EpisodeBank]) -> EpisodeBank:
        """The episodes of several banks of one level and one map size, in order."""
        objects = max(bank.contents.shape[1] for bank in banks)
        row_of = {text: row for row, text in enumerate(dict.fromkeys(t for bank in banks for t in bank.instructions))}

        def padded(array: NDArray[Any], columns: int, value: int) -> NDArray[Any]:
            return np.pad(array, ((0, 0), (0, columns - array.shape[1])), constant_values=value)

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(bank, name) for bank in banks])

        return cls(
            level=banks[0].level,
            instructions=tuple(row_of),
            sentences=np.concatenate(
                [np.array([row_of[t] for t in bank.instructions], dtype=np.int32)[bank.sentences] for bank in banks]
            ),
            looks=np.concatenate([padded(bank.looks, FIRST_OBJECT + objects, EMPTY_LOOK) for bank in banks]),
            contents=np.concatenate([padded(bank.contents, objects, 0) for bank in banks]),
            positions=np.concatenate([padded(bank.positions, objects, NOWHERE) for bank in banks]),
            **{name: joined(name) for name in ("seeds", "cells", "poses", "carried", "programs", "max_steps")},
        )

    def take(self, rows: NDArray[np.integer] | slice) -> EpisodeBank:
        """A bank of these rows, in their order; sentences that no row uses are left out."""
        arrays = {name: array[rows] for name, array in self._arrays().items()}
        row_of = {old: new for new, old in enumerate(dict.fromkeys(arrays["sentences"].tolist()))}
        arrays["sentences"] = np.array([row_of[old] for old in arrays["sentences"].tolist()], dtype=np.int32)
        return EpisodeBank(level=self.level, instructions=tuple(self.instructions[i] for i in row_of), **arrays)

    def instruction(self, row: int) -> str:
        """The sentence of an episode."""
        return self.instructions[self.sentences[row]]

    def goals(self) -> list[Goal]:
        """The goal of each distinct sentence, [S]."""
        return [parse(text) for text in self.instructions]

    def episodes(self) -> Episodes:
        """The bank as the kernels read it, with token ids [S, L] (0 = padding)."""
        tokens = BABYAI_VOCABULARY.encode_all(self.instructions, length=INSTRUCTION_LENGTH)
        shared = {name: np.ascontiguousarray(getattr(self, name)) for name in Episodes._fields if name != "tokens"}
        return Episodes(tokens=tokens, **shared)

    def save(self, path: Path | str, *, key: str = "") -> None:
        """Write the bank as one file (NumPy's .npz), aside and then renamed: a file is never half-written.

        Args:
            path: where to; missing folders are made.
            key: what the bank was built from; :meth:`load` can insist on it.

        Raises:
            StorageError: if the disk is full or the folder cannot be written; an older file stays as it was.
        """
        header = json.dumps({"format": FORMAT_VERSION, "level": self.level, "key": key})
        with written_whole(path) as file:
            contents: dict[str, Any] = {**self._arrays(), "instructions": np.array(self.instructions)}
            np.savez(file, header=np.array(header), **contents)

    @classmethod
    def load(cls, path: Path | str, *, key: str | None = None) -> EpisodeBank:
        """Read a bank; every byte is checked against the file's checksums.

        Raises:
            BankFileError: if the file is missing, damaged, truncated, of another format version, or (with ``key``) was
                built from something else.
        """
        path = Path(path)
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                if header.get("format") != FORMAT_VERSION:
                    raise BankFileError(
                        f"{path} is an episode bank of format {header.get('format')}, this version reads format "
                        f"{FORMAT_VERSION}: delete it, and it is built again"
                    )
                if key is not None and header.get("key") != key:
                    raise BankFileError(f"{path} was built from something else than what is asked for: delete it")
                arrays = {field.name: file[field.name] for field in fields(cls)[2:]}
                instructions = tuple(map(str, file["instructions"]))
        except BankFileError:
            raise
        except FileNotFoundError:
            raise BankFileError(f"there is no episode bank at {path}") from None
        except Exception as error:  # a damaged archive fails in many ways: encryption, compression, headers, checksums
            raise BankFileError(
                f"{path} is not a whole episode bank ({error}): delete it, and it is built again"
            ) from error
        return cls(level=header["level"], instructions=instructions, **arrays)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)[2:]}
