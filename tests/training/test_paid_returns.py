"""What episodes were paid beside what they reached."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from test_loop import assert_same
from test_rewards import play

from groundling.interfaces import Transition
from groundling.training.rewards.accounts import PaidReturns, likelihood_of_more
from groundling.training.rewards.environment import EnvironmentReward
from groundling.training.rewards.stage import RewardStage


def step(reward: list[float], terminated: list[int], success: list[int], truncated: list[int] | None = None) -> Any:
    ends = np.array(terminated, dtype=bool)
    info = {"success": np.array(success, dtype=bool), "_success": np.ones(len(reward), dtype=bool)}
    cut = np.zeros(len(reward), dtype=bool) if truncated is None else np.array(truncated, dtype=bool)
    return Transition({}, np.zeros(len(reward), dtype=np.int64), {}, np.array(reward), ends, cut, info)


def test_returns_are_summed_by_episode_over_rollouts_and_taken_once() -> None:
    returns = PaidReturns(2)
    returns.note(step([0, 0], [0, 0], [0, 0]))
    returns.note(step([1, 0], [1, 0], [1, 0]))
    returns.settle(np.array([[0.5, 3.0], [0.25, 3.0]]))
    returns.note(step([0, 0], [0, 0], [0, 0], [0, 1]))
    returns.settle(np.array([[7.0, 3.0]]))
    taken = returns.take()
    assert taken == {
        "reward/paid_return": (0.75 + 9) / 2,
        "reward/paid_return_of_successes": 0.75,
        "reward/paid_return_of_failures": 9.0,
        "reward/gap": ((0.75 - 1) + 9) / 2,
        "reward/success_is_paid_more": 0.0,
    }
    assert all(math.isnan(value) for value in returns.take().values())
    returns.note(step([0, 0], [1, 0], [0, 0]))
    returns.settle(np.array([[0.5, 0.0]]))
    assert returns.take()["reward/paid_return"] == 7.5


def test_likelihood_of_more_counts_ties_half() -> None:
    assert likelihood_of_more(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert math.isnan(likelihood_of_more(np.array([1.0]), np.array([])))


def test_saved_sums_go_on() -> None:
    one, other = PaidReturns(2), PaidReturns(2)
    one.note(step([1, 0], [0, 1], [0, 1]))
    one.settle(np.array([[0.5, 3.0]]))
    other.load_state_dict(one.state_dict())
    for returns in (one, other):
        returns.note(step([1, 0], [1, 0], [1, 0]))
        returns.settle(np.array([[0.5, 3.0]]))
    assert_same(one.state_dict(), other.state_dict())
    assert str(one.take()) == str(other.take())


def test_reward_that_is_decided_after_the_rollout_is_what_is_paid_logged_and_summed() -> None:
    from groundling.training.rewards.base import RewardTerm

    class Decided(RewardTerm):
        def __init__(self) -> None:
            self.learned = 0

        def __call__(self, transition: Transition) -> Any:
            return np.zeros(2)

        def update(self, rollout: Any) -> dict[str, float]:
            self.learned += 1
            return {"learned": float(self.learned)}

        def repaid(self, rollout: Any) -> Any:
            return np.full((2, 2), 10.0 * self.learned)

    terms: dict[str, Any] = {"environment": EnvironmentReward(), "late": Decided()}
    stage = RewardStage(terms, (1.0, 0.5))
    paid = play(stage, step([1, 2], [0, 0], [0, 0]), step([3, 4], [1, 0], [1, 0]))
    assert paid.tolist() == [[6, 7], [8, 9]]  # by what was learned from this rollout
    told = stage.take_metrics()
    assert (told["reward/environment"], told["reward/late"], told["reward/late/learned"]) == (2.5, 10.0, 1.0)
    assert (told["reward/paid_return"], told["reward/gap"]) == (14.0, 10.0)
    assert play(stage, step([0, 0], [0, 0], [0, 0]), step([0, 0], [0, 0], [0, 0])).tolist() == [[10, 10], [10, 10]]
