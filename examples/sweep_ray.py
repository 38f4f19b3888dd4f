"""A sweep with Ray Tune: learning rates and seeds, each trial a run of Groundling's in a folder of its own.

    pip install groundling "ray[tune]"
    python examples/sweep_ray.py --runs runs/sweep --frames 1500000 [--stop-early]
    groundling compare --a runs/sweep/lr0.0015/seed* --b runs/sweep/lr0.0005/seed*

Ray chooses where and when each trial runs. With ``--stop-early`` it ends those that fall behind (``ASHAScheduler``);
these are not evaluated, and `groundling compare` refuses a learning rate that lost seeds: the seeds that are left would
be the lucky ones. A trial that is started again, on another machine as well, goes on from the checkpoint in its folder;
for several machines ``--runs`` is on a file system that all of them see.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundling.eval.evaluating import report_run
from groundling.eval.periodic import PeriodicEvaluation
from groundling.training import PPOConfig, TrainConfig, train
from groundling.training.checkpoint import CHECKPOINT_NAME

RATES = (5e-4, 1.5e-3, 5e-3)
SEEDS = (1, 2, 3)


class Reports:
    """A progress of training that hands what each evaluation found to a function, ``ray.tune.report``."""

    def __init__(self, report: Callable[[dict[str, float]], Any]) -> None:
        self._report = report

    def update(self, frames: int, total: int, metrics: Mapping[str, float]) -> None:
        """See ``TrainingProgress``."""
        if "evaluation_success" in metrics:
            self._report({"frames": float(frames), "evaluation_success": metrics["evaluation_success"]})


def run_folder(runs: Path, trial: Mapping[str, Any]) -> Path:
    """The folder of a trial, so that the seeds of a learning rate stand side by side."""
    return runs / f"lr{trial['learning_rate']:g}" / f"seed{trial['seed']}"


def train_trial(
    trial: Mapping[str, Any],
    base: TrainConfig,
    runs: Path,
    report: Callable[[dict[str, float]], Any],
    episodes: int = 1000,
) -> Path:
    """Train a trial, or go on with it, then evaluate it for ``groundling compare``; returns its folder."""
    ppo = replace(base.settings_of(PPOConfig), learning_rate=trial["learning_rate"])
    config = replace(base, seed=trial["seed"], settings=(ppo,))
    folder = run_folder(runs, trial)
    resume = (folder / CHECKPOINT_NAME).is_file()
    train(config, folder, resume=resume, progress=Reports(report), evaluator=PeriodicEvaluation.of(config))
    report_run(folder, episodes=episodes, video=False)
    return folder


def main() -> None:
    """Run the sweep."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--runs", type=Path, default=Path("runs/sweep"))
    reader.add_argument("--frames", type=int, default=1_500_000)
    reader.add_argument("--stop-early", action="store_true", help="end trials that fall behind")
    options = reader.parse_args()
    runs = options.runs.resolve()  # Ray's workers have another current folder
    base = TrainConfig(task="BabyAI-GoToLocal-v0", total_frames=options.frames, evaluate_every=options.frames // 10)

    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    def trainable(trial: dict[str, Any]) -> None:
        train_trial(trial, base, runs, tune.report)

    # a trial is judged at a quarter and at three quarters of its frames; at max_t it would be ended unevaluated
    asha = ASHAScheduler(
        time_attr="frames", max_t=2 * options.frames, grace_period=options.frames // 4, reduction_factor=3
    )
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"learning_rate": tune.grid_search(list(RATES)), "seed": tune.grid_search(list(SEEDS))},
        tune_config=tune.TuneConfig(
            metric="evaluation_success",
            mode="max",
            scheduler=asha if options.stop_early else None,
        ),
        run_config=tune.RunConfig(name="ray", storage_path=str(runs)),
    )
    best = tuner.fit().get_best_result()
    print(f"best: {best.config}, success {best.metrics['evaluation_success']:.2f}, in {run_folder(runs, best.config)}")


if __name__ == "__main__":
    main()
