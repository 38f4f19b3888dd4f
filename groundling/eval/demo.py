"""The demo: train an agent and its blind control, then evaluate both with the other controls and report."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rich.console import Console

from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError, RunFolderError, TrainingError
from groundling.eval.evaluating import report_run
from groundling.eval.kept_results import BESIDE, EVALUATION_NAME, VIDEO_NAME
from groundling.eval.report import REPORT_NAME
from groundling.eval.runs import BLIND_NAME
from groundling.eval.suite_report import SuiteReport
from groundling.files import make_folder
from groundling.processes import ChildCommand
from groundling.run_lock import LOCK_NAME, RunLock
from groundling.training import TrainConfig, Trainer
from groundling.training.best import BEST_NAME
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME, TENSORBOARD_NAME
from groundling.training.progress import ProgressBar
from groundling.training.run_folder import CONFIG_NAME

DEMO_FRAMES = 1_500_000
LOG_NAME = "train.log"


def run_demo(
    folder: Path, *, task: str, total_frames: int, episodes: int, seed: int, console: Console | None = None
) -> SuiteReport:
    """Train the agent and, beside it in a process of its own, its blind control; then report.

    Ctrl-C ends both with a checkpoint. If this process is killed, the other one ends as well.

    Raises:
        RunFolderError: if the folder holds something else than a demo, or another process trains in it.
        StorageError: if the folder cannot be written.
        UnknownEnvironmentError, UnsupportedLevelError, SplitError: if the task cannot be trained on.
        ConfigurationError: if a number is impossible.
    """
    if episodes < 1:
        raise ConfigurationError(f"episodes must be at least 1, got {episodes}")
    console = console or Console()
    start = time.perf_counter()
    config = TrainConfig(task=task, total_frames=total_frames, seed=seed)
    find_family(task)
    lock = RunLock(folder)
    try:
        _clear_run(folder)
    except BaseException:
        lock.release()
        raise
    trainer = Trainer(config, folder, lock=lock)  # builds the bank that both agents train on
    console.print(
        f"Training on {task}: {len(trainer.envs.bank):,} episodes, no instruction names a held-out combination; "
        "the blind control trains in a second process.",
        highlight=False,
        markup=False,
    )
    blind = _start_blind(config, folder / BLIND_NAME)
    try:
        with ProgressBar("training") as bar:
            result = trainer.run(bar)
        console.print(f"Trained {result.frames:,} frames in {result.seconds:.0f} s.", highlight=False)
        if blind.wait() != 0:
            raise TrainingError(f"training the blind control failed, see {folder / BLIND_NAME / LOG_NAME}")
    finally:
        blind.stop()
    report = report_run(folder, episodes=episodes, seed=seed, console=console)
    console.print(f"The demo took {time.perf_counter() - start:.0f} s.", highlight=False)
    return report


def _start_blind(config: TrainConfig, folder: Path) -> ChildCommand:
    """Train the same agent without the image, in a process of its own."""
    make_folder(folder)
    options = {
        "--task": config.task,
        "--total-frames": config.total_frames,
        "--seed": config.seed,
        "--run-folder": folder,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return ChildCommand(("train", "--agent.blind", *words), folder / LOG_NAME)


def _clear_run(folder: Path) -> None:
    """Remove what an earlier run left in a folder, and nothing else.

    Raises:
        RunFolderError: if the folder holds something, but no run.
        StorageError: if the path cannot be a folder.
    """
    others = {path.name for path in folder.iterdir()} - {LOCK_NAME}
    if others and not ((folder / CONFIG_NAME).exists() and (folder / METRICS_NAME).exists()):
        raise RunFolderError(f"{folder} is not empty and holds no run: choose another folder")
    for name in (CONFIG_NAME, CHECKPOINT_NAME, BEST_NAME, METRICS_NAME, EVALUATION_NAME, REPORT_NAME, VIDEO_NAME):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob(BESIDE):
        path.unlink()
    for name in (TENSORBOARD_NAME, BLIND_NAME):
        shutil.rmtree(folder / name, ignore_errors=True)
