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
from specs import rgb_spec
from torch import Tensor

from groundling.agents import ActorCritic
from groundling.cli import main
from groundling.envs.catalog import find_family
from groundling.envs.families.chaplot import ChaplotEpisode
from groundling.envs.families.chaplot.family import SUITES
from groundling.envs.families.chaplot.room import SPLITS
from groundling.envs.first_person import Camera
from groundling.envs.simulators.doom_engine import DoomState
from groundling.envs.simulators.doom_maps import position_of
from groundling.envs.simulators.doom_plan import render_plan
from groundling.errors import SplitError
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows, suites_for
from groundling.eval.watching import watch
from groundling.language.grounded import GROUNDED_VOCABULARY, INSTRUCTIONS, OBJECTS, TEST, TRAIN
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.presets import PRESETS
from groundling.training.tasks import evaluation_options

pytest.importorskip("vizdoom")

EASY = "groundling/GroundedDoom-Easy-v0"
SMALL = dataclasses.replace(
    PRESETS["doom"],
    num_envs=2,
    total_frames=8,
    camera=Camera(width=48, height=36),
    ppo=PPOConfig(num_steps=4, minibatch_size=8, num_epochs=1),
)


FAMILY = find_family(EASY)
TOLD = {name: SPLITS[suite.split].sentences for name, suite in SUITES.items()}


class Wanderer:
    """Drives straight on, and notes what it sees and is told at the start of every episode."""

    def __init__(self) -> None:
        self.first_seen: list[Any] = []
        self.told: list[str] = []

    def inference_cache(self) -> AbstractContextManager[None]:
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
    rows, left_out = suite_rows(SMALL, ("zero_shot",), episodes=10)
    assert not left_out
    played = list(evaluate_suites({"trained": trained, "other": other}, rows))
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
    assert suites_for([FAMILY]) == suites_for([FAMILY], ("all",)) == tuple(TOLD)
    assert tuple(TOLD) == ("layout", "zero_shot", "reordered", "new_set", "superlative")
    assert TOLD["layout"] == tuple(INSTRUCTIONS[index] for index in TRAIN)
    with pytest.raises(
        SplitError, match=r"no suite 'combination': choose among layout, zero_shot, .*Easy-v0 is tested"
    ):
        suite_rows(SMALL, ("layout", "combination"))


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
            assert {group["name"] for group in groups} <= set(TOLD[suite])
    assert "Learning curve" in (tmp_path / "run" / "report.html").read_text()
    assert TrainConfig.from_json((tmp_path / "run" / "config.json").read_text()) == SMALL


def test_run_in_vizdoom_is_watched_with_its_room_from_above(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(SMALL, tmp_path / "run").run()
    assert main(["watch", str(tmp_path / "run"), "--episodes", "2", "--suite", "zero_shot"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert all(any(INSTRUCTIONS[index] in line for index in TEST) for line in told[1:3])
    assert (tmp_path / "run" / "watch.mp4").stat().st_size > 10_000
    assert main(["watch", str(tmp_path / "run"), "--suite", "synonym"]) == 2
    assert "choose among layout, zero_shot" in capsys.readouterr().err


class Turner(ActorCritic):
    """An agent that only turns left."""

    def forward(self, *seen: Any) -> Any:
        decision = super().forward(*seen)
        logits = torch.zeros_like(decision.logits)
        logits[..., 0] = 100.0
        return dataclasses.replace(decision, logits=logits)


def test_episode_in_vizdoom_is_watched_from_above_as_from_inside() -> None:
    """To its last picture: nothing of the next episode is seen."""
    world = evaluation_options(SMALL)
    texts = []
    agent = Turner(SMALL.agent, rgb_spec(36, 48, 3, len(GROUNDED_VOCABULARY), 6))
    for envs, seed in FAMILY.watched("layout", SMALL.held_out, 2, 0, world):
        watched = watch(agent, envs, seed)
        texts.append(watched.instruction)
        assert watched.instruction in TOLD["layout"]
        assert {moment.seen.shape for moment in watched.moments} == {(36, 48, 3)}
        assert [moment.told for moment in watched.moments] == [""] * 30 + ["out of time"]
        assert len({moment.above.tobytes() for moment in watched.moments}) > 10
        assert len({moment.seen.tobytes() for moment in watched.moments}) > 10
        assert not np.array_equal(watched.moments[-1].above, watched.moments[-2].above)
    assert texts[0] != texts[1]


def test_plan_shows_objects_where_they_stand_and_the_player_at_its_pose() -> None:
    names = [str(thing) for thing in OBJECTS]
    objects = tuple(
        map(names.index, ("blue keycard", "red armor", "green armor", "short green pillar", "tall red torch"))
    )
    episode = ChaplotEpisode(0, objects, ((2, 3), (12, 2), (12, 12), (2, 12), (7, 2)), (5, 7), 0, 0)
    x, y = position_of((5, 7))
    frame = np.zeros((1, 1, 3), np.uint8)
    states = (DoomState(frame, x, y, angle) for angle in (0, 90))
    east, north = (render_plan(episode, state, tile_pixels=20).astype(int) for state in states)
    assert east.shape == (300, 300, 3)

    def tile(picture: np.ndarray, column: int, row: int) -> np.ndarray:
        return picture[20 * row : 20 * row + 20, 20 * column : 20 * column + 20]

    assert (tile(east, 2, 3)[..., 2] > 150).any()  # blue
    assert (tile(east, 2, 12)[..., 1] > 150).any()  # green
    assert not (tile(east, 3, 2) > 150).any()
    assert (tile(east, 0, 5) > 80).all()  # a wall
    red = [(picture[..., 0] > 200) & (picture[..., 1] < 60) for picture in (east, north)]
    (down, right), (less_down, less_right) = (np.argwhere(mask[120:180, 60:160]).mean(axis=0) for mask in red)
    assert right > less_right + 0.3  # its nose is to the right, or up
    assert down > less_down + 0.3
