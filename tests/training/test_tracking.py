"""Trackers: what a run hands to Weights & Biases (a stand-in here) and to a tracker of the user's own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from groundling.errors import ConfigurationError, MissingPackageError
from groundling.training import TrainConfig
from groundling.training.logs import read_metrics, tag_of
from groundling.training.tracking import WANDB_ID_NAME, TrackedProgress, check_tracker, make_tracker


class FakeRun:
    def __init__(self, **told: Any) -> None:
        self.told = told
        self.id = told["id"] or "new-id"
        self.logged: list[dict[str, float]] = []
        self.metrics: dict[str, Any] = {}
        self.exit_code: int | None = None

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.metrics[name] = step_metric

    def log(self, values: dict[str, float]) -> None:
        self.logged.append(values)

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


class Silent:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
        self.seen.append(frames)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    """The runs that a stand-in for the package wandb was asked to begin."""
    begun: list[FakeRun] = []

    def init(**told: Any) -> FakeRun:
        begun.append(FakeRun(**told))
        return begun[-1]

    module = ModuleType("wandb")
    module.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return begun


def test_metrics_are_sent_under_the_names_of_tensorboard(runs: list[FakeRun], tmp_path: Path) -> None:
    config, shown = TrainConfig(seed=3), Silent()
    tracker = make_tracker("wandb", tmp_path, config)
    with TrackedProgress(shown, tracker) as progress:
        progress.update(512, 2048, {"success": 0.5, "return": float("nan"), "reward/own": 1.0})
    (run,) = runs
    assert run.logged == [{"frames": 512, "episode/success": 0.5, "reward/own": 1.0}]
    assert run.metrics == {"frames": None, "*": "frames"}
    assert run.exit_code == 0
    assert run.told["config"]["seed"] == 3
    assert run.told["project"] == "groundling"
    assert shown.seen == [512]


def test_run_that_fails_is_marked_as_failed(runs: list[FakeRun], tmp_path: Path) -> None:
    tracker = make_tracker("wandb", tmp_path, TrainConfig())
    with pytest.raises(RuntimeError), TrackedProgress(Silent(), tracker):
        raise RuntimeError("out of memory")
    assert runs[0].exit_code == 1


def test_resumed_run_goes_on_in_the_same_wandb_run_and_a_new_one_does_not(runs: list[FakeRun], tmp_path: Path) -> None:
    (tmp_path / WANDB_ID_NAME).write_text("old-id\n")
    make_tracker("wandb", tmp_path, TrainConfig(), resume=True)
    make_tracker("wandb", tmp_path, TrainConfig())
    assert [(run.told["id"], run.told["resume"]) for run in runs] == [("old-id", "allow"), (None, None)]
    assert (tmp_path / WANDB_ID_NAME).read_text() == "new-id\n"


@pytest.mark.parametrize(
    ("place", "name", "group"),
    [
        ("run", "run", None),
        ("run/seed2", "run/seed2", "run"),
        ("run/seed2/blind", "run/seed2/blind", "run"),
        ("run/blind", "run/blind", "run"),
    ],
)
def test_seeds_and_controls_of_a_run_are_one_group(
    runs: list[FakeRun], tmp_path: Path, place: str, name: str, group: str | None
) -> None:
    make_tracker("wandb", tmp_path / place, TrainConfig())
    assert (runs[0].told["name"], runs[0].told["group"]) == (name, group)


def test_project_of_the_environment_variable_is_left_to_wandb(
    runs: list[FakeRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    make_tracker("wandb", tmp_path, TrainConfig())
    assert runs[0].told["project"] is None


def test_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'groundling\[wandb\]'"):
        check_tracker("wandb")


def test_wandb_that_cannot_begin_says_what_to_do(
    runs: list[FakeRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**told: Any) -> FakeRun:
        raise RuntimeError("api_key not configured")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    with pytest.raises(ConfigurationError, match=r"api_key not configured.*wandb login"):
        make_tracker("wandb", tmp_path, TrainConfig())


def test_unknown_tracker_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'wandb'"):
        check_tracker("wandbb")


def test_no_tracker_is_made_without_a_name(tmp_path: Path) -> None:
    assert make_tracker("", tmp_path, TrainConfig()) is None


def test_tracker_of_ones_own_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n"
        "    def __init__(self, folder, config, *, resume):\n"
        "        self.told = (folder.name, config.seed, resume)\n"
        "    def log(self, frames, metrics):\n"
        "        self.last = (frames, dict(metrics))\n"
        "    def finish(self, *, failed):\n"
        "        self.failed = failed\n"
    )
    name = f"{tmp_path / 'mine.py'}:Mine"
    check_tracker(name)
    tracker: Any = make_tracker(name, tmp_path / "run", TrainConfig(seed=5))
    with TrackedProgress(Silent(), tracker) as progress:
        progress.update(7, 8, {"success": 1.0})
    assert (tracker.told, tracker.last, tracker.failed) == (("run", 5, False), (7, {"success": 1.0}), False)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_real_wandb_gets_the_metrics_beside_tensorboard(tmp_path: Path) -> None:
    """Offline: it writes into the folder of the run what `wandb sync` would send."""
    command = [
        *(sys.executable, "-m", "groundling", "train", "--track", "wandb", "--run-folder", "run"),
        *("--task", "BabyAI-GoToObjS4-v0", "--num-envs", "8", "--bank-size", "32", "--total-frames", "256"),
        *("--ppo.num-steps", "16", "--ppo.minibatch-size", "64", "--agent.hidden-dim", "16"),
    ]
    root = Path(__file__).resolve().parents[2]
    own = {"PYTHONPATH": str(root), "WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    told = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True, check=False, timeout=200
    )
    assert told.returncode == 0, told.stderr
    (sent,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    content = sent.read_bytes()
    names = {name for line in read_metrics(tmp_path / "run") for name in line if name != "frames"}
    assert names
    assert {name for name in names if (tag_of(name) or name).encode() not in content} == set()
    assert b"BabyAI-GoToObjS4-v0" in content
    assert (tmp_path / "run" / WANDB_ID_NAME).read_text().strip() in sent.name
    assert list((tmp_path / "run" / "tensorboard").iterdir())
