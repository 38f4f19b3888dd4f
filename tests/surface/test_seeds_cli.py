"""`groundling train --seeds` and `groundling plot`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from groundling.cli import main, seeds
from groundling.cli.seeds import training_summary
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics

SMALL = [
    *("--task", "BabyAI-GoToObjS4-v0", "--num-envs", "8", "--bank-size", "32", "--total-frames", "1000"),
    *("--ppo.num-steps", "16", "--ppo.minibatch-size", "64", "--agent.hidden-dim", "16"),
]
TRACKER = """
from pathlib import Path

class Mine:
    def __init__(self, folder, config, *, resume):
        self.path = folder / "tracked.txt"
    def log(self, frames, metrics):
        with self.path.open("a") as file:
            file.write(f"{frames}\\n")
    def finish(self, *, failed):
        pass
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two seeds, one after the other."""
    folder = tmp_path_factory.mktemp("seeds") / "runs"
    assert main(["train", *SMALL, "--seeds", "1", "2", "--run-folder", str(folder)]) == 0
    return folder


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_each_seed_has_a_run_of_its_own(runs: Path) -> None:
    configs = [json.loads((runs / f"seed{seed}" / "config.json").read_text()) for seed in (1, 2)]
    assert [config.pop("seed") for config in configs] == [1, 2]
    assert configs[0] == configs[1]
    assert all((runs / f"seed{seed}" / CHECKPOINT_NAME).is_file() for seed in (1, 2))


def test_seeds_side_by_side_are_the_runs_that_they_are_alone(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(TRACKER)
    options = ["--seeds", "2", "3", "--jobs", "2", "--track", f"{tmp_path / 'mine.py'}:Mine"]
    assert main(["train", *SMALL, *options, "--run-folder", str(tmp_path / "runs")]) == 0
    alone, beside = read_metrics(runs / "seed2"), read_metrics(tmp_path / "runs" / "seed2")
    assert [{**row, "frames_per_second": 0} for row in alone] == [{**row, "frames_per_second": 0} for row in beside]
    assert "trained" in (tmp_path / "runs" / "seed3" / "train.log").read_text()
    tracked = (tmp_path / "runs" / "seed3" / "tracked.txt").read_text().split()
    assert tracked == [str(row["frames"]) for row in read_metrics(tmp_path / "runs" / "seed3")]
    told = capsys.readouterr().out
    assert re.search(r"^  seed2  [\d.]+\n  seed3  [\d.]+\n  mean   [\d.]+", told, re.MULTILINE)
    assert f"groundling plot {tmp_path / 'runs'}" in told


def test_process_that_fails_is_named_with_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(TRACKER.replace("        pass", "        raise RuntimeError('no network')"))
    options = ["--seeds", "4", "5", "--jobs", "2", "--track", f"{tmp_path / 'mine.py'}:Mine"]
    told = complaint(["train", *SMALL, *options, "--run-folder", str(tmp_path / "runs")], capsys)
    assert "training failed with seed 4, 5" in told
    assert "no network" in (tmp_path / "runs" / "seed4" / "train.log").read_text()


def test_summary_has_the_mean_and_its_interval(tmp_path: Path) -> None:
    for seed, success in ((1, 0.5), (2, 0.7)):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        rows = [{"frames": 1, "success": 0.1}, {"frames": 2, "success": success}, {"frames": 3}]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "  seed1  0.500\n  seed2  0.700\n  mean   0.600  [0.000, 1.000]  95 % t" in training_summary(
        tmp_path, (1, 2)
    )
    assert "[" not in training_summary(tmp_path, (1,)), "one run tells nothing of the spread between seeds"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seeds", "1", "1"], "a seed is named twice"),
        (["--seeds", "-1", "2"], "must not be negative"),
        (["--seeds", "1", "2", "--jobs", "0"], "jobs must be at least 1"),
        (["--jobs", "2"], "--jobs is for several seeds"),
        (["--seeds", "1", "--resume", "x"], "continue one of them with --resume RUN/seed1"),
        (["--seeds", "1", "--agent.blind", "--blind-control"], "a blind run has no blind control"),
        (["--seeds", "1", "--track", "wandbb"], "did you mean 'wandb'"),
    ],
)
def test_mistake_is_told_before_anything_is_trained(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in complaint(["train", *SMALL, *options, "--run-folder", str(tmp_path / "runs")], capsys)
    assert not (tmp_path / "runs").exists()


def test_seed_that_is_trained_already_is_refused_before_others_are(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = complaint(["train", *SMALL, "--seeds", "7", "2", "--run-folder", str(runs)], capsys)
    assert "seed2 already holds a run" in told
    assert not (runs / "seed7").exists()


def test_plot_draws_a_picture_and_a_chart_without_control_characters(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", str(runs)]) == 0
    told = capsys.readouterr().out
    assert (runs / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "runs, 2 seeds: " in told
    assert re.search(r"^success$.*^return$", told, re.MULTILINE | re.DOTALL)
    assert "\x1b" not in told
    lines = told.replace(str(runs), "").splitlines()
    assert max(map(len, lines)) <= 80
    single = [str(runs / "seed1"), "--metrics", "entropy", "--no-chart", "--output", str(tmp_path / "a.png")]
    assert main(["plot", *single]) == 0
    assert capsys.readouterr().out.startswith("Figure: ")
    assert (tmp_path / "a.png").is_file()


def test_plot_of_an_unknown_metric_is_told_in_one_line(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = complaint(["plot", str(runs), "--metrics", "entropi"], capsys)
    assert told == f"reading {runs}\ngroundling: no run has a metric 'entropi'; did you mean entropy?\n"


def test_bar_of_several_runs_shows_mean_success_of_the_sum_of_their_windows(tmp_path: Path) -> None:
    shown: list[tuple[int, int, dict[str, float]]] = []

    class Bar:
        def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
            shown.append((frames, total, metrics))

    rows = [
        {"frames": 100, "success": 0.25, "window": 128, "evaluation_success": 0.5},
        {"frames": 300, "success": 0.75, "window": 100},
    ]
    for seed, row in enumerate(rows):
        seeds.seed_folder(tmp_path, seed).mkdir()
        (seeds.seed_folder(tmp_path, seed) / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    folders = [seeds.seed_folder(tmp_path, seed) for seed in range(3)]  # the third has not begun
    assert seeds._show(Bar(), folders, 900, 0) == 400  # type: ignore[arg-type]
    assert seeds._show(Bar(), folders, 900, 400) == 400  # type: ignore[arg-type]
    assert shown == [(400, 900, {"success": 0.5, "window": 228.0, "evaluation_success": 0.5})]
