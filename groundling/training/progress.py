"""The progress of a run for people: a bar with frames a second, success and time left, else lines."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

LINES = 10  # lines of a whole run where there is no terminal
WIDE = 110  # columns of a terminal in which nothing has to be shortened


class TrainingProgress(Protocol):
    """What the loop tells about itself."""

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        """So many of the total frames are trained on, with these metrics."""


class ProgressBar:
    """A :class:`TrainingProgress` on standard error, to be used as a context; it fits 80 columns."""

    def __init__(self, description: str, *, already: int = 0) -> None:
        console = Console(stderr=True)
        self._live = console.is_terminal
        self._description = description if console.width >= WIDE or not self._live else shortened(description)
        self._console = console
        self._start = time.perf_counter()
        self._already = already
        self._next_line = 0.0
        self._evaluated: float | None = None
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24 if console.width >= WIDE else 6),
            TextColumn("{task.fields[told]}", markup=False),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task(self._description, total=None, told="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        """Show the newest numbers."""
        rate = (frames - self._already) / (time.perf_counter() - self._start)
        self._evaluated = metrics.get("evaluation_success", self._evaluated)
        told = f"{rounded(frames)} frames {rounded(rate)}/s {success_in_words(metrics)}"
        if self._evaluated is not None:
            told += f" eval {self._evaluated:.2f}"
        if "stage" in metrics:
            told += f" stage {metrics['stage']:.0f}"
        self._bar.update(self._task, completed=frames, total=total, told=told)
        if not self._live and (frames >= self._next_line * total / LINES or frames >= total):
            left = (total - frames) / rate if rate else float("nan")
            line = f"{self._description}: {told}, {left:.0f} s left"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
            self._next_line = frames * LINES // total + 1


def success_in_words(metrics: dict[str, float]) -> str:
    """The success of the last episodes of training, and whose actions they were if not the agent's alone."""
    success = metrics.get("success", float("nan"))
    who = metrics.get("teacher_share", 0.0)
    if math.isnan(success):
        return "no episode yet" if not metrics.get("window") else "success not reported"
    return f"success {success:.2f} of {rounded(metrics.get('window', 0))}" + (
        f" (expert acts {who:.0%})" if who > 0 else ""
    )


def rounded(number: float) -> str:
    """A count in a few characters: 812, 43k, 1.31M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}" if number < 100 * unit else f"{number / unit:.0f}{name}"
    return f"{number:.0f}"


def shortened(text: str, length: int = 20) -> str:
    """The text, its middle left out if it is longer."""
    return text if len(text) <= length else f"{text[: length - 9]}…{text[-8:]}"
