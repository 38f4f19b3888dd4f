"""Compare the evaluations of runs, suite by suite; B - A is marked * where its 95 % interval excludes 0.

`groundling compare RUN_A RUN_B` compares two agents; intervals are over episodes.

`groundling compare --a RUNS --b RUNS` compares two ways of training, each with several training seeds: means over
the seeds and the interquartile mean (IQM) over all suites; intervals are over seeds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from groundling.errors import ConfigurationError
from groundling.eval.comparison import MARK, compare_groups, compare_runs

PIPE_WIDTH = 120
RunFolders = Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN ...")]


@dataclass
class Command:
    """Compare runs.

    Attributes:
        runs: folders of run A and of run B; run `groundling evaluate` on both first.
        a: folders of side A, one for each training seed, instead of RUN ...
        b: folders of side B, one for each training seed.
        agent: which agent of each run is compared: the trained one or a control.
        whole_runs: with --a and --b, bootstrap over whole runs (all suites of a run together) for the interval of the
            IQM, not over the runs of each suite separately; wider, and closer to 95 % where a run that is good at one
            suite is good at all.
        output: path of a JSON file for the comparison.
    """

    runs: tyro.conf.Positional[RunFolders] = ()
    a: RunFolders = ()
    b: RunFolders = ()
    agent: Literal["trained", "blind", "shuffled", "random"] = "trained"
    whole_runs: bool = False
    output: Path | None = None

    def run(self) -> None:
        """Compare, print the table, write the file."""
        if self.runs and (self.a or self.b):
            raise ConfigurationError("name either two runs or the sides --a and --b, not both")
        if bool(self.a) != bool(self.b):
            raise ConfigurationError(f"side {'B' if self.a else 'A'} has no run: give both --a RUNS and --b RUNS")
        pair = (*self.a, *self.b) if len(self.a) == len(self.b) == 1 else self.runs
        if self.a and not pair:
            comparison = compare_groups(self.a, self.b, agent=self.agent, whole_runs=self.whole_runs)
        elif len(pair) != 2:
            raise ConfigurationError(
                f"two runs are compared, but {len(pair)} given: `groundling compare RUN_A RUN_B`, or "
                "`groundling compare --a RUNS --b RUNS` for several training seeds a side"
            )
        elif self.whole_runs:
            raise ConfigurationError("--whole-runs is about several training seeds: give --a RUNS --b RUNS")
        else:
            comparison = compare_runs(*pair, agent=self.agent)
        if self.output is not None:
            comparison.save(self.output)
        # a pipe has no width, and a wrapped table is hard to search
        console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
        console.print(comparison.table(), markup=False)
        lines = [f"A: {', '.join(comparison.runs_a)}", f"B: {', '.join(comparison.runs_b)}"]
        lines += [f"skipped {suite}: not in {', '.join(runs)}" for suite, runs in comparison.left_out.items()]
        lines += [f"{MARK} the interval of the difference excludes 0"] * any(
            row.difference.excludes_zero for row in (*comparison.rows, comparison.overall) if row is not None
        )
        lines += [f"note: {note}" for note in comparison.notes]
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
