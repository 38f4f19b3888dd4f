"""The actions that lead along a shortest way, in the sizes of a task's steps and turns, as a follower of Habitat's.

Before each step it turns to the one of its headings from which the step brings it nearest to the next corner of the
way, turns counted a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from groundling.envs.families.habitat.episodes.walking import Field, Point

TURN_PRICE_M: Final = 0.001  # by how much nearer a step must bring it that takes one turn more
LEAST_M: Final = 0.01  # a step that brings it no nearer than that is none
MOST: Final = 1500  # actions


class LabAction(IntEnum):
    """The numbers that habitat-lab gives actions in episodes (``HabitatSimActions``)."""

    STOP = 0
    MOVE_FORWARD = 1
    TURN_LEFT = 2
    TURN_RIGHT = 3


@dataclass(frozen=True)
class ActionSizes:
    """How far one action goes.

    Attributes:
        forward_m: a step ahead, in metres.
        turn_deg: a turn, in degrees; it divides 360.
    """

    forward_m: float = 0.25
    turn_deg: float = 10.0


@dataclass(frozen=True)
class Waypoint:
    """A pose on the map, and the action that is taken there."""

    x: float
    y: float
    heading: float
    action: LabAction


def follow(
    field: Field,
    start: tuple[float, float, float],
    sizes: ActionSizes,
    radius: float,
    face: Point | None = None,
) -> list[Waypoint] | None:
    """The poses and actions from a start to a goal, the last of which is to stop; None if it is not reached.

    Args:
        field: how far everything is from the goals.
        start: x, y and heading.
        sizes: of the actions.
        radius: how near a goal one must come, in metres.
        face: a point that one looks at in the end.
    """
    for price in (TURN_PRICE_M, 10 * TURN_PRICE_M, 0.0):
        found = _follow(field, start, sizes, radius, price)
        if found is not None:
            return _facing(found, sizes, face)
    return None


def _follow(
    field: Field, start: tuple[float, float, float], sizes: ActionSizes, radius: float, price: float
) -> list[Waypoint] | None:
    x, y, heading = start
    turn = math.radians(sizes.turn_deg)
    count = round(360 / sizes.turn_deg)
    turns = sorted(range(-((count - 1) // 2), count // 2 + 1), key=abs)
    goals = np.array(field.goals)
    found: list[Waypoint] = []
    corners: list[Point] = []
    while np.hypot(goals[:, 0] - x, goals[:, 1] - y).min() > radius:
        corners = _ahead(field, (x, y), corners)
        if not corners or len(found) > MOST:
            return None
        step = _best_step(field, (x, y), heading, corners[0], sizes.forward_m, turn, turns, price)
        if step is None:
            return None
        k, to = step
        heading = _turned(found, x, y, heading, k, turn)
        found.append(Waypoint(x, y, heading, LabAction.MOVE_FORWARD))
        x, y = to
    found.append(Waypoint(x, y, heading, LabAction.STOP))
    return found


def _ahead(field: Field, here: Point, corners: list[Point]) -> list[Point]:
    """The corners of the way that are left, the first of which is in sight; those of a new way where none is."""
    for place in range(len(corners) - 1, -1, -1):
        if math.dist(here, corners[place]) > LEAST_M and field.map.is_open(here, corners[place]):
            return corners[place:]
    return (field.path(*here) or [here])[1:]


def _best_step(
    field: Field,
    here: Point,
    heading: float,
    target: Point,
    forward: float,
    turn: float,
    turns: list[int],
    price: float,
) -> tuple[int, Point] | None:
    """How often to turn, and where the step then leads: nearer to a corner, or else nearer to the goal on foot."""
    steps = []
    for k in turns:
        way = heading + k * turn
        to = here[0] + forward * math.cos(way), here[1] + forward * math.sin(way)
        if field.map.is_free(*to):
            steps.append((k, to))
    left = math.dist(here, target)
    nearer = [
        (math.dist(to, target) + abs(k) * price, k, to) for k, to in steps if math.dist(to, target) < left - LEAST_M
    ]
    for _, k, to in sorted(nearer):
        if field.map.is_open(here, to):
            return k, to
    left = field.at(*here)
    nearer = [(after + abs(k) * price, k, to) for k, to in steps if (after := field.at(*to)) < left - LEAST_M]
    for _, k, to in sorted(nearer):
        if field.map.is_open(here, to):
            return k, to
    return None


def _turned(found: list[Waypoint], x: float, y: float, heading: float, k: int, turn: float) -> float:
    """Turn ``k`` times to the right, or to the left if negative."""
    for _ in range(abs(k)):
        found.append(Waypoint(x, y, heading, LabAction.TURN_RIGHT if k > 0 else LabAction.TURN_LEFT))
        heading = (heading + math.copysign(turn, k)) % math.tau
    return heading


def _facing(found: list[Waypoint], sizes: ActionSizes, face: Point | None) -> list[Waypoint]:
    if face is None:
        return found
    end = found[-1]
    turn = math.radians(sizes.turn_deg)
    away = math.atan2(face[1] - end.y, face[0] - end.x) - end.heading
    kept = found[:-1]
    heading = _turned(kept, end.x, end.y, end.heading, round(math.remainder(away, math.tau) / turn), turn)
    return [*kept, Waypoint(end.x, end.y, heading, LabAction.STOP)]
