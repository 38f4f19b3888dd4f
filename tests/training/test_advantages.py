"""Generalized advantages against hand-computed numbers, and truncation against a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from groundling.errors import ConfigurationError
from groundling.training.advantages import advantage_numbers, gae


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


def flags(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.bool).unsqueeze(1)


def test_advantages_equal_hand_computed_numbers() -> None:
    # deltas with gamma 0.5: 1 + 0.5 * 2 - 1 = 1;  0 + 0.5 * 4 - 2 = 0;  2 + 0.5 * 8 - 4 = 2
    # advantages with gamma * lambda = 0.25: 2;  0 + 0.25 * 2 = 0.5;  1 + 0.25 * 0.5 = 1.125
    advantage = gae(
        column(1, 0, 2), column(1, 2, 4), column(2, 4, 8), flags(0, 0, 0), flags(0, 0, 0), gamma=0.5, gae_lambda=0.5
    )
    torch.testing.assert_close(advantage, column(1.125, 0.5, 2))


def test_termination_forgets_the_next_value_and_the_next_episode() -> None:
    # delta of the terminated step: 0 + 0 - 2 = -2, and nothing of step 2 leaks into it
    advantage = gae(
        column(1, 0, 2), column(1, 2, 4), column(2, 4, 8), flags(0, 1, 0), flags(0, 0, 0), gamma=0.5, gae_lambda=0.5
    )
    torch.testing.assert_close(advantage, column(1 + 0.25 * -2, -2, 2))


def test_truncation_keeps_the_next_value_and_forgets_the_next_episode() -> None:
    # delta of the truncated step: 0 + 0.5 * 6 - 2 = 1, where 6 is the value of the final observation
    advantage = gae(
        column(1, 0, 2), column(1, 2, 4), column(2, 6, 8), flags(0, 0, 0), flags(0, 1, 0), gamma=0.5, gae_lambda=0.5
    )
    torch.testing.assert_close(advantage, column(1.25, 1, 2))


def test_step_that_ends_both_ways_is_a_termination() -> None:
    advantage = gae(column(1), column(2), column(100), flags(1), flags(1), gamma=0.9, gae_lambda=0.9)
    torch.testing.assert_close(advantage, column(-1))


def test_environments_are_independent() -> None:
    generator = torch.Generator().manual_seed(0)
    reward, value, next_value = (torch.randn(7, 3, generator=generator) for _ in range(3))
    terminated, truncated = (torch.rand(7, 3, generator=generator) < 0.2 for _ in range(2))
    together = gae(reward, value, next_value, terminated, truncated, gamma=0.9, gae_lambda=0.8)
    for b in range(3):
        one = (array[:, b : b + 1] for array in (reward, value, next_value, terminated, truncated))
        assert torch.equal(gae(*one, gamma=0.9, gae_lambda=0.8), together[:, b : b + 1])


def test_lambda_1_gives_the_discounted_return_less_the_value() -> None:
    reward, value = column(1, -2, 3, 0.5), column(0.3, 0.1, -0.4, 2)
    next_value = torch.cat([value[1:], column(7)])
    advantage = gae(reward, value, next_value, flags(0, 0, 0, 0), flags(0, 0, 0, 0), gamma=0.9, gae_lambda=1.0)
    returns = [sum(0.9**k * reward[t + k, 0] for k in range(4 - t)) + 0.9 ** (4 - t) * 7 for t in range(4)]
    torch.testing.assert_close(advantage + value, torch.stack(returns).unsqueeze(1))


def test_lambda_0_gives_the_one_step_error() -> None:
    advantage = gae(column(1, 2), column(3, 4), column(4, 5), flags(0, 0), flags(0, 0), gamma=0.9, gae_lambda=0.0)
    torch.testing.assert_close(advantage, column(1 + 0.9 * 4 - 3, 2 + 0.9 * 5 - 4))


def value_of_an_endless_chain(*, time_limits_terminate: bool) -> float:
    """Fit the one value of a chain that pays 1 for ever and is cut every 5 steps by a time limit."""
    steps, gamma, value = 20, 0.9, 0.0
    cut = (torch.arange(steps) % 5 == 4).unsqueeze(1)
    never = torch.zeros_like(cut)
    ends = (cut, never) if time_limits_terminate else (never, cut)
    for _ in range(200):
        v = torch.full((steps, 1), value)
        advantage = gae(torch.ones(steps, 1), v, v, *ends, gamma=gamma, gae_lambda=0.95)
        value += 0.5 * float(advantage.mean())
    return value


def test_chain_cut_by_time_limits_is_worth_its_closed_form() -> None:
    assert value_of_an_endless_chain(time_limits_terminate=False) == pytest.approx(1 / (1 - 0.9), rel=1e-3)


def test_chain_is_worth_less_where_time_limits_are_taken_for_terminations() -> None:
    assert value_of_an_endless_chain(time_limits_terminate=True) < 0.6 / (1 - 0.9)


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 2), (4, 2), (4, 1), (4, 2), (4, 2)),
        ((4, 2), (3, 2), (4, 2), (4, 2), (4, 2)),
        ((4, 2), (4, 2), (4, 2), (4, 2), (2, 4)),
        ((4,), (4,), (4,), (4,), (4,)),
    ],
)
def test_arrays_of_other_shapes_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    numbers = [torch.zeros(shape) for shape in shapes[:3]]
    ended = [torch.zeros(shape, dtype=torch.bool) for shape in shapes[3:]]
    with pytest.raises(ConfigurationError, match=r"must share one shape \[T, B\]"):
        gae(*numbers, *ended, gamma=0.9, gae_lambda=0.9)


def test_extreme_advantage_is_the_farthest_from_the_mean_on_either_side() -> None:
    advantage = torch.tensor([[-6.0, 1.0], [2.0, 3.0]])  # mean 0, standard deviation sqrt(50 / 3)
    spread, mean, extreme = advantage_numbers(advantage).tolist()
    assert (spread, mean) == pytest.approx(((50 / 3) ** 0.5, 0.0), abs=1e-6)
    assert extreme == pytest.approx(6 / (50 / 3) ** 0.5)
    assert advantage_numbers(torch.full((2, 2), 3.0)).tolist() == [0.0, 3.0, 0.0]
