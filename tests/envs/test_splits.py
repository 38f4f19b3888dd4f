"""Splits: what is held out is never asked for in training, and everything else is the same."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.envs import HELD_OUT, SPLITS, EpisodeBank, Split, build_bank, building, single
from groundling.envs.constants import COLOR_CODES, FIRST_OBJECT, TYPE_CODES
from groundling.envs.registry import make
from groundling.envs.splits import Selection, find_split
from groundling.errors import SplitError
from groundling.language import Color, GoTo, ObjectDescription, ObjectType, PutNextTo
from groundling.language.goals import combinations

SIZE = 160
LEVELS = ["BabyAI-GoToLocal-v0", "BabyAI-PutNextLocal-v0"]


@pytest.fixture(scope="module", params=LEVELS)
def banks(request: pytest.FixtureRequest) -> dict[str, EpisodeBank]:
    return {name: build_bank(request.param, SIZE, split=name, workers=1, progress=False) for name in SPLITS}


def test_no_training_instruction_names_a_held_out_combination(banks: dict[str, EpisodeBank]) -> None:
    for name in ("train", "seen"):
        assert not any(combinations(goal) & HELD_OUT for goal in banks[name].goals()), name


def test_every_unseen_instruction_names_a_held_out_combination(banks: dict[str, EpisodeBank]) -> None:
    assert all(combinations(goal) & HELD_OUT for goal in banks["unseen"].goals())


def test_split_of_all_episodes_names_both_kinds(banks: dict[str, EpisodeBank]) -> None:
    held_out = [bool(combinations(goal) & HELD_OUT) for goal in banks["all"].goals()]
    assert any(held_out)
    assert not all(held_out)


def test_every_held_out_combination_is_asked_for_in_the_unseen_split(banks: dict[str, EpisodeBank]) -> None:
    asked = frozenset().union(*(combinations(goal) for goal in banks["unseen"].goals()))
    assert asked >= HELD_OUT


def test_held_out_objects_stand_about_in_training_worlds(banks: dict[str, EpisodeBank]) -> None:
    looks = banks["train"].looks[:, FIRST_OBJECT:]
    kinds, colors = looks & 0xFF, (looks >> 8) & 0xFF
    for color, type_ in HELD_OUT:
        there = (kinds == TYPE_CODES[type_]) & (colors == COLOR_CODES[color])
        assert there.any(axis=1).mean() > 0.05, f"{color} {type_}"


def test_training_and_evaluation_never_share_a_layout(banks: dict[str, EpisodeBank]) -> None:
    for name, split in SPLITS.items():
        assert set(banks[name].seeds % 2) == {int(split.is_evaluation)}, name
        assert len(set(banks[name].seeds)) == SIZE, name
    assert [name for name, split in SPLITS.items() if split.is_evaluation] == ["seen", "unseen"]


def test_every_word_of_an_unseen_instruction_is_seen_in_training(banks: dict[str, EpisodeBank]) -> None:
    trained, tested = ({w for text in banks[name].instructions for w in text.split()} for name in ("train", "unseen"))
    assert tested <= trained


def test_every_color_and_type_keeps_two_partners_in_training() -> None:
    movable = [ObjectType.KEY, ObjectType.BALL, ObjectType.BOX]
    for color in Color:
        assert sum((color, type_) not in HELD_OUT for type_ in movable) >= 2
    for type_ in movable:
        assert sum((color, type_) not in HELD_OUT for color in Color) >= 4


def test_one_held_out_object_of_two_is_enough() -> None:
    key = ObjectDescription(ObjectType.KEY, Color.PURPLE)
    ball = ObjectDescription(ObjectType.BALL, Color.RED)
    for goal in (PutNextTo(key, ball), PutNextTo(ball, key), GoTo(key)):
        assert not SPLITS["train"].keeps(goal)
        assert not SPLITS["seen"].keeps(goal)
        assert SPLITS["unseen"].keeps(goal)
        assert SPLITS["all"].keeps(goal)
    half = GoTo(ObjectDescription(ObjectType.KEY))
    assert SPLITS["train"].keeps(half)
    assert not SPLITS["unseen"].keeps(half)


def test_split_is_found_by_its_name_or_is_itself() -> None:
    own = Split("own", Selection.EVERY, is_evaluation=True)
    assert find_split("train") is SPLITS["train"]
    assert find_split(own) is own


def test_unknown_split_is_refused_and_the_known_ones_are_named() -> None:
    for ask in (
        find_split,
        lambda name: build_bank(LEVELS[0], 8, split=name),
        lambda name: make(LEVELS[0], split=name),
    ):
        with pytest.raises(SplitError, match="no split 'tests': choose one of all, train, seen, unseen"):
            ask("tests")


def test_empty_split_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "BARREN_SEEDS", 128)
    monkeypatch.setattr(single, "MAX_REJECTED", 16)
    with pytest.raises(SplitError, match=r"'unseen' of BabyAI-GoToRedBall-v0 is empty: none of 128 episodes"):
        build_bank("BabyAI-GoToRedBall-v0", 8, split="unseen", progress=False)
    with pytest.raises(SplitError, match="has no episode from seed 3 on"):
        make("BabyAI-GoToRedBall-v0", split="unseen").reset(seed=3)


def test_own_split_is_built_and_not_mistaken_for_another() -> None:
    red_balls = frozenset({(Color.RED, ObjectType.BALL)})
    own = Split("train", Selection.WITH_HELD_OUT, is_evaluation=False, held_out=red_balls)
    assert own.describe() != SPLITS["train"].describe()
    bank = build_bank(LEVELS[0], 20, split=own, progress=False)
    assert set(bank.instructions) == {"go to the red ball", "go to a red ball"}
    assert np.all(bank.seeds % 2 == 0)
