"""Runs of rovers and of the grounded rooms: trained, resumed, evaluated and watched like every other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from groundling.agents import AgentConfig
from groundling.agents.bots import RoverExpert
from groundling.cli import main
from groundling.envs import HeldOut
from groundling.envs.families.chaplot.family import SUITES as ROOM_SUITES
from groundling.envs.families.chaplot.room import SPLITS
from groundling.envs.families.goals import SUITES
from groundling.envs.first_person import Camera, Randomization
from groundling.errors import ConfigurationError, SplitError
from groundling.eval import evaluate_run, suite_bank
from groundling.eval.evaluating import report_run
from groundling.eval.suites import suites_for
from groundling.language.grounded import GROUNDED_VOCABULARY
from groundling.language.vocabulary import VOCABULARY
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer, train
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.recording import record
from groundling.training.tasks import families

ROOM = "groundling/GroundedRoom-Easy-v0"
LEVEL = "BabyAI-GoToObjS4-v0"
AGENT = AgentConfig(
    vision="cnn", conv_channels=(4, 4, 8), attributes=2, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8
)
IN_A_ROOM = TrainConfig(
    task=ROOM,
    total_frames=512,
    num_envs=16,
    bank_size=64,
    agent=AGENT,
    ppo=PPOConfig(num_steps=16, minibatch_size=64, num_epochs=1),
)
ROVER = dataclasses.replace(IN_A_ROOM, task=LEVEL, body="rover", camera=Camera(width=32, height=24))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    train(IN_A_ROOM, folder)
    return folder


@pytest.fixture(scope="module")
def rover(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rover")
    train(ROVER, folder)
    return folder


def test_run_trains_on_the_papers_training_instructions_with_its_own_body() -> None:
    assert set(IN_A_ROOM.training_bank(progress=False).instructions) <= set(SPLITS["train"].sentences)
    assert IN_A_ROOM.embodiment().num_actions == 3
    assert IN_A_ROOM.vocabulary == GROUNDED_VOCABULARY
    assert ROVER.vocabulary == VOCABULARY
    assert ROVER.embodiment().camera.width == 32
    assert dataclasses.replace(IN_A_ROOM, body="rover", camera=Camera(width=20)).embodiment().camera.width == 20


def test_checkpoint_knows_its_space_and_words(room: Path, rover: Path) -> None:
    checkpoint = Checkpoint.load(room / CHECKPOINT_NAME)
    assert checkpoint.spec.actions == ("left", "right", "forward")
    assert checkpoint.spec.vocabulary == GROUNDED_VOCABULARY
    assert checkpoint.spec.observation["image"].shape == (56, 96, 3)
    assert Checkpoint.load(rover / CHECKPOINT_NAME).spec.observation["image"].shape == (24, 32, 3)
    assert Checkpoint.load(rover / CHECKPOINT_NAME).config == ROVER


@pytest.mark.parametrize("config", [IN_A_ROOM, ROVER], ids=["room", "rover"])
def test_resumed_run_ends_with_the_same_bits(config: TrainConfig, tmp_path: Path) -> None:
    whole = Trainer(config, tmp_path / "whole").run().agent.state_dict()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    parts = Trainer(config, tmp_path / "parts", resume=True).run().agent.state_dict()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_settings_of_the_camera_survive_the_file() -> None:
    camera = Camera(width=40, height=30, depth=True, randomization=Randomization(pixel_noise=0.1, textures=True))
    config = dataclasses.replace(ROVER, camera=camera)
    assert TrainConfig.from_json(config.to_json()) == config


def test_room_is_evaluated_by_the_papers_test_and_its_strata(room: Path) -> None:
    report = evaluate_run(room, episodes=60, progress=False)
    assert list(report.results) == list(ROOM_SUITES)
    for row in report.results.values():
        assert set(row) == {"trained", "random", "shuffled"}
        assert {evaluation.episodes for evaluation in row.values()} == {60}
        assert row["trained"].mean_length <= 30
        assert row["trained"].steps_ratio is None
    assert 0.0 < report.results["layout"]["random"].success < 0.4
    assert report.by == ("instruction",)
    groups = report.breakdown("instruction")["new_set"]["random"]
    assert {group.name for group in groups} <= set(SPLITS["new_set"].sentences)
    assert sum(group.episodes for group in groups) == 60
    assert any(group.wrong for group in groups)
    assert any(group.late for group in groups)
    with pytest.raises(ConfigurationError, match="one verb and one clause: break it down --by instruction"):
        evaluate_run(room, by=("instruction", "verb"), progress=False)
    assert suites_for(families(IN_A_ROOM), ["all"]) == tuple(ROOM_SUITES)
    assert suites_for(families(ROVER), ["all"]) == tuple(SUITES)
    assert suites_for(families(ROVER)) == ("layout", "combination")


def test_suites_of_other_tasks_are_refused() -> None:
    with pytest.raises(SplitError, match=r"no suite 'combination': choose among layout, zero_shot, .*Easy-v0 is"):
        suite_bank(IN_A_ROOM, "combination")
    with pytest.raises(SplitError, match="no suite 'zero_shot': choose among layout, combination"):
        suite_bank(ROVER, "zero_shot")
    assert set(suite_bank(IN_A_ROOM, "new_set", episodes=20).instructions) <= set(SPLITS["new_set"].sentences)


def test_report_of_a_run_of_pixels_has_its_views(room: Path) -> None:
    report_run(room, suites=("layout",), episodes=12)
    page = (room / "report.html").read_text()
    assert "how much each word matters" in page
    assert (room / "episode.mp4").stat().st_size > 10_000


def test_rover_is_evaluated_in_what_it_was_trained_in(rover: Path) -> None:
    report = evaluate_run(rover, ("layout",), episodes=16, progress=False)
    lengths = {name: evaluation.mean_length for name, evaluation in report.results["layout"].items()}
    assert max(lengths.values()) > 16  # the level's own limit: a rover is given six steps for each


def test_agents_of_two_bodies_cannot_be_trained_at_once() -> None:
    config = dataclasses.replace(IN_A_ROOM, tasks=(ROOM, LEVEL))
    with pytest.raises(ConfigurationError, match="with different bodies or words of their own: train on them apart"):
        config.embodiment()


def test_rovers_have_an_expert_to_imitate_but_no_demonstrations(tmp_path: Path) -> None:
    config = dataclasses.replace(
        ROVER, algorithm="dagger", total_frames=320, imitation=ImitationConfig(minibatch_size=160)
    )
    trainer = Trainer(config, tmp_path / "run")
    assert isinstance(trainer.algorithm.collector.labels.teacher, RoverExpert)
    trainer.run()
    with pytest.raises(ConfigurationError, match="driven by a rover"):
        record(ROOM, 4)


def test_watch_writes_a_video_of_a_run_and_says_how_each_episode_ended(
    room: Path, rover: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(room), "--episodes", "2"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert told[0].endswith("(greedy actions; evaluate samples)")
    assert all(line.startswith("'Go to the ") and line.endswith(" steps") for line in told[1:3])
    assert (room / "watch.mp4").stat().st_size > 10_000
    assert main(["watch", str(rover), "--episodes", "1", "--output", str(tmp_path / "mine.mp4")]) == 0
    assert (tmp_path / "mine.mp4").exists()


def test_watch_without_a_run_shows_the_agent_that_comes_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "--episodes", "1"]) == 0
    assert (tmp_path / "watch.mp4").exists()
    assert "reached after" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--episodes", "0"], "episodes must be at least 1"),
        (["nowhere"], "there is no checkpoint at nowhere"),
        (["--suite", "combination"], "choose among layout, zero_shot"),
        (["--instruction", "go to the gren torch"], "'gren' is not in the agent's vocabulary; did you mean 'green'"),
        (["--instruction", "go to the zebra"], "groundling: 'zebra' is not in the agent's vocabulary\n"),
    ],
)
def test_watch_of_what_cannot_be_watched_is_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", *arguments]) == 2
    error: Any = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_held_out_sets_do_not_change_the_papers_split() -> None:
    config = dataclasses.replace(IN_A_ROOM, held_out=HeldOut(factors=()))
    assert set(config.training_bank(progress=False).instructions) <= set(SPLITS["train"].sentences)
