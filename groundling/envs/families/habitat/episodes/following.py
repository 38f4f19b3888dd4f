"""The actions that lead along a shortest way, in the sizes of a task's steps and turns, as a follower of Habitat's.

Before each step it turns to the one of its headings from which the step brings it nearest, turns counted a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from groundling.envs.families.habitat.episodes.walking import FAR, Field, Point

TURN_PRICE_M: Final = 0.03  # by how much nearer a step must bring it that takes one turn more
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
    for price in (TURN_PRICE_M, 0.0, 3 * TURN_PRICE_M):
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
    found: list[Waypoint] = []
    left = field.at(x, y)
    if left == FAR:
        return None
    while left > radius:
        best: tuple[float, int, Point, float] | None = None
        for k in turns:
            way = heading + k * turn
            to = x + sizes.forward_m * math.cos(way), y + sizes.forward_m * math.sin(way)
            after = field.at(*to) if field.map.is_free(*to) else FAR
            if after > left - LEAST_M:
                continue
            cost = after + abs(k) * price
            if (best is None or cost < best[0]) and field.map.is_open((x, y), to):
                best = cost, k, to, after
        if best is None or len(found) > MOST:
            return None
        _, k, to, left = best
        heading = _turned(found, x, y, heading, k, turn)
        found.append(Waypoint(x, y, heading, LabAction.MOVE_FORWARD))
        x, y = to
    found.append(Waypoint(x, y, heading, LabAction.STOP))
    return found


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
