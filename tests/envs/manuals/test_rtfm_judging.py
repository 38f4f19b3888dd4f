"""What another manual asks for in a room, and which of the four ways to end it an episode took."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.rtfm.judging import asked_ending
from groundling.envs.families.manuals.rtfm.state import AGENT, BAD, DISTRACTOR, GONE, GOOD, NO_ENDING, TARGET
from groundling.envs.families.manuals.rtfm.walker import Walker
from groundling.interfaces import DocumentJudge


@pytest.mark.parametrize("task", ["Simple-6x6", "Groups-Moving-NL-10x10"])
@pytest.mark.parametrize("split", ["unseen", "phrasing", "distractors"])
def test_the_true_manual_asks_for_the_right_item_and_the_wanted_monster(task: str, split: str) -> None:
    envs = find_family(f"groundling/RTFM-{task}-v0").make_vec(split, 512, 0)
    assert isinstance(envs, DocumentJudge)
    observation, _ = envs.reset(seed=0)
    assert (envs.endings_asked(observation["manual"], np.arange(512)) == 0).all()
    assert (envs.endings_asked(observation["manual"] * 0, np.arange(512)) == NO_ENDING).all()


def test_a_manual_asks_by_what_it_says_of_the_things_in_the_room() -> None:
    envs = find_family("groundling/RTFM-Groups-NL-6x6-v0").make_vec("train", 2048, 0)
    observation, _ = envs.reset(seed=0)
    worlds, known = envs.batch.worlds, envs.batch.dynamics
    rows, other = np.arange(2048), np.roll(np.arange(2048), 1)
    found = asked_ending(worlds, observation["manual"][other], rows)
    number = worlds.assignment[other]
    team = known.teams[number // len(known.elements)]
    element = known.elements[number % len(known.elements)]
    names = {name: place for place, name in enumerate(envs.agent_spec.vocabulary.words)}
    first = [names["wolf"], names["grandmasters"], names["cold"]]
    kind = worlds.noun.astype(int) - first[0]
    modifier, of_monster = worlds.adjective.astype(int) - first[1], worlds.adjective.astype(int) - first[2]
    expected = []
    for b in rows:
        asked = [
            2 * (item == BAD) + (monster == DISTRACTOR)
            for monster in (TARGET, DISTRACTOR)
            for item in (GOOD, BAD)
            if team[b, kind[b, monster]] == worlds.team[b]
            and team[b, kind[b, TARGET + DISTRACTOR - monster]] != worlds.team[b]
            and element[b, modifier[b, item]] == of_monster[b, monster]
            and element[b, modifier[b, GOOD + BAD - item]] != of_monster[b, monster]
        ]
        expected.append(asked[0] if asked else NO_ENDING)
    assert found.tolist() == expected
    assert set(expected) == {-1, 0, 1, 2, 3}


def test_endings_are_noted_until_the_next_one() -> None:
    envs = find_family("groundling/RTFM-Simple-6x6-v0").make_vec("train", 256, 0)
    envs.reset(seed=0)
    walker = Walker(envs, "nothing")
    over, ending, won = np.zeros(256, bool), np.full(256, NO_ENDING), np.zeros(256, bool)
    for _ in range(40):
        _, _, terminated, _, info = envs.step(walker.actions())
        fresh = terminated & ~over
        ending[fresh], over = envs.endings[fresh], over | terminated
        won[fresh] = info["success"][fresh] if fresh.any() else False
    assert over.mean() > 0.9
    assert (won == (ending == 0)).all()
    assert set(ending.tolist()) >= {0, 1, 2, 3}
    kept = envs.endings.copy()
    envs.step(np.zeros(256, dtype=np.int64))  # nobody moves, nothing ends
    assert (envs.endings == kept).all()


def test_an_ending_without_an_item_or_by_the_time_limit_is_none() -> None:
    envs = find_family("groundling/RTFM-Simple-6x6-v0").make_vec("train", 2, 0, max_steps=2)
    envs.reset(seed=0)
    worlds = envs.batch.worlds
    worlds.ending[:] = 3
    worlds.cell[:] = GONE
    worlds.cell[:, [AGENT, TARGET, DISTRACTOR]] = [11, 12, 44]
    envs.step(np.array([4, 0]))
    assert envs.endings.tolist() == [NO_ENDING, 3]
    _, _, _, truncated, _ = envs.step(np.array([0, 0]))
    assert truncated[1]
    assert envs.endings[1] == NO_ENDING
