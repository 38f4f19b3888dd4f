"""``groundling demos``: records, describes and exports demonstrations; mistakes are told in one line."""

from __future__ import annotations

import os
import re
from pathlib import Path

import minari
import pytest

from groundling.cli import main
from groundling.training.demonstrations import DemonstrationSet

LEVEL = "BabyAI-GoToObjS4-v0"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the command itself recorded."""
    path = tmp_path_factory.mktemp("demos") / "set.demos"
    assert main(["demos", LEVEL, "--episodes", "20", "--seed", "3", "--output", str(path)]) == 0
    return path


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["demos", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("groundling: ")
    assert told.err.count("\n") == 1
    return told.err


def test_demonstrations_are_recorded_as_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "some.demos"
    options = ["--episodes", "7", "--seed", "2", "--expert", "world", "--num-envs", "3", "--output", str(path)]
    assert main(["demos", LEVEL, *options, "--held-out.combinations", "red ball"]) == 0
    loaded = DemonstrationSet.load(path, task=LEVEL)
    origin = loaded.provenance
    assert (len(loaded), origin.seed, origin.expert, origin.split_name) == (7, 2, "world", "train")
    assert '"combinations": ["red ball"]' in origin.split
    told = capsys.readouterr().out
    assert f"recorded 7 demonstrations of {LEVEL}" in told
    assert f"{loaded.num_frames:,} frames" in told
    assert f"they are in {path}: {path.stat().st_size:,} bytes" in told


def test_file_is_named_after_task_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demos", "groundling/HouseGoTo-v0", "--episodes", "2", "--seed", "4"]) == 0
    assert os.listdir(tmp_path / "demos") == ["groundling-HouseGoTo-v0-seed4.demos"]


def test_same_command_writes_the_same_file(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.demos"
    assert main(["demos", LEVEL, "--episodes", "20", "--seed", "3", "--output", str(again), "--num-envs", "6"]) == 0
    assert again.read_bytes() == file.read_bytes()


def test_file_is_described(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demos", str(file)]) == 0
    told = dict(re.split(r" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    loaded = DemonstrationSet.load(file)
    assert told["task"] == LEVEL
    assert told["split"] == "train"
    assert told["expert"] == "explored"
    assert told["seed"] == "3"
    assert told["episodes"] == "20 (20 tried, 0 lost, 0 failed)"
    assert told["frames"] == str(loaded.num_frames)
    assert told["mean length"].startswith(f"{loaded.num_frames / 20:.1f} ")
    assert told["size"] == f"{file.stat().st_size:,} bytes, {file.stat().st_size / 20:.0f} an episode"
    assert told["checksums"] == "not read, see --verify"


def test_file_is_verified(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demos", str(file), "--verify"]) == 0
    assert "checksums    match" in capsys.readouterr().out
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "damaged.demos").write_bytes(damaged)
    assert "does not match its checksum" in complaint([str(tmp_path / "damaged.demos"), "--verify"], capsys)


def test_new_and_old_demonstrations_are_exported_to_minari(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    output = ["--output", str(tmp_path / "new.demos")]
    assert main(["demos", LEVEL, "--episodes", "3", *output, "--minari", "new-v0"]) == 0
    assert main(["demos", str(file), "--minari", "old-v0"]) == 0
    assert 'minari.load_dataset("old-v0")' in capsys.readouterr().out
    assert minari.load_dataset("new-v0").total_episodes == 3
    assert minari.load_dataset("old-v0").total_episodes == 20


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give TASK|FILE"),
        (["BabyAI-GoToObjS44-v0"], LEVEL),
        (["tasks.py:Fetch"], "tasks.py"),
        ([LEVEL, "--episodes", "0"], "episodes must be at least 1"),
        ([LEVEL, "--num-envs", "0"], "num_envs must be at least 1"),
        ([LEVEL, "--seed", "-1"], "negative"),
        ([LEVEL, "--expert", "blind"], "blind"),
        ([LEVEL, "--held-out.factors", "colour"], "colour"),
        ([LEVEL, "--minari", "expert"], "not a name for a Minari data set"),
        ([LEVEL, "--episodes", "2", "--output", "file/set.demos"], "a part of the path is a file"),
        (["nowhere.demos"], "there is no demonstration file at nowhere.demos"),
        (["text.demos"], "not a demonstration file"),
        (["half.demos"], "truncated"),
        (["half.demos", "--output", "other.demos"], "is recorded already"),
    ],
)
def test_mistake_is_told_in_one_line(
    arguments: list[str],
    told: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "text.demos").write_text("my demonstrations")
    (tmp_path / "half.demos").write_bytes(file.read_bytes()[:3000])
    assert told in complaint(arguments, capsys)
    assert not (tmp_path / "demos").exists()
