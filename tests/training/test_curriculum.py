"""Curricula on scripted successes: when a stage begins, and what learning progress prefers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from groundling.errors import ConfigurationError
from groundling.training import CurriculumConfig
from groundling.training.curriculum import NOISE, Curriculum, Failures, LearningProgress, StagedTasks, make_curriculum
from groundling.training.running_average import RunningAverage

AT_ONCE = (0, 0, 0)  # three tasks whose episodes end within an update


def outcomes(*rates: float, count: int = 10) -> list[np.ndarray]:
    """So many episodes of each task, of which this part succeeds, the successes last."""
    return [np.arange(count) >= round(count * (1 - rate)) for rate in rates]


def stages(warmup_updates: Sequence[int] = AT_ONCE, **settings: Any) -> StagedTasks:
    curriculum = make_curriculum(CurriculumConfig(kind="stages", **{"window": 10, **settings}), warmup_updates)
    assert isinstance(curriculum, StagedTasks)
    return curriculum


def progress(warmup_updates: Sequence[int] = AT_ONCE, **settings: Any) -> LearningProgress:
    sizes = {"fast_episodes": 20, "slow_episodes": 100, **settings}
    curriculum = make_curriculum(CurriculumConfig(kind="progress", **sizes), warmup_updates)
    assert isinstance(curriculum, LearningProgress)
    return curriculum


def failures(warmup_updates: Sequence[int] = AT_ONCE, **settings: Any) -> Failures:
    sizes = {"fast_episodes": 20, "slow_episodes": 100, **settings}
    curriculum = make_curriculum(CurriculumConfig(kind="failures", **sizes), warmup_updates)
    assert isinstance(curriculum, Failures)
    return curriculum


def test_uniform_curriculum_draws_all_alike_whatever_happens() -> None:
    curriculum = make_curriculum(CurriculumConfig(), AT_ONCE)
    for _ in range(3):
        assert curriculum.shares().tolist() == [1 / 3] * 3
        curriculum.note(outcomes(1, 0, 0.5))
    assert curriculum.metrics() == {}


def test_fixed_shares_are_those_given_whatever_happens() -> None:
    curriculum = make_curriculum(CurriculumConfig(kind="fixed", shares=(6, 3, 1)), AT_ONCE)
    curriculum.note(outcomes(1, 0, 0.5))
    assert curriculum.shares().tolist() == pytest.approx([0.6, 0.3, 0.1])
    config = CurriculumConfig(kind="fixed", shares=(6, 3, 1))
    assert CurriculumConfig.from_dict({**vars(config), "shares": [6, 3, 1]}) == config
    with pytest.raises(ConfigurationError, match="2 tasks have as many shares, got 3"):
        config.check(2)


# Stages


def test_stage_begins_when_the_newest_task_succeeds_often_enough() -> None:
    curriculum = stages(promotion=(0.8,), rehearsal=0.3)
    assert curriculum.shares().tolist() == [1, 0, 0]
    curriculum.note(outcomes(0.7, 1, 1))
    assert curriculum.shares().tolist() == [1, 0, 0]
    assert curriculum.metrics() == {"stage": 1}
    curriculum.note(outcomes(0.8, 0, 0))
    assert curriculum.shares().tolist() == pytest.approx([0.3, 0.7, 0])
    curriculum.note(outcomes(1, 0.7, 1))
    assert curriculum.metrics() == {"stage": 2}
    curriculum.note(outcomes(0, 0.8, 0))
    assert curriculum.shares().tolist() == pytest.approx([0.15, 0.15, 0.7])
    for _ in range(3):
        curriculum.note(outcomes(1, 1, 1))
    assert curriculum.metrics() == {"stage": 3}
    assert curriculum.shares().tolist() == pytest.approx([0.15, 0.15, 0.7])


def test_success_is_that_of_the_window_when_it_is_full() -> None:
    curriculum = stages(promotion=(0.9,), window=20)
    curriculum.note(outcomes(0, 0, 0))
    curriculum.note(outcomes(1, 0, 0, count=9))
    assert curriculum.newest == 0, "nine of the newest twenty are not there yet"
    curriculum.note(outcomes(1, 0, 0, count=9))
    assert curriculum.newest == 1, "two failures of the first update have left room for eighteen successes"
    full = stages(promotion=(0.9,), window=20)
    full.note(outcomes(1, 0, 0, count=19))
    assert full.newest == 0
    full.note(outcomes(1, 0, 0, count=1))
    assert full.newest == 1


def test_each_stage_can_have_its_own_promotion() -> None:
    curriculum = stages(promotion=(0.2, 0.6))
    reached = []
    for success in (0.1, 0.2, 0.5, 0.6):
        curriculum.note(outcomes(success, success, 0))
        reached.append(curriculum.newest)
    assert reached == [0, 1, 1, 2]


def test_stage_forgets_what_it_heard_of_the_one_before() -> None:
    curriculum = stages()
    curriculum.note(outcomes(1, 1, 1, count=40))
    curriculum.note(outcomes(1, 1, 1, count=9))
    assert curriculum.newest == 1
    curriculum.note(outcomes(1, 1, 1, count=1))
    assert curriculum.newest == 2


def test_first_episodes_to_end_do_not_count_because_they_are_the_short_ones() -> None:
    curriculum = stages((2, 1, 0))
    reached = []
    for _ in range(6):
        curriculum.note(outcomes(1, 1, 1))
        reached.append(curriculum.newest)
    assert reached == [0, 0, 1, 1, 2, 2]


def test_stages_without_rehearsal_draw_the_newest_task_only() -> None:
    curriculum = stages(rehearsal=0.0)
    curriculum.note(outcomes(1, 0, 0))
    assert curriculum.shares().tolist() == [0, 1, 0]


# Learning progress


def test_progress_prefers_the_task_whose_success_changes() -> None:
    curriculum = progress(exploration=0.3)
    for update in range(20):
        curriculum.note(outcomes(0.1 * min(update, 10), 1, 0))
    shares = curriculum.shares()
    assert shares[0] > 0.7
    assert shares[1] == pytest.approx(shares[2])
    assert shares.sum() == pytest.approx(1)


def test_forgetting_is_worth_as_much_as_learning() -> None:
    rising, falling = progress(), progress()
    for update in range(8):
        rising.note(outcomes(0.1 * update, 0.5, 0.5))
        falling.note(outcomes(1 - 0.1 * update, 0.5, 0.5))
    assert rising.shares().tolist() == pytest.approx(falling.shares().tolist())
    assert rising.shares()[0] > 0.7


def test_shares_of_progress_by_hand() -> None:
    """Averages over 2 and 4 episodes, one episode an update: each new success weighs 1/2 and 1/4."""
    curriculum = progress((0, 0), fast_episodes=2, slow_episodes=4, exploration=0.5)
    curriculum.note([np.array([False]), np.array([True])])
    assert curriculum.shares().tolist() == [0.5, 0.5]
    curriculum.note([np.array([True]), np.array([False])])
    curriculum.note([np.array([True]), np.array([], dtype=bool)])
    fast = ((1 / 4 + 1 / 2) / (7 / 8), (1 / 4) / (3 / 4))
    slow = ((3 / 16 + 1 / 4) / (37 / 64), (3 / 16) / (7 / 16))
    first, second = (abs(a - b) + NOISE for a, b in zip(fast, slow, strict=True))
    assert curriculum.shares()[0] == pytest.approx(0.25 + 0.5 * first / (first + second))


def test_steady_success_is_no_progress_from_the_first_episode_on() -> None:
    curriculum = progress()
    for _ in range(5):
        curriculum.note(outcomes(0.9, 0.2, 0))
        assert curriculum.shares().tolist() == pytest.approx([1 / 3] * 3)


def test_chance_is_not_taken_for_progress() -> None:
    """A task of even odds beside one that always succeeds: its average wanders, which must not look like learning."""
    rng = np.random.default_rng(0)
    curriculum = progress((0, 0), fast_episodes=500, slow_episodes=2500)
    shares = []
    for _ in range(200):
        curriculum.note([rng.random(50) < 0.5, np.ones(50, dtype=bool)])
        shares.append(curriculum.shares()[0])
    assert min(shares) > 0.499
    assert np.mean(shares) < 0.75


def test_every_task_keeps_a_share() -> None:
    curriculum = progress(exploration=0.15)
    for update in range(10):
        curriculum.note(outcomes(0.1 * update, 0, 0))
        assert curriculum.shares().min() >= 0.05 - 1e-12


def test_progress_does_not_count_the_first_episodes_to_end_either() -> None:
    curriculum = progress((3, 0, 0))
    for success in (1, 0, 1):
        curriculum.note(outcomes(success, 0, 0))
    assert curriculum.shares().tolist() == pytest.approx([1 / 3] * 3)
    for success in (1, 0):
        curriculum.note(outcomes(success, 0, 0))
    assert curriculum.shares()[0] > 0.7


# Failures


def test_shares_of_failures_by_hand() -> None:
    """Averages over 2 episodes, one episode an update: each new success weighs 1/2."""
    curriculum = failures((0, 0, 0), fast_episodes=2, exploration=0.4)
    assert curriculum.shares().tolist() == pytest.approx([1 / 3] * 3)
    curriculum.note([np.array([True]), np.array([False]), np.array([], dtype=bool)])
    curriculum.note([np.array([False]), np.array([False]), np.array([], dtype=bool)])
    weights = np.array([1 - (1 / 4) / (3 / 4), 1, 1]) + NOISE  # what was never played counts as what never succeeds
    assert curriculum.shares().tolist() == pytest.approx((0.4 / 3 + 0.6 * weights / weights.sum()).tolist())


def test_what_no_longer_fails_is_drawn_less_and_what_is_forgotten_more() -> None:
    curriculum = failures(exploration=0.1)
    for _ in range(10):
        curriculum.note(outcomes(1, 0, 1))
    assert curriculum.shares()[1] > 0.8
    for _ in range(20):
        curriculum.note(outcomes(0.5, 1, 1))
    assert curriculum.shares().argmax() == 0
    assert curriculum.shares().min() >= 0.1 / 3


def test_failures_do_not_count_the_first_episodes_to_end_either() -> None:
    curriculum = failures((2, 0, 0))
    curriculum.note(outcomes(1, 0, 0))
    curriculum.note(outcomes(1, 0, 0))
    assert curriculum.shares().tolist() == pytest.approx([1 / 3] * 3)
    curriculum.note(outcomes(1, 0, 0))
    assert curriculum.shares()[0] < 0.1


def test_average_does_not_depend_on_how_episodes_are_told() -> None:
    at_once, one_by_one = RunningAverage(1, 10), RunningAverage(1, 10)
    at_once.add(0, 1.0, 7)
    at_once.add(0, 0.0, 5)
    for success in [1.0] * 7 + [0.0] * 5:
        one_by_one.add(0, success, 1)
    assert at_once.values() == pytest.approx(one_by_one.values())
    assert RunningAverage(2, 10).values().tolist() == [0, 0]


# All of them


@pytest.mark.parametrize("make", [stages, progress, failures])
def test_restored_curriculum_goes_on_as_the_first_one(make: Any) -> None:
    def heard(curriculum: Curriculum, updates: range) -> list[list[float]]:
        shares = []
        for update in updates:
            curriculum.note(outcomes(*np.random.default_rng(update).random(3), count=7))
            shares.append(curriculum.shares().tolist())
        return shares

    settings = {"promotion": (0.55,)} if make is stages else {}
    for stop in (1, 2, 3, 5):
        first, second = make((1, 2, 1), **settings), make((1, 2, 1), **settings)
        heard(first, range(stop))
        second.load_state_dict(first.state_dict())
        assert second.metrics() == first.metrics()
        told = heard(first, range(stop, 14))
        assert heard(second, range(stop, 14)) == told
        assert told[0] != told[-1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "random"}, "uniform, fixed, stages, progress, failures"),
        ({"kind": "failures", "of": "words"}, "tasks or instructions"),
        ({"kind": "uniform", "of": "instructions"}, "'progress' or 'failures'"),
        ({"kind": "fixed"}, "needs shares"),
        ({"kind": "stages", "shares": (1.0, 2.0)}, "no other takes them"),
        ({"kind": "fixed", "shares": (1.0, -1.0)}, "not negative"),
        ({"kind": "stages", "of": "instructions"}, "'progress' or 'failures'"),
        ({"promotion": ()}, "promotion"),
        ({"promotion": (0.5, 0.0)}, "promotion"),
        ({"promotion": (1.1,)}, "promotion"),
        ({"promotion": (float("nan"),)}, "promotion"),
        ({"window": 0}, "window"),
        ({"rehearsal": 1.0}, "rehearsal"),
        ({"rehearsal": -0.1}, "rehearsal"),
        ({"exploration": 0.0}, "exploration"),
        ({"exploration": 1.5}, "exploration"),
        ({"fast_episodes": 0}, "fast_episodes"),
        ({"fast_episodes": 100, "slow_episodes": 100}, "slow_episodes"),
    ],
)
def test_impossible_curriculum_is_refused_and_the_setting_named(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        CurriculumConfig(**settings)


def test_promotions_are_one_for_all_or_one_for_each_task_but_the_last() -> None:
    for count, tasks in ((1, 2), (1, 5), (4, 5)):
        CurriculumConfig(kind="stages", promotion=(0.5,) * count).check(tasks)
    for count, tasks in ((2, 2), (5, 5), (3, 5)):
        with pytest.raises(ConfigurationError, match=f"{tasks} tasks have {tasks - 1} promotions.* got {count}"):
            CurriculumConfig(kind="stages", promotion=(0.5,) * count).check(tasks)
    for kind in ("stages", "progress"):
        with pytest.raises(ConfigurationError, match=f"'{kind}' chooses among several tasks.*--tasks"):
            CurriculumConfig(kind=kind).check(1)
    CurriculumConfig().check(1)


def test_instructions_are_those_of_one_task() -> None:
    config = CurriculumConfig(kind="failures", of="instructions")
    config.check(1)
    with pytest.raises(ConfigurationError, match="of one task, not of 2"):
        config.check(2)
    with pytest.raises(ConfigurationError, match=r"--curriculum\.of instructions"):
        CurriculumConfig(kind="failures").check(1)
