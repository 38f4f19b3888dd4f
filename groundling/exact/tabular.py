"""Tabular Q-learning and SARSA in enumerated episodes, with curves of their error against the exact values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import kernels as rules
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.kernels import GOLDEN, scrambled
from groundling.errors import ConfigurationError
from groundling.exact.iteration import evaluate_policy, value_iteration
from groundling.exact.mdp import SUCCESS, Mdp
from groundling.seeding import integer

Method = Literal["q_learning", "sarsa"]
kernel = compiler(__file__, *rules.SOURCES)


@dataclass(frozen=True)
class TabularConfig:
    """Tabular learning.

    Attributes:
        method: "q_learning" (off-policy) or "sarsa" (on-policy).
        episodes: to play.
        alpha: step size.
        gamma: discount factor.
        epsilon: share of random actions at the beginning.
        last_epsilon: share that it falls to, linearly.
        decay: share of the episodes over which it falls.
        points: of the curves.
        seed: of the draws.
    """

    method: Method = "q_learning"
    episodes: int = 2000
    alpha: float = 0.5
    gamma: float = 0.95
    epsilon: float = 1.0
    last_epsilon: float = 0.05
    decay: float = 0.5
    points: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        known = get_args(Method)
        for is_right, message in (
            (self.method in known, f"the method is {' or '.join(known)}, not {self.method!r}"),
            (self.episodes >= 1, f"episodes must be at least 1, got {self.episodes}"),
            (0 < self.alpha <= 1, f"alpha is above 0 and at most 1, not {self.alpha}"),
            (0 <= self.gamma < 1, f"gamma is from 0 on and below 1, not {self.gamma}"),
            (0 <= self.last_epsilon <= self.epsilon <= 1, "epsilon falls from at most 1 to last_epsilon, at least 0"),
            (0 < self.decay <= 1, f"decay is above 0 and at most 1, not {self.decay}"),
            (1 <= self.points <= self.episodes, f"points are from 1 to {self.episodes}, not {self.points}"),
        ):
            if not is_right:
                raise ConfigurationError(message)


class Learned(NamedTuple):
    """What was learned, and the curves.

    Attributes:
        q: [S, A] float64.
        episodes: [P] int64, played before each point of the curves.
        error: [P] float64, the mean over the first states of ``|max_a Q - V|``, V the optimal value, of SARSA that of
            the epsilon-greedy policy that it follows (sum_a pi Q in place of max_a Q).
        greedy: [P] float64, the mean value of the greedy policy in the first states.
        optimal: the mean of V* in the first states, which ``greedy`` rises to.
    """

    q: NDArray[np.float64]
    episodes: NDArray[np.int64]
    error: NDArray[np.float64]
    greedy: NDArray[np.float64]
    optimal: float


@kernel
def uniform(counter: NDArray[np.uint64]) -> float:
    """The next number of a stream, in [0, 1)."""
    counter[0] += np.uint64(1)
    return np.float64(scrambled(counter[1] + counter[0] * GOLDEN) >> np.uint64(11)) * 2.0**-53


@kernel
def choose(q: NDArray[np.float64], state: int, epsilon: float, counter: NDArray[np.uint64]) -> int:
    """An epsilon-greedy action; of several that are best a random one."""
    count = q.shape[1]
    if uniform(counter) < epsilon:
        return int(uniform(counter) * count)
    best, ties, chosen = -np.inf, 0, 0
    for a in range(count):
        if q[state, a] > best:
            best, ties, chosen = q[state, a], 1, a
        elif q[state, a] == best:
            ties += 1
            if uniform(counter) * ties < 1:
                chosen = a
    return chosen


@kernel
def play(
    following: NDArray[np.int32],
    starts: NDArray[np.int64],
    max_steps: NDArray[np.int64],
    q: NDArray[np.float64],
    first: int,
    last: int,
    alpha: float,
    gamma: float,
    epsilons: NDArray[np.float64],
    is_sarsa: bool,
    counter: NDArray[np.uint64],
) -> None:
    """Play the episodes ``first`` to ``last``, and learn from every step. A time limit ends no value."""
    for number in range(first, last):
        which = number % starts.shape[0]
        state, epsilon = starts[which], epsilons[number]
        action = choose(q, state, epsilon, counter)
        for _ in range(max_steps[which]):
            after = following[state, action]
            if after < 0:
                reward = 1.0 if after == -1 else 0.0
                q[state, action] += alpha * (reward - q[state, action])
                break
            ahead = choose(q, after, epsilon, counter)
            if is_sarsa:
                worth = q[after, ahead]
            else:
                worth = q[after, 0]
                for a in range(1, q.shape[1]):
                    worth = max(worth, q[after, a])
            q[state, action] += alpha * (gamma * worth - q[state, action])
            state, action = after, ahead


def learn(mdp: Mdp, config: TabularConfig) -> Learned:
    """Q-learning or SARSA with epsilon-greedy actions, on the episodes in turn.

    Q-learning:  Q(s, a) <- Q(s, a) + alpha (r + gamma max_b Q(s', b) - Q(s, a))
    SARSA:       Q(s, a) <- Q(s, a) + alpha (r + gamma Q(s', a') - Q(s, a)),   a' the action that is taken next

    Args:
        mdp: one enumerated episode, or several joined.
        config: settings.

    Source: Watkins 1989, "Learning from delayed rewards"; Rummery and Niranjan 1994, "On-line Q-learning using
    connectionist systems"; Sutton and Barto 2018, sections 6.4 and 6.5.
    """
    assert SUCCESS == -1  # as the kernel has it
    best = value_iteration(mdp, config.gamma).value
    share = np.minimum(np.arange(config.episodes) / (config.decay * config.episodes), 1)
    epsilons = config.epsilon + (config.last_epsilon - config.epsilon) * share
    counter = np.array([0, integer(config.seed, "tabular")], dtype=np.uint64)
    q, played = np.zeros(mdp.following.shape), 0
    points = np.linspace(0, config.episodes, config.points + 1).astype(np.int64)[1:]
    error, greedy = [], []
    for point in points.tolist():
        play(
            mdp.following,
            mdp.starts,
            mdp.max_steps,
            q,
            played,
            point,
            config.alpha,
            config.gamma,
            epsilons,
            config.method == "sarsa",
            counter,
        )
        played = point
        own = greedy_table(q)
        if config.method == "sarsa":
            soft = (1 - epsilons[point - 1]) * own + epsilons[point - 1] / mdp.num_actions
            told, exact = (soft * q).sum(axis=1), evaluate_policy(mdp, soft, config.gamma)
        else:
            told, exact = q.max(axis=1), best
        error.append(np.abs(told - exact)[mdp.starts].mean())
        greedy.append(evaluate_policy(mdp, own, config.gamma)[mdp.starts].mean())
    return Learned(q, points, np.array(error), np.array(greedy), float(best[mdp.starts].mean()))


def greedy_table(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The policy [S, A] that takes the best action, of several alike each as often."""
    is_best = q == q.max(axis=1, keepdims=True)
    return is_best / is_best.sum(axis=1, keepdims=True)
