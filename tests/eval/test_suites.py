"""A run and its controls on both splits, and everything that a report leaves in the run's folder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from groundling.agents import AgentConfig
from groundling.envs import SPLITS
from groundling.envs.splits import HELD_OUT
from groundling.errors import CheckpointError, RunFolderError
from groundling.eval import evaluate_run
from groundling.eval.demo import report_run
from groundling.eval.generalization import evaluation_banks, format_success
from groundling.language.goals import combinations
from groundling.training import PPOConfig, TrainConfig, train

LEVEL = "BabyAI-GoToObjS4-v0"
EPISODES = 30
CONFIG = TrainConfig(
    task=LEVEL,
    total_frames=256,
    num_envs=8,
    bank_size=32,
    agent=AgentConfig(cell_dim=6, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8, memory_dim=4),
    ppo=PPOConfig(num_steps=16, minibatch_size=64, num_epochs=1),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run with its blind control."""
    folder = tmp_path_factory.mktemp("run")
    train(CONFIG, folder)
    train(dataclasses.replace(CONFIG, agent=dataclasses.replace(CONFIG.agent, blind=True)), folder / "blind")
    return folder


def test_evaluation_banks_are_new_layouts_and_only_unseen_names_held_out_combinations() -> None:
    banks = evaluation_banks(LEVEL, episodes=EPISODES, seed=0, progress=False)
    assert list(banks) == ["seen", "unseen"]
    for name, bank in banks.items():
        assert len(bank) == EPISODES
        assert (bank.seeds % 2 == 1).all()  # training draws even seeds
        for goal in bank.goals():
            assert bool(combinations(goal) & HELD_OUT) == (name == "unseen")
    assert not set(banks["seen"].instructions) & set(banks["unseen"].instructions)
    assert not SPLITS["train"].is_evaluation


def test_level_that_never_names_a_held_out_combination_has_no_unseen_split() -> None:
    banks = evaluation_banks("BabyAI-GoToRedBallGrey-v0", episodes=5, seed=0, progress=False)
    assert list(banks) == ["seen"]


def test_run_is_evaluated_with_all_its_controls(run: Path) -> None:
    report = evaluate_run(run, episodes=EPISODES, seed=3, progress=False)
    assert list(report.results) == ["trained", "random", "blind", "shuffled"]
    for splits in report.results.values():
        assert {name: evaluation.episodes for name, evaluation in splits.items()} == {
            "seen": EPISODES,
            "unseen": EPISODES,
        }


def test_same_seed_gives_the_same_report_and_another_seed_another(run: Path) -> None:
    first, again, other = (evaluate_run(run, episodes=EPISODES, seed=seed, progress=False) for seed in (3, 3, 4))
    assert first == again
    assert first.results != other.results


def test_controls_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    """No blind run, and a level of one sentence that has neither an unseen split nor another sentence to tell."""
    train(dataclasses.replace(CONFIG, task="BabyAI-GoToRedBallGrey-v0"), tmp_path)
    report = evaluate_run(tmp_path, episodes=5, progress=False)
    assert {agent: list(splits) for agent, splits in report.results.items()} == {
        "trained": ["seen"],
        "random": ["seen"],
    }


def test_report_leaves_numbers_pictures_and_a_video_that_agree(run: Path) -> None:
    with (run / "terminal.txt").open("w") as file:
        report = report_run(run, episodes=EPISODES, seed=3, console=Console(file=file, width=160))
    told = (run / "terminal.txt").read_text()
    page = (run / "report.html").read_text()
    stored = json.loads((run / "evaluation.json").read_text())
    for agent, splits in report.results.items():
        for split, evaluation in splits.items():
            assert stored[agent][split] == evaluation.to_dict()
            assert format_success(evaluation) in page
            assert format_success(evaluation) in told
    assert page.count("data:image/png;base64,") == 2
    assert str(CONFIG.total_frames) in page
    capture = cv2.VideoCapture(str(run / "episode.mp4"))
    assert capture.isOpened()
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) > 1
    capture.release()


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        report_run(tmp_path)
    with pytest.raises(CheckpointError):
        evaluate_run(tmp_path)
