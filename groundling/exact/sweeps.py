"""Compiled sweeps of dynamic programming over a table of transitions. They allocate nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler

kernel = compiler(__file__)

UNKNOWN = -1


@kernel
def worth(
    following: NDArray[np.int32], reward: NDArray[np.float64], value: NDArray[np.float64], gamma: float, s: int, a: int
) -> float:
    """The reward of an action and the discounted value of where it leads; an end is worth nothing."""
    after = following[s, a]
    return reward[s, a] + (gamma * value[after] if after >= 0 else 0.0)


@kernel
def best_sweep(
    following: NDArray[np.int32], reward: NDArray[np.float64], value: NDArray[np.float64], gamma: float
) -> float:
    """V(s) <- max_a (r + gamma V(s')) in place, the last state first; returns the largest change."""
    change = 0.0
    for i in range(following.shape[0]):
        s = following.shape[0] - 1 - i  # states are numbered from the beginning on: news travels backwards
        best = -np.inf
        for a in range(following.shape[1]):
            best = max(best, worth(following, reward, value, gamma, s, a))
        change = max(change, abs(best - value[s]))
        value[s] = best
    return change


@kernel
def q_sweep(following: NDArray[np.int32], reward: NDArray[np.float64], q: NDArray[np.float64], gamma: float) -> float:
    """Q(s, a) <- r + gamma max_b Q(s', b) in place, the last state first; returns the largest change."""
    change = 0.0
    for i in range(following.shape[0]):
        s = following.shape[0] - 1 - i
        for a in range(following.shape[1]):
            after, ahead = following[s, a], 0.0
            if after >= 0:
                ahead = q[after, 0]
                for b in range(1, following.shape[1]):
                    ahead = max(ahead, q[after, b])
            new = reward[s, a] + gamma * ahead
            change = max(change, abs(new - q[s, a]))
            q[s, a] = new
    return change


@kernel
def policy_sweep(
    following: NDArray[np.int32],
    reward: NDArray[np.float64],
    policy: NDArray[np.float64],
    value: NDArray[np.float64],
    gamma: float,
) -> float:
    """V(s) <- sum_a pi(a | s) (r + gamma V(s')) in place, the last state first; returns the largest change."""
    change = 0.0
    for i in range(following.shape[0]):
        s = following.shape[0] - 1 - i
        new = 0.0
        for a in range(following.shape[1]):
            if policy[s, a] > 0:
                new += policy[s, a] * worth(following, reward, value, gamma, s, a)
        change = max(change, abs(new - value[s]))
        value[s] = new
    return change


@kernel
def improve(
    following: NDArray[np.int32],
    reward: NDArray[np.float64],
    value: NDArray[np.float64],
    gamma: float,
    margin: float,
    is_relative: bool,
    actions: NDArray[np.int64],
) -> int:
    """Choose the best action in each state, the present one where none is better by the margin, or by this share of
    what the present one is worth; how many changed.
    """
    changed = 0
    for s in range(following.shape[0]):
        present = worth(following, reward, value, gamma, s, actions[s])
        best, least = actions[s], present + (margin * abs(present) if is_relative else margin)
        for a in range(following.shape[1]):
            now = worth(following, reward, value, gamma, s, a)
            if now > least:
                best, least = a, now
        if best != actions[s]:
            actions[s] = best
            changed += 1
    return changed


@kernel
def horizon_sweep(
    following: NDArray[np.int32],
    policy: NDArray[np.float64],
    later: NDArray[np.float64],
    value: NDArray[np.float64],
    paid: float,
    is_last: bool,
) -> None:
    """Write the values of one step less of time; a policy of no states stands for the best actions."""
    is_best = policy.shape[0] == 0
    for s in range(following.shape[0]):
        best = 0.0  # no reward is below it
        for a in range(following.shape[1]):
            after = following[s, a]
            now = 0.0
            if after == -1:
                now = paid
            elif after >= 0 and not is_last:
                now = later[after]
            if is_best:
                best = max(best, now)
            else:
                best += policy[s, a] * now
        value[s] = best


@kernel
def steps_sweep(following: NDArray[np.int32], steps: NDArray[np.int32]) -> int:
    """The fewest actions to success as far as they are known of the states ahead; how many changed."""
    changed = 0
    for i in range(following.shape[0]):
        s = following.shape[0] - 1 - i
        for a in range(following.shape[1]):
            after = following[s, a]
            now = 0
            if after == -1:
                now = 1
            elif after >= 0 and steps[after] != UNKNOWN:
                now = steps[after] + 1
            if now > 0 and (steps[s] == UNKNOWN or now < steps[s]):
                steps[s] = now
                changed += 1
    return changed
