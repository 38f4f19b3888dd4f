"""Driving along a way in steps and turns of fixed sizes, without a simulator: the path finder is a few lines here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.habitat_worker.steering import steer_along

GOAL = np.array([0.0, 0.0, -1.0])
TURN = math.radians(15)


def straight(position: Any) -> Sequence[Any]:
    return [position, GOAL]


def beside_a_wall(start: Any, end: Any) -> Any:
    """Steps across a wall of .4 m before the start get nowhere."""
    if (start[2] > 0) != (end[2] > 0):
        x = start[0] + (end[0] - start[0]) * start[2] / (start[2] - end[2])
        if abs(x) < 0.2:
            return start
    return end


def driven(actions: list[str], position: Any, step: Any) -> Any:
    yaw = 0.0
    for action in actions:
        if action == facts.FORWARD:
            position = step(position, position + 0.25 * np.array([-math.sin(yaw), 0.0, -math.cos(yaw)]))
        else:
            yaw += TURN if action == facts.LEFT else -TURN
    return position


def test_a_free_way_is_driven_straight() -> None:
    actions = steer_along(straight, lambda start, end: end, np.zeros(3), 0.0, 0.25, TURN, 0.1)
    assert actions == [facts.FORWARD] * 4


def test_two_steps_lead_out_of_a_corner_that_no_single_one_leaves() -> None:
    start = np.array([0.0, 0.0, 0.01])
    actions = steer_along(straight, beside_a_wall, start, 0.0, 0.25, TURN, 0.2)
    assert actions is not None
    assert np.linalg.norm(driven(actions, start, beside_a_wall) - GOAL) <= 0.2


def test_a_way_that_cannot_be_gone_on_with_is_given_up() -> None:
    assert steer_along(straight, lambda start, end: start, np.zeros(3), 0.0, 0.25, TURN, 0.1) == []
    assert steer_along(lambda position: [], beside_a_wall, np.zeros(3), 0.0, 0.25, TURN, 0.1) is None
