"""The progress of an evaluation for people: a bar in a terminal, else a line for each step of it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

DESCRIPTION_WIDTH = 34  # characters; with bar and counts a line has at most 80


class EvaluationProgress:
    """Tells what an evaluation is doing, on standard error; to be used as a context.

    Args:
        console: where to tell it; by default standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._is_live = self._console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            console=self._console,
            transient=True,
            disable=not self._is_live,
        )
        self._task = self._bar.add_task("", total=None, unit="", visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, description: str, total: int, unit: str) -> None:
        """A step begins that has ``total`` units, such as 1000 "episodes"."""
        if self._is_live:
            short = description if len(description) <= DESCRIPTION_WIDTH else description[: DESCRIPTION_WIDTH - 1] + "…"
            self._bar.reset(self._task, total=total, description=short, unit=unit, visible=True)
        else:
            self._console.print(f"{description}: {total:,} {unit}", highlight=False, markup=False, soft_wrap=True)

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""
        self._bar.advance(self._task, units)


class NoProgress(EvaluationProgress):
    """Tells nothing."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
