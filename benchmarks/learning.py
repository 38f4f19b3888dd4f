"""Learning: frames to 99 % training success, then success on seen and unseen combinations, with controls, over seeds.

    python benchmarks/learning.py [--seeds 1 2 3 4 5] [--output benchmarks/results/learning]

Each seed trains the default agent and its blind control with PPO on one PyTorch thread each, on instructions that never
name one of four held-out combinations, and evaluates both, a random policy and shuffled instructions on 1,000 distinct
episodes of each split. Prints a table and, as its last line, a JSON object; with ``--output`` it also writes the curves
(JSON) and a figure (PNG).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from grid import frames_to
from launch import launch

from groundling.eval.demo import DEMO_FRAMES, run_demo
from groundling.eval.figures import learning_curve, png
from groundling.training.logs import read_metrics

SPLITS = ("seen", "unseen")


@dataclass(frozen=True)
class Options:
    """Measure learning.

    Attributes:
        task: id of the level.
        seeds: one run each.
        total_frames: of each run.
        episodes: distinct episodes for each split.
        output: path of the results without its ending; nothing is written without it.
    """

    task: str = "BabyAI-GoToLocal-v0"
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    total_frames: int = DEMO_FRAMES
    episodes: int = 1000
    output: Path | None = None


def main(options: Options) -> None:
    runs = []
    curves = {}
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            report = run_demo(
                folder, task=options.task, total_frames=options.total_frames, episodes=options.episodes, seed=seed
            )
            metrics = read_metrics(folder)
        curves[f"seed {seed}"] = metrics
        results = {a: {s: e.to_dict() for s, e in splits.items()} for a, splits in report.results.items()}
        rate = float(np.median([row["frames_per_second"] for row in metrics]))
        runs.append(
            {
                "seed": seed,
                "frames_to_99": frames_to(metrics, 0.99),
                "frames": metrics[-1]["frames"],
                "frames_per_second": rate,
                "results": results,
            }
        )
    print(f"{options.task}: {options.total_frames:,} frames, {options.episodes} episodes a split")
    agents = list(runs[0]["results"])
    print(f"{'seed':>4} {'frames to 99 %':>14}  " + "  ".join(f"{a + ' ' + s:>16}" for a in agents for s in SPLITS))
    for run in runs:
        row = "  ".join(f"{run['results'][a][s]['success']:>16.3f}" for a in agents for s in SPLITS)
        print(f"{run['seed']:>4} {run['frames_to_99'] or 'not reached':>14}  {row}")
    mean = {a: {s: float(np.mean([r["results"][a][s]["success"] for r in runs])) for s in SPLITS} for a in agents}
    reached = [run["frames_to_99"] for run in runs]
    figures = {
        "task": options.task,
        "seeds": list(options.seeds),
        "frames_to_99": reached,
        "worst_frames_to_99": max(reached) if all(reached) else None,
        "mean_success": mean,
        "lowest_trained": {s: min(r["results"]["trained"][s]["success"] for r in runs) for s in SPLITS},
        "runs": runs,
    }
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        short = {n: [{k: r[k] for k in ("frames", "success") if k in r} for r in rows] for n, rows in curves.items()}
        options.output.with_suffix(".json").write_text(json.dumps({**figures, "curves": short}) + "\n")
        options.output.with_suffix(".png").write_bytes(png(learning_curve(curves)))
    print(json.dumps(figures))


if __name__ == "__main__":
    launch(main, Options, __doc__)
