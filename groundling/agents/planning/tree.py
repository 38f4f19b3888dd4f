"""The trees of a search, one for each of B environments, as arrays: which nodes they have and what was found there.

All trees grow by one node at a time, so node n of every tree is the one of simulation n; the root is node 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NONE = -1  # no child yet


class Trees:
    """B trees of at most N + 1 nodes with A actions each.

    Args:
        num_trees: B.
        simulations: N.
        num_actions: A.

    Attributes:
        prior: [B, N + 1, A] probabilities of the actions.
        child: [B, N + 1, A] node that an action leads to, or NONE.
        visits: [B, N + 1, A] simulations that took an action.
        total: [B, N + 1, A] sum of the returns that they found.
        value: [B, N + 1] estimate of a node when it was added; 0 where the episode has ended.
        reward: [B, N + 1] of the step into a node.
        ended: [B, N + 1] whether the episode has ended there.
    """

    def __init__(self, num_trees: int, simulations: int, num_actions: int) -> None:
        shape = (num_trees, simulations + 1, num_actions)
        self.prior = np.zeros(shape, dtype=np.float64)
        self.child = np.full(shape, NONE, dtype=np.int64)
        self.visits = np.zeros(shape, dtype=np.int64)
        self.total = np.zeros(shape, dtype=np.float64)
        self.value = np.zeros(shape[:2], dtype=np.float64)
        self.reward = np.zeros(shape[:2], dtype=np.float64)
        self.ended = np.zeros(shape[:2], dtype=np.bool_)

    def choose(self, trees: NDArray[np.int64], nodes: NDArray[np.int64], exploration: float) -> NDArray[np.int64]:
        """The action to try next at a node of each of some trees [R]; of equal ones the first.

        argmax_a Q(a) + c P(a) sqrt(N) / (1 + N(a)),   N = 1 + sum_a N(a)

        Q(a) is the mean of the returns that were found behind the action; of one that was never taken, the mean of
        those found at the node, its own value among them.

        Args:
            trees: [R].
            nodes: [R] one of each.
            exploration: c.

        Source: Rosin 2011, "Multi-armed bandits with episode context" (PUCT), as in Silver et al. 2017, AlphaGo Zero,
        with the agent's value in place of a roll-out to the end.
        """
        visits, prior = self.visits[trees, nodes], self.prior[trees, nodes]
        count = 1 + visits.sum(axis=1, keepdims=True)
        bonus = exploration * prior * np.sqrt(count) / (1 + visits)
        score = np.where(prior > 0, self.means(trees, nodes) + bonus, -np.inf)  # what a mask forbids is never tried
        return np.asarray(score.argmax(axis=1), dtype=np.int64)

    def means(self, trees: NDArray[np.int64], nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Q(a) [R, A] at a node of each of some trees [R], see :meth:`choose`."""
        visits, total = self.visits[trees, nodes], self.total[trees, nodes]
        count = 1 + visits.sum(axis=1, keepdims=True)
        here = (self.value[trees, nodes][:, None] + total.sum(axis=1, keepdims=True)) / count
        return np.where(visits > 0, total / np.maximum(visits, 1), here)

    def descend(self, exploration: float) -> tuple[list[tuple[NDArray[np.int64], ...]], NDArray[np.int64]]:
        """Follow the best actions from every root until one has no node yet, or the episode has ended.

        Returns:
            the steps, each (trees [R], nodes [R], actions [R]) of those that went on; and the node [B] where each tree
            stopped: the last step of a tree leads out of it unless the episode has ended there.
        """
        trees = np.arange(len(self.value))
        at = np.zeros(len(trees), dtype=np.int64)
        steps: list[tuple[NDArray[np.int64], ...]] = []
        while len(trees := trees[~self.ended[trees, at[trees]]]):
            nodes = at[trees]
            actions = self.choose(trees, nodes, exploration)
            steps.append((trees, nodes, actions))
            following = self.child[trees, nodes, actions]
            trees = trees[following != NONE]
            at[trees] = following[following != NONE]
        return steps, at

    def back_up(self, steps: list[tuple[NDArray[np.int64], ...]], found: NDArray[np.float64], gamma: float) -> None:
        """Add what simulations found to every action on their ways.

        G_t = r_{t+1} + gamma G_{t+1}

        Args:
            steps: of :meth:`descend`, each action with a child by now.
            found: [B] the value of the node at the end of each way; it is written over.
            gamma: discount.
        """
        for trees, nodes, actions in reversed(steps):
            child = self.child[trees, nodes, actions]
            found[trees] = self.reward[trees, child] + gamma * found[trees]
            self.visits[trees, nodes, actions] += 1
            self.total[trees, nodes, actions] += found[trees]
