"""Logs: the same numbers for TensorBoard and as JSON lines, without gaps or doubles after a resumed run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from groundling.errors import RunFolderError, StorageError
from groundling.training.logs import METRICS_NAME, TAGS, TENSORBOARD_NAME, RunLog, read_metrics


def write_rows(folder: Path, frames: range, *, from_frames: int = 0, value: float = 0.5) -> None:
    log = RunLog(folder, from_frames=from_frames)
    for count in frames:
        log.write(count, {"success": value, "return": float("nan"), "episodes": 3.0})
    log.close()


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    events = EventAccumulator(str(folder / TENSORBOARD_NAME))
    events.Reload()
    return {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def test_metrics_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path, range(10, 40, 10))
    assert read_metrics(tmp_path) == [{"frames": f, "success": 0.5, "episodes": 3.0} for f in (10, 20, 30)]


def test_unknown_numbers_are_left_out_of_both(tmp_path: Path) -> None:
    write_rows(tmp_path, range(10, 20, 10))
    assert "return" not in read_metrics(tmp_path)[0]
    assert scalars(tmp_path) == {TAGS["success"]: {10: 0.5}}


def test_tensorboard_has_every_tagged_number(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.write(64, {name: float(place) for place, name in enumerate(TAGS)})
    log.close()
    assert scalars(tmp_path) == {tag: {64: float(place)} for place, tag in enumerate(TAGS.values())}
    assert len(set(TAGS.values())) == len(TAGS)


def test_resumed_log_drops_what_will_be_written_again(tmp_path: Path) -> None:
    write_rows(tmp_path, range(10, 60, 10))
    write_rows(tmp_path, range(40, 60, 10), from_frames=30, value=0.75)
    assert [(row["frames"], row["success"]) for row in read_metrics(tmp_path)] == [
        (10, 0.5),
        (20, 0.5),
        (30, 0.5),
        (40, 0.75),
        (50, 0.75),
    ]


def test_line_that_a_crash_cut_off_is_skipped(tmp_path: Path) -> None:
    write_rows(tmp_path, range(10, 30, 10))
    path = tmp_path / METRICS_NAME
    path.write_text(path.read_text() + '{"frames": 30, "succ')
    assert [row["frames"] for row in read_metrics(tmp_path)] == [10, 20]


def test_every_line_is_plain_json(tmp_path: Path) -> None:
    write_rows(tmp_path, range(10, 30, 10))
    for line in (tmp_path / METRICS_NAME).read_text().splitlines():
        assert all(math.isfinite(value) for value in json.loads(line).values())


def test_folder_without_metrics_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not the folder of a training run"):
        read_metrics(tmp_path)


def test_folder_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        RunLog(tmp_path / "file" / "run")
