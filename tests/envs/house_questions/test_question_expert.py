from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from house_questions.small_houses import SmallMaker

from groundling.envs.banks.bank import Episode, EpisodeBank
from groundling.envs.engine.constants import ANSWER, BORDER, CLOSED, DOOR, FIRST_OBJECT, look_parts
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.questions.expert import QuestionExpert
from groundling.envs.families.questions.notes import COVER, OPENED, START, rectangle, rectangle_of
from groundling.envs.families.questions.sight import Sighting
from groundling.envs.families.questions.source import QuestionSource
from groundling.envs.first_person import Camera
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.language.questions.wording import parse
from groundling.language.questions.words import ANSWERS

SOURCE = QuestionSource("test/Questions-v0", SmallMaker(), rooms=5, start_distances=(5, 12))
COUNT = 40


@cache
def sampled() -> tuple[Episode, ...]:
    return tuple(SOURCE.sample(seed) for seed in range(COUNT))


def make_envs(
    body: str = "grid", episodes: tuple[Episode, ...] = (), embodiment: Embodiment | None = None
) -> GroundlingVectorEnv:
    episodes = episodes or sampled()
    vocabulary = SOURCE.embodiment.vocabulary
    bank = EpisodeBank.pack(SOURCE.id, episodes, length=SOURCE.instruction_length, vocabulary=vocabulary)
    played_with = (embodiment or SOURCE.embodiment).changed(body)
    envs = GroundlingVectorEnv(bank, len(bank), shuffle=False, embodiment=played_with, autoreset=False)
    envs.reset()
    return envs


def play(envs: GroundlingVectorEnv, expert: QuestionExpert) -> tuple[np.ndarray, np.ndarray]:
    """Success and length of each episode."""
    success, length = np.zeros(envs.num_envs, dtype=bool), np.zeros(envs.num_envs, dtype=int)
    is_open = np.ones(envs.num_envs, dtype=bool)
    while is_open.any():
        _, _, terminated, truncated, _ = envs.step(expert.actions().copy())
        ended = (terminated | truncated) & is_open
        success[ended] = envs.worlds.outcomes.success[ended]
        length[is_open] += 1
        is_open &= ~ended
    return success, length


def distances() -> np.ndarray:
    return np.array([episode.program[-1][2] for episode in sampled()])


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_the_expert_answers_every_question(body: str) -> None:
    envs = make_envs(body)
    success, _ = play(envs, QuestionExpert(envs.worlds))
    assert success.all(), [sampled()[row].instruction for row in np.flatnonzero(~success)]


def test_the_expert_sees_what_it_turned_to_whatever_the_cameras_angle() -> None:
    """At 90 degrees, tiles on the diagonal are at the very edge of the view of a rover that looks along the grid."""
    wide = replace(SOURCE.embodiment, camera=Camera(width=32, height=32, fov_degrees=90.0))
    envs = make_envs("rover", embodiment=wide)
    success, _ = play(envs, QuestionExpert(envs.worlds))
    assert success.all(), [sampled()[row].instruction for row in np.flatnonzero(~success)]


def test_its_way_to_a_single_piece_of_evidence_is_as_long_as_the_start_is_away() -> None:
    for shut in (0.0, 0.5):
        source = replace(SOURCE, maker=SmallMaker(shut=shut), types=("location", "color"))
        episodes = tuple(source.sample(seed) for seed in range(20))
        envs = make_envs(episodes=episodes)
        _, length = play(envs, QuestionExpert(envs.worlds))
        ways, told = length - 1, np.array([one.program[-1][2] for one in episodes])  # the last action is the answer
        assert (ways <= told).all()  # shorter only where a door that is opened on the way shows it from outside
        if shut == 0:
            assert (ways == told).all()


def test_nothing_of_the_evidence_is_in_view_at_first() -> None:
    sighting = Sighting(make_envs().worlds)
    sighting.look()
    assert not sighting.known.any()
    assert set(distances()) == {5, 12}


def test_it_finds_its_way_from_wherever_it_strayed_and_can_be_saved() -> None:
    envs = make_envs()
    expert, rng = QuestionExpert(envs.worlds), np.random.default_rng(0)
    for _ in range(25):
        expert.actions()
        envs.step(rng.choice([0, 1, 2, 5], envs.num_envs))
    saved, worlds = expert.state_dict(), envs.state_dict()
    assert not expert.lost.any()
    success, length = play(envs, expert)
    assert success.all()
    envs.load_state_dict(worlds)
    again = QuestionExpert(envs.worlds)
    again.load_state_dict(saved)
    assert (play(envs, again)[1] == length).all()


def test_it_answers_only_once_the_evidence_was_in_view() -> None:
    envs = make_envs()
    expert, sighting = QuestionExpert(envs.worlds), Sighting(envs.worlds)
    is_open = np.ones(COUNT, dtype=bool)
    while is_open.any():
        sighting.look()
        actions = expert.actions().copy()
        assert ((actions >= 7) == sighting.known)[is_open].all()
        _, _, terminated, truncated, _ = envs.step(actions)
        is_open &= ~(terminated | truncated)


def test_who_must_stop_first_is_told_to() -> None:
    source = replace(SOURCE, stops_first=True)
    envs = make_envs(episodes=tuple(source.sample(seed) for seed in range(8)), embodiment=source.embodiment)
    success, _ = play(envs, QuestionExpert(envs.worlds))
    assert success.all()


def test_it_is_lost_where_nothing_leads() -> None:
    walled = []
    for one in sampled()[:4]:
        x, y, _ = one.pose
        cells = one.cells.copy()
        cells[y - 1 : y + 2, x - 1 : x + 2] = 1
        cells[y, x] = 0
        walled.append(replace(one, cells=cells))
    envs = make_envs(episodes=tuple(walled))
    expert = QuestionExpert(envs.worlds)
    assert (expert.actions() == 6).all()
    assert expert.lost.all()


def test_a_question_about_a_container_has_it_opened_and_a_count_the_room_covered() -> None:
    source = replace(SOURCE, types=("containment", "count"), start_distances=(5,))
    episodes = tuple(source.sample(seed) for seed in range(12))
    kinds = {parse(one.instruction).type: {row[1] & 0xFF for row in one.program if row[0] == 255} for one in episodes}
    assert OPENED in kinds["containment"]
    assert COVER in kinds["count"]
    envs = make_envs(episodes=episodes)
    success, _ = play(envs, QuestionExpert(envs.worlds))
    assert success.all()
    for row, one in enumerate(episodes):
        for _, kind, _, code in one.program[1:]:
            if kind & 0xFF == OPENED and kind >> 8 == 0:
                assert look_parts(one.looks[code - FIRST_OBJECT])[0] == DOOR
                assert look_parts(int(envs.worlds.state.looks[row, code]))[2] != CLOSED


def test_notes() -> None:
    assert rectangle_of(rectangle(3, 4, 5, 6)) == (3, 4, 5, 6)
    for one in sampled():
        assert one.program[0][0] == ANSWER
        assert ANSWERS[one.program[0][2]]
        assert one.program[-1][1] == START
    assert BORDER > 0


def test_settings_that_cannot_work_are_refused() -> None:
    for settings, why in (
        ({"rooms": 1}, "2 to 12 rooms"),
        ({"types": ("smell",)}, "no questions of the type smell"),
        ({"start_distances": ()}, "at least one action away"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            SOURCE.changed(**settings)
    with pytest.raises(ConfigurationError, match="no setting room_size"):
        SOURCE.changed(room_size=3)
    assert SOURCE.changed(rooms=8).setting("rooms") == 8
