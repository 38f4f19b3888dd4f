"""Runs from the command line: extended, evaluated at their best, never mixed; killed parents leave no processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from groundling.cli import main
from groundling.processes import module_command
from groundling.run_lock import RunLock, is_locked
from groundling.training import Checkpoint
from groundling.training.best import BEST_NAME
from groundling.training.checkpoint import CHECKPOINT_NAME

LEVEL = "BabyAI-GoToObjS4-v0"
SMALL = [
    *("--task", LEVEL, "--num-envs", "8", "--bank-size", "32", "--ppo.num-steps", "16", "--ppo.minibatch-size", "64"),
    *("--agent.hidden-dim", "16", "--evaluate-every", "512", "--evaluation-episodes", "4"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a[bold] run [1]"
    assert main(["train", *SMALL, "--total-frames", "512", "--run-folder", str(folder)]) == 0
    return folder


def test_run_is_extended_with_options_that_may_change_and_no_others(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--num-envs", "8", "--checkpoint-seconds", "30", "--torch-threads", "1"]
    assert main(["train", "--resume", str(run), *options, "--total-frames", "1024"]) == 0
    config = Checkpoint.load(run / CHECKPOINT_NAME).config
    assert (config.total_frames, config.checkpoint_seconds) == (1024, 30)
    assert f"the run is in {run}; next: groundling evaluate {run}" in capsys.readouterr().out
    refused = {
        ("--num-envs", "16"): "has another --num-envs: leave it out",
        ("--ppo.clip", "0.1", "--agent.cell-dim", "5"): "--agent.cell-dim, --ppo.clip",
        ("--total-frames", "512"): "total_frames 512 is less than the 1,024 frames",
        ("--preset", "mazes"): "leave --preset out",
        ("--config", "x.json"): "leave --config out",
        ("--run-folder", "elsewhere"): "leave out --run-folder elsewhere",
        ("--seeds", "1", "2"): "continue one of them with --resume RUN/seed1",
    }
    for words, told in refused.items():
        assert main(["train", "--resume", str(run), *words]) == 2
        assert told in capsys.readouterr().err


def test_best_checkpoint_is_evaluated_and_earlier_suites_stay(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate = ["evaluate", str(run), "--episodes", "8", "--no-video"]
    assert main([*evaluate, "--suite", "layout"]) == 0
    assert main([*evaluate, "--suite", "combination"]) == 0
    found = json.loads((run / "evaluation.json").read_text())
    assert list(found["suites"]) == ["layout", "combination"]
    last = Checkpoint.load(run / CHECKPOINT_NAME)
    assert found["agent"]["fingerprint"] == last.fingerprint
    capsys.readouterr()
    assert main([*evaluate, "--suite", "layout", "--checkpoint", "best"]) == 0
    found = json.loads((run / "evaluation.json").read_text())
    best = Checkpoint.load(run / BEST_NAME)
    assert found["agent"] == {"checkpoint": "best", "frames": best.frames, "fingerprint": best.fingerprint}
    told = capsys.readouterr().out
    assert f"evaluating {run}, best checkpoint ({best.frames:,} frames)" in told
    assert f"Report: {run / 'report.html'}" in told
    assert len(list(run.glob("evaluation-*.json"))) == 1


def test_files_of_two_runs_and_folders_in_use_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((run / "config.json").read_text())
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in (CHECKPOINT_NAME, "metrics.jsonl"):
        (mixed / name).write_bytes((run / name).read_bytes())
    (mixed / "config.json").write_text(json.dumps({**config, "seed": 9}))
    assert main(["evaluate", str(mixed), "--episodes", "8", "--no-video"]) == 2
    assert "are of two runs, they differ in seed" in capsys.readouterr().err
    lock = RunLock(tmp_path / "used" / "seed1")
    words = ["train", *SMALL, "--seeds", "1", "2", "--run-folder", str(tmp_path / "used")]
    assert main(words) == 2
    assert "seed1 is in use" in capsys.readouterr().err
    assert main(["demo", "--run-folder", str(tmp_path / "used" / "seed1")]) == 2
    assert "is in use: process" in capsys.readouterr().err
    lock.release()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_seeds_side_by_side_end_with_their_parent_and_save_what_they_have(number: int, tmp_path: Path) -> None:
    words = ["train", *SMALL, "--seeds", "1", "2", "--jobs", "2", "--total-frames", "50_000_000"]
    command, environment = module_command("groundling", *words, "--run-folder", str(tmp_path))
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folders = [tmp_path / "seed1", tmp_path / "seed2"]
    wait_until(lambda: all((folder / "metrics.jsonl").exists() for folder in folders))
    os.kill(parent.pid, number)
    parent.wait(120)
    wait_until(lambda: not any(is_locked(folder) for folder in folders))
    assert all(Checkpoint.load(folder / CHECKPOINT_NAME).updates > 0 for folder in folders)


def wait_until(condition, seconds: float = 120) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
