"""Tabular learning: it comes to the exact values, on-policy and off-policy each to its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_built import FORWARD
from test_iteration import corridor, small

from groundling.errors import ConfigurationError
from groundling.exact import TabularConfig, evaluate_policy, learn, q_values, value_iteration
from groundling.exact.tabular import greedy_table


@pytest.mark.parametrize("method", ["q_learning", "sarsa"])
def test_learned_policy_comes_to_be_optimal_in_a_small_set_of_episodes(method: Any) -> None:
    found = learn(small(), TabularConfig(method, episodes=6000, alpha=0.3, points=200))
    assert found.greedy[-1] == pytest.approx(found.optimal, abs=0.01)
    assert found.greedy[0] < found.optimal - 0.03
    assert found.error[-1] < 0.1 * found.error[0]
    assert found.episodes.tolist() == list(range(30, 6001, 30))


def test_q_learning_comes_to_the_optimal_values_while_it_acts_at_random() -> None:
    mdp = corridor()
    found = learn(mdp, TabularConfig(episodes=4000, epsilon=1, last_epsilon=1))
    best = value_iteration(mdp, 0.95).value
    np.testing.assert_allclose(found.q, q_values(mdp, best, 0.95), atol=1e-6)


def test_sarsa_comes_to_the_values_of_what_it_does() -> None:
    """Half of its actions at random: worth less than optimal, and as much as its own policy's exact values."""
    mdp = corridor()
    mdp.max_steps[:] = 100
    config = TabularConfig("sarsa", episodes=200_000, alpha=0.01, epsilon=0.5, last_epsilon=0.5)
    found = learn(mdp, config)
    soft = 0.5 * greedy_table(found.q) + 0.5 / 7
    exact = evaluate_policy(mdp, soft, 0.95)
    np.testing.assert_allclose(found.q, q_values(mdp, exact, 0.95), atol=0.05)
    assert found.q[0, FORWARD] == pytest.approx(1, abs=1e-3)
    side = int(mdp.following[0, 1])
    assert found.q[side].max() < value_iteration(mdp, 0.95).value[side] - 0.02


def test_same_seed_learns_the_same_and_another_does_not() -> None:
    first, again, other = (learn(corridor(), TabularConfig(episodes=40, seed=seed)).q for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_time_limit_ends_no_value() -> None:
    """With a limit of one step the second tile's values still reach back to states from which it takes two."""
    mdp = corridor()
    mdp.max_steps[:] = 2
    found = learn(mdp, TabularConfig(episodes=3000, epsilon=1, last_epsilon=1))
    side = int(mdp.following[0, 1])
    assert found.q[side].max() == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        {"method": "td"},
        {"episodes": 0},
        {"alpha": 0.0},
        {"gamma": 1.0},
        {"epsilon": 0.01},
        {"decay": 0.0},
        {"points": 0},
    ],
)
def test_impossible_setting_is_refused_and_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        TabularConfig(**values)
