"""Damaged files and hostile arrays, at a small size; ``benchmarks/reliability.py`` has them at full size."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
import reliability_files
from reliability_arrays import hostile_arrays
from reliability_files import Files

from groundling.errors import RunFolderError
from groundling.eval.results import read_results
from groundling.eval.suite_report import EVALUATION_NAME
from groundling.training import Trainer, resume_config
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.logs import METRICS_NAME, read_metrics

FLIPS = 120
CORRUPTED = 64


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files.made(tmp_path_factory.mktemp("files"))


@pytest.fixture(autouse=True)
def made_once(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Files, "made", lambda folder: files)


def test_flipped_bits_are_found_or_change_nothing(tmp_path: Path) -> None:
    outcomes = list(reliability_files.flipped_bits(FLIPS, 1, tmp_path))
    assert [outcome.what for outcome in outcomes if outcome.grade.failed] == []
    assert Counter(outcome.grade.name for outcome in outcomes)["REFUSED"] > FLIPS / 2


def test_corrupted_files_are_refused_in_one_line(tmp_path: Path) -> None:
    outcomes = list(reliability_files.corrupted_files(CORRUPTED, 1, tmp_path))
    assert [outcome.what for outcome in outcomes if outcome.grade.failed] == []
    assert Counter(outcome.grade.name for outcome in outcomes)["REFUSED"] > CORRUPTED / 2


def test_run_goes_on_though_its_log_is_damaged(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    path = files.folder / METRICS_NAME
    lines = files.whole[METRICS_NAME].splitlines(keepends=True)
    changed = lines[1].replace(b'"frames"', b'"framez"')
    path.write_bytes(b"".join([lines[0], changed, b"\xff\x00", *lines[2:-1], lines[-1][:20]]))
    try:
        with caplog.at_level(logging.WARNING, "groundling"):
            rows = read_metrics(files.folder)
        (told,) = caplog.messages
        assert told.endswith("3 lines, the first one line 2, cannot be read or was changed, and is left out") or (
            "2 lines, the first one line 2," in told
        )
        assert rows == [files.rows[0], *files.rows[3:-1]] or rows == [files.rows[0], *files.rows[2:-1]]
        trainer = Trainer(resume_config(files.folder), files.folder, resume=True)
        trainer.run(stop_after_updates=0)
        assert trainer.updates == 6
    finally:
        path.write_bytes(files.whole[METRICS_NAME])


def test_changed_digit_of_an_evaluation_is_found(files: Files) -> None:
    path = files.folder / EVALUATION_NAME
    content = json.loads(files.whole[EVALUATION_NAME])
    content["suites"]["layout"]["trained"]["successes"] ^= 1
    path.write_text(json.dumps(content))
    try:
        with pytest.raises(RunFolderError, match="was changed or is damaged, its checksum does not match: run"):
            read_results(files.folder)
        del content["checksum"]  # as older versions wrote it
        path.write_text(json.dumps(content))
        read_results(files.folder)
    finally:
        path.write_bytes(files.whole[EVALUATION_NAME])


def test_only_what_is_read_of_demonstrations_is_compared_with_its_checksum(files: Files) -> None:
    path = files.folder / reliability_files.DEMONSTRATIONS
    found = DemonstrationSet.load(path)
    assert found.file is not None
    assert found.file._verified == set()  # opened, not read
    assert found.lengths.sum() == found.num_frames
    assert found.file._verified == {"starts"}
    next(found.replays([0]))
    assert found.file._verified >= {"starts", "actions", "returns", "cells", "programs"}


@pytest.mark.slow
def test_hostile_arrays_stay_within_their_bounds(tmp_path: Path) -> None:
    kinds = ("bank", "demonstrations", "state")
    outcomes = list(hostile_arrays(60, 1, tmp_path, only=kinds))
    assert [outcome.what for outcome in outcomes if outcome.grade.failed] == []
    assert len(outcomes) == 60


@pytest.mark.slow
def test_index_beside_an_array_is_noticed_where_bounds_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzz could fail: without the checks it does."""
    (tmp_path / "sitecustomize.py").write_text(
        "import groundling.envs.banks.bank as bank\nbank.check_episodes = lambda *_: None\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    outcomes = list(hostile_arrays(20, 1, tmp_path, only=("bank",)))
    assert any(outcome.grade.failed for outcome in outcomes)
