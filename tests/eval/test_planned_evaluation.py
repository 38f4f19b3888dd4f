"""An agent with a planner in evaluation and video: the planner acts, the agent alone is a control beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_loop import make_config

from groundling.cli import main
from groundling.eval import evaluate_run
from groundling.training import Trainer
from groundling.training.algorithms.reinforce import ReinforceConfig

PLANNER = "mcts:24?value=none"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned") / "run"
    Trainer(make_config(), folder).run(stop_after_updates=1)
    return folder


def test_planner_is_evaluated_beside_the_agent_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--episodes", "12", "--no-video", "--greedy", "--planner", PLANNER]) == 0
    printed = capsys.readouterr().out
    assert PLANNER in printed
    assert "unplanned: the trained agent without its planner" in printed
    saved = json.loads((run / "evaluation.json").read_text())
    assert saved["agent"]["planner"] == PLANNER
    rows = saved["suites"]["layout"]
    alone = evaluate_run(run, ("layout",), episodes=12, greedy=True, progress=False)
    assert rows["unplanned"]["successes"] == alone.results["layout"]["trained"].successes
    assert rows["trained"]["success"] > rows["unplanned"]["success"]
    assert "unplanned" not in alone.results["layout"]


def test_search_by_a_value_that_was_never_trained_is_warned_of(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reinforce = ReinforceConfig(baseline="none", num_steps=12)
    Trainer(make_config(algorithm="reinforce", settings=(reinforce,)), tmp_path / "run").run(stop_after_updates=1)
    told = []
    for folder, planner in ((tmp_path / "run", "mcts:2"), (tmp_path / "run", "mcts:2?value=none"), (run, "mcts:2")):
        caplog.clear()
        evaluate_run(folder, ("layout",), episodes=2, planner=planner, progress=False)
        told.append([record.getMessage() for record in caplog.records])
    (warning,) = told[0]
    assert "REINFORCE has trained no value, and mcts:2 relies on one" in warning
    assert told[1:] == [[], []]


def test_video_shows_what_the_planner_does(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for more in (["--planner", "mcts:256?prior=uniform&value=none"], []):
        assert main(["watch", str(run), "--episodes", "1", "--output", str(tmp_path / "v.mp4"), *more]) == 0
        told.append(capsys.readouterr().out)
    assert ": reached after" in told[0]
    assert told[0] != told[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "RUN", "--planner", "mcts"], "as in mcts:64"),
        (["evaluate", "RUN", "--policy", "a.py:b", "--task", "BabyAI-GoToObj-v0", "--planner", "mcts:4"], "give RUN"),
        (["watch", "RUN", "--planner", "mcts:4", "--instruction", "go to the red ball"], "--instruction or --planner"),
    ],
)
def test_planner_that_cannot_work_is_refused(
    run: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run) if argument == "RUN" else argument for argument in arguments]) == 2
    assert message in capsys.readouterr().err
