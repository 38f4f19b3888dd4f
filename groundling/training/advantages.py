"""Advantages of a rollout."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from groundling.errors import ConfigurationError

ADVANTAGE_METRICS: Final = ("advantage_spread", "advantage_mean", "advantage_extreme")


def advantage_numbers(advantage: Tensor) -> Tensor:
    """How the advantages [T, B] of a rollout are distributed, [3]: ``advantage_spread``, their standard deviation,
    ``advantage_mean``, and ``advantage_extreme``, how many standard deviations the largest is away from the mean.
    """
    spread, mean = torch.std_mean(advantage)
    extreme = (advantage - mean).abs().max() / spread.clamp(min=torch.finfo(spread.dtype).tiny)
    return torch.stack([spread, mean, torch.where(spread > 0, extreme, torch.zeros_like(extreme))])


def gae(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    """Generalized advantage estimate of a rollout.

    delta_t = r_t + gamma * (1 - terminated_t) * v_{t+1} - v_t
    A_t     = delta_t + gamma * gae_lambda * (1 - ended_t) * A_{t+1},   ended = terminated or truncated

    Args:
        reward: [T, B] float32, received after action t.
        value: [T, B] float32, of observation t.
        next_value: [T, B] float32; where the episode ended, of its final observation, not of the reset one.
        terminated: [T, B] bool, the goal was reached or failed.
        truncated: [T, B] bool, the time limit was reached; the episode's value goes on beyond it.
        gamma: discount.
        gae_lambda: decay of the estimate.

    Returns:
        [T, B] float32, not normalized.

    Raises:
        ConfigurationError: if the arrays do not share one [T, B].

    Source: Schulman et al. 2016, arXiv:1506.02438, section 3.
    """
    shapes = {tuple(array.shape) for array in (reward, value, next_value, terminated, truncated)}
    if len(shapes) != 1 or reward.ndim != 2:
        raise ConfigurationError(f"the rollout's arrays must share one shape [T, B], got {sorted(shapes)}")
    # only a termination has no value after it: where time ran out, the final observation's value stands in
    delta = reward + gamma * next_value * ~terminated - value
    # but either ends the sum, since the next row belongs to another episode
    carry = gamma * gae_lambda * (~(terminated | truncated)).to(reward.dtype)
    advantage = torch.empty_like(reward)
    following = torch.zeros_like(reward[0])
    for step in reversed(range(len(reward))):
        following = delta[step] + carry[step] * following
        advantage[step] = following
    return advantage
