"""Figures: learning curves, the tasks of a curriculum, an agent's attention; narrow enough for a phone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from groundling.eval.attention import Reading
from groundling.eval.frames import attended, fit_picture

PICTURE = 448  # pixels of a picture in a figure
SMOOTHING = 5  # updates that a point of the learning curve averages


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def learning_curve(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Success and episode length against frames.

    Args:
        curves: metrics (``read_metrics``) by name of the agent.
    """
    titles = {"success": "success in training", "episode_length": "episode length (steps)"}
    return _curves({title: {name: _points(m, key) for name, m in curves.items()} for key, title in titles.items()})


def task_curves(metrics: Sequence[Mapping[str, Any]]) -> Figure:
    """Success and share of each task against frames.

    Args:
        metrics: of a run over several tasks (``read_metrics``).
    """
    tasks = dict.fromkeys(key.partition("/")[2] for row in metrics for key in row if key.startswith("share/"))
    titles = {"success": "success in training", "share": "share of the episodes begun"}
    return _curves(
        {title: {task: _points(metrics, f"{key}/{task}") for task in tasks} for key, title in titles.items()}
    )


def _points(metrics: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    return [(row["frames"], row[key]) for row in metrics if key in row]


def _curves(panels: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]) -> Figure:
    """Lines by panel and name, each point the mean of some updates; the first panel shows a rate."""
    figure = Figure(figsize=(5.2, 2.7 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, points in lines.items():
            if not points:
                continue
            frames, values = np.array(points).T
            width = min(SMOOTHING, len(values))
            smooth = np.convolve(values, np.ones(width) / width, mode="valid")
            axis.plot(frames[width - 1 :], smooth, label=name)
        axis.set_title(title, fontsize=11)
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.xaxis.set_major_locator(MaxNLocator(5))
        if axis.lines:
            axis.legend(fontsize=9)
        else:
            axis.text(0.5, 0.5, "no episode has ended", transform=axis.transAxes, ha="center", va="center")
    axes[-1].set_xlabel("frames")
    axes[0].set_ylim(0, 1.02)
    return figure


def reading_figure(reading: Reading) -> Figure:
    """A reading as a figure that can be read on a phone: view and attention, and below a bar for each word."""
    figure = Figure(figsize=(5.2, 2.9 + 0.28 * len(reading.words)), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[2.5, 0.4 + 0.28 * len(reading.words)])
    dimmed = attended(reading.seen, reading.attention)
    for column, (title, picture) in enumerate((("what the agent sees", reading.seen), ("its attention", dimmed))):
        axis = figure.add_subplot(grid[0, column])
        axis.imshow(fit_picture(picture, PICTURE), interpolation="nearest")
        axis.set_title(title, fontsize=11)
        axis.axis("off")
    bars = figure.add_subplot(grid[1, :])
    places = np.arange(len(reading.words))
    bars.barh(places, reading.effects, color="#d65528")
    bars.set_yticks(places, reading.words, fontsize=11)
    bars.invert_yaxis()
    bars.set_xlim(0, max(0.05, float(reading.effects.max()) * 1.1))
    bars.set_xlabel("change of the first action when the word is left out", fontsize=10)
    for side in ("top", "right"):
        bars.spines[side].set_visible(False)
    return figure
