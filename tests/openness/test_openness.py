"""The house is open: what stands in one file outside the package is trained, resumed, evaluated, watched and compared.

Everything goes through the command line, which knows these files by their places only.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from groundling.cli import main
from groundling.training import Checkpoint, TrainConfig, Trainer
from groundling.training.logs import read_metrics

HERE = Path(__file__).parent
FILES = ("own_family.py", "own_simulator.py", "own_encoder.py", "own_algorithm.py", "own_reward.py")
SMALL = ["--num-envs", "16", "--agent.hidden-dim", "16", "--agent.word-dim", "8", "--agent.instruction-dim", "8"]
OWN_PARTS = [
    *("--agent.vision", "own_encoder.py:GatedVector", "--agent.channels", "12"),
    *("--algorithm", "own_algorithm.py:Reinforce", "--reinforce.num-steps", "8"),
    *("--reward", "environment", "own_reward.py:StepCost", "--reward-weights", "1", "0.5"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user's, with their files and nothing of the package."""
    for name in FILES:
        shutil.copy(HERE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: Any) -> None:
    assert main([str(word) for word in words]) == 0, words


def test_own_family_encoder_algorithm_and_reward_go_through_every_command(folder: Path) -> None:
    train = ["train", "--task", "own_family.py:LampFamily", *SMALL, *OWN_PARTS, "--total-frames", 25_600]
    run(*train, "--run-folder", "a")
    run(*train, "--run-folder", "b", "--seed", 2, "--total-frames", 2_560)
    checkpoint = Checkpoint.load("a/checkpoint.pt", trust_code=True)
    assert checkpoint.spec.vocabulary.words[2] == "walk"
    assert checkpoint.spec.actions == ("left", "right")
    assert list(checkpoint.spec.observation) == ["place", "order"]
    assert checkpoint.config.agent.to_dict()["settings"] == {"own_encoder.py:GatedVector": {"channels": 12}}
    assert checkpoint.rewards["own_reward.py:StepCost"] == {"steps": 1600}
    last = read_metrics(Path("a"))[-1]
    assert last["reward/own_reward.py:StepCost"] == pytest.approx(-0.01)
    assert last["success"] > 0.9  # it learned, by an algorithm of our own

    whole = Checkpoint.load("b/checkpoint.pt")
    config = TrainConfig.from_json(Path("b/config.json").read_text())
    Trainer(config, "c").run(stop_after_updates=8)
    run("train", "--resume", "c", "--trust-code")
    resumed = Checkpoint.load("c/checkpoint.pt")
    assert whole.agent.keys() == resumed.agent.keys()
    assert all(torch.isfinite(array).all() for array in resumed.agent.values())
    assert whole.rewards["own_reward.py:StepCost"] == {"steps": 160}
    assert resumed.rewards["own_reward.py:StepCost"] == whole.rewards["own_reward.py:StepCost"]
    assert resumed.updates == whole.updates == 20

    for name in ("a", "b"):
        run("evaluate", name, "--suite", "all", "--episodes", 200, "--trust-code")
    told = json.loads(Path("a/evaluation.json").read_text())["suites"]
    assert set(told) == {"layout", "again"}
    assert told["layout"]["trained"]["success"] > 0.9
    assert told["layout"]["random"]["success"] == pytest.approx(0.5, abs=0.15)
    assert told["layout"]["shuffled"]["success"] < 0.1  # told the other lamp, it goes to the other one
    assert Path("a/report.html").exists()
    run("watch", "a", "--episodes", 1, "--trust-code")
    assert Path("a/watch.mp4").stat().st_size > 0
    run("compare", "a", "b")


def test_expert_of_an_own_family_teaches(folder: Path) -> None:
    words = ["train", "--task", "own_family.py:LampFamily", "--algorithm", "dagger", *SMALL]
    run(
        *words,
        "--agent.vision",
        "vector",
        "--imitation.minibatch-size",
        40,
        "--imitation.learning-rate",
        0.01,
        "--total-frames",
        12_800,
        "--run-folder",
        "run",
    )
    assert read_metrics(Path("run"))[-1]["accuracy"] > 0.9


def test_own_simulator_is_wrapped_by_the_family_of_simulators(folder: Path) -> None:
    words = ["train", "--task", "own_simulator.py:Counter", *SMALL, "--agent.vision", "vector"]
    run(*words, "--ppo.minibatch-size", "64", "--total-frames", 2_048, "--run-folder", "run")
    assert Checkpoint.load("run/checkpoint.pt").spec.actions == ("down", "up", "done")
    assert any("success" in row for row in read_metrics(Path("run")))
    run("train", "--resume", "run", "--trust-code")
    run("evaluate", "run", "--suite", "all", "--episodes", 40, "--trust-code")
    told = json.loads(Path("run/evaluation.json").read_text())["suites"]["layout"]
    assert told["random"]["episodes"] == 40
    run("watch", "run", "--episodes", 1, "--trust-code")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--algorithm", "own_algorithm.py:Reinforcee"], "has no 'Reinforcee'; it has Reinforce"),
        (["--algorithm", "own_algorithm"], "no algorithm 'own_algorithm'"),
        (["--agent.vision", "own_encoder.py:Missing"], "has no 'Missing'"),
        (["--reward", "own_rewards.py:StepCost"], "no file"),
        (["--agent.ignores", "sound"], "is to ignore sound, the environments give place, order"),
    ],
)
def test_wrong_name_is_told_in_one_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--task", "own_family.py:LampFamily", "--run-folder", "run", *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (folder / "run").exists()


def test_key_that_no_encoder_reads_is_an_error_that_names_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "own_family.py").read_text()
    (folder / "own_family.py").write_text(text.replace('"float32", VECTOR', '"float32", "radar"'))
    words = ["--agent.vision", "own_encoder.py:GatedVector", "--run-folder", "run"]
    assert main(["train", "--task", "own_family.py:LampFamily", *words]) == 2
    assert "place (radar" in capsys.readouterr().err
