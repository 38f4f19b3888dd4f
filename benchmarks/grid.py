"""Grids of training runs: each cell trains an agent, evaluates it by suites, and keeps its result in a small file.

The tables of ``fusion_ablation.py``, ``suite_tables.py`` and ``pairs_curve.py`` are grids. A cell whose result is there
already is not run again, so an interrupted grid goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundling.agents.baselines import RandomPolicy
from groundling.eval.runs import evaluate_suites
from groundling.eval.statistics import interquartile_mean
from groundling.eval.suites import suite_rows
from groundling.files import write_text
from groundling.interfaces import Policy
from groundling.training import TrainConfig, train
from groundling.training.logs import read_metrics

WINDOW_EPISODES = 1000


@dataclass(frozen=True)
class Cell:
    """One run of a grid.

    Attributes:
        row: its name in the table, for example a fusion.
        column: for example a task.
        config: what is trained.
        suites: what it is evaluated on.
        episodes: of each suite.
    """

    row: str
    column: str
    config: TrainConfig
    suites: tuple[str, ...]
    episodes: int = 1000

    @property
    def key(self) -> str:
        """Names the cell and everything that it depends on."""
        parts = [self.row, self.column, list(self.suites), self.episodes, json.loads(self.config.to_json())]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def run_cell(cell: Cell) -> dict[str, Any]:
    """Train and evaluate one cell."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(cell.config, folder)
        metrics = read_metrics(Path(folder))
    # suites that do not apply to the task are left out
    rows, left_out = suite_rows(cell.config, ("layout", *cell.suites), episodes=cell.episodes, progress=False)
    policies: dict[str, Policy] = {"trained": result.agent.eval(), "random": RandomPolicy()}
    suites: dict[str, dict[str, Any]] = {}
    for suite, agent, evaluation in evaluate_suites(policies, rows):
        suites.setdefault(suite, {})[agent] = evaluation.to_dict()
    return {
        "row": cell.row,
        "column": cell.column,
        "seed": cell.config.seed,
        "frames": result.frames,
        "seconds": round(result.seconds, 1),
        "frames_to_95": frames_to(metrics, 0.95),
        "suites": suites,
        "left_out": left_out,
        "config": dataclasses.asdict(cell.config),
    }


def run_grid(
    cells: Iterable[Cell], folder: Path, *, processes: int = 1, only_finished: bool = False
) -> list[dict[str, Any]]:
    """Run what is not there yet and return all results, in the order of the cells.

    Args:
        cells: the grid.
        folder: holds one small file a cell.
        processes: cells trained side by side, each on one core.
        only_finished: run nothing, return what is there.
    """
    cells = list(cells)
    paths = [folder / f"{cell.key}.json" for cell in cells]
    due = [(cell, path) for cell, path in zip(cells, paths, strict=True) if not path.exists()]
    print(f"{len(cells) - len(due)} of {len(cells)} cells are there already", file=sys.stderr)
    if only_finished:
        return [json.loads(path.read_text()) for path in paths if path.exists()]
    with ProcessPoolExecutor(processes) as pool:
        running = {pool.submit(run_cell, cell): (cell, path) for cell, path in due}
        for number, future in enumerate(as_completed(running), start=1):
            cell, path = running[future]
            try:
                result = future.result()
            except Exception:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            write_text(path, json.dumps(result) + "\n")
            told = "  ".join(f"{name} {row['trained']['success']:.3f}" for name, row in result["suites"].items())
            print(
                f"[{number}/{len(due)}] {cell.row} / {cell.column} / seed {cell.config.seed}: {told} "
                f"({result['seconds']:.0f} s)",
                file=sys.stderr,
                flush=True,
            )
    return [json.loads(path.read_text()) for path in paths]


def frames_to(metrics: Sequence[dict[str, Any]], success: float) -> int | None:
    """Frames after which the mean success of the last 1,000 training episodes first reaches a level."""
    rows = [row for row in metrics if "success" in row]
    episodes = np.array([row["episodes"] for row in rows])
    successes = np.array([row["success"] for row in rows]) * episodes
    played, reached = np.cumsum(episodes), np.cumsum(successes)
    for end in range(len(rows)):
        start = int(np.searchsorted(played, played[end] - WINDOW_EPISODES, side="right")) - 1
        before = (played[start], reached[start]) if start >= 0 else (0, 0.0)
        count = played[end] - before[0]
        if count >= WINDOW_EPISODES and (reached[end] - before[1]) / count >= success:
            return int(rows[end]["frames"])
    return None


def success_of(results: Sequence[dict[str, Any]], suite: str, agent: str = "trained") -> list[float]:
    """The success of each seed that has this suite."""
    rows = [result["suites"][suite][agent]["success"] for result in results if suite in result["suites"]]
    return [float(value) for value in rows]


def summarize(values: Sequence[float]) -> str:
    """Mean and range over seeds, ``".953 (.941-.970)"``; a dash for none."""
    if not values:
        return "-"
    return f"{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def iqm(values: Sequence[float]) -> float:
    """The interquartile mean."""
    return float(interquartile_mean(np.array(values)))


def print_table(title: str, rows: Sequence[str], columns: Sequence[str], cells: dict[tuple[str, str], str]) -> None:
    """A Markdown table on standard output."""
    print(f"\n{title}\n")
    print("| |" + "|".join(f" {column} " for column in columns) + "|")
    print("|---|" + "---|" * len(columns))
    for row in rows:
        print(f"| {row} |" + "|".join(f" {cells.get((row, column), '-')} " for column in columns) + "|")
