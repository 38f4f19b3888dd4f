"""Preference labelling on the page: pairs of trajectories of a run, shown as videos, and who prefers which."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from groundling.errors import GroundlingError
from groundling.eval.preference_page import CHOICES, PAGE_NAME, SIDES, pictures
from groundling.eval.preference_pairs import pair_episodes, play_pairs
from groundling.eval.recording import save_video
from groundling.files import make_folder, storage_error
from groundling.playground.errors import PlaygroundError
from groundling.playground.limits import MOST_PAIRS
from groundling.playground.runs import Runs
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.preferences.comparisons import UNLABELLED, Comparisons

FOLDER: Final = "label"  # of a run, as `groundling label` has it
PAIRS_NAME: Final = "pairs.npz"
OUTPUT_NAME: Final = "comparisons.npz"
LABELLER: Final = "a person"
PAIRS: Final = 10
MOST_STEPS: Final = 96
MOST_KEPT: Final = 8  # files of pairs in memory
VIDEO: Final = ".mp4"


class Labels:
    """Pairs of the runs below a folder.

    Args:
        runs: which there are.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._pairs: dict[Path, tuple[int, Comparisons]] = {}  # by their files, with when these were written

    def make(self, name: str, count: int = PAIRS, seed: int = 0) -> dict[str, Any]:
        """Play pairs with a run's agent and write their videos, in the place of the pairs before.

        What was compared stays in ``comparisons.npz``; a pair that is among these has its label already.

        Raises:
            PlaygroundError: if too many are asked for.
            GroundlingError: if the run has no agent, its episodes stand in no bank, or the comparisons that it has
                cannot be read or are of other environments; nothing is replaced then.
        """
        if not 1 <= count <= MOST_PAIRS:
            raise PlaygroundError(f"between 1 and {MOST_PAIRS} pairs are made at a time, not {count}")
        folder = self._runs.folder(name)
        with self._lock:
            checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME, for_evaluation=True)
            episodes, _ = pair_episodes(checkpoint, count, seed)
            agent = checkpoint.make_agent()
            pairs = play_pairs(agent, episodes, checkpoint.config.task_ids, integer(seed, "label"), MOST_STEPS)
            if (kept := _compared(folder)) is not None:
                kept.joined_with(pairs)  # refused before anything is written
                known = dict(zip(kept.names(), kept.label.tolist(), strict=True))
                label = np.array([known.get(key, UNLABELLED) for key in pairs.names()])
                pairs = pairs.with_labels(label, kept.labeller)
            aside = folder / f".{FOLDER}.{uuid4().hex}"
            try:
                make_folder(aside)
                for number in range(len(pairs)):
                    for side, letter in enumerate(SIDES):
                        actions = pairs.action[number, side, : pairs.length[number, side]].tolist()
                        save_video(pictures(episodes, number, actions), aside / f"{number:04d}{letter}{VIDEO}", fps=6)
                pairs.save(aside / PAIRS_NAME)
                _put_in_place(aside, folder / FOLDER)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return self.describe(name)

    def describe(self, name: str) -> dict[str, Any]:
        """The pairs of a run and their labels; none where none were made."""
        pairs = self._find(name)
        if pairs is None:
            return {"run": name, "pairs": []}
        names = {label: choice for choice, label in CHOICES.items()}
        return {
            "run": name,
            "pairs": [
                {"text": text, "choice": names.get(float(label), ""), "lengths": length.tolist()}
                for text, label, length in zip(pairs.texts, pairs.label, pairs.length, strict=True)
            ],
        }

    def choose(self, name: str, number: int, choice: str) -> dict[str, Any]:
        """Note which of a pair somebody prefers, and add it to ``comparisons.npz``, in which all others stay.

        Raises:
            PlaygroundError: if there is no such pair or choice.
            PreferenceFileError: if the comparisons that are there cannot be read, or are of other environments.
        """
        with self._lock:
            pairs = self._find(name)
            if pairs is None or not 0 <= number < len(pairs):
                raise PlaygroundError("there is no such pair: make pairs first")
            if choice not in (*CHOICES, ""):
                raise PlaygroundError(f"of a pair one is better ({', '.join(CHOICES)}), not {choice[:20]!r}")
            label = pairs.label.copy()
            label[number] = CHOICES.get(choice, UNLABELLED)
            who = dict.fromkeys(filter(None, [*pairs.labeller.split("; "), LABELLER]))
            pairs = pairs.with_labels(label, "; ".join(who))
            folder = self._runs.folder(name)
            compared = _with_new(_compared(folder), pairs)
            if compared is None:  # the only label was taken back
                (folder / OUTPUT_NAME).unlink(missing_ok=True)
            else:
                compared.save(folder / OUTPUT_NAME)
            pairs.save(folder / FOLDER / PAIRS_NAME)
        return self.describe(name) | {"output": f"{name}/{OUTPUT_NAME}"}

    def video(self, name: str, number: int, side: str) -> Path:
        """The video of one side of a pair.

        Raises:
            PlaygroundError: if there is none.
        """
        path = self._runs.folder(name) / FOLDER / f"{number:04d}{side}{VIDEO}"
        if side not in SIDES or number < 0 or not path.is_file():
            raise PlaygroundError("there is no such video: make pairs first")
        return path

    def _find(self, name: str) -> Comparisons | None:
        path = self._runs.folder(name) / FOLDER / PAIRS_NAME
        try:
            written = path.stat().st_mtime_ns
        except OSError:
            return None
        kept = self._pairs.get(path)
        if kept is not None and kept[0] == written:
            return kept[1]
        try:
            pairs = Comparisons.load(path)
        except GroundlingError as error:
            raise PlaygroundError(f"the pairs of this run cannot be read, make new ones: {error}") from error
        self._pairs.pop(path, None)
        while len(self._pairs) >= MOST_KEPT:
            self._pairs.pop(next(iter(self._pairs)), None)
        self._pairs[path] = written, pairs
        return pairs


def _compared(folder: Path) -> Comparisons | None:
    """What was compared of a run so far; None if nothing was."""
    path = folder / OUTPUT_NAME
    return Comparisons.load(path) if path.is_file() else None


def _with_new(kept: Comparisons | None, pairs: Comparisons) -> Comparisons | None:
    """All comparisons: those that are kept, but of these pairs their labels of now; None if there are none."""
    new = pairs.labelled if (pairs.label != UNLABELLED).any() else None
    if kept is None:
        return new
    shown = set(pairs.names())
    rows = np.flatnonzero([key not in shown for key in kept.names()])
    if not len(rows):
        return new
    return kept.take(rows) if new is None else kept.take(rows).joined_with(new)


def _put_in_place(aside: Path, folder: Path) -> None:
    """Rename a new folder of pairs over the one before, of which all that somebody else put there is kept.

    Raises:
        StorageError: if that cannot be done; the one before is where it was.
    """
    before = aside.with_name(f"{aside.name}.before")
    try:
        if folder.is_dir():
            os.replace(folder, before)
        try:
            os.replace(aside, folder)
        except OSError:
            if before.is_dir():
                os.replace(before, folder)
            raise
        for path in before.iterdir() if before.is_dir() else ():
            if path.suffix != VIDEO and path.name not in (PAIRS_NAME, PAGE_NAME):
                os.replace(path, folder / path.name)
    except OSError as error:
        raise storage_error(folder, error) from error
    shutil.rmtree(before, ignore_errors=True)
