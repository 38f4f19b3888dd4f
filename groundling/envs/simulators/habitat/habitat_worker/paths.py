"""Where one can stand and which way leads there, on the navigation mesh of the loaded scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import steering
from .guards import as_array, as_point, is_nowhere
from .settings import SimulatorSettings


class Paths:
    """What the path finder is asked.

    Args:
        package: habitat-sim.
        finder: its path finder, loaded.
        settings: the steps and the turns of the agent.
    """

    def __init__(self, package: Any, finder: Any, settings: SimulatorSettings) -> None:
        self._package, self._finder, self._settings = package, finder, settings

    def to_nearest(
        self, start: Sequence[float], ends: Sequence[Sequence[float]]
    ) -> tuple[float, list[list[float]], int]:
        """The shortest way from a place to the nearest of others: its length, its corners, which; inf if none.

        Ends are moved to where one can stand first, so that their heights do not count.
        """
        return self._way(start, self._snapped(ends))

    def _snapped(self, places: Sequence[Sequence[float]]) -> list[Any]:
        """The nearest place to stand of each of some; None where there is none near."""
        found = [as_array(self._finder.snap_point(as_point(place))) for place in places]
        return [None if is_nowhere(place) else place for place in found]

    def _way(self, start: Sequence[float], ends: Sequence[Any]) -> tuple[float, list[list[float]], int]:
        """As :meth:`to_nearest`, to places that are snapped already."""
        here = as_array(self._finder.snap_point(as_point(start)))
        there = [number for number, end in enumerate(ends) if end is not None]
        if is_nowhere(here) or not there:
            return float("inf"), [], -1
        path = self._package.MultiGoalShortestPath()
        path.requested_start = here
        path.requested_ends = [ends[number] for number in there]
        if not self._finder.find_path(path):
            return float("inf"), [], -1
        corners = [as_array(point).tolist() for point in path.points]
        return float(path.geodesic_distance), corners, there[int(path.closest_end_point_index)]

    def steps_around(self, place: Sequence[float], yaw: float) -> list[list[float]]:
        """Where a step ends on each heading that turns to the left lead to.

        Args:
            place: X, Y, Z of the start.
            yaw: the first heading, about Y, radians.
        """
        x, y, z = place
        turn, step = math.radians(self._settings.turn_degrees), self._settings.step_m
        found = []
        for number in range(round(2 * math.pi / turn)):
            heading = yaw + number * turn
            end = (x - step * math.sin(heading), y, z - step * math.cos(heading))
            there = self._finder.try_step_no_sliding(as_point((x, y, z)), as_point(end))
            found.append(as_array(there).tolist())
        return found

    def snap(self, position: Sequence[float]) -> list[float] | None:
        """The nearest place to stand; None if there is none near."""
        found = as_array(self._finder.snap_point(as_point(position)))
        return None if is_nowhere(found) else list(found.tolist())

    def random_places(self, count: int, seed: int, near: Sequence[float]) -> list[list[float]]:
        """Random places that can be reached from one: the mesh may have islands on top of things."""
        finder = self._finder
        finder.seed(int(seed))
        island = finder.get_island(as_point(near))
        found: list[list[float]] = []
        for _ in range(100 * count):
            point = as_array(finder.get_random_navigable_point())
            if is_nowhere(point) or finder.get_island(point) != island:
                continue
            found.append(point.tolist())
            if len(found) == count:
                break
        return found

    def follow(
        self, place: Sequence[float], yaw: float, goals: Sequence[Sequence[float]], radius: float
    ) -> list[str] | None:
        """Actions that bring the agent within a radius of one of several places, by the path finder; None if no way is.

        Habitat's own greedy follower zigzags (48 actions for 7 m): this one steers along the corners of the shortest
        way, past what a step would run into.

        Args:
            place: X, Y, Z of the agent.
            yaw: its heading, about Y, radians.
            goals: X, Y, Z of each.
            radius: metres.
        """
        finder = self._finder
        here = as_array(finder.snap_point(as_point(place)))
        if is_nowhere(here):
            return None
        ends = self._snapped(goals)
        return steering.steer_along(
            lambda start: self._way(start, ends)[1],
            lambda start, end: as_array(finder.try_step_no_sliding(as_point(start), as_point(end))),
            here.astype(np.float64),
            yaw,
            self._settings.step_m,
            math.radians(self._settings.turn_degrees),
            radius,
        )
