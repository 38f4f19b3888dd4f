"""Check a training run, and say what was seen and what to try: a table here, and doctor.html in the run folder.

Each check is green, yellow or red with the numbers that it rests on; docs/doctor.md lists them with their limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundling.errors import ConfigurationError


@dataclass
class Command:
    """Check a run.

    Attributes:
        run_folder: folder of the run, finished or not.
        check: names of checks; by default all. One of your own is my_file.py:my_check, a function of a
            groundling.eval.doctor.record.RunRecord that returns a Finding.
        logs_only: leave out the checks that play episodes or train for some seconds.
        episodes: number of episodes that the agent and each control play where a check asks for it.
        seed: random seed of the episodes and of sampled actions.
        watch: look again and again while the run trains; checks that play wait for the next checkpoint.
        interval: seconds between two looks, with --watch.
    """

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    check: tuple[str, ...] = ()
    logs_only: bool = False
    episodes: int = 200
    seed: int = 0
    watch: bool = False
    interval: float = 30.0

    def run(self) -> None:
        """Ask the checks, print the table, write the page."""
        from groundling.eval.doctor.consulting import consult, keep_watch

        if self.interval <= 0:
            raise ConfigurationError(f"interval must be greater than 0, got {self.interval:g}")
        options: dict[str, Any] = {"episodes": self.episodes, "seed": self.seed, "logs_only": self.logs_only}
        if self.watch:
            keep_watch(self.run_folder, self.check, interval=self.interval, **options)
        else:
            consult(self.run_folder, self.check, **options)
