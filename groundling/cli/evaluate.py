"""Measure a run's agent and its controls by suites; write evaluation.json and report.html into the run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from groundling.eval.evaluating import report_run


@dataclass
class Command:
    """Evaluate a run; one over several tasks is evaluated on each of them.

    Suites: layout (new worlds), combination (color-type pairs never asked for), verb_object (a verb never asked of a
    type), location (a type never named in a place), length (longer sequences), phrasing (new forms of sentence),
    synonym (new words), distractors (more objects), size (larger rooms). Those that test what was not held out in
    training (--held-out.factors) are left out. Of the grounded rooms: layout, zero_shot (the paper's 15 test
    instructions) and its strata reordered, new_set and superlative.

    Controls: random actions, the agent given the instruction of another episode, and the agent trained without the
    image, if there is one in RUN/blind (groundling train --blind-control). Where there is a manual or another document:
    the agent without it, with that of another episode (and how often it does what that one says), with mixed words.

    Attributes:
        run_folder: folder of the run.
        suite: what to test; "all" for every suite of the task, none for the usual ones.
        episodes: distinct episodes of each suite.
        greedy: take the likeliest action instead of drawing one.
        seed: names the evaluation's episodes and draws.
        allow_unseen_words: also run suites whose instructions have words that no training instruction has.
        by: also print what the agent fails on, by the verbs of an instruction, its number of clauses, or the
            instruction itself: 20 rows, the worst first; the others are in evaluation.json.
        video: write a video of the first episodes of the table, and put it into the report.
    """

    run_folder: tyro.conf.Positional[Path]
    suite: tuple[str, ...] = ()
    episodes: int = 1000
    greedy: bool = False
    seed: int = 0
    allow_unseen_words: bool = False
    by: tuple[str, ...] = ()
    video: bool = True

    def run(self) -> None:
        """Evaluate, print the table, write the report."""
        report_run(
            self.run_folder,
            suites=self.suite,
            episodes=self.episodes,
            greedy=self.greedy,
            seed=self.seed,
            allow_unseen_words=self.allow_unseen_words,
            by=self.by,
            video=self.video,
        )
