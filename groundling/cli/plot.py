"""Draw the training curves of runs: the mean over seeds with its 95 % interval, as a PNG file and in the terminal.

`groundling plot RUN` draws a run, or the runs of several seeds (`groundling train --seeds`). Several RUNs are drawn in
one figure; single runs that differ in nothing but the seed are averaged.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

NAME = "curves.png"
WIDTH = 80
NARROWEST = 40


@dataclass
class Command:
    """Draw training curves.

    Attributes:
        runs: folders of runs, or of the runs of several seeds.
        metrics: names of metrics in metrics.jsonl; by default success (in training, and in evaluations during training)
            and return, if recorded.
        smoothing: number of updates that each point averages; success and return are means of many episodes already.
        output: path of the PNG file; by default curves.png in the folder of the only RUN, or in the current folder.
        chart: also print the curves as text.
    """

    runs: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN ...")]]
    metrics: tuple[str, ...] = ()
    smoothing: int = 1
    output: Path | None = None
    chart: bool = True

    def run(self) -> None:
        """Draw, say where the figure is."""
        print(f"reading {' '.join(map(str, self.runs))}", file=sys.stderr, flush=True)
        # These import PyTorch and matplotlib, which takes seconds.
        from groundling.eval.curve_figure import curve_figure
        from groundling.eval.curves import axis_limits, curves_of, default_metrics, find_groups
        from groundling.eval.figures import png
        from groundling.eval.text_chart import text_chart
        from groundling.files import written_whole

        groups = find_groups(self.runs)
        panels = curves_of(groups, self.metrics or default_metrics(groups), smoothing=self.smoothing)
        console = Console(highlight=False)
        if self.chart:
            ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
            width = max(min(console.width, WIDTH), NARROWEST)
            for metric, curves in panels.items():
                if curves:
                    limits = axis_limits(metric, curves)
                    chart = text_chart(metric, curves, width=width, limits=limits, ascii_only=ascii_only)
                    console.print(chart, soft_wrap=True)
                else:
                    console.print(f"{metric}: the runs of a group have no frames in common yet", markup=False)
        path = self.output or (self.runs[0] if len(self.runs) == 1 else Path()) / NAME
        with written_whole(path) as file:
            file.write(png(curve_figure(panels)))
        console.print(f"Figure: {path}", markup=False, soft_wrap=True)
