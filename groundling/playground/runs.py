"""Runs on the page: which there are below a folder, their curves and suites, videos, and comparisons of two."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from groundling.errors import GroundlingError
from groundling.eval.comparison import compare_runs
from groundling.eval.curves import Curve, axis_limits, curves_of, default_metrics, find_groups
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.results import read_results
from groundling.eval.statistics import wilson_interval
from groundling.eval.suite_report import AGENTS
from groundling.playground.errors import PlaygroundError
from groundling.playground.limits import MOST_CURVES, MOST_RUNS
from groundling.playground.security import inside
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME, read_metrics
from groundling.training.run_folder import CONFIG_NAME

DEEPEST: Final = 3  # folders below the root in which runs are looked for
LIVE_SECONDS: Final = 60.0  # since the last metrics of a run that is still training
LARGEST: Final = 2.0**53  # number that a page is told
VIDEOS: Final = (".mp4", ".gif", ".webm")


class Runs:
    """The runs below a folder.

    Args:
        root: the folder; None: there is none.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            PlaygroundError: if it is not below the root, or no run.
        """
        if self.root is None:
            raise PlaygroundError("no folder of runs was named: groundling playground RUNS")
        found = inside(self.root, name)
        if not (found / METRICS_NAME).is_file():
            raise PlaygroundError(f"there is no run {name[:80]!r}")
        return found

    def all(self) -> list[dict[str, Any]]:
        """The runs, the newest first; of a damaged one its name, and what is wrong with it."""
        if self.root is None or not self.root.is_dir():
            return []
        found = []
        for path in self._metrics_files():
            with suppress(OSError, ValueError):  # it was deleted meanwhile, or is a link to a place outside
                found.append(self._describe(path.parent))
        return sorted(found, key=lambda run: -run["modified"])[:MOST_RUNS]

    def _metrics_files(self) -> list[Path]:
        assert self.root is not None
        found: list[Path] = []
        for depth in range(DEEPEST + 1):
            with suppress(OSError):  # a folder was deleted meanwhile
                found += self.root.glob("/".join(["*"] * depth + [METRICS_NAME]))
        return [path for path in found if path.parent.name != "blind" and not path.is_symlink()]

    def _describe(self, folder: Path) -> dict[str, Any]:
        assert self.root is not None
        modified = (folder / METRICS_NAME).stat().st_mtime
        told: dict[str, Any] = {
            "name": folder.resolve().relative_to(self.root.resolve()).as_posix(),
            "modified": modified,
            "tasks": [],
            "seed": None,
            "total": None,
            "success": None,
            "damage": "",
        }
        try:
            told |= _settings_of(folder)
        except FileNotFoundError:  # runs of other programs have none
            pass
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            told["damage"] = f"its {CONFIG_NAME} cannot be read"
        last: dict[str, Any] = {}
        try:
            rows = read_metrics(folder)
            last = rows[-1] if rows else {}
            told["success"] = next((row["success"] for row in reversed(rows) if _is_number(row.get("success"))), None)
        except (GroundlingError, OSError):
            told["damage"] = f"its {METRICS_NAME} cannot be read"
        frames = last["frames"] if _is_number(last.get("frames")) else 0
        is_done = bool(told["total"]) and frames >= told["total"]
        return told | {
            "frames": frames,
            "is_live": not is_done and time.time() - modified < LIVE_SECONDS,
            "has_agent": (folder / CHECKPOINT_NAME).is_file(),
            "is_evaluated": (folder / EVALUATION_NAME).is_file(),
        }

    def curves(
        self, names: Sequence[str], metric: str = "", smoothing: int = 5, *, apart: bool = False
    ) -> dict[str, Any]:
        """Learning curves of runs over each other: of each group the mean over its seeds and its interval, and every
        run by itself.

        Args:
            names: of runs.
            metric: name of it; empty: the first usual one that they have.
            smoothing: updates that a point averages.
            apart: draw each run by itself, seeds of one configuration too.
        """
        if not names or len(names) > MOST_CURVES:
            raise PlaygroundError(f"choose one to {MOST_CURVES} runs, not {len(names)}")
        folders = [self.folder(name) for name in names]
        smoothing = min(max(1, smoothing), 100)
        groups = dict(zip(names, ([one] for one in folders), strict=True)) if apart else find_groups(folders)
        known = sorted({key for folder in folders for row in read_metrics(folder) for key in row} - {"frames"})
        chosen = metric or default_metrics(groups)[0]
        singles = []
        with np.errstate(invalid="ignore", over="ignore"):  # of runs that diverged
            curves = curves_of(groups, [chosen], smoothing=smoothing)[chosen]
            for name, folders_of in groups.items():
                for folder in folders_of if len(folders_of) > 1 else ():
                    for curve in curves_of({folder.name: [folder]}, [chosen], smoothing=smoothing)[chosen]:
                        singles.append({"group": name, "frames": _plain(curve.frames), "mean": _plain(curve.mean)})
        low, high = _limits(chosen, curves)
        return {
            "metric": chosen,
            "metrics": known,
            "limits": [low, high],
            "curves": [
                {
                    "name": curve.name,
                    "runs": curve.runs,
                    **{part: _plain(getattr(curve, part)) for part in ("frames", "mean", "low", "high")},
                }
                for curve in curves
            ],
            "singles": singles,
        }

    def suites(self, name: str) -> dict[str, Any]:
        """The suites' table of a run, as it was evaluated."""
        results = read_results(self.folder(name))
        rows = []
        for suite, scores in results.scores.items():
            cells = {}
            for agent, score in scores.items():
                low, high = wilson_interval(score.successes, score.episodes)
                cells[agent] = {"success": score.success, "low": low, "high": high, "episodes": score.episodes}
            rows.append({"suite": suite, "cells": cells})
        agents = {agent: AGENTS.get(agent, agent) for agent in results.agents}
        return {"task": results.task, "greedy": results.greedy, "agents": agents, "rows": rows}

    def compare(self, first: str, second: str) -> dict[str, Any]:
        """Two runs, suite by suite."""
        found = compare_runs(self.folder(first), self.folder(second))
        return asdict(found) | {
            "runs_a": [first],
            "runs_b": [second],
            "marks": [row.difference.excludes_zero for row in found.rows],
        }

    def videos(self, name: str) -> list[str]:
        """The videos of a run, by their paths within its folder."""
        folder = self.folder(name)
        found = [path for path in sorted(folder.rglob("*")) if path.suffix in VIDEOS and path.is_file()]
        names = [path.relative_to(folder) for path in found]
        own = [name for name in names if not any(part == "label" or part[0] == "." for part in name.parts[:-1])]
        return [name.as_posix() for name in own][:MOST_RUNS]

    def video(self, name: str, told: str) -> Path:
        """The file of a video.

        Raises:
            PlaygroundError: if there is none, or the path leads out of the run.
        """
        path = inside(self.folder(name), told)
        if path.suffix not in VIDEOS or not path.is_file():
            raise PlaygroundError("there is no such video")
        return path


