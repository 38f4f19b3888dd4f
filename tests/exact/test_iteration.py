"""Dynamic programming: values by hand and by linear algebra, one solution for all methods, experts and shaping."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hand_built import FORWARD, LEFT, RIGHT, episode
from numpy.typing import NDArray
from test_enumeration import CORRIDOR, HAND_BUILT, mdp_of

from groundling.agents.bots import expert_steps
from groundling.envs import EpisodeBank
from groundling.envs.engine.constants import Verb
from groundling.errors import ConfigurationError
from groundling.exact import (
    FAILURE,
    SUCCESS,
    Mdp,
    enumerate_bank,
    enumerate_episode,
    evaluate_policy,
    finite_horizon,
    greedy_actions,
    policy_iteration,
    q_iteration,
    q_values,
    steps_to_go,
    value_iteration,
)

GAMMA = 0.9


@cache
def small() -> Mdp:
    return enumerate_bank(EpisodeBank.of_seeds("BabyAI-GoToLocalS5N2-v0", range(6)))


def corridor() -> Mdp:
    return mdp_of(episode(*CORRIDOR, goal=(Verb.GO_TO, "b", ""), max_steps=4))


def linear(mdp: Mdp, policy: NDArray[np.float64], reward: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 - gamma P) V = r."""
    matrix = np.eye(len(mdp))
    for a in range(mdp.num_actions):
        rows = np.flatnonzero(mdp.following[:, a] >= 0)
        np.add.at(matrix, (rows, mdp.following[rows, a]), -GAMMA * policy[rows, a])
    return np.linalg.solve(matrix, (policy * reward).sum(axis=1))


def test_values_of_a_corridor_equal_hand_computed_numbers() -> None:
    """Ahead it is one step, turned to the side two, turned away three."""
    mdp = corridor()
    start = int(mdp.starts[0])
    side, other = int(mdp.following[start, RIGHT]), int(mdp.following[start, LEFT])
    away = int(mdp.following[side, RIGHT])
    solved = value_iteration(mdp, GAMMA)
    assert solved.value[[start, side, other, away]].tolist() == pytest.approx([1, 0.9, 0.9, 0.81])
    assert solved.actions[[start, side, other]].tolist() == [FORWARD, LEFT, RIGHT]
    assert steps_to_go(mdp)[[start, side, other, away]].tolist() == [1, 2, 2, 3]
    # 1 - 0.9 t / 4 for success in step t, and no fifth step
    assert finite_horizon(mdp)[[start, side, away]].tolist() == pytest.approx([1 - 0.9 / 4, 1 - 1.8 / 4, 1 - 2.7 / 4])
    assert finite_horizon(mdp, max_steps=2)[[start, side, away]].tolist() == pytest.approx([0.55, 0.1, 0])
    assert set(finite_horizon(mdp, max_steps=0).tolist()) == {0.0}


def test_all_methods_find_the_same_values_and_policies_that_reach_them() -> None:
    mdp = small()
    by_steps = steps_to_go(mdp)
    expected = np.where(by_steps > 0, GAMMA ** (by_steps - 1.0), 0.0)
    for solve in (value_iteration, q_iteration, policy_iteration):
        solved = solve(mdp, GAMMA)
        np.testing.assert_allclose(solved.value, expected, atol=1e-8)
        own = evaluate_policy(mdp, np.eye(mdp.num_actions)[solved.actions], GAMMA)
        np.testing.assert_allclose(own, expected, atol=1e-8)
    np.testing.assert_allclose(q_values(mdp, expected, GAMMA).max(axis=1), expected, atol=1e-8)


def test_way_is_found_however_little_a_far_goal_is_worth() -> None:
    """.1 ** 17 is below any tolerance, and an action that leads nowhere is still worse than one that leads there."""
    mdp = enumerate_episode(EpisodeBank.of_seeds("BabyAI-UnlockLocal-v0", [3]))
    by_steps = steps_to_go(mdp)
    assert by_steps[0] == 18
    for solve in (value_iteration, q_iteration, policy_iteration):
        solved = solve(mdp, 0.1)
        np.testing.assert_allclose(solved.value, np.where(by_steps > 0, 0.1 ** (by_steps - 1.0), 0.0), rtol=1e-9)
        assert len(mdp.path(0, solved.actions, 100)) == 18


def test_states_without_a_way_to_the_goal_are_worth_nothing() -> None:
    mdp = mdp_of(episode("#####", "#>.#b", "#####", goal=(Verb.GO_TO, "b", "")))
    assert set(steps_to_go(mdp).tolist()) == {-1}
    assert set(value_iteration(mdp, GAMMA).value.tolist()) == {0.0}
    assert set(finite_horizon(mdp).tolist()) == {0.0}


def test_value_of_a_policy_is_the_solution_of_its_linear_equations() -> None:
    mdp, rng = small(), np.random.default_rng(0)
    policy = rng.dirichlet(np.ones(mdp.num_actions), len(mdp))
    np.testing.assert_allclose(evaluate_policy(mdp, policy, GAMMA), linear(mdp, policy, mdp.reward), atol=1e-8)
    reward = rng.normal(size=mdp.following.shape)
    np.testing.assert_allclose(
        evaluate_policy(mdp, policy, GAMMA, reward=reward), linear(mdp, policy, reward), atol=1e-7
    )


