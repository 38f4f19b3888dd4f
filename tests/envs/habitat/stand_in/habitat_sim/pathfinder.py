"""The path finder: paths, snapping, steps, the view from above. Without a navigation mesh it dies, as the real one."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

import magnum
import numpy as np
from numpy.typing import NDArray

from .polygons import Ground
from .voxels import free_cells, outlines, regions

REACH_ACROSS, REACH_UP = 2.0, 4.0  # metres in which the nearest place of a point is looked for
MOVED = 1e-5


def die_of_segfault() -> NoReturn:
    """End the process as a segmentation fault does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    os._exit(139)


class NavMeshSettings:
    """As ``habitat_sim.NavMeshSettings``."""

    def __init__(self) -> None:
        self.set_defaults()

    def set_defaults(self) -> None:
        """The real one's defaults."""
        self.cell_size, self.cell_height = 0.05, 0.2
        self.agent_height, self.agent_radius = 1.5, 0.1
        self.agent_max_climb, self.agent_max_slope = 0.2, 45.0
        self.region_min_size = self.region_merge_size = 20.0
        self.edge_max_len, self.edge_max_error, self.verts_per_poly = 12.0, 1.3, 6.0
        self.include_static_objects = False


def as_point(value: Any) -> NDArray[np.float64]:
    """A point as the bindings take it: vectors of Magnum and arrays of floats only."""
    if isinstance(value, magnum.Vector3):
        return np.array(value, dtype=np.float64)
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64) or value.shape != (3,):
        raise TypeError("incompatible function arguments: a float array of 3 is needed")
    return value.astype(np.float64)


def vector(point: Any) -> magnum.Vector3:
    """A point as the bindings answer with it."""
    x, y, z = (float(part) for part in point)
    return magnum.Vector3(x, y, z)


class _Path:
    def __setattr__(self, name: str, value: Any) -> None:
        if name == "requested_start":
            value = as_point(value)
        object.__setattr__(self, name, value)


class ShortestPath(_Path):
    """As ``habitat_sim.ShortestPath``."""

    def __init__(self) -> None:
        self.requested_start = np.zeros(3)
        self._end = np.zeros(3)
        self.points: list[magnum.Vector3] = []
        self.geodesic_distance = np.inf

    @property
    def requested_end(self) -> NDArray[np.float64]:
        return self._end

    @requested_end.setter
    def requested_end(self, value: Any) -> None:
        object.__setattr__(self, "_end", as_point(value))


class MultiGoalShortestPath(_Path):
    """As ``habitat_sim.MultiGoalShortestPath``."""

    def __init__(self) -> None:
        self.requested_start = np.zeros(3)
        self._ends: list[NDArray[np.float64]] = []
        self.points: list[magnum.Vector3] = []
        self.geodesic_distance = np.inf
        self.closest_end_point_index = -1

    @property
    def requested_ends(self) -> list[NDArray[np.float64]]:
        return self._ends

    @requested_ends.setter
    def requested_ends(self, value: Any) -> None:
        object.__setattr__(self, "_ends", [as_point(np.asarray(point)) for point in value])


