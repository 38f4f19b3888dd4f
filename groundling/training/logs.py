"""Logs of a run: TensorBoard, and the same numbers as JSON lines for figures and scripts."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from groundling.errors import RunFolderError
from groundling.files import CHECKSUM, checksum_of, storage_error, write_text

METRICS_NAME = "metrics.jsonl"
TENSORBOARD_NAME = "tensorboard"

_log = logging.getLogger(__name__)

# The tags of TensorBoard, by the names of the metrics.
TAGS = {
    "return": "episode/return",
    "success": "episode/success",
    "window": "episode/window",
    "episode_length": "episode/length",
    "policy_loss": "loss/policy",
    "imitation_loss": "loss/imitation",
    "accuracy": "policy/accuracy",
    "teacher_share": "policy/teacher_share",
    "value_loss": "loss/value",
    "entropy": "policy/entropy",
    "approximate_kl": "policy/approximate_kl",
    "clip_fraction": "policy/clip_fraction",
    "explained_variance": "value/explained_variance",
    "gradient_norm": "optimizer/gradient_norm",
    "gradient_clipped": "optimizer/gradient_clipped",
    "learning_rate": "optimizer/learning_rate",
    "advantage_spread": "advantage/spread",
    "advantage_mean": "advantage/mean",
    "advantage_extreme": "advantage/extreme",
    "frames_per_second": "time/frames_per_second",
    "evaluation_success": "evaluation/success",
    "evaluation_return": "evaluation/return",
    "evaluation_length": "evaluation/length",
}

# Of runs of several tasks only; the second ones stand before a task's id: "success/BabyAI-GoToLocal-v0".
CURRICULUM_TAGS = {"stage": "curriculum/stage"}
TASK_TAGS = {
    "success": "task/success",
    "evaluation_success": "evaluation/success",
    "share": "task/share",
    "episodes": "task/episodes",
}


def tag_of(name: str) -> str | None:
    """The tag under which TensorBoard shows a metric; None if it does not."""
    kind, slash, task = name.partition("/")
    if slash and kind in TASK_TAGS:
        return f"{TASK_TAGS[kind]}/{task}"
    return TAGS.get(name) or CURRICULUM_TAGS.get(name)


class RunLog:
    """Writes a run's metrics.

    Args:
        folder: of the run.
        from_frames: metrics of later frames are dropped first (a resumed run writes them again).

    Raises:
        StorageError: if the folder cannot be written.
    """

    def __init__(self, folder: Path, *, from_frames: int = 0) -> None:
        self._path = folder / METRICS_NAME
        kept = [row for row in _rows_of(self._path)[0] if row["frames"] <= from_frames] if self._path.exists() else []
        write_text(self._path, "".join(map(line_of, kept)))
        try:
            _wait_until_later(folder / TENSORBOARD_NAME)
            self._lines = self._path.open("a")
            # of what an earlier process wrote, TensorBoard drops this step and later ones
            self._board = SummaryWriter(str(folder / TENSORBOARD_NAME), purge_step=from_frames + 1)
        except OSError as error:
            raise storage_error(self._path, error) from error

    def write(self, frames: int, metrics: dict[str, float]) -> None:
        """Note the metrics after so many frames; NaN (no episode ended) is left out."""
        known = {name: value for name, value in metrics.items() if not math.isnan(value)}
        try:
            self._lines.write(line_of({"frames": frames, **known}))
            self._lines.flush()
            for name, value in known.items():
                tag = tag_of(name)
                if tag is not None:
                    self._board.add_scalar(tag, value, frames)
        except OSError as error:
            raise storage_error(self._path, error) from error

    def flush(self) -> None:
        """Hand all that was noted to the system, before a checkpoint that a resumed run goes on from.

        Raises:
            StorageError: if it cannot be written.
        """
        self._or_storage_error(self._lines.flush, self._board.flush)

    def close(self) -> None:
        """Flush and close the files; errors as of :meth:`flush`."""
        self._or_storage_error(self._lines.close, self._board.close)

    def _or_storage_error(self, *actions: Callable[[], Any]) -> None:
        """Do all of these, then raise the first error."""
        failed: OSError | None = None
        for action in actions:
            try:
                action()
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise storage_error(self._path, failed) from failed


def _wait_until_later(board: Path) -> None:
    """Wait, less than a second, until TensorBoard reads a new file of events after those that are there.

    It reads them in the order of their names, which have the second and then the process id; a run that is resumed
    in the second in which it was killed, by a process of a lower id, would be read first.
    """
    names = sorted(path.name for path in board.iterdir() if ".tfevents." in path.name) if board.is_dir() else []
    newest = names[-1].partition(".tfevents.")[2].partition(".")[0] if names else ""
    now = time.time()
    if newest.isdecimal() and int(newest) == int(now):
        time.sleep(int(now) + 1 - now)


def line_of(metrics: dict[str, Any]) -> str:
    """A line of the file, with a checksum of the others of its values."""
    return json.dumps({**metrics, CHECKSUM: checksum_of(metrics)}) + "\n"


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run, one dict an update; lines that are torn or were changed are left out, which is logged.

    Raises:
        RunFolderError: if the folder holds none.
    """
    path = folder / METRICS_NAME
    if not path.exists():
        raise RunFolderError(f"{folder} holds no {METRICS_NAME}: it is not the folder of a training run")
    rows, wrong = _rows_of(path)
    if wrong:
        many = f"{len(wrong)} lines, the first one line {wrong[0]}," if len(wrong) > 1 else f"line {wrong[0]}"
        _log.warning("%s: %s cannot be read or was changed, and is left out", path, many)
    return rows


def _rows_of(path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows of a file of metrics, and the numbers of the lines that are none."""
    rows, wrong = [], []
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror or error}") from error
    has_checksums = f'"{CHECKSUM}"'.encode() in content  # of all lines or, in files of older versions, of none
    for number, line in enumerate(content.split(b"\n")[: content.count(b"\n") + (content[-1:] != b"\n")], start=1):
        row = _row_of(line, has_checksums)
        if row is None:
            wrong.append(number)
        else:
            rows.append(row)
    return rows, wrong


def _row_of(line: bytes, has_checksum: bool) -> dict[str, Any] | None:
    """The metrics of a line; None if it is torn or was changed."""
    try:
        row = json.loads(line)
        checksum = row.pop(CHECKSUM, None)
    except (ValueError, RecursionError, AttributeError, TypeError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("frames"), int | float):
        return None
    return row if not has_checksum or checksum == checksum_of(row) else None
