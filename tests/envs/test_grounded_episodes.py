"""Episodes of the grounded rooms: one right answer, no shortcut to it, and every room can be solved in time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from groundling.envs.families.chaplot import GROUNDED_RULES, ChaplotEpisode, Difficulty, sample_episode, sample_episodes
from groundling.envs.families.chaplot.episodes import checked_instructions, find_difficulty
from groundling.errors import ConfigurationError
from groundling.language.grounded import INSTRUCTIONS, TEST, TRAIN, denotes, possible_distractors, possible_targets

ALL = tuple(range(len(INSTRUCTIONS)))
SIGMAS = 5.0


def assert_uniform(draws: Sequence[object], values: Sequence[object]) -> None:
    """Each value's count is within five standard deviations of its share."""
    counts, share = Counter(draws), 1 / len(values)
    assert set(counts) <= set(values)
    deviation = math.sqrt(len(draws) * share * (1 - share))
    for value in values:
        assert abs(counts[value] - len(draws) * share) <= SIGMAS * deviation, (value, counts)


@pytest.fixture(scope="module", params=list(Difficulty))
def episodes(request: pytest.FixtureRequest) -> list[ChaplotEpisode]:
    return sample_episodes(3, 3000, request.param, ALL)


def test_exactly_the_target_satisfies_the_instruction(episodes: list[ChaplotEpisode]) -> None:
    assert {episode.instruction for episode in episodes} == set(ALL)
    for episode in episodes:
        assert denotes(episode.text, episode.things) == (episode.target,)
        assert len(set(episode.objects)) == len(set(episode.tiles)) == 5


def test_place_of_the_target_and_instruction_are_uniform(episodes: list[ChaplotEpisode]) -> None:
    assert_uniform([episode.target for episode in episodes], range(5))
    assert_uniform([episode.instruction for episode in episodes], ALL)


def test_targets_and_distractors_of_an_instruction_are_uniform() -> None:
    index = INSTRUCTIONS.index("Go to the largest red object")
    rng = np.random.default_rng(0)
    sampled = [sample_episode(rng, Difficulty.EASY, (index,)) for _ in range(6000)]
    targets = [episode.objects[episode.target] for episode in sampled]
    assert_uniform(targets, possible_targets(INSTRUCTIONS[index], 4))
    one = targets[0]
    beside = [
        thing
        for episode, target in zip(sampled, targets, strict=True)
        if target == one
        for thing in episode.objects
        if thing != one
    ]
    assert_uniform(beside, possible_distractors(INSTRUCTIONS[index], one))


def test_only_the_instructions_asked_for_are_drawn() -> None:
    for instructions in (TRAIN, TEST, (7,)):
        drawn = {episode.instruction for episode in sample_episodes(0, 800, Difficulty.EASY, instructions)}
        assert drawn == set(instructions)


def test_easy_rooms_differ_in_their_objects_alone() -> None:
    rooms = {(e.start, e.heading, e.tiles) for e in sample_episodes(0, 50, Difficulty.EASY, TRAIN)}
    assert rooms == {((5, 7), 0, ((9, 3), (9, 5), (9, 7), (9, 9), (9, 11)))}


def test_medium_rooms_vary_each_objects_distance_ahead() -> None:
    sampled = sample_episodes(0, 2000, Difficulty.MEDIUM, TRAIN)
    assert {(e.start, e.heading) for e in sampled} == {((5, 7), 0)}
    assert {tuple(row for _, row in e.tiles) for e in sampled} == {(3, 5, 7, 9, 11)}
    for place in range(5):
        assert_uniform([e.tiles[place][0] - e.start[0] for e in sampled], range(2, 8))


def test_hard_rooms_keep_the_distance_and_cover_the_room() -> None:
    sampled = sample_episodes(0, 4000, Difficulty.HARD, TRAIN)
    for episode in sampled:
        for one, other in combinations((episode.start, *episode.tiles), 2):
            assert math.dist(one, other) >= GROUNDED_RULES.min_distance_m - 1e-9
    assert_uniform([episode.heading for episode in sampled], range(4))
    inside = {(column, row) for column in range(2, 13) for row in range(2, 13)}
    for tiles in ({e.start for e in sampled}, {e.tiles[e.target] for e in sampled}):
        assert tiles == inside


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_seed_and_index_name_an_episode(difficulty: Difficulty) -> None:
    few, many = (sample_episodes(5, count, difficulty, TRAIN) for count in (10, 30))
    assert many[:10] == few
    assert sample_episodes(6, 10, difficulty, TRAIN) != few
    assert len(set(many)) == 30


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigurationError, match="easy, medium, hard, got 'harder'"):
        find_difficulty("harder")
    with pytest.raises(ConfigurationError, match="at least one"):
        checked_instructions(())
    with pytest.raises(ConfigurationError, match="70"):
        checked_instructions((70,))
