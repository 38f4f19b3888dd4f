"""Questions about generated houses: balanced when the houses are built, solvable, and not answered by the start."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from groundling.envs import make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.questions.asking import WHOLE_HOUSE
from groundling.envs.families.questions.group import SOURCES
from groundling.envs.families.questions.sight import Sighting
from groundling.envs.worlds.houses import HouseSettings, Wishes, sample_house
from groundling.errors import ConfigurationError, ImpossibleWishError

SMALL = SOURCES["groundling/Questions-Small-v0"]


def check_prior(name: str, episodes: int) -> None:
    """Who knows only the questions of half the episodes answers the others by chance, within four standard errors."""
    source = replace(SMALL, types=(name,))
    asked = [source.draw(seed).asked for seed in range(2 * episodes)]
    by_question, by_type = defaultdict(Counter), Counter()
    for one in asked[:episodes]:
        by_question[one.program][one.answer] += 1
        by_type[one.answer] += 1
    guesses = ((by_question.get(one.program) or by_type).most_common(1)[0][0] for one in asked[episodes:])
    right = sum(guess == one.answer for guess, one in zip(guesses, asked[episodes:], strict=True))
    chance = np.mean([1 / len(one.answers) for one in asked[episodes:]])
    assert abs(right / episodes - chance) < 4 * math.sqrt(chance * (1 - chance) / episodes)


@pytest.mark.parametrize("name", ["compare_room_size", "color", "count"])
def test_answers_of_finished_episodes_cannot_be_guessed(name: str) -> None:
    check_prior(name, 300)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL.types)
def test_answers_of_no_type_can_be_guessed(name: str) -> None:
    check_prior(name, 1200)


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_the_expert_answers_and_no_start_shows_enough(body: str) -> None:
    envs = make_vec(SMALL.id, 16, bank_size=64, body=body, cache=False, progress=False)
    envs.reset(seed=0)
    at_first = Sighting(envs.worlds)
    at_first.look()
    assert not at_first.known.any()
    expert = find_family(SMALL.id).expert(envs)
    assert expert is not None
    ended = 0
    while ended < 60:
        *_, terminated, truncated, info = envs.step(expert.actions())
        assert not expert.lost.any()
        over = terminated | truncated
        assert not over.any() or info["success"][over].all()
        ended += int(over.sum())


def test_questions_that_no_start_is_away_from_are_refused() -> None:
    assert not set(WHOLE_HOUSE) & set(SMALL.types)
    with pytest.raises(ConfigurationError, match="evidence of room_count is in the whole house"):
        SMALL.changed(types=("color", "room_count"))


def test_a_room_is_as_large_beside_another_as_is_wished() -> None:
    """Living rooms are usually much larger than bathrooms."""
    usual, settings = Counter(), HouseSettings(min_rooms=3, max_rooms=3)
    for larger in (("bathroom", "living room"), ("living room", "bathroom"), None):
        for seed in range(20):
            wishes = Wishes({"bathroom": 1, "living room": 1}, larger=larger)
            rooms = sample_house(np.random.default_rng(seed), settings, wishes).scene.rooms
            area = {room.kind: room.area for room in rooms}
            if larger is None:
                usual[area["living room"] > area["bathroom"]] += 1
            else:
                assert area[larger[0]] >= area[larger[1]]
    assert usual[True] > 15
    with pytest.raises(ImpossibleWishError, match="compares two kinds of rooms"):
        sample_house(np.random.default_rng(0), settings, Wishes(larger=("bathroom", "living room")))
