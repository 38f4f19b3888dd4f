"""Dynamic programming: value, policy and Q-value iteration, discounted or by horizon, and the value of a policy."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ConfigurationError
from groundling.exact import sweeps
from groundling.exact.mdp import Mdp

TOLERANCE: Final = 1e-10  # of values of a reward of one's own: a sweep that changes none by more is the last one
# by which an action must be better to replace the one chosen before; of its own size, with the reward of 1 for success
MARGIN: Final = 1e-9


class Solved(NamedTuple):
    """A solution of a Markov decision process.

    Attributes:
        value: [S] float64, V* of each state.
        actions: [S] int64, an action that is best.
        sweeps: how many passes over the states it took.
    """

    value: NDArray[np.float64]
    actions: NDArray[np.int64]
    sweeps: int


def value_iteration(mdp: Mdp, gamma: float, *, reward: NDArray[np.float64] | None = None) -> Solved:
    """V(s) <- max_a (r(s, a) + gamma V(s')), until nothing changes.

    Args:
        mdp: S states, A actions.
        gamma: discount, at least 0 and below 1.
        reward: [S, A]; by default 1 for reaching the goal, so that V*(s) = gamma^(steps to go - 1).

    Raises:
        ConfigurationError: if the discount or the shape of the reward is impossible.

    Source: Sutton and Barto 2018, section 4.4 (in place, states in the order against which news travels).
    """
    paid = _checked(mdp, gamma, reward)
    value, count = np.zeros(len(mdp)), 1
    while sweeps.best_sweep(mdp.following, paid, value, gamma) > _tolerance(gamma, reward):
        count += 1
    return Solved(value, greedy_actions(mdp, value, gamma, reward=reward), count)


def q_iteration(mdp: Mdp, gamma: float, *, reward: NDArray[np.float64] | None = None) -> Solved:
    """Q(s, a) <- r(s, a) + gamma max_b Q(s', b), until nothing changes; arguments as of :func:`value_iteration`.

    Source: Sutton and Barto 2018, equation 4.1 with Q in place of V.
    """
    paid = _checked(mdp, gamma, reward)
    q, count = np.zeros(mdp.following.shape), 1
    while sweeps.q_sweep(mdp.following, paid, q, gamma) > _tolerance(gamma, reward):
        count += 1
    return Solved(q.max(axis=1), _first_best(q, reward), count)


def policy_iteration(mdp: Mdp, gamma: float, *, reward: NDArray[np.float64] | None = None) -> Solved:
    """Evaluate a policy, choose the best actions by its values, and again, until the policy stays.

    Arguments as of :func:`value_iteration`; ``sweeps`` counts those of all evaluations.

    Source: Sutton and Barto 2018, section 4.3.
    """
    paid = _checked(mdp, gamma, reward)
    actions, value, count = np.zeros(len(mdp), dtype=np.int64), np.zeros(len(mdp)), 0
    while True:
        policy = np.eye(mdp.num_actions)[actions]
        change = np.inf
        while change > _tolerance(gamma, reward):
            change = sweeps.policy_sweep(mdp.following, paid, policy, value, gamma)
            count += 1
        if not sweeps.improve(mdp.following, paid, value, gamma, MARGIN, reward is None, actions):
            return Solved(value, actions, count)


def evaluate_policy(
    mdp: Mdp, policy: NDArray[np.floating[Any]], gamma: float, *, reward: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """V of a policy, [S]: V(s) = sum_a pi(a | s) (r(s, a) + gamma V(s')).

    Args:
        mdp: S states, A actions.
        policy: [S, A], how likely each action is.
        gamma: discount, at least 0 and below 1.
        reward: as of :func:`value_iteration`.

    Raises:
        ConfigurationError: if the policy is no table of probabilities, or as :func:`value_iteration`.
    """
    paid = _checked(mdp, gamma, reward)
    policy = _checked_policy(mdp, policy)
    value = np.zeros(len(mdp))
    while sweeps.policy_sweep(mdp.following, paid, policy, value, gamma) > TOLERANCE * (1 - gamma):
        pass
    return value


def q_values(
    mdp: Mdp, value: NDArray[np.float64], gamma: float, *, reward: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Q(s, a) = r(s, a) + gamma V(s'), [S, A]; arguments as of :func:`value_iteration`."""
    paid = _checked(mdp, gamma, reward)
    return paid + gamma * np.where(mdp.following >= 0, value[mdp.following], 0.0)


def greedy_actions(
    mdp: Mdp, value: NDArray[np.float64], gamma: float, *, reward: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """The action [S] of the largest Q; of several that are as good, to a rounding, the first one."""
    return _first_best(q_values(mdp, value, gamma, reward=reward), reward)


def finite_horizon(
    mdp: Mdp, policy: NDArray[np.floating[Any]] | None = None, *, max_steps: int | None = None
) -> NDArray[np.float64]:
    """What the environments pay until the time limit, undiscounted, from each state [S] at the beginning of time.

    V_t(s) = max_a (R_{t+1} where it reaches the goal, else V_{t+1}(s')),   R_t = 1 - 0.9 t / limit,   V_limit = 0

    Args:
        mdp: S states; of several episodes the limits must be alike.
        policy: [S, A], to evaluate it in place of the best actions.
        max_steps: another time limit.

    Raises:
        ConfigurationError: if the episodes have different limits and none is given, the limit is negative, or the
            policy is no table of probabilities.
    """
    limits = set(mdp.max_steps.tolist())
    if max_steps is None and len(limits) > 1:
        raise ConfigurationError(f"the episodes have different time limits, {sorted(limits)}: say which max_steps")
    limit = int(mdp.max_steps[0] if max_steps is None else max_steps)
    if limit < 0:
        raise ConfigurationError(f"a time limit max_steps is at least 0, got {limit}")
    chosen = np.zeros((0, mdp.num_actions)) if policy is None else _checked_policy(mdp, policy)
    later, value = np.zeros(len(mdp)), np.zeros(len(mdp))
    for step in range(limit, 0, -1):
        sweeps.horizon_sweep(mdp.following, chosen, later, value, 1 - 0.9 * (step / limit), step == limit)
        later, value = value, later
    return later


def steps_to_go(mdp: Mdp) -> NDArray[np.int32]:
    """The fewest actions to success [S] from each state, whatever the time limit; -1 where there is no way."""
    steps = np.full(len(mdp), sweeps.UNKNOWN, dtype=np.int32)
    while sweeps.steps_sweep(mdp.following, steps):
        pass
    return steps


def _tolerance(gamma: float, reward: NDArray[np.float64] | None) -> float:
    """The change of values after which sweeps end.

    With the reward of 1 for success values are powers of gamma, which finitely many sweeps find exactly; far from the
    goal they are as small as you like, and no tolerance would do.
    """
    return 0.0 if reward is None else TOLERANCE * (1 - gamma)


def _first_best(q: NDArray[np.float64], reward: NDArray[np.float64] | None) -> NDArray[np.int64]:
    """The first action [S] whose Q is the largest, to a rounding: of its own size where values are powers of gamma."""
    best = q.max(axis=1, keepdims=True)
    return (q >= best - MARGIN * (np.abs(best) if reward is None else 1.0)).argmax(axis=1)


def _checked(mdp: Mdp, gamma: float, reward: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if not 0 <= gamma < 1:
        raise ConfigurationError(
            f"values without a time limit need a discount gamma from 0 on and below 1, not {gamma}: finite_horizon "
            "counts without one"
        )
    if reward is None:
        return mdp.reward
    if np.shape(reward) != mdp.following.shape:
        raise ConfigurationError(f"a reward is [S, A] = {list(mdp.following.shape)}, got {list(np.shape(reward))}")
    return np.ascontiguousarray(reward, dtype=np.float64)


def _checked_policy(mdp: Mdp, policy: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    table = np.ascontiguousarray(policy, dtype=np.float64)
    if table.shape != mdp.following.shape or (table < 0).any() or not np.allclose(table.sum(axis=1), 1, atol=1e-5):
        raise ConfigurationError(
            f"a policy is a table [S, A] = {list(mdp.following.shape)} of probabilities whose rows sum to 1"
        )
    return table
