"""The rubric: credit once for each part of a goal, penalties for errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_built import AND, DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, episode
from test_shaping import envs_of, run_of, steps_of

from groundling.envs.engine.constants import Verb
from groundling.errors import ConfigurationError
from groundling.interfaces import Transition
from groundling.training.rewards.rubric import RubricConfig, RubricReward

ROOM = ("#######", "#>b.g.#", "#.....#", "#######")
BOTH = [(Verb.PICK_UP, "b", ""), (Verb.GO_TO, "g", "", AND)]


def rubric_of(goal: Any, *rooms: str, strict: bool = False, **settings: Any) -> tuple[RubricReward, Any]:
    envs = envs_of(episode(*(rooms or ROOM), goal=goal, strict=strict, max_steps=30))
    envs.reset(seed=0)
    free = {"failed": 0.0, "wrong_thing": 0.0, **settings}
    term = RubricReward(run_of(1, RubricConfig(**free)), envs)
    term.begin()
    return term, envs


def test_each_part_is_paid_its_share_once() -> None:
    term, envs = rubric_of(BOTH)
    assert steps_of(term, envs, [PICKUP, DROP, PICKUP, FORWARD, FORWARD]) == pytest.approx([0.5, 0, 0, 0, 0.5])
    assert steps_of(term, envs, [PICKUP]) == pytest.approx([0.5])  # of the next episode


def test_weights_are_scaled_to_one_over_the_parts_that_a_goal_has() -> None:
    term, envs = rubric_of(BOTH, weights=(3.0, 1.0, 5.0))
    assert steps_of(term, envs, [PICKUP, FORWARD, FORWARD]) == pytest.approx([0.75, 0, 0.25])
    single, envs = rubric_of((Verb.PICK_UP, "b", ""), weights=(3.0, 1.0))
    assert steps_of(single, envs, [PICKUP]) == pytest.approx([1.0])


def test_errors_cost_what_they_are_said_to_and_are_counted() -> None:
    prices: dict[str, Any] = {"bumped": 0.01, "in_vain": 0.1, "wrong_thing": 1.0}
    term, envs = rubric_of((Verb.PICK_UP, "g", ""), **prices)
    way = [FORWARD, TOGGLE, LEFT, FORWARD, RIGHT, PICKUP, PICKUP, DROP]
    assert steps_of(term, envs, way) == pytest.approx([-0.01, -0.1, 0, -0.01, 0, -1, -0.1, 0])
    told = term.update(None)  # type: ignore[arg-type]
    assert told == {"failed": 0, "bumped": 2 / 8, "in_vain": 2 / 8, "wrong_thing": 1 / 8}
    assert set(term.update(None).values()) == {0.0}  # type: ignore[arg-type]


def test_failure_is_charged() -> None:
    term, envs = rubric_of((Verb.PICK_UP, "g", ""), strict=True, failed=0.5)
    assert steps_of(term, envs, [PICKUP]) == pytest.approx([-0.5])


def test_too_few_weights_and_impossible_ones_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="gives 1 weights, but goals of these tasks have up to 2 parts"):
        rubric_of(BOTH, weights=(1.0,))
    with pytest.raises(ConfigurationError, match="bumped must be at least 0"):
        RubricConfig(bumped=-1.0)
    with pytest.raises(ConfigurationError, match="weights must be greater than 0"):
        RubricConfig(weights=(1.0, 0.0))


def test_random_play_of_a_level_is_never_paid_more_than_the_whole_goal() -> None:
    from groundling.envs import make_vec

    envs: Any = make_vec("BabyAI-GoToSeqS5R2-v0", 8, bank_size=16, cache=False)
    envs.reset(seed=0)
    term = RubricReward(run_of(8, RubricConfig(failed=0.0, wrong_thing=0.0)), envs)
    term.begin()
    generator, running, ends = np.random.default_rng(0), np.zeros(8), []
    for _ in range(400):
        actions = generator.integers(0, 6, size=8)
        _, reward, terminated, truncated, info = envs.step(actions)
        running += term(Transition({}, actions, {}, reward, terminated, truncated, info))
        assert (running <= 1 + 1e-9).all()
        ends += list(zip(running[terminated], info["success"][terminated], strict=True)) if terminated.any() else []
        running[terminated | truncated] = 0
    assert ends
    assert all(paid == pytest.approx(1.0) for paid, success in ends if success)
