"""The doctor's page: one HTML file with every finding and its small figures, readable on a phone."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from groundling.eval.doctor.examination import Examination
from groundling.eval.doctor.finding import Finding, Panel, State
from groundling.files import write_text

PAGE_NAME: Final = "doctor.html"
MARKS: Final = {State.GREEN: "#2e7d32", State.YELLOW: "#b8860b", State.RED: "#c62828", State.NONE: "#777"}
LEGEND_NAMES: Final = 8  # more lines have no legend

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { overflow-wrap: anywhere; line-height: 1.2; font-size: 1.6rem; }
h2 { margin: 0; font-size: 1.1rem; }
section { border-left: .4rem solid var(--mark); padding: .2rem 0 .2rem 1rem; margin: 1.2rem 0; }
.state { color: #fff; background: var(--mark); border-radius: .3rem; padding: .05rem .5rem;
  font-size: .85rem; margin-left: .5rem; white-space: nowrap; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.advice { font-style: italic; } .note { color: #555; font-size: .9rem; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 1rem; }
img { max-width: 100%; height: auto; }
@media (max-width: 48rem) { body { margin: 1rem auto; } section { padding-left: .6rem; } }
"""


def write_page(folder: Path, examination: Examination) -> Path:
    """Write ``doctor.html`` into a run's folder; it needs no other file.

    Raises:
        StorageError: if it cannot be written.
    """
    sections = "".join(_section(name, examination.titles[name], finding) for name, finding in examination.worst_first)
    title = html.escape(Path(examination.run).name)
    write_text(
        folder / PAGE_NAME,
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Groundling doctor: {title}</title>
<style>{_STYLE}</style></head><body>
<h1>{title}: {html.escape(examination.summary)}</h1>
<p class="note">{html.escape(examination.algorithm)}, {examination.frames:,} of {examination.total:,} frames.
What each check looks at, and its limits, are in docs/doctor.md.</p>
{sections}
</body></html>
""",
    )
    return folder / PAGE_NAME


def _section(name: str, title: str, finding: Finding) -> str:
    advice = f'<p class="advice">Try: {html.escape(finding.advice)}</p>' if finding.advice else ""
    figures = "".join(
        f'<img alt="{html.escape(panel.title)}" src="data:image/png;base64,{_png(panel)}">' for panel in finding.panels
    )
    return (
        f'<section style="--mark: {MARKS[finding.state]}"><h2>{html.escape(title)}'
        f'<span class="state">{finding.state.value}</span></h2>'
        f'<p class="note">{html.escape(name)}</p><p>{html.escape(finding.seen)}</p>{advice}'
        f'<div class="figures">{figures}</div></section>'
    )


def panel_figure(panel: Panel) -> Figure:
    """A panel as a small figure."""
    figure = Figure(figsize=(3.4, 2.2), layout="constrained")
    axis = figure.subplots()
    if panel.kind == "bars":
        width = 0.8 / max(1, len(panel.series))
        names = [str(name) for name in next(iter(panel.series.values()))[0]]
        for number, (label, (_, heights)) in enumerate(panel.series.items()):
            places = np.arange(len(heights)) + (number - (len(panel.series) - 1) / 2) * width
            axis.bar(places, [float(height) for height in heights], width, label=label)
        axis.set_xticks(np.arange(len(names)), names, rotation=30, ha="right", fontsize=7)
    for label, (x, y) in panel.series.items() if panel.kind != "bars" else ():
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        is_line = panel.kind == "lines" or len(xs) == 2
        axis.plot(xs, ys, "-" if is_line else ".", markersize=3, linewidth=1, label=label)
    for label, height in panel.marks.items():
        axis.axhline(height, color="#c62828", linewidth=0.8, linestyle=":", label=label)
    if panel.x_label == "frames":
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.set_title(panel.title, fontsize=8)
    axis.set_xlabel(panel.x_label, fontsize=7)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3)
    if 1 < len(panel.series) + len(panel.marks) <= LEGEND_NAMES:
        axis.legend(fontsize=6)
    return figure


def _png(panel: Panel) -> str:
    buffer = io.BytesIO()
    panel_figure(panel).savefig(buffer, format="png", dpi=120)
    return base64.b64encode(buffer.getvalue()).decode()
