"""Training with several seeds: where each goes, several processes at the same time, and the mean over all."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from groundling.errors import ConfigurationError, RunFolderError, TrainingError
from groundling.eval.statistics import mean_interval
from groundling.files import make_folder
from groundling.processes import ChildCommand, stop_all
from groundling.run_lock import is_locked
from groundling.training import TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME, read_metrics
from groundling.training.progress import ProgressBar
from groundling.trust import for_other_process

LOG_NAME: Final = "train.log"
LOOK_EVERY_S: Final = 0.5
EVALUATED: Final = "evaluation_success"


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the run of a seed goes."""
    return folder / f"seed{seed}"


def check_seeds(seeds: Sequence[int], jobs: int, folder: Path) -> None:
    """Refuse what cannot be trained, before anything is.

    Raises:
        ConfigurationError: if a seed is negative or named twice, or ``jobs`` is less than 1.
        RunFolderError: if there is a run of one of the seeds already, or one is under way.
    """
    if jobs < 1:
        raise ConfigurationError(f"jobs must be at least 1, got {jobs}")
    if len(set(seeds)) < len(seeds):
        raise ConfigurationError(f"a seed is named twice: {' '.join(map(str, seeds))}")
    if min(seeds) < 0:
        raise ConfigurationError(f"a seed must not be negative, got {min(seeds)}")
    for seed in seeds:
        if is_locked(seed_folder(folder, seed)):
            raise RunFolderError(f"{seed_folder(folder, seed)} is in use: another process trains in it")
        if (seed_folder(folder, seed) / CHECKPOINT_NAME).exists():
            raise RunFolderError(
                f"{seed_folder(folder, seed)} already holds a run: choose another --run-folder or other seeds, or "
                "continue it with --resume"
            )


def train_side_by_side(
    config: TrainConfig,
    folder: Path,
    seeds: Sequence[int],
    *,
    jobs: int,
    description: str,
    options: Sequence[str] = (),
) -> None:
    """Train with each seed in a process of its own, so many at the same time; each writes what it prints to train.log.

    Ctrl-C ends those that run, each with a checkpoint. If this process is killed, they end in the same way.

    Args:
        config: of every run, but for its seed.
        folder: of all runs.
        seeds: one for each run.
        jobs: processes at the same time.
        description: of the progress bar, which shows the sum of all frames and the mean success.
        options: more options of ``groundling train``.

    Raises:
        TrainingError: if a run fails; the others are trained to their end first.
        StorageError: if the folder cannot be written.
    """
    make_folder(folder)
    waiting = list(seeds)
    running: dict[int, ChildCommand] = {}
    failed: list[int] = []
    shown = 0
    frames = config.num_updates * config.rollout_frames
    with (
        tempfile.TemporaryDirectory() as aside,
        ProgressBar(f"{description}, {len(seeds)} seeds") as bar,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    seed = waiting.pop(0)
                    running[seed] = _start(replace(config, seed=seed), seed_folder(folder, seed), Path(aside), options)
                time.sleep(LOOK_EVERY_S)
                shown = _show(bar, [seed_folder(folder, seed) for seed in seeds], frames * len(seeds), shown)
                for seed, process in list(running.items()):
                    code = process.poll()
                    if code is not None:
                        running.pop(seed).stop()
                        failed += [seed] * (code != 0)
        finally:
            stop_all(running.values())  # of which some are left only after an interruption
    if failed := [seed for seed in seeds if seed in failed]:  # in the order of the seeds, not in which they ended
        logs = ", ".join(str(seed_folder(folder, seed) / LOG_NAME) for seed in failed)
        raise TrainingError(f"training failed with seed {', '.join(map(str, failed))}: see {logs}")


def _start(config: TrainConfig, folder: Path, aside: Path, options: Sequence[str]) -> ChildCommand:
    make_folder(folder)
    told = aside / f"seed{config.seed}.json"
    told.write_text(config.to_json())
    trust, variables = for_other_process()
    words = ("train", "--config", str(told), "--run-folder", str(folder), *options, *trust)
    return ChildCommand(words, folder / LOG_NAME, variables)


def _show(bar: ProgressBar, folders: Iterable[Path], total: int, shown: int) -> int:
    """Tell the bar the sum of all frames and the mean success so far, where they are more than were shown before."""
    rows = [read_metrics(folder) for folder in folders if (folder / METRICS_NAME).exists()]
    frames = sum(row[-1]["frames"] for row in rows if row)
    if frames > shown:
        shown_metrics: dict[str, float] = {}
        for name, mean in (("success", np.mean), ("window", np.sum), (EVALUATED, np.mean)):
            if known := [value for row in rows if (value := last_known(row, name)) is not None]:
                shown_metrics[name] = float(mean(known))
        bar.update(frames, total, shown_metrics)
    return frames


def last_known(metrics: Sequence[dict[str, float]], name: str) -> float | None:
    """The newest value of a metric of a run; None if there is none."""
    return next((row[name] for row in reversed(metrics) if name in row), None)


def training_summary(folder: Path, seeds: Sequence[int]) -> str:
    """The last success with each seed, the mean over them with its 95 % interval, and what to do next.

    It is that of the agents alone in unseen layouts, where they were evaluated, else that of the last training
    episodes.
    """
    width = max(len(f"seed{seed}") for seed in seeds)
    rows = {seed: read_metrics(seed_folder(folder, seed)) for seed in seeds}
    is_evaluated = all(last_known(row, EVALUATED) is not None for row in rows.values())
    by_seed = {seed: last_known(row, EVALUATED if is_evaluated else "success") for seed, row in rows.items()}
    lines = [f"success {'in unseen layouts' if is_evaluated else 'in training'}, at the end:"]
    lines += [
        f"  {f'seed{seed}':<{width}}  {'no episode ended' if value is None else f'{value:.3f}'}"
        for seed, value in by_seed.items()
    ]
    known = np.array([value for value in by_seed.values() if value is not None])
    if len(known):
        lines.append(f"  {'mean':<{width}}  {known.mean():.3f}")
    if len(known) > 1:
        low, high = map(float, mean_interval(known))
        interval = f"[{max(low, 0.0):.3f}, {min(high, 1.0):.3f}]  95 % t interval over the seeds"
        lines[-1] += f"  {interval if high > low else 'all alike: no interval over the seeds'}"
    lines.append(f"the runs are in {folder}; next: groundling plot {folder}")
    return "\n".join(lines)