def test_value_by_horizon_is_the_mean_over_all_ways_in_time() -> None:
    """A random policy in the corridor: the chance of success in each step, by the matrix of transitions."""
    mdp, limit = corridor(), 4
    policy = np.full(mdp.following.shape, 1 / mdp.num_actions)
    matrix = np.zeros((len(mdp), len(mdp)))
    for state, row in enumerate(mdp.following):
        for after in row[row >= 0]:
            matrix[state, after] += 1 / mdp.num_actions
    succeeds = (mdp.following == SUCCESS).mean(axis=1)
    ways = [np.linalg.matrix_power(matrix, t - 1) @ succeeds * (1 - 0.9 * t / limit) for t in range(1, limit + 1)]
    np.testing.assert_allclose(finite_horizon(mdp, policy), sum(ways))
    assert (finite_horizon(mdp) > finite_horizon(mdp, policy)).all()


def test_horizon_pays_for_success_and_not_for_failure() -> None:
    mdp = mdp_of(HAND_BUILT["strict"])
    can_fail, can_succeed = ((mdp.following == end).any(axis=1) for end in (FAILURE, SUCCESS))
    assert (can_fail & ~can_succeed).any()
    np.testing.assert_allclose(finite_horizon(mdp, max_steps=1), np.where(can_succeed, 0.1, 0.0))


def test_expert_takes_the_fewest_steps_in_two_hundred_episodes() -> None:
    """From the first state of each, by everything that can be done in it."""
    for task in ("BabyAI-GoToObj-v0", "BabyAI-GoToLocalS5N2-v0"):
        bank = EpisodeBank.of_seeds(task, range(100))
        mdp = enumerate_bank(bank)
        assert steps_to_go(mdp)[mdp.starts].tolist() == expert_steps(bank).tolist()


def test_expert_takes_the_fewest_steps_where_things_are_moved() -> None:
    """In seeds 8, 26 and 35 the shortest way leads over the tile of the key that was picked up."""
    bank = EpisodeBank.of_seeds("BabyAI-UnlockLocal-v0", [*range(4, 10), 26, 35])
    mdp = enumerate_bank(bank)
    assert steps_to_go(mdp)[mdp.starts].tolist() == expert_steps(bank).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_any_potential_that_is_zero_at_the_end_leaves_the_optimal_policies_as_they_are(seed: int) -> None:
    """F(s, s') = gamma Phi(s') - Phi(s): V' = V - Phi, and the same actions are best in every state."""
    mdp = small()
    potential = np.random.default_rng(seed).normal(size=len(mdp))
    after = np.where(mdp.following >= 0, potential[mdp.following], 0.0)
    shaped = mdp.reward + GAMMA * after - potential[:, None]
    plain, other = value_iteration(mdp, GAMMA), value_iteration(mdp, GAMMA, reward=shaped)
    np.testing.assert_allclose(other.value, plain.value - potential, atol=1e-7)
    for q, best in ((q_values(mdp, other.value, GAMMA, reward=shaped), q_values(mdp, plain.value, GAMMA)),):
        np.testing.assert_array_equal(q > q.max(axis=1, keepdims=True) - 1e-6, best > best.max(axis=1)[:, None] - 1e-6)


def test_potential_that_is_kept_at_the_end_changes_the_policy() -> None:
    """A negative control: fifty for the end itself, by failure as well, and the agent hurries to the wrong thing."""
    mdp = mdp_of(episode("######", "#>..b#", "#g...#", "######", goal=(Verb.PICK_UP, "b", ""), strict=True))
    kept = mdp.reward + np.where(mdp.following < 0, GAMMA * 50.0, 0.0)
    plain, other = value_iteration(mdp, GAMMA), value_iteration(mdp, GAMMA, reward=kept)
    own = evaluate_policy(mdp, np.eye(7)[other.actions], GAMMA)
    assert own[mdp.starts[0]] < plain.value[mdp.starts[0]] - 0.05


def test_first_of_equally_good_actions_is_taken() -> None:
    mdp = corridor()
    assert greedy_actions(mdp, np.zeros(len(mdp)), GAMMA)[int(mdp.starts[0])] == FORWARD
    assert greedy_actions(mdp, np.zeros(len(mdp)), GAMMA, reward=np.zeros(mdp.following.shape)).tolist() == [0] * 4


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda mdp: value_iteration(mdp, 1.0), "below 1, not 1.0: finite_horizon"),
        (lambda mdp: policy_iteration(mdp, GAMMA, reward=np.zeros((2, 2))), r"a reward is \[S, A\]"),
        (lambda mdp: evaluate_policy(mdp, np.ones(mdp.following.shape), GAMMA), "rows sum to 1"),
        (lambda mdp: finite_horizon(mdp, np.zeros((1, 7))), "a policy is a table"),
        (lambda mdp: finite_horizon(Mdp.joined([mdp, mdp_of(HAND_BUILT["go"])])), r"time limits, \[4, 20\]"),
        (lambda mdp: finite_horizon(mdp, max_steps=-1), "at least 0, got -1"),
        (lambda mdp: Mdp.joined([]), "at least one"),
    ],
)
def test_impossible_arguments_are_refused(wrong: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        wrong(corridor())