class PathFinder:
    """As ``habitat_sim.PathFinder``: of one floor."""

    def __init__(self) -> None:
        self._ground: Ground | None = None
        self._low = self._high = np.zeros(3)
        self._height = 0.0
        self._random = np.random.default_rng(0)

    def build(self, corners: NDArray[np.float64], settings: NavMeshSettings) -> bool:
        """Make the navigation mesh of triangles [N, 3, 3]."""
        cell = settings.cell_size
        free, low, high = free_cells(
            corners,
            settings.agent_radius,
            settings.agent_height,
            settings.agent_max_climb,
            cell,
            settings.cell_height,
        )
        numbers = regions(free, settings.region_min_size)
        loops = []
        for number in range(1, int(numbers.max(initial=0)) + 1):
            loops += [(loop * cell + low[[0, 2]], number - 1) for loop in outlines(numbers == number)]
        self._ground = Ground(loops) if loops else None
        self._low, self._high, self._height = low, high, float(low[1]) + settings.cell_height
        return self._ground is not None

    @property
    def is_loaded(self) -> bool:
        return self._ground is not None

    @property
    def ground(self) -> Ground:
        if self._ground is None:
            die_of_segfault()
        return self._ground

    @property
    def navigable_area(self) -> float:
        return self.ground.area

    @property
    def num_islands(self) -> int:
        return len(np.unique(self.ground.regions))

    def get_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._low.astype(np.float32), self._high.astype(np.float32)

    def seed(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def is_navigable(self, point: Any, max_y_delta: float = 0.5) -> bool:
        asked = as_point(point)
        return self.ground.is_inside(asked[[0, 2]]) and abs(asked[1] - self._height) <= max_y_delta

    def snap_point(self, point: Any, island_index: int = -1) -> magnum.Vector3:
        return vector(self._snap(point, island_index))

    def _snap(self, point: Any, island_index: int = -1) -> NDArray[np.float32]:
        asked = as_point(point)
        ground = self.ground
        if island_index >= 0:
            ground = _part(ground, island_index)
        nearest = ground.nearest(asked[[0, 2]])
        off = np.abs(nearest - asked[[0, 2]])
        if not (off <= REACH_ACROSS).all() or abs(asked[1] - self._height) > REACH_UP:
            return np.full(3, np.nan, dtype=np.float32)
        return np.array([nearest[0], self._height, nearest[1]], dtype=np.float32)

    def get_island(self, point: Any) -> int:
        return self.ground.region_of(self._snap(point)[[0, 2]].astype(np.float64))

    def island_radius(self, point: Any) -> float:
        region = self.get_island(point)
        edges = self.ground.edges[self.ground.regions == region].reshape(-1, 2)
        return 0.0 if region < 0 else float(np.linalg.norm(edges.max(axis=0) - edges.min(axis=0)) / 2)

    def distance_to_closest_obstacle(self, point: Any, max_search_radius: float = 2.0) -> float:
        asked = as_point(point)[[0, 2]]
        if not self.ground.is_inside(asked):
            return 0.0
        return min(self.ground.to_border(asked), max_search_radius)

    def find_path(self, path: ShortestPath | MultiGoalShortestPath) -> bool:
        ground = self.ground
        ends = [path.requested_end] if isinstance(path, ShortestPath) else path.requested_ends
        start = self._snapped(path.requested_start)
        best, path.points, path.geodesic_distance = -1, [], np.inf
        straight = np.linalg.norm((np.array(ends).reshape(-1, 3) - start)[:, [0, 2]], axis=1)
        for number in np.argsort(straight).tolist():
            if straight[number] - 2 * REACH_ACROSS >= path.geodesic_distance:
                break
            end = self._snapped(ends[number])
            if np.linalg.norm((end - start)[[0, 2]]) >= path.geodesic_distance:
                continue
            points, length = self._one(ground, start, end)
            if length < path.geodesic_distance:
                best, path.points, path.geodesic_distance = number, points, length
        if isinstance(path, MultiGoalShortestPath):
            path.closest_end_point_index = best if np.isfinite(path.geodesic_distance) else -1
        return bool(np.isfinite(path.geodesic_distance))

    def _snapped(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """A point on the ground keeps its height; another takes the ground's."""
        is_within = self.ground.is_inside(point[[0, 2]], 0.0) and self.ground.to_border(point[[0, 2]]) > 1e-6
        if is_within and abs(point[1] - self._height) <= REACH_UP:
            return point
        return self._snap(point).astype(np.float64)

    def _one(
        self, ground: Ground, start: NDArray[np.float64], end: NDArray[np.float64]
    ) -> tuple[list[magnum.Vector3], float]:
        if np.isnan(start).any() or np.isnan(end).any():
            return [], np.inf
        corners = ground.path(start[[0, 2]], end[[0, 2]])
        if corners is None:
            return [], np.inf
        points = np.insert(corners, 1, self._height, axis=1)
        points[0, 1], points[-1, 1] = start[1], end[1]
        if len(points) == 2 and (points[0, [0, 2]] == points[1, [0, 2]]).all():
            points[:, 1] = self._height
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        return [vector(point) for point in points], length

    def get_random_navigable_point(self, max_tries: int = 10, island_index: int = -1) -> magnum.Vector3:
        ground = self.ground if island_index < 0 else _part(self.ground, island_index)
        for _ in range(1000):
            point = self._random.uniform(self._low[[0, 2]], self._high[[0, 2]])
            if ground.is_inside(point, 0.0):
                return vector((point[0], self._height, point[1]))
        return vector((np.nan, np.nan, np.nan))

    def get_topdown_view(self, meters_per_pixel: float, height: float, eps: float = 0.5) -> NDArray[np.bool_]:
        if self._ground is None:
            return np.zeros((0, 0), dtype=np.bool_)
        size = ((self._high - self._low)[[2, 0]].astype(np.float32) / np.float32(meters_per_pixel)).astype(int)
        found = np.zeros(size, dtype=np.bool_)
        if abs(height - self._height) > eps:
            return found
        for z in range(size[0]):
            for x in range(size[1]):
                point = self._low[[0, 2]] + meters_per_pixel * np.array([x, z])
                found[z, x] = self._ground.is_inside(point)
        return found

    def try_step(self, start: Any, end: Any) -> magnum.Vector3:
        return vector(self._step(as_point(start), as_point(end), slides=True))

    def try_step_no_sliding(self, start: Any, end: Any) -> magnum.Vector3:
        return vector(self._step(as_point(start), as_point(end), slides=False))

    def _step(self, start: NDArray[np.float64], end: NDArray[np.float64], slides: bool) -> NDArray[np.float32]:
        ground = self.ground
        here, there = self._snap(start)[[0, 2]].astype(np.float64), end[[0, 2]]
        if np.isnan(here).any():
            return start.astype(np.float32)
        if not ground.is_free(here, there):
            there = ground.nearest(there) if slides else ground.until_border(here, there)
        return np.array([there[0], self._height, there[1]], dtype=np.float32)


def _part(ground: Ground, island: int) -> Ground:
    part = Ground([])
    part.edges, part.regions = ground.edges[ground.regions == island], ground.regions[ground.regions == island]
    return part