def _settings_of(folder: Path) -> dict[str, Any]:
    """What the list shows of a run's configuration.

    Raises:
        OSError, ValueError, AttributeError, TypeError, RecursionError: if it cannot be read, or is none.
    """
    config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
    tasks = config.get("tasks") or [config.get("task", "")]
    if not (isinstance(tasks, list) and all(isinstance(task, str) for task in tasks)):
        raise TypeError(f"tasks are no texts: {tasks!r}")
    kinds: dict[str, tuple[str, type]] = {
        "seed": ("seed", int),
        "total": ("total_frames", int),
        "algorithm": ("algorithm", str),
    }
    found = {name: config.get(key) for name, (key, _) in kinds.items()}
    for name, (key, kind) in kinds.items():
        if not isinstance(found[name], kind | None):
            raise TypeError(f"{key} is {found[name]!r}")
    return {"tasks": tasks, **found}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= LARGEST


def _plain(values: Any) -> list[float | None]:
    return [round(value, 5) if math.isfinite(value) else None for value in values.tolist()]


def _limits(metric: str, curves: Sequence[Curve]) -> tuple[float, float]:
    """What the axis shows: all that is finite."""
    finite: list[Curve] = []
    for curve in curves:
        values = np.array([*curve.limits, *curve.mean])
        if len(known := values[np.isfinite(values)]):
            finite.append(replace(curve, limits=(float(known.min()), float(known.max()))))
    return axis_limits(metric, finite) if finite else (0.0, 1.0)
