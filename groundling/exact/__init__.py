"""Exact solutions: episodes of a bank enumerated into Markov decision processes, solved by dynamic programming."""

from groundling.exact.enumeration import MOST_STATES, enumerate_bank, enumerate_episode
from groundling.exact.iteration import (
    evaluate_policy,
    finite_horizon,
    greedy_actions,
    policy_iteration,
    q_iteration,
    q_values,
    steps_to_go,
    value_iteration,
)
from groundling.exact.mdp import FAILURE, SUCCESS, Mdp
from groundling.exact.tabular import Learned, TabularConfig, learn

__all__ = [
    "FAILURE",
    "MOST_STATES",
    "SUCCESS",
    "Learned",
    "Mdp",
    "TabularConfig",
    "enumerate_bank",
    "enumerate_episode",
    "evaluate_policy",
    "finite_horizon",
    "greedy_actions",
    "learn",
    "policy_iteration",
    "q_iteration",
    "q_values",
    "steps_to_go",
    "value_iteration",
]
