"""Trackers: send a run's metrics, as they come, to a service such as Weights & Biases as well."""

from __future__ import annotations

import importlib
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from groundling.errors import ConfigurationError
from groundling.extras import brought_by
from groundling.files import write_text
from groundling.registry import Registry
from groundling.training.config import TrainConfig
from groundling.training.logs import tag_of
from groundling.training.progress import TrainingProgress

WANDB_ID_NAME: Final = "wandb_id.txt"
PROJECT: Final = "groundling"


class Tracker(Protocol):
    """What sends metrics somewhere; its class is made with the run's folder, its configuration and ``resume``."""

    def log(self, frames: int, metrics: Mapping[str, float]) -> None:
        """So many frames are trained on, with these metrics; none of them is NaN."""

    def finish(self, *, failed: bool) -> None:
        """The run is over."""


TRACKERS: Registry[Any] = Registry(
    "tracker", {"wandb": "groundling.training.tracking:WandbTracker"}, entry_points="groundling.trackers"
)


def check_tracker(name: str) -> None:
    """Refuse a tracker that cannot be used, before anything is trained.

    Raises:
        ConfigurationError: if there is no such tracker, or its package is not installed.
        ExtensionError: if it is in code that cannot be imported.
    """
    check = getattr(TRACKERS.find(name), "check", None)
    if check is not None:
        check()


class WandbTracker:
    """Weights & Biases: a run of the project "groundling" (or of ``WANDB_PROJECT``), with TensorBoard's names.

    The runs of several seeds, and a run and its blind control, are one group. A resumed run goes on in the same
    Weights & Biases run, whose id the folder keeps in ``wandb_id.txt``.

    Args:
        folder: of the run.
        config: of the run.
        resume: whether the run is continued.

    Raises:
        ConfigurationError: if the package wandb is not installed, or cannot begin a run.
    """

    def __init__(self, folder: Path, config: TrainConfig, *, resume: bool = False) -> None:
        wandb = import_wandb()
        path = folder / WANDB_ID_NAME
        known = path.read_text().strip() if resume and path.is_file() else None
        name, group = _name_and_group(folder)
        try:
            self._run: Any = wandb.init(
                project=None if os.environ.get("WANDB_PROJECT") else PROJECT,  # None lets wandb read the variable
                name=name,
                group=group,
                dir=str(folder),
                config=config.to_dict(),
                id=known,
                resume="allow" if known else None,
            )
        except Exception as error:  # not logged in, no network, a server that refuses: of many classes
            raise ConfigurationError(
                f"wandb could not begin a run ({error}): log in with `wandb login`, or set WANDB_MODE=offline"
            ) from error
        # Its own step must never go back, as that of a resumed run may: frames are a metric that the others refer to.
        self._run.define_metric("frames")
        self._run.define_metric("*", step_metric="frames")
        write_text(path, f"{self._run.id}\n")

    @staticmethod
    def check() -> None:
        """Refuse where the package is not installed."""
        import_wandb()

    def log(self, frames: int, metrics: Mapping[str, float]) -> None:
        """Send the metrics of an update."""
        self._run.log({"frames": frames, **{tag_of(name) or name: value for name, value in metrics.items()}})

    def finish(self, *, failed: bool) -> None:
        """Mark the run as finished or failed."""
        self._run.finish(exit_code=int(failed))


class TrackedProgress:
    """A :class:`TrainingProgress` that hands what it is told to another one and to a tracker; a context.

    Args:
        progress: the other one.
        tracker: None tracks nothing.
    """

    def __init__(self, progress: TrainingProgress, tracker: Tracker | None) -> None:
        self._progress = progress
        self._tracker = tracker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tracker is not None:
            self._tracker.finish(failed=kind is not None)

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        """Hand on the newest numbers; NaN (no episode ended) is not tracked."""
        self._progress.update(frames, total, metrics)
        if self._tracker is not None:
            self._tracker.log(frames, {name: value for name, value in metrics.items() if not math.isnan(value)})


def make_tracker(name: str, folder: Path, config: TrainConfig, *, resume: bool = False) -> Tracker | None:
    """The tracker of this name for a run; None where the name is empty.

    Raises:
        ConfigurationError, ExtensionError: as :func:`check_tracker`.
    """
    if not name:
        return None
    tracker: Tracker = TRACKERS.find(name)(folder, config, resume=resume)
    return tracker


def import_wandb() -> Any:
    """The package wandb.

    Raises:
        MissingPackageError: if it is not installed.
    """
    with brought_by("wandb", "--track wandb needs the package wandb"):
        return importlib.import_module("wandb")


def _name_and_group(folder: Path) -> tuple[str, str | None]:
    """How a run is called, and the group that it belongs to if it is a seed or a control of another one."""
    place = folder.resolve()
    parts = [place.name]
    while re.fullmatch(r"blind|seed\d+", place.name) and place.parent.name:
        place = place.parent
        parts.append(place.name)
    return "/".join(reversed(parts)), place.name if len(parts) > 1 else None
