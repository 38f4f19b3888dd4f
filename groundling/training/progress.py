"""The progress of a run for people: a bar with frames per second, success and time left, else lines."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINES = 10  # lines of a whole run where there is no terminal


class TrainingProgress(Protocol):
    """What the loop tells about itself."""

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        """So many of the total frames are trained on, with these metrics."""


class ProgressBar:
    """A :class:`TrainingProgress` on standard error, to be used as a context."""

    def __init__(self, description: str, *, already: int = 0) -> None:
        console = Console(stderr=True)
        self._description = description
        self._live = console.is_terminal
        self._console = console
        self._start = time.perf_counter()
        self._already = already
        self._next_line = 0.0
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task(description, total=None, told="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        """Show the newest numbers."""
        elapsed = time.perf_counter() - self._start
        rate = (frames - self._already) / elapsed
        success = metrics.get("success", float("nan"))
        told = f"{frames:,} frames  {rate:,.0f}/s  success {success:.3f}"
        if "stage" in metrics:
            told += f"  stage {metrics['stage']:.0f}"
        self._bar.update(self._task, completed=frames, total=total, told=told)
        if not self._live and (frames >= self._next_line * total / LINES or frames >= total):
            left = (total - frames) / rate if rate else float("nan")
            self._console.print(f"{self._description}: {told}  {left:.0f} s left", highlight=False)
            self._next_line = frames * LINES // total + 1
