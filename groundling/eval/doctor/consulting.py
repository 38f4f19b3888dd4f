"""The doctor for its user: a table in the terminal and a page in the run's folder, once or while the run trains."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from groundling.eval.doctor.examination import Examination, examine, find_checks
from groundling.eval.doctor.finding import Finding
from groundling.eval.doctor.page import write_page
from groundling.training.checkpoint import CHECKPOINT_NAME


def consult(folder: Path, names: Sequence[str] = (), *, console: Console | None = None, **options: Any) -> Examination:
    """Examine a run, print what was found and write the page; options and errors as ``examine``'s.

    Raises:
        StorageError: if the page cannot be written.
    """
    console = console or Console()
    examination = examine(folder, names, on_begin=_tell, **options)
    _show(examination, folder, console)
    return examination


def keep_watch(
    folder: Path,
    names: Sequence[str] = (),
    *,
    interval: float = 30.0,
    console: Console | None = None,
    wait: Callable[[float], None] = time.sleep,
    **options: Any,
) -> Examination:
    """Examine a run again and again until it has been trained to its end; options and errors as ``examine``'s.

    Checks that play are asked again only when there is a new checkpoint.

    Args:
        folder: of the run.
        names: of the checks.
        interval: seconds between two looks.
        console: where the tables are printed.
        wait: waits for so many seconds.
        options: of ``examine``.
    """
    console = console or Console()
    checks = find_checks(names)
    known: dict[str, Finding] = {}
    seen: float | None = None
    shown = ""
    while True:
        place = folder / CHECKPOINT_NAME
        changed = place.stat().st_mtime if place.exists() else None
        if changed != seen:
            seen, known = changed, {}
        examination = examine(folder, names, known=known, on_begin=_tell, **options)
        known = {
            name: finding
            for name, finding in examination.findings.items()
            if not getattr(checks[name], "only_reads_logs", False) and place.exists()
        }
        looks = f"{examination.frames} {examination.summary}"
        if looks != shown:
            shown = looks
            if console.is_terminal:
                console.clear()
            _show(examination, folder, console)
        if examination.frames >= examination.total:
            return examination
        wait(interval)


def _show(examination: Examination, folder: Path, console: Console) -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    console.print(examination.table())
    console.print(f"Page: {write_page(folder, examination)}", highlight=False, markup=False, soft_wrap=True)


def _tell(name: str) -> None:
    """Say on standard error which check is being asked."""
    if sys.stderr.isatty():
        print(f"\r\x1b[Kchecking {name} ...", end="", file=sys.stderr, flush=True)
