"""Reliability: what was done to files, settings, sentences and processes, and how often it ended badly.

    python benchmarks/reliability.py [--only KIND ...] [--trials N] [--seed 0] [--output FILE]

Each kind is a module ``reliability_*.py``. A trial ends well if the result is the right one, or if one line of one of
our own errors refuses what cannot be used; it fails if there is another exception, a wrong result, lost work, a process
that hangs or dies, or code run that nobody asked for. The table has the failures and the worst outcome of each kind.
Failed trials are printed as they happen, and the command exits with 2 after any.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch import launch
from reliability_kinds import Grade, Kind, Outcome
from rich.progress import track
from runs import keep_rows

from groundling.errors import ConfigurationError, GroundlingError

SHOWN = 20  # failures of a kind that are printed


@dataclass(frozen=True)
class Options:
    """What is tried.

    Attributes:
        only: kinds of trials; none tries all.
        trials: of each kind, instead of its own number.
        seed: of all draws.
        output: file of the rows; those of other kinds that it holds are kept. Only with each kind's own number of
            trials, unless it is named.
    """

    only: tuple[str, ...] = ()
    trials: int | None = None
    seed: int = 0
    output: Path | None = None


def kinds() -> dict[str, Kind]:
    """Every kind of the modules ``reliability_*.py`` next to this one, by name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("reliability_*.py"))
    modules = (importlib.import_module(name) for name in names)
    return {kind.name: kind for module in modules for kind in getattr(module, "KINDS", ())}


def try_all(options: Options) -> None:
    """Run the trials, print and write a row of each kind."""
    known = kinds()
    for name in options.only:
        if name not in known:
            raise ConfigurationError(f"there is no kind {name!r}: choose among {', '.join(known)}")
    output = options.output
    if output is None and options.trials is None:
        output = Path(__file__).with_name("results") / "reliability.json"
    failed = 0
    for name in options.only or tuple(known):
        row = tried(known[name], options.trials or known[name].trials, options.seed)
        keep_rows([row], output)
        print(f"{name}: {row['row']}, {row['failures']} failures, {row['minutes']} minutes", flush=True)
        failed += row["failures"]
    if failed:
        raise GroundlingError(f"{failed} trials failed")


def tried(kind: Kind, trials: int, seed: int) -> dict[str, Any]:
    """The row of a kind, after so many trials."""
    begun = time.monotonic()
    found: Counter[Outcome] = Counter()
    with tempfile.TemporaryDirectory(prefix="groundling-reliability-") as folder:
        outcomes = kind.run(trials, seed, Path(folder))
        for outcome in track(outcomes, kind.name, trials, disable=not sys.stdout.isatty()):
            found[outcome] += 1
            if outcome.grade.failed and sum(found[one] for one in found if one.grade.failed) <= SHOWN:
                print(f"  {kind.name}: {outcome.grade.name}: {outcome.what}", flush=True)
    if found.total() != trials:
        raise GroundlingError(f"{kind.name} gave {found.total()} outcomes of {trials} trials")
    worst = max(found, key=lambda outcome: outcome.grade)
    grades = Counter({grade: sum(n for one, n in found.items() if one.grade is grade) for grade in Grade})
    return {
        "key": kind.name,
        "row": f"failures in {trials:,} trials: {kind.row}; worst outcome: {worst.what}",
        "mean": sum(count for grade, count in grades.items() if grade.failed),
        "low": None,
        "high": None,
        "seeds": 1,
        "frames": None,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "floor": None,
        "ceiling": None,
        "command": f"python benchmarks/reliability.py --only {kind.name}",
        "trials": trials,
        "failures": sum(count for grade, count in grades.items() if grade.failed),
        "worst": {"grade": worst.grade.name, "what": worst.what},
        "outcomes": {grade.name: count for grade, count in grades.items() if count},
    }


if __name__ == "__main__":
    launch(try_all, Options, __doc__)
