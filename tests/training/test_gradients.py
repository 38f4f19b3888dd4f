"""The gradient step: what it does with a loss, and that every built-in algorithm goes through it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

import groundling.training.algorithms as algorithms
from groundling.training.gradients import GradientStep


def test_step_is_plain_descent_with_a_clipped_gradient() -> None:
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    step = GradientStep(torch.optim.SGD(layer.parameters(), lr=1.0), max_norm=2.5)
    norm = step(layer(torch.tensor([[3.0, 4.0]])).sum())
    assert norm.item() == pytest.approx(5.0)
    assert layer.weight[0].tolist() == pytest.approx([1 - 1.5, 1 - 2.0])  # half of (3, 4): 2.5 long


def test_gradients_of_one_step_are_forgotten_in_the_next() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    step = GradientStep(torch.optim.SGD(layer.parameters(), lr=1.0), max_norm=math.inf)
    for _ in range(2):
        assert step(layer(torch.ones(1, 1)).sum()).item() == pytest.approx(1.0)
    assert layer.weight.item() == pytest.approx(-2.0)


def test_only_the_named_parameters_count_in_the_norm() -> None:
    first, second = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(1.0))
    step = GradientStep(torch.optim.SGD([first, second], lr=1.0), [first], max_norm=1.0)
    assert step(2 * first + 8 * second).item() == pytest.approx(2.0)
    assert (first.item(), second.item()) == pytest.approx((0.0, -7.0), abs=1e-5)


def test_no_algorithm_steps_an_optimizer_by_itself() -> None:
    for path in Path(algorithms.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert ".backward()" not in text, path.name
        assert "optimizer.step()" not in text, path.name
