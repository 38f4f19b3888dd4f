"""What drawing an episode needs of a house: where one can walk in it, from where its things are seen, poses as files
have them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.following import Waypoint
from groundling.envs.families.habitat.episodes.footprints import sees, walking_map
from groundling.envs.families.habitat.episodes.values import PathPoint, Vector
from groundling.envs.families.habitat.episodes.walking import FAR, Field, Point, WalkingMap
from groundling.envs.families.habitat.houses import House, HouseThing

VIEW_DISTANCE_M: Final = 1.0
VIEW_SPACING_M: Final = 0.15
PICTURE, PICTURE_FOV = (640, 480), 79.0
FLOOR_Y: Final = layout.LAB_NAVMESH_HEIGHT_M

Pose = tuple[float, float, float]  # x, y and heading on the map


@dataclass(frozen=True)
class Place:
    """A house for episodes.

    Attributes:
        house: with its doors as they are in the scene.
        kinds: what its things look like.
        dataset: the file of the dataset, as episodes name it.
        floor_y: the height of agents in the files.
    """

    house: House
    kinds: Kinds
    dataset: str
    floor_y: float = FLOOR_Y
    _fields: dict[tuple[Point, ...], Field] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def walking(self) -> WalkingMap:
        """Where one can walk."""
        return walking_map(self.house, self.kinds)

    @property
    def start(self) -> Pose:
        """The pose in which our own episode begins."""
        x, y, direction = self.house.start
        return x + 0.5, y + 0.5, direction * math.pi / 2

    def field(self, goals: Sequence[Point]) -> Field:
        """How far everything is from some points; kept."""
        key = tuple(goals)
        if key not in self._fields:
            self._fields[key] = self.walking.field(list(key))
        return self._fields[key]

    def free_point(self, rng: np.random.Generator) -> Point:
        """A point where one can stand."""
        rows, columns = np.nonzero(self.walking.free)
        chosen = int(rng.integers(len(rows)))
        return float(columns[chosen] + 0.5) * 0.05, float(rows[chosen] + 0.5) * 0.05

    def view_points(self, thing: HouseThing) -> list[Pose]:
        """Poses that look at a thing from near by, the nearest first; of what is in a container, from its front."""
        reach = int(VIEW_DISTANCE_M / VIEW_SPACING_M)
        found = []
        for row in range(-reach, reach + 1):
            for column in range(-reach, reach + 1):
                x, y = thing.x + column * VIEW_SPACING_M, thing.y + row * VIEW_SPACING_M
                apart = math.hypot(x - thing.x, y - thing.y)
                if not 0.3 < apart <= VIEW_DISTANCE_M or not self.walking.is_free(x, y):
                    continue
                heading = math.atan2(thing.y - y, thing.x - x)
                if thing.is_inside and math.cos(heading - thing.back * math.pi / 2) < 0.5:
                    continue
                # to the side of its tile that faces the eye: the walls behind it do not count
                near = thing.x - 0.3 * math.cos(heading), thing.y - 0.3 * math.sin(heading)
                if sees(self.house, (x, y), near):
                    found.append((apart, (x, y, heading % math.tau)))
        return [pose for _, pose in sorted(found)]

    def reachable_views(self, thing: HouseThing, start: Pose) -> list[Pose]:
        """The view points of a thing to which there is a way from a start."""
        away = self.field([start[:2]])
        return [pose for pose in self.view_points(thing) if away.at(*pose[:2]) < FAR]

    def coverage(self, pose: Pose, thing: HouseThing) -> float:
        """The share of a picture of ObjectNav that a box of half a tile about a thing fills, from 0 to 1."""
        (width, height), fov = PICTURE, PICTURE_FOV
        apart = max(math.hypot(pose[0] - thing.x, pose[1] - thing.y), 0.3)
        focal = width / 2 / math.tan(math.radians(fov) / 2)
        side = 0.5 * focal / apart
        return round(min(side, width) * min(side, height) / (width * height), 4)

    def position(self, point: Point) -> Vector:
        """A point of the map as files have it."""
        return tuple(round(value, 6) for value in layout.to_position(*point, self.floor_y))

    def rotation(self, heading: float) -> Vector:
        """A heading as files have it."""
        return tuple(round(value, 9) for value in layout.to_rotation(heading))

    def path(self, way: Sequence[Waypoint]) -> tuple[PathPoint, ...]:
        """Poses and actions as files have them."""
        return tuple(
            PathPoint(self.position((one.x, one.y)), self.rotation(one.heading), int(one.action)) for one in way
        )
