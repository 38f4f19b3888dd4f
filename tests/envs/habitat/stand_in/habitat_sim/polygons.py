"""Where an agent can stand as outlines in metres: inside or not, the nearest point, straight ways, shortest ways."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

ON_BORDER = 1e-4  # metres
SAMPLE = 0.04


class Ground:
    """What can be stood on.

    Args:
        loops: of outlines [N, 2] in metres (x, z), of each with the region it belongs to.
    """

    def __init__(self, loops: list[tuple[NDArray[np.float64], int]]) -> None:
        edges = [np.stack([loop, np.roll(loop, -1, axis=0)], axis=1) for loop, _ in loops]
        self.edges = np.concatenate(edges) if edges else np.zeros((0, 2, 2))
        self.regions = np.concatenate([np.full(len(loop), region) for loop, region in loops]) if loops else np.zeros(0)
        self.regions = self.regions.astype(np.int64)
        turning = [loop[_is_inner_corner(loop)] for loop, _ in loops]
        self.corners = np.concatenate(turning) if turning else np.zeros((0, 2))
        self._ways: NDArray[np.float64] | None = None

    @property
    def area(self) -> float:
        """Square metres."""
        (x0, z0), (x1, z1) = self.edges[:, 0].T, self.edges[:, 1].T
        return float(abs((x0 * z1 - x1 * z0).sum()) / 2)

    def is_inside(self, point: NDArray[np.float64], tolerance: float = ON_BORDER) -> bool:
        """Whether a point can be stood on."""
        return bool(_inside(self.edges, point[0], point[1], tolerance))

    def nearest(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest point that can be stood on."""
        if _inside(self.edges, point[0], point[1], 0.0):
            return point
        return np.array(_on_border(self.edges, point[0], point[1])[:2])

    def to_border(self, point: NDArray[np.float64]) -> float:
        """Metres to the border."""
        return float(_on_border(self.edges, point[0], point[1])[2])

    def is_free(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
        """Whether the straight way is."""
        return bool(_free(self.edges, a[0], a[1], b[0], b[1]))

    def until_border(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far a straight way from a point gets."""
        return a + _share(self.edges, a[0], a[1], b[0], b[1]) * (b - a)

    def region_of(self, point: NDArray[np.float64]) -> int:
        """The number of the region that a point is in or nearest to; -1 if there is none."""
        for region in np.unique(self.regions).tolist():
            if _inside(self.edges[self.regions == region], point[0], point[1], ON_BORDER):
                return int(region)
        return -1

    def path(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The corners [N, 2] of the shortest way; None if there is none."""
        if self.is_free(a, b):
            return np.stack([a, b])
        corners, n = self.corners, len(self.corners)
        if self._ways is None:
            self._ways = _between(self.edges, corners)
        graph = np.full((n + 2, n + 2), np.inf)
        graph[:n, :n] = self._ways
        for row, point in ((n, a), (n + 1, b)):
            graph[row, :n] = graph[:n, row] = _from_point(self.edges, corners, point[0], point[1])
        lengths, before = dijkstra(graph, indices=n, return_predecessors=True)
        if not np.isfinite(lengths[n + 1]):
            return None
        order = [n + 1]
        while order[-1] != n:
            order.append(int(before[order[-1]]))
        points = np.concatenate([corners, [a, b]])
        return points[order[::-1]]


def _is_inner_corner(loop: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a way may bend: corners that point into the ground."""
    before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
    return before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] < -1e-9


@njit(cache=True)
def _on_border(edges, x, z):  # type: ignore[no-untyped-def]
    best, found_x, found_z = np.inf, np.nan, np.nan
    for e in range(edges.shape[0]):
        ax, az = edges[e, 0, 0], edges[e, 0, 1]
        wx, wz = edges[e, 1, 0] - ax, edges[e, 1, 1] - az
        share = ((x - ax) * wx + (z - az) * wz) / (wx * wx + wz * wz)
        share = min(1.0, max(0.0, share))
        px, pz = ax + share * wx, az + share * wz
        d = math.sqrt((px - x) ** 2 + (pz - z) ** 2)
        if d < best:
            best, found_x, found_z = d, px, pz
    return found_x, found_z, best


@njit(cache=True)
def _inside(edges, x, z, tolerance):  # type: ignore[no-untyped-def]
    odd = False
    for e in range(edges.shape[0]):
        ax, az, bx, bz = edges[e, 0, 0], edges[e, 0, 1], edges[e, 1, 0], edges[e, 1, 1]
        if (az > z) != (bz > z) and x < ax + (z - az) / (bz - az) * (bx - ax):
            odd = not odd
    if odd:
        return True
    return tolerance > 0 and _on_border(edges, x, z)[2] <= tolerance


@njit(cache=True)
def _share(edges, ax, az, bx, bz):  # type: ignore[no-untyped-def]
    """Which share of a way is free before it leaves the ground."""
    wx, wz = bx - ax, bz - az
    length = math.sqrt(wx * wx + wz * wz)
    if length == 0:
        return 1.0
    shares = [0.0]
    for e in range(edges.shape[0]):
        ex, ez = edges[e, 0, 0], edges[e, 0, 1]
        fx, fz = edges[e, 1, 0] - ex, edges[e, 1, 1] - ez
        cross = wx * fz - wz * fx
        if abs(cross) < 1e-12:
            continue
        t = ((ex - ax) * fz - (ez - az) * fx) / cross
        u = ((ex - ax) * wz - (ez - az) * wx) / cross
        if -1e-6 <= u <= 1 + 1e-6 and -1e-6 <= t <= 1:
            shares.append(max(t, 0.0))
    shares.sort()
    ahead = 2 * ON_BORDER / length
    for t in shares:
        if t + ahead < 1 and not _inside(edges, ax + (t + ahead) * wx, az + (t + ahead) * wz, ON_BORDER / 4):
            return t
        if t + ahead >= 1 and not _inside(edges, bx, bz, ON_BORDER / 4):
            return min(t, 1.0)
    return 1.0


@njit(cache=True)
def _free(edges, ax, az, bx, bz):  # type: ignore[no-untyped-def]
    """Whether a straight way stays on the ground."""
    wx, wz = bx - ax, bz - az
    for e in range(edges.shape[0]):
        ex, ez = edges[e, 0, 0], edges[e, 0, 1]
        fx, fz = edges[e, 1, 0] - ex, edges[e, 1, 1] - ez
        cross = wx * fz - wz * fx
        if abs(cross) < 1e-12:
            continue
        t = ((ex - ax) * fz - (ez - az) * fx) / cross
        u = ((ex - ax) * wz - (ez - az) * wx) / cross
        if 1e-7 < u < 1 - 1e-7 and 1e-7 < t < 1 - 1e-7:
            return False
    steps = max(2, math.ceil(math.sqrt(wx * wx + wz * wz) / SAMPLE))
    for i in range(steps + 1):  # noqa: SIM110 - compiled
        if not _inside(edges, ax + i / steps * wx, az + i / steps * wz, ON_BORDER):
            return False
    return True


@njit(cache=True)
def _from_point(edges, corners, x, z):  # type: ignore[no-untyped-def]
    found = np.full(corners.shape[0], np.inf)
    for i in range(corners.shape[0]):
        if _free(edges, x, z, corners[i, 0], corners[i, 1]):
            found[i] = max(1e-9, math.sqrt((x - corners[i, 0]) ** 2 + (z - corners[i, 1]) ** 2))
    return found


@njit(cache=True)
def _between(edges, corners):  # type: ignore[no-untyped-def]
    n = corners.shape[0]
    found = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(i):
            if _free(edges, corners[i, 0], corners[i, 1], corners[j, 0], corners[j, 1]):
                found[i, j] = found[j, i] = math.sqrt(
                    (corners[i, 0] - corners[j, 0]) ** 2 + (corners[i, 1] - corners[j, 1]) ** 2
                )
    return found
