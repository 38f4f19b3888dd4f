"""Driving along a shortest way in steps and turns of fixed sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import facts

MOST_ACTIONS = 1000
SAME_PLACE_M = 0.02
REVISITS = 3  # of one place, after which the way is given up
FULL = 0.98  # of a step, which counts as one that nothing stopped


def steer_along(
    path: Callable[[Any], Sequence[Any]],
    try_step: Callable[[Any, Any], Any],
    position: Any,
    yaw: float,
    step: float,
    turn: float,
    radius: float,
) -> list[str] | None:
    """Actions from a pose to where a path ends.

    Args:
        path: the corners of the way from a place, its end the last; none if there is no way.
        try_step: where a step from one place to another ends.
        position: X, Y, Z of the start.
        yaw: about Y, radians.
        step: metres.
        turn: radians.
        radius: metres from the end that are near enough.

    Returns:
        the actions; None if there is no way.
    """
    actions: list[str] = []
    places: list[Any] = []
    while len(actions) < MOST_ACTIONS:
        corners = [np.asarray(corner, dtype=np.float64) for corner in path(position)]
        if not corners:
            return None
        if length_of(corners) <= radius:
            return actions
        aim = next((c for c in corners[1:] if flat(c - position) > step / 2), corners[-1])
        wanted = math.atan2(position[0] - aim[0], position[2] - aim[2])
        turns, there = best_turns(path, try_step, position, yaw, wanted, length_of(corners), step, turn)
        steps = [] if turns is None else [(turns, there)]
        steps = steps or detour(path, try_step, position, yaw, length_of(corners), step, turn)
        if not steps:
            return actions
        for turns, there in steps:
            actions += [facts.LEFT if turns > 0 else facts.RIGHT] * abs(turns) + [facts.FORWARD]
            yaw += turns * turn
            position = there
        places.append(position)
        if sum(flat(other - position) < SAME_PLACE_M for other in places) > REVISITS:
            return actions
    return actions


def best_turns(
    path: Callable[[Any], Sequence[Any]],
    try_step: Callable[[Any, Any], Any],
    position: Any,
    yaw: float,
    wanted: float,
    left: float,
    step: float,
    turn: float,
) -> tuple[int | None, Any]:
    """How many turns to the left (right where negative) before a step, and where that ends.

    The heading nearest to the wanted yaw on which a whole step is free and shortens the way that is left (metres);
    where there is none, the one that shortens it most. None where no step does.
    """
    exact = ((wanted - yaw + math.pi) % (2 * math.pi) - math.pi) / turn
    nearest = round(exact)
    best, found, ends = left - SAME_PLACE_M / 2, None, position
    for i in range(2 * math.ceil(math.pi / turn)):
        side = 1 if exact >= nearest else -1
        turns = nearest + (side if i % 2 else -side) * ((i + 1) // 2)
        heading = yaw + turns * turn
        end = position + step * np.array([-math.sin(heading), 0.0, -math.cos(heading)])
        there = np.asarray(try_step(position, end), dtype=np.float64)
        moved = flat(there - position)
        if moved < SAME_PLACE_M:
            continue
        corners = [np.asarray(corner, dtype=np.float64) for corner in path(there)]
        if not corners or length_of(corners) >= best:
            continue
        if moved >= FULL * step:
            return turns, there
        best, found, ends = length_of(corners), turns, there
    return found, ends


def detour(
    path: Callable[[Any], Sequence[Any]],
    try_step: Callable[[Any, Any], Any],
    position: Any,
    yaw: float,
    left: float,
    step: float,
    turn: float,
) -> list[tuple[int, Any]]:
    """Two steps out of a corner, from which no single one shortens the way that is left (metres).

    Each as the turns to the left before it, and where it ends; none where two steps do not help either.
    """
    best, found = left - SAME_PLACE_M / 2, []
    for turns, there in _steps_from(try_step, position, yaw, step, turn):
        for more, after in _steps_from(try_step, there, yaw + turns * turn, step, turn):
            corners = [np.asarray(corner, dtype=np.float64) for corner in path(after)]
            if corners and length_of(corners) < best:
                best, found = length_of(corners), [(turns, there), (more, after)]
    return found


def _steps_from(
    try_step: Callable[[Any, Any], Any], position: Any, yaw: float, step: float, turn: float
) -> list[tuple[int, Any]]:
    """The steps on all headings that get anywhere: the turns to the left before each, and where it ends."""
    half = round(math.pi / turn)
    found = []
    for turns in range(-half, half):
        heading = yaw + turns * turn
        end = position + step * np.array([-math.sin(heading), 0.0, -math.cos(heading)])
        there = np.asarray(try_step(position, end), dtype=np.float64)
        if flat(there - position) >= SAME_PLACE_M:
            found.append((turns, there))
    return found


def flat(way: Any) -> float:
    """The length of a way on the floor."""
    return float(math.hypot(way[0], way[2]))


def length_of(corners: Sequence[Any]) -> float:
    """The length on the floor of a way through corners."""
    return sum(flat(b - a) for a, b in zip(corners, corners[1:]))
