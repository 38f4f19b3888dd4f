"""TextWorld's games: what is told, commands as actions, the expert, limits, splits, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest

from groundling.envs.catalog import find_family
from groundling.envs.families.textworld import games, scenes, simulator
from groundling.envs.families.textworld.names import VARIANTS
from groundling.envs.families.textworld.scenes import Scene
from groundling.envs.families.textworld.simulator import EXPERT_KEY, Household
from groundling.envs.families.textworld.wording import cleaned, token_ids, vocabulary
from groundling.envs.simulators.errors import MissingSimulatorError
from groundling.errors import ConfigurationError, SplitError

HOUSEHOLD = "groundling/TextWorld-Household-v0"


class StandIn:
    """A game of two rooms, without an engine: going north twice wins a point, dropping the mug loses."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def begin(self, path: Any) -> Scene:
        self.taken = []
        return self.scene()

    def act(self, command: str) -> Scene:
        self.taken.append(command)
        return self.scene()

    def scene(self) -> Scene:
        north = self.taken.count("go north")
        texts = (" ".join(self.taken[-1:]), f"room {north}", "you are carrying nothing.")
        right = "go north" if north < 2 else ""
        return Scene(
            "go to the north.",
            texts,
            ("go north", "drop mug"),
            right,
            float(north // 2),
            north > 1,
            "drop mug" in self.taken,
        )


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Household:
    monkeypatch.setattr(simulator, "Player", StandIn)
    monkeypatch.setattr(simulator, "game_file", lambda variant, split, number: f"{split}-{number}")
    return Household()


def test_open_actions_are_the_commands_that_are_told(stand_in: Household) -> None:
    seen = stand_in.reset(0, {"split": "train"})
    assert seen["action_mask"].sum() == 2
    assert vocabulary().decode(seen["commands"][1]) == "drop mug"
    assert not seen["commands"][2:].any()
    assert vocabulary().decode(seen["instruction"]) == "go to the north."
    assert seen[EXPERT_KEY] == 0
    for key, part in stand_in.spec.observation.items():
        assert (seen[key].shape, str(seen[key].dtype)) == (part.shape, part.dtype), key


def test_reward_is_what_a_command_adds_to_the_score_and_a_won_game_a_success(stand_in: Household) -> None:
    stand_in.reset(0, {"split": "train"})
    first, second = stand_in.step(0), stand_in.step(0)
    assert (first.reward, first.terminated, first.truncated, first.success) == (0.0, False, False, False)
    assert (second.reward, second.terminated, second.truncated, second.success) == (1.0, True, False, True)
    assert second.observation[EXPERT_KEY] == -1


def test_lost_game_terminates_without_success(stand_in: Household) -> None:
    stand_in.reset(0, {"split": "train"})
    step = stand_in.step(1)
    assert (step.terminated, step.truncated, step.success) == (True, False, False)


def test_time_limit_truncates_and_does_not_terminate(stand_in: Household) -> None:
    stand_in.reset(0, {"split": "train"})
    steps = [stand_in.step(40) for _ in range(stand_in.variant.max_steps)]  # no command has this number
    assert [step.truncated for step in steps] == [False] * (len(steps) - 1) + [True]
    assert not any(step.terminated for step in steps)


def test_signs_are_no_words_and_unknown_words_are_told_as_such() -> None:
    assert cleaned("-= Kitchen =-\nYou've  seen: a (red) mug!") == "kitchen you've seen a red mug !"
    assert vocabulary().decode(token_ids("put the zorkmid", 4)) == "put the <unk>"


def test_missing_package_is_told_in_one_line_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textworld", None)
    with pytest.raises(
        MissingSimulatorError, match=r"^TextWorld is not installed \(.*\): pip install 'groundling\[textworld\]'$"
    ):
        find_family(HOUSEHOLD).make_vec("train", 1, 0)


@pytest.mark.parametrize("settings", ["rooms=3", "games=few", "games=0"])
def test_unknown_settings_are_refused(settings: str) -> None:
    with pytest.raises(ConfigurationError, match="games"):
        find_family(f"{HOUSEHOLD}?{settings}")


def test_split_of_another_kind_of_games_is_refused() -> None:
    with pytest.raises(SplitError, match="ingredients"):
        find_family(HOUSEHOLD).split("ingredients")
    with pytest.raises(ConfigurationError, match="no split 'tets'"):
        gymnasium.make(HOUSEHOLD, split="tets")


# With the package


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    pytest.importorskip("textworld")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDLING_CACHE", str(tmp_path_factory.mktemp("games")))
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("id", list(VARIANTS))
def test_expert_wins_every_kind_of_games(id: str) -> None:
    family = find_family(f"{id}?games=1")
    envs = family.open(family.split("train"), 1, 0)
    try:
        first, _ = envs.reset(seed=0)
        teacher = family.expert(envs)
        assert teacher is not None
        ended = False
        for _ in range(VARIANTS[id].max_steps):
            action = teacher.actions()
            assert not teacher.lost.any()
            seen, reward, terminated, truncated, info = envs.step(action)
            if ended := bool(terminated[0] or truncated[0]):
                break
        assert ended
        assert terminated[0]
        assert reward[0] > 0
        assert info["final_info"]["success"].tolist() == [True]
        assert all(np.array_equal(seen[key], first[key]) for key in first), "the same game begins alike"
    finally:
        envs.close()


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_game_played_on_from_memory_is_the_game_played_anew() -> None:
    path = games.game_file(VARIANTS[HOUSEHOLD], "train", 0)
    player, other = scenes.Player(), scenes.Player()
    rows = [[0, 1, 0], [0, 1, 1], [1, 0, 0]]
    told = []
    for row in rows:  # the second row begins in scenes that are remembered, then needs an engine that stands elsewhere
        scene = player.begin(path)
        for number in row:
            scene = player.act(scene.commands[number % len(scene.commands)])
        told.append(scene)
    for row, expected in zip(rows, told, strict=True):
        scenes._SCENES.clear()
        scene = other.begin(path)
        for number in row:
            scene = other.act(scene.commands[number % len(scene.commands)])
        assert scene == expected
    player.close()
    other.close()


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_gymnasium_plays_a_game() -> None:
    env = gymnasium.make(HOUSEHOLD, split="train", games=1)
    seen, info = env.reset(seed=0)
    assert env.observation_space.contains(seen)
    assert info["instruction_text"].startswith("put the")
    _, _, _, _, after = env.step(0)
    assert after["commands"]
    assert after["success"] is False
    env.close()
