"""Runs that ``torchrun`` starts again after one of their processes failed: they go on from their checkpoint."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from groundling import job
from groundling.errors import StorageError
from groundling.files import write_text
from groundling.training.checkpoint import CHECKPOINT_NAME

JOB_NAME: Final = ".job"


def note_job(folder: Path) -> None:
    """Write down whose run a folder holds, where ``torchrun`` started it."""
    if job.name():
        with contextlib.suppress(StorageError):  # the run is the same without; only a restart is refused then
            write_text(folder / JOB_NAME, job.name() + "\n")


def is_restarted(folder: Path) -> bool:
    """Whether ``torchrun`` starts a job again whose run is in a folder, so that the run is to go on.

    A run that was there before the job is none of its own, and is left to be refused.
    """
    if not job.restarts() or not (folder / CHECKPOINT_NAME).is_file():
        return False
    try:
        return (folder / JOB_NAME).read_text().strip() == job.name()
    except (OSError, ValueError):
        return False
