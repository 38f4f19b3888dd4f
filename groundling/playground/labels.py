"""Preference labelling on the page: pairs of trajectories of a run, shown as videos, and who prefers which."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from groundling.errors import GroundlingError
from groundling.eval.preference_page import CHOICES, SIDES, pictures
from groundling.eval.preference_pairs import pair_episodes, play_pairs
from groundling.eval.recording import save_video
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


class Labels:
    """Pairs of the runs below a folder.

    Args:
        runs: which there are.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._pairs: dict[str, Comparisons] = {}

    def make(self, name: str, count: int = PAIRS, seed: int = 0) -> dict[str, Any]:
        """Play pairs with a run's agent and write their videos; pairs with labels that are there stay.

        Raises:
            PlaygroundError: if too many are asked for.
            GroundlingError: if the run has no agent, or its episodes stand in no bank.
        """
        if not 1 <= count <= MOST_PAIRS:
            raise PlaygroundError(f"between 1 and {MOST_PAIRS} pairs are made at a time, not {count}")
        folder = self._runs.folder(name)
        with self._lock:
            checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME, for_evaluation=True)
            episodes, _ = pair_episodes(checkpoint, count, seed)
            agent = checkpoint.make_agent()
            pairs = play_pairs(agent, episodes, checkpoint.config.task_ids, integer(seed, "label"), MOST_STEPS)
            aside = folder / FOLDER
            for number in range(len(pairs)):
                for side, letter in enumerate(SIDES):
                    actions = pairs.action[number, side, : pairs.length[number, side]].tolist()
                    save_video(pictures(episodes, number, actions), aside / f"{number:04d}{letter}.mp4", fps=6)
            pairs.save(aside / PAIRS_NAME)
            self._pairs[name] = pairs
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
        """Note which of a pair somebody prefers, and write ``comparisons.npz`` of all that were compared.

        Raises:
            PlaygroundError: if there is no such pair or choice.
        """
        with self._lock:
            pairs = self._find(name)
            if pairs is None or not 0 <= number < len(pairs):
                raise PlaygroundError("there is no such pair: make pairs first")
            if choice not in (*CHOICES, ""):
                raise PlaygroundError(f"of a pair one is better ({', '.join(CHOICES)}), not {choice[:20]!r}")
            label = pairs.label.copy()
            label[number] = CHOICES.get(choice, UNLABELLED)
            pairs = pairs.with_labels(label, LABELLER)
            folder = self._runs.folder(name)
            pairs.save(folder / FOLDER / PAIRS_NAME)
            if len(pairs.labelled):
                pairs.labelled.save(folder / OUTPUT_NAME)
            self._pairs[name] = pairs
        return self.describe(name) | {"output": f"{name}/{OUTPUT_NAME}"}

    def video(self, name: str, number: int, side: str) -> Path:
        """The video of one side of a pair.

        Raises:
            PlaygroundError: if there is none.
        """
        path = self._runs.folder(name) / FOLDER / f"{number:04d}{side}.mp4"
        if side not in SIDES or number < 0 or not path.is_file():
            raise PlaygroundError("there is no such video: make pairs first")
        return path

    def _find(self, name: str) -> Comparisons | None:
        if name not in self._pairs:
            path = self._runs.folder(name) / FOLDER / PAIRS_NAME
            if not path.is_file():
                return None
            try:
                self._pairs[name] = Comparisons.load(path)
            except GroundlingError as error:
                raise PlaygroundError(f"the pairs of this run cannot be read, make new ones: {error}") from error
        return self._pairs[name]
