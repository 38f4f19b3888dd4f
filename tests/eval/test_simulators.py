"""Evaluation in ViZDoom: every policy plays the same episodes of each suite, and the command reports them."""

from __future__ import annotations

import dataclasses
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from groundling.cli import main
from groundling.envs.first_person import Camera
from groundling.errors import SplitError
from groundling.eval.simulators import TOLD, evaluate_in_simulator
from groundling.eval.suites import GROUNDED_SUITES, suites_for
from groundling.language.grounded import GROUNDED_VOCABULARY, INSTRUCTIONS, TEST, TRAIN
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.presets import PRESETS

pytest.importorskip("vizdoom")

EASY = "groundling/GroundedDoom-Easy-v0"
SMALL = dataclasses.replace(
    PRESETS["doom"],
    num_envs=2,
    total_frames=8,
    camera=Camera(width=48, height=36),
    ppo=PPOConfig(num_steps=4, minibatch_size=8, num_epochs=1),
)


class Wanderer:
    """Drives straight on, and notes what it sees and is told at the start of every episode."""

    def __init__(self) -> None:
        self.first_seen: list[Any] = []
        self.told: list[str] = []

    def unchanged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def initial_state(self, num_envs: int) -> Tensor:
        return torch.zeros(num_envs, 0)

    def act(self, observation: Any, state: Tensor, is_first: Any, **_: Any) -> tuple[np.ndarray, Tensor]:
        for row in np.flatnonzero(np.asarray(is_first)):
            self.first_seen.append(observation["image"][row].copy())
            self.told.append(GROUNDED_VOCABULARY.decode(observation["instruction"][row]))
        return np.full(len(state), 2), state


def test_policies_play_the_same_episodes_and_the_shuffled_one_is_told_another_goal() -> None:
    trained, other = Wanderer(), Wanderer()
    played = list(evaluate_in_simulator(SMALL, {"trained": trained, "other": other}, ("zero_shot",), episodes=10))
    assert [(suite, name) for suite, name, _ in played] == [
        ("zero_shot", name) for name in ("trained", "other", "shuffled")
    ]
    evaluations = [evaluation for *_, evaluation in played]
    assert {evaluation.episodes for evaluation in evaluations} == {10}
    # the same actions in the same episodes end alike, whatever was told
    assert len({(e.successes, e.mean_return, e.mean_length) for e in evaluations}) == 1
    assert 1 < evaluations[0].mean_length <= 30
    count = len(other.told)
    assert count == len(trained.told) / 2
    assert trained.told[:count] == other.told != trained.told[count:]
    assert all(one != another for one, another in zip(other.told, trained.told[count:], strict=True))
    for own, same, again in zip(other.first_seen, trained.first_seen, trained.first_seen[count:], strict=False):
        assert np.array_equal(own, same)
        assert np.array_equal(own, again)
    assert set(trained.told) <= {INSTRUCTIONS[index].lower() for index in TEST}


def test_suites_are_those_of_the_paper() -> None:
    assert suites_for(SMALL) == suites_for(SMALL, ("all",)) == tuple(TOLD) == ("layout", *GROUNDED_SUITES)
    assert TOLD["layout"] == TRAIN
    with pytest.raises(SplitError, match=r"is tested by layout, zero_shot, .*, not by combination"):
        next(evaluate_in_simulator(SMALL, {"trained": Wanderer()}, ("layout", "combination")))


def test_command_evaluates_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(SMALL, tmp_path / "run").run()
    assert (
        main(
            [
                "evaluate",
                str(tmp_path / "run"),
                "--suite",
                "layout",
                "reordered",
                "--by",
                "instruction",
                "--episodes",
                "3",
            ]
        )
        == 0
    )
    told = capsys.readouterr().out
    assert "reordered: those 7 of them" in told
    assert f"{EASY}: success by instruction" in told
    stored = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert stored["task"] == EASY
    assert {suite: set(row) for suite, row in stored["suites"].items()} == {
        suite: {"trained", "random", "shuffled"} for suite in ("layout", "reordered")
    }
    for suite, row in stored["breakdown"]["instruction"].items():
        for groups in row.values():
            assert sum(group["episodes"] for group in groups) == 3
            assert {group["name"] for group in groups} <= {INSTRUCTIONS[index] for index in TOLD[suite]}
    assert "Learning curve" in (tmp_path / "run" / "report.html").read_text()
    assert TrainConfig.from_json((tmp_path / "run" / "config.json").read_text()) == SMALL
