"""Measure a run's agent and its controls on seen and unseen combinations; write evaluation.json and report.html."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from groundling.eval.demo import report_run


@dataclass
class Command:
    """Evaluate a run.

    Attributes:
        run_folder: folder of the run.
        episodes: distinct episodes for each split.
        greedy: take the likeliest action instead of drawing one.
        seed: names the evaluation's episodes and draws.
        video: write an .mp4 of one episode.
    """

    run_folder: tyro.conf.Positional[Path]
    episodes: int = 1000
    greedy: bool = False
    seed: int = 0
    video: bool = True

    def run(self) -> None:
        """Evaluate, print the table, write the report."""
        report_run(self.run_folder, episodes=self.episodes, greedy=self.greedy, seed=self.seed, video=self.video)
