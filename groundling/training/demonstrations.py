"""Demonstrations: episodes and the actions that solve them, in one small file that is replayed exactly.

Observations are not stored: the episodes are kept as a bank, and the compiled worlds play the actions again faster than
a disk would deliver what was seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import ARRAYS, EpisodeBank
from groundling.envs.banks.bank_file import ADDED, with_added
from groundling.envs.banks.bank_file import FORMAT_VERSION as EPISODE_FORMAT
from groundling.envs.banks.manuals import Manuals
from groundling.envs.banks.sources import find_source, vocabulary_of
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.engine.episode_checks import TYPES
from groundling.errors import DemonstrationFileError, EpisodeError
from groundling.training.demonstration import Demonstration
from groundling.training.demonstration_file import ArrayFile, open_arrays, write_arrays
from groundling.training.replay import Replay
from groundling.trust import note_received

SUFFIX: Final = ".demos"
REPLAYED_AT_ONCE: Final = 256

MOST_STEPS: Final = 1 << 20  # of a demonstration: more than any time limit
_REMEDY: Final = "the file is damaged; record it again"
_OWN_TYPES: Final = {
    "actions": ("uint8", 1),
    "starts": ("int64", 1),
    "returns": ("float64", 1),
    "instructions": ("uint8", 1),
}
_SAVED: Final = (*ARRAYS, "instructions", "actions", "starts", "returns")


@dataclass(frozen=True)
class Provenance:
    """Where demonstrations come from.

    Attributes:
        task: id of the level or task.
        source: all that its episodes depend on, the seed apart (``EpisodeSource.fingerprint``).
        split: the split that they belong to, as JSON (``Split.describe``).
        expert: what the demonstrator saw, "world" or "explored".
        seed: that names the episodes.
        tried: episodes that were played to get the demonstrations.
        lost: of these, where the demonstrator found no way and gave up.
        failed: of these, that ended without success.
    """

    task: str
    source: str
    split: str
    expert: str
    seed: int
    tried: int
    lost: int
    failed: int

    @property
    def split_name(self) -> str:
        """How the split is asked for."""
        return str(json.loads(self.split)["name"])


@dataclass(frozen=True, eq=False)
class DemonstrationSet:
    """N demonstrations of one task with F actions in all. Record them with ``groundling.training.recording.record``.

    Every one of them reaches its goal with its last action.

    Attributes:
        provenance: where they come from.
        arrays: all that the file holds: those of the bank, the bytes of its sentences, and the three below. Of a loaded
            set they are read-only, and stay in the file until they are read.
        file: the file that the set was loaded from.
    """

    provenance: Provenance
    arrays: dict[str, NDArray[Any]]
    file: ArrayFile | None = None

    @classmethod
    def of(
        cls,
        bank: EpisodeBank,
        actions: NDArray[np.uint8],
        starts: NDArray[np.int64],
        returns: NDArray[np.float64],
        provenance: Provenance,
    ) -> DemonstrationSet:
        """Put a set together.

        Args:
            bank: the N episodes.
            actions: [F] uint8, one demonstration after the other.
            starts: [N + 1] int64, where each begins; the last is F.
            returns: [N] float64, their sums of rewards.
            provenance: where they come from.
        """
        arrays: dict[str, NDArray[Any]] = {name: getattr(bank, name) for name in ARRAYS}
        arrays["instructions"] = np.frombuffer("\n".join(bank.instructions).encode(), dtype=np.uint8)
        arrays |= {} if bank.manuals is None else bank.manuals.arrays()
        return cls(provenance, {**arrays, "actions": actions, "starts": starts, "returns": returns})

    def __len__(self) -> int:
        return len(self.arrays["starts"]) - 1

    @property
    def actions(self) -> NDArray[np.uint8]:
        """[F] uint8, one demonstration after the other."""
        return self._array("actions")

    @property
    def starts(self) -> NDArray[np.int64]:
        """[N + 1] int64: demonstration i is ``actions[starts[i] : starts[i + 1]]``."""
        return self._array("starts")

    @property
    def returns(self) -> NDArray[np.float64]:
        """[N] float64, the sum of rewards of each."""
        return self._array("returns")

    def _array(self, name: str) -> NDArray[Any]:
        """An array; of a file it is compared with its checksum when it is first asked for.

        Raises:
            DemonstrationFileError: if the file is damaged.
        """
        return self.arrays[name] if self.file is None else self.file.verified(name)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[N] int64, the number of actions of each."""
        return np.diff(self.starts)

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.arrays["actions"])

    @cached_property
    def bank(self) -> EpisodeBank:
        """The N episodes; those of a loaded set are in the file, ``bank.take(rows)`` reads some of them.

        Their arrays are compared with their checksums here, and what they hold is checked where it is played.

        Raises:
            DemonstrationFileError: if the file is damaged.
        """
        found = {name: self._array(name) for name in self.arrays}
        try:
            instructions = tuple(found["instructions"].tobytes().decode().split("\n"))
            arrays: dict[str, Any] = with_added({name: found[name] for name in ARRAYS if name in found})
            manuals = Manuals.of_arrays(found)
        except (UnicodeDecodeError, ValueError, KeyError) as error:
            raise DemonstrationFileError(f"{self._place} is damaged ({error}): record it again") from error
        provenance, words = self.provenance, vocabulary_of(self.provenance.task).fingerprint
        return EpisodeBank(provenance.task, provenance.split, instructions, vocabulary=words, manuals=manuals, **arrays)

    @property
    def _place(self) -> str:
        return f"the demonstrations of {self.provenance.task}" if self.file is None else str(self.file.path)

    def check(self) -> None:
        """Refuse actions or episodes that no world can be given; what is played is checked without it as well.

        Raises:
            DemonstrationFileError: naming the first thing that is wrong.
        """
        self._check_shapes()
        starts, actions = self.starts, self.actions
        if starts[0] != 0 or starts[-1] != len(actions) or (np.diff(starts) < 1).any():
            raise DemonstrationFileError(f"{self._place} is damaged: its demonstrations do not follow on one another")
        if len(actions) and actions.max() >= NUM_ACTIONS:
            raise DemonstrationFileError(f"{self._place} is damaged: it has action {actions.max()}, which there is not")
        try:
            self.bank.check(len(vocabulary_of(self.provenance.task)))
        except EpisodeError as error:
            raise DemonstrationFileError(f"{self._place} is damaged: {error}; record it again") from error

    def save(self, path: Path | str) -> int:
        """Write one file, aside and then renamed.

        Returns:
            Its size in bytes.

        Raises:
            StorageError: if the disk is full or the folder cannot be written; an older file stays as it was.
        """
        from groundling import __version__

        facts = {
            "written_by": f"groundling {__version__}",
            "episode_format": EPISODE_FORMAT,
            "vocabulary": vocabulary_of(self.provenance.task).fingerprint,
            "provenance": asdict(self.provenance),
        }
        return write_arrays(path, facts, self.arrays)

    @classmethod
    def load(cls, path: Path | str, *, task: str | None = None, trust_code: bool = False) -> DemonstrationSet:
        """Open a file, in milliseconds whatever its size: what it holds is read when it is used.

        Args:
            path: of the file.
            task: insist on demonstrations of this level or task.
            trust_code: if its task is code of somebody's own, run it.

        Raises:
            DemonstrationFileError: if the file is missing, truncated, not one of demonstrations, of another version or
                vocabulary, or of another task than asked for. (For damage within, see :meth:`verify`.)
            UnknownEnvironmentError, UnsupportedLevelError, TaskError: if there is no such task, see ``find_source``.
            UntrustedCodeError: if its task is code that nobody else names.
        """
        file = open_arrays(path)
        facts = file.facts
        note_received(facts, path, trust_code=trust_code)
        remedy = f"record it again, or read it with {facts.get('written_by', 'the version that wrote it')}"
        try:
            provenance = Provenance(**facts["provenance"])
            vocabulary, episode_format = facts["vocabulary"], facts["episode_format"]
        except (KeyError, TypeError) as error:
            raise DemonstrationFileError(f"{path} tells other facts than those of a set ({error}): {remedy}") from error
        if episode_format != EPISODE_FORMAT:
            raise DemonstrationFileError(
                f"{path} holds episodes of format {episode_format}, not {EPISODE_FORMAT} as this Groundling: {remedy}"
            )
        asked = None if task is None else find_source(task).id  # first: a task of a file is known once it was found
        if vocabulary != vocabulary_of(provenance.task).fingerprint:
            raise DemonstrationFileError(
                f"{path} was written with another vocabulary, its token ids mean other words here: {remedy}"
            )
        missing = [name for name in _SAVED if name not in file.arrays and name not in ADDED]
        if missing:
            raise DemonstrationFileError(f"{path} has no array {', '.join(missing)}: {remedy}")
        found = cls(provenance, file.arrays, file)
        found._check_shapes()
        if asked is not None and asked != provenance.task:
            raise DemonstrationFileError(
                f"{path} holds demonstrations of {provenance.task}, not of {asked}: record some with `groundling demos "
                f"{task}`, or ask for {provenance.task}"
            )
        return found

    def _check_shapes(self) -> None:
        """Refuse arrays of other types, or not of one length; nothing of them is read.

        Raises:
            DemonstrationFileError: naming the first.
        """
        types = {name: kind for name, kind in TYPES.items() if name in self.arrays} | _OWN_TYPES
        for name, (dtype, axes) in types.items():
            array = self.arrays[name]
            if array.dtype != dtype or array.ndim != axes:
                raise DemonstrationFileError(f"{self._place} has {name} of type {array.dtype}, not {dtype}: {_REMEDY}")
        count = len(self.arrays["seeds"])
        lengths = {name: len(self.arrays[name]) for name in types if name not in ("tokens", *_OWN_TYPES)}
        lengths |= {"starts": len(self.arrays["starts"]) - 1, "returns": len(self.arrays["returns"])}
        if not count or set(lengths.values()) != {count}:
            raise DemonstrationFileError(f"{self._place} has not one episode for each demonstration: {_REMEDY}")

    def verify(self) -> None:
        """Read the whole file and compare it with its checksums; a set that was not loaded has none.

        Raises:
            DemonstrationFileError: if the file is damaged.
        """
        if self.file is not None:
            self.file.verify()

    def replay(self, row: int) -> Demonstration:
        """Play a demonstration again.

        Raises:
            IndexError: if there is no such row.
            DemonstrationFileError: see :meth:`replays`.
        """
        return next(self.replays([row]))

    def replays(
        self, rows: Iterable[int] | None = None, *, num_envs: int = REPLAYED_AT_ONCE
    ) -> Iterator[Demonstration]:
        """Play demonstrations again, several at once, and give them one by one in their order.

        Args:
            rows: which; all unless told.
            num_envs: how many are played side by side.

        Raises:
            IndexError: if there is no such row.
            DemonstrationFileError: if one does not end as it did: with success at its last action and the same return.
        """
        self._check_shapes()
        every = range(len(self))
        chosen = np.array([every[row] for row in (every if rows is None else rows)], dtype=np.int64)
        for first in range(0, len(chosen), num_envs):
            block = chosen[first : first + num_envs]
            self._check_block(block)
            yield from self._play(block)

    def _check_block(self, rows: NDArray[np.int64]) -> None:
        """Refuse demonstrations [B] whose actions are none, before anything is played."""
        first, end = self.starts[rows], self.starts[rows + 1]
        lengths = end - first
        if (first < 0).any() or (end > self.num_frames).any() or (lengths < 1).any():
            raise DemonstrationFileError(f"{self._place} is damaged: its demonstrations do not follow on one another")
        if lengths.max() > MOST_STEPS or any(
            self.actions[start:stop].max() >= NUM_ACTIONS for start, stop in zip(first, end, strict=True)
        ):
            raise DemonstrationFileError(
                f"{self._place} is damaged: it has actions that there are not; record it again"
            )

    def _play(self, rows: NDArray[np.int64]) -> Iterator[Demonstration]:
        """B demonstrations, played side by side; whoever has ended waits for the others."""
        try:
            bank = self.bank.take(rows)
            bank.check(len(vocabulary_of(self.provenance.task)))
        except EpisodeError as error:
            raise DemonstrationFileError(f"{self._place} is damaged: {error}; record it again") from error
        lengths = self.starts[rows + 1] - self.starts[rows]
        every, starts = self.actions, self.starts
        actions = np.concatenate([every[starts[row] : starts[row + 1]] for row in rows])
        replay = Replay(bank, actions, lengths)
        is_right = replay.ends_as(self.returns[rows])
        if not is_right.all():
            wrong = int(rows[~is_right][0])
            raise DemonstrationFileError(
                f"demonstration {wrong} of {self.provenance.task} does not end as it was recorded: the file is damaged "
                "(verify() tells), or the rules of the worlds have changed since; record it again"
            )
        yield from replay.demonstrations()
