"""What is due: the verb and the things of the clauses that are open now, worked out by hand."""

from __future__ import annotations

import numpy as np
from hand_built import AND, BLUE, DROP, FORWARD, GREEN, LEFT, PICKUP, RED, RIGHT, THEN, Asked, episode, worlds_of

from groundling.envs import make_vec
from groundling.envs.engine.constants import BALL, BOX, KEY, Verb
from groundling.envs.engine.subgoals import FIRST_COLOR, FIRST_TYPE, LOADED, NUM_SUBGOALS, subgoals_now
from groundling.envs.engine.worlds import WorldBatch

ROOM = ("#######", "#.g.x.#", "#.>b..#", "#..k..#", "#######")
PUT, GO_TO, PICK_UP = Verb.PUT_NEXT_TO, Verb.GO_TO, Verb.PICK_UP


def worlds_asked(*clauses: Asked) -> WorldBatch:
    return worlds_of(episode(*ROOM, goal=clauses))


def act(worlds: WorldBatch, *actions: int) -> None:
    for action in actions:
        worlds.step(np.array([action]), autoreset=False)


def told(worlds: WorldBatch) -> set[int]:
    return set(np.flatnonzero(subgoals_now(worlds)[0]))


def kind(type_code: int, color: int) -> set[int]:
    return {FIRST_TYPE + type_code, FIRST_COLOR + color}


def test_a_clause_is_told_by_its_verb_and_its_things() -> None:
    assert told(worlds_asked((GO_TO, "x", ""))) == {GO_TO} | kind(BOX, BLUE)
    assert told(worlds_asked((PICK_UP, "g", ""))) == {PICK_UP} | kind(BALL, GREEN)
    assert told(worlds_asked((Verb.STEP_ON, (2, 2), (0, 0)))) == {Verb.STEP_ON}


def test_only_what_all_things_share_that_may_be_meant_is_told() -> None:
    assert told(worlds_asked((GO_TO, "bg", ""))) == {GO_TO, FIRST_TYPE + BALL}
    assert told(worlds_asked((GO_TO, "bk", ""))) == {GO_TO, FIRST_COLOR + RED}
    assert told(worlds_asked((GO_TO, "gk", ""))) == {GO_TO}


def test_first_what_is_to_be_put_is_due_then_where() -> None:
    worlds = worlds_asked((PUT, "b", "x"))
    before, after = {PUT} | kind(BALL, RED), {PUT, LOADED} | kind(BOX, BLUE)
    assert told(worlds) == before
    act(worlds, PICKUP)
    assert told(worlds) == after
    act(worlds, RIGHT)
    assert told(worlds) == after
    act(worlds, DROP)  # not beside the box
    assert told(worlds) == before


def test_what_is_carried_by_mistake_changes_nothing() -> None:
    worlds = worlds_asked((PUT, "g", "x"))
    act(worlds, PICKUP)
    assert told(worlds) == {PUT} | kind(BALL, GREEN)


def test_steps_are_due_one_after_the_other() -> None:
    worlds = worlds_asked((PICK_UP, "b", ""), (GO_TO, "k", "", THEN))
    assert told(worlds) == {PICK_UP} | kind(BALL, RED)
    act(worlds, PICKUP)
    assert told(worlds) == {GO_TO} | kind(KEY, RED)


def test_clauses_of_one_step_are_due_together_until_they_are_done() -> None:
    worlds = worlds_asked((GO_TO, "x", ""), (PICK_UP, "b", "", AND), (GO_TO, "k", "", THEN))
    assert told(worlds) == {GO_TO, PICK_UP} | kind(BOX, BLUE) | kind(BALL, RED)
    act(worlds, PICKUP)
    assert told(worlds) == {GO_TO} | kind(BOX, BLUE)
    act(worlds, FORWARD, FORWARD, LEFT)  # below the box, facing it
    assert told(worlds) == {GO_TO} | kind(KEY, RED)


def test_each_environment_is_told_its_own() -> None:
    worlds = worlds_of(episode(*ROOM, goal=(GO_TO, "x", "")), episode(*ROOM, goal=(GO_TO, "b", "")))
    due = subgoals_now(worlds)
    assert due.shape == (2, NUM_SUBGOALS)
    assert due.dtype == np.bool_
    assert set(np.flatnonzero(due[1])) == {GO_TO} | kind(BALL, RED)


def test_a_rover_is_told_what_is_due_as_well() -> None:
    envs = make_vec("BabyAI-GoToObjS4-v0", 4, bank_size=8, body="rover")
    envs.reset(seed=0)
    assert subgoals_now(envs.worlds)[:, GO_TO].all()
