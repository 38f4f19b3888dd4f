"""What a manual of Messenger asks for in a room, true there or not, and how episodes ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.messenger.judging import Judge
from groundling.envs.families.manuals.messenger.state import (
    CHASER,
    ENDINGS,
    ENEMY,
    FALSE_MESSAGE,
    FLEEING,
    GOAL,
    GONE,
    IMMOVABLE,
    MESSAGE,
    OF_NONE,
)
from groundling.envs.families.manuals.messenger.vector import MessengerVectorEnv
from groundling.interfaces import DocumentJudge

REAL = Path(__file__).parents[4] / "shared" / "data" / "messenger"
WON = ENDINGS * MESSAGE + GOAL


def envs_of(stage: int, split: str = "train", num_envs: int = 40, seed: int = 0) -> MessengerVectorEnv:
    envs = find_family(f"groundling/Messenger-S{stage}-v0").make_vec(split, num_envs, 0, autoreset=False)
    assert isinstance(envs, MessengerVectorEnv)
    envs.reset(seed=seed)
    return envs


def asked(envs: MessengerVectorEnv, row: int, document: Any = None) -> int:
    document = envs.batch.seen.manual[row] if document is None else document
    (found,) = envs.endings_asked(document[None], np.array([row]))
    return int(found)


@pytest.mark.parametrize("stage", [2, 3])
def test_sentences_are_read_as_they_were_written(stage: int) -> None:
    for split in ("train", "val", "unseen", "phrasing"):
        envs = envs_of(stage, split)
        judge = Judge(envs.batch.tables)
        for manual, said in zip(envs.batch.seen.manual, envs.batch.asserted(), strict=True):
            assert judge.asserted(manual) == [tuple(one) for one in said.tolist()]


@pytest.mark.skipif(not REAL.exists(), reason="the original's sentences are not here")
def test_sentences_of_files_are_read_where_they_were_written_for_one_thing() -> None:
    envs = find_family(f"groundling/Messenger-S2-v0?texts={REAL}").make_vec("train", 300, 0)
    envs.reset(seed=0)
    judge, read = Judge(envs.batch.tables), 0
    for manual, said in zip(envs.batch.seen.manual, envs.batch.asserted(), strict=True):
        found = judge.asserted(manual)
        assert set(found) <= {tuple(one) for one in said.tolist()}
        read += len(found)
    assert read > 0.97 * 3 * 300


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_own_manual_asks_for_what_the_expert_does(stage: int) -> None:
    envs = envs_of(stage, num_envs=60)
    assert isinstance(envs, DocumentJudge)
    has_message = envs.batch.worlds.has_message.copy()
    wanted = envs.endings_asked(envs.batch.seen.manual, np.arange(60))
    expert = find_family(f"groundling/Messenger-S{stage}-v0").expert(envs)
    assert expert is not None
    won = np.zeros(60, dtype=bool)
    for _ in range(60):
        *_, info = envs.step(expert.actions())
        won |= info.get("success", False)
    assert won.mean() > 0.9
    assert np.array_equal(envs.endings[won], wanted[won])
    if stage == 1:
        assert set(wanted[has_message]) == {ENDINGS * GOAL + GOAL}
        assert set(wanted[~has_message]) == {ENDINGS * MESSAGE + MESSAGE}
    else:
        assert set(wanted) == {WON}


def test_a_wrong_manual_asks_for_the_thing_that_it_takes_for_the_message_or_the_goal() -> None:
    envs = envs_of(2)
    entity = envs.batch.worlds.entity
    true = entity[0].copy()
    enemy, message, goal = true[[ENEMY, MESSAGE, GOAL]]
    assert asked(envs, 0) == WON
    for things, ending in (
        ((message, enemy, goal), ENDINGS * ENEMY + ENEMY),  # the enemy is what has the message by the manual
        ((enemy, goal, message), ENDINGS * GOAL + GOAL),
        ((goal, message, enemy), ENDINGS * MESSAGE + ENEMY),  # the message is right, the goal is not
    ):
        entity[0, [ENEMY, MESSAGE, GOAL]] = things
        assert asked(envs, 0) == ending
    entity[0] = true
    absent = envs.batch.seen.manual[0][envs.batch.asserted()[0, :, 1] != 1]  # nothing of who has the message
    assert asked(envs, 0, absent) == -1
    assert asked(envs, 0, np.zeros_like(envs.batch.seen.manual[0])) == -1


def test_of_two_things_of_one_kind_the_manual_means_that_which_moves_as_it_says() -> None:
    envs = envs_of(3)
    movement = envs.batch.worlds.movement[0]
    assert asked(envs, 0) == WON
    movement[[MESSAGE, FALSE_MESSAGE]] = movement[[FALSE_MESSAGE, MESSAGE]]
    assert asked(envs, 0) == ENDINGS * FALSE_MESSAGE + FALSE_MESSAGE
    told = next(m for e, r, m in envs.batch.asserted()[0] if r == 1 and e == envs.batch.worlds.entity[0, MESSAGE])
    movement[[MESSAGE, FALSE_MESSAGE]] = [m for m in (CHASER, FLEEING, IMMOVABLE) if m != told]
    about = envs.batch.worlds.about[0]
    document = envs.batch.seen.manual[0][about != OF_NONE]
    assert asked(envs, 0, document) == -1


def test_games_for_tests_are_asked_for_nothing_else_by_one_another_but_those_of_training_are() -> None:
    for split, is_asked in (("unseen", False), ("train", True)):
        envs = envs_of(2, split, 120)
        others = {asked(envs, row, envs.batch.seen.manual[row - 1 - row // 2]) for row in range(120)}
        assert bool(others - {-1, WON}) == is_asked


def test_what_was_met_first_and_last_is_told_and_nothing_after_the_time_limit() -> None:
    envs = envs_of(2, num_envs=1)
    worlds = envs.batch.worlds

    def put(**places: tuple[int, int]) -> None:
        for name, (x, y) in places.items():
            thing = {"agent": 0, "enemy": ENEMY, "message": MESSAGE, "goal": GOAL}[name]
            worlds.x[0, thing], worlds.y[0, thing] = x, y
        worlds.movement[0] = IMMOVABLE

    put(agent=(4, 4), message=(6, 4), goal=(18, 18), enemy=(8, 4))
    envs.step(np.array([3]))
    assert worlds.met.tolist() == [MESSAGE]
    *_, terminated, _, _ = envs.step(np.array([3]))
    assert terminated.all()
    assert envs.endings.tolist() == [ENDINGS * MESSAGE + ENEMY]
    envs.reset()
    put(agent=(4, 4), message=(18, 0), goal=(6, 4), enemy=(18, 18))
    envs.step(np.array([3]))
    assert envs.endings.tolist() == [ENDINGS * GOAL + GOAL]
    envs.reset()
    put(agent=(0, 0), message=(2, 0), goal=(18, 4), enemy=(18, 18))
    assert worlds.met.tolist() == [-1]
    envs.step(np.array([3]))
    for _ in range(63):
        envs.step(np.array([4]))
    assert envs.endings.tolist() == [-1]
    assert worlds.x[0, MESSAGE] == GONE
