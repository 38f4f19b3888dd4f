"""From triangles to the outline of where an agent can stand, as Recast does it: voxels, clearance, contours.

One floor only: what is higher than the agent can climb is an obstacle, and no ground of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

WALKABLE = 0.7  # of the upward part of a normal: slopes of 45 degrees
MAX_ERROR = 1.3  # cells that a simplified outline may be off


def free_cells(
    corners: NDArray[np.float64], radius: float, height: float, climb: float, cell: float, cell_height: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Which cells [Z, X] the center of an agent may be in, and the corners of the box around all triangles."""
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    columns = int((high[0] - low[0]) / cell + 0.5)
    rows = int((high[2] - low[2]) / cell + 0.5)
    floor = np.zeros((rows, columns), dtype=np.bool_)
    blocked = np.zeros((rows, columns), dtype=np.bool_)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(lengths, 1e-12)[:, None]
    steps = math.floor(climb / cell_height + 1e-6) * cell_height
    _mark(corners, normals[:, 1], low, cell, float(steps), float(height), WALKABLE, floor, blocked)
    free = floor & ~blocked
    return _with_clearance(free, 2 * math.ceil(radius / cell - 1e-9)), low, high


@njit(cache=True)
def _cut(points, count, out, axis, at, below):  # type: ignore[no-untyped-def]
    """The part of a polygon on one side of a plane; points on the plane belong to both sides."""
    found = 0
    for i in range(count):
        j = (i + count - 1) % count
        a = at - points[j, axis] if below else points[j, axis] - at
        b = at - points[i, axis] if below else points[i, axis] - at
        if (a > 0 and b < 0) or (a < 0 and b > 0):
            share = a / (a - b)
            for k in range(3):
                out[found, k] = points[j, k] + share * (points[i, k] - points[j, k])
            found += 1
        if b >= 0:
            for k in range(3):
                out[found, k] = points[i, k]
            found += 1
    return found


@njit(cache=True)
def _mark(corners, upward, low, cell, climb, height, walkable, floor, blocked):  # type: ignore[no-untyped-def]
    rows, columns = floor.shape
    one, two, row_part, three, piece = (
        np.empty((12, 3)),
        np.empty((12, 3)),
        np.empty((12, 3)),
        np.empty((12, 3)),
        np.empty((12, 3)),
    )
    for t in range(corners.shape[0]):
        for k in range(3):
            for a in range(3):
                one[k, a] = np.float32(corners[t, k, a] - low[a])
        lowest = min(one[0, 1], one[1, 1], one[2, 1])
        highest = max(one[0, 1], one[1, 1], one[2, 1])
        if lowest > height:
            continue
        is_floor = highest <= climb + 1e-6
        if is_floor and upward[t] < walkable:
            continue
        first_z = max(0, math.floor(min(one[0, 2], one[1, 2], one[2, 2]) / cell + 1e-4))
        last_z = min(rows - 1, math.floor(max(one[0, 2], one[1, 2], one[2, 2]) / cell + 1e-4))
        for z in range(first_z, last_z + 1):
            n = _cut(one, 3, two, 2, z * cell - 1e-6, False)
            n = _cut(two, n, row_part, 2, (z + 1) * cell - 1e-6, True)
            if n < 3:
                continue
            left, right = np.inf, -np.inf
            for i in range(n):
                left, right = min(left, row_part[i, 0]), max(right, row_part[i, 0])
            first_x = max(0, math.floor(left / cell + 1e-4))
            last_x = min(columns - 1, math.floor(right / cell + 1e-4))
            for x in range(first_x, last_x + 1):
                m = _cut(row_part, n, three, 0, x * cell - 1e-6, False)
                m = _cut(three, m, piece, 0, (x + 1) * cell - 1e-6, True)
                if m < 3:
                    continue
                bottom, top = np.inf, -np.inf
                for i in range(m):
                    bottom, top = min(bottom, piece[i, 1]), max(top, piece[i, 1])
                if is_floor:
                    floor[z, x] = True
                elif top > climb + 1e-6 and bottom < height - 1e-6:
                    blocked[z, x] = True


@njit(cache=True)
def _with_clearance(free, least):  # type: ignore[no-untyped-def]
    """Cells whose distance from the border is large enough: 2 for a step to a side, 3 for one across a corner."""
    rows, columns = free.shape
    away = np.full((rows, columns), 255, dtype=np.int64)
    for z in range(rows):
        for x in range(columns):
            if not free[z, x]:
                away[z, x] = 0
                continue
            if (
                z == 0
                or x == 0
                or z == rows - 1
                or x == columns - 1
                or not (free[z - 1, x] and free[z + 1, x] and free[z, x - 1] and free[z, x + 1])
            ):
                away[z, x] = 0
    for z in range(rows):
        for x in range(columns):
            if not free[z, x]:
                continue
            if x > 0:
                away[z, x] = min(away[z, x], away[z, x - 1] + 2)
            if z > 0:
                away[z, x] = min(away[z, x], away[z - 1, x] + 2)
                if x > 0:
                    away[z, x] = min(away[z, x], away[z - 1, x - 1] + 3)
                if x < columns - 1:
                    away[z, x] = min(away[z, x], away[z - 1, x + 1] + 3)
    for z in range(rows - 1, -1, -1):
        for x in range(columns - 1, -1, -1):
            if not free[z, x]:
                continue
            if x < columns - 1:
                away[z, x] = min(away[z, x], away[z, x + 1] + 2)
            if z < rows - 1:
                away[z, x] = min(away[z, x], away[z + 1, x] + 2)
                if x < columns - 1:
                    away[z, x] = min(away[z, x], away[z + 1, x + 1] + 3)
                if x > 0:
                    away[z, x] = min(away[z, x], away[z + 1, x - 1] + 3)
    return free & (away >= least)


def regions(free: NDArray[np.bool_], least: float) -> NDArray[np.int64]:
    """The number [Z, X] of the region of each cell, from 1; 0 where none is, or one of fewer than least^2 cells."""
    found, count = ndimage.label(free)
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    kept = np.flatnonzero(sizes >= least * least)
    kept = kept[kept > 0]
    numbers = np.zeros(count + 1, dtype=np.int64)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return numbers[found]


def outlines(region: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The borders of a set of cells, simplified: closed rows of points [N, 2] (column, row), the inside on the right
    hand of a walk along them in a picture whose rows go down.
    """
    padded = np.pad(region, 1)
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def add(start: tuple[int, int], end: tuple[int, int]) -> None:
        following.setdefault(start, []).append(end)

    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    for z, x in np.argwhere(region & ~inner).tolist():
        if not padded[z, x + 1]:
            add((x, z), (x + 1, z))
        if not padded[z + 1, x + 2]:
            add((x + 1, z), (x + 1, z + 1))
        if not padded[z + 2, x + 1]:
            add((x + 1, z + 1), (x, z + 1))
        if not padded[z + 1, x]:
            add((x, z + 1), (x, z))
    loops = []
    while following:
        start = next(iter(following))
        loop, here, before = [start], start, None
        while True:
            options = following[here]
            chosen = options[0]
            if len(options) > 1 and before is not None:  # cells that touch at a corner only: stay with the own one
                way = (here[0] - before[0], here[1] - before[1])
                turn = (here[0] - way[1], here[1] + way[0])
                chosen = turn if turn in options else options[0]
            options.remove(chosen)
            if not options:
                del following[here]
            if chosen == start:
                break
            loop.append(chosen)
            before, here = here, chosen
        loops.append(_simplified(np.array(loop, dtype=np.int64)))
    return [loop for loop in loops if len(loop) >= 3]


def _simplified(points: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recast's: to the lowest and the highest point, whichever is farthest off is added until none is too far."""
    count = len(points)
    points = np.roll(points, -int(np.lexsort((points[:, 1], points[:, 0]))[0]), axis=0)  # the lowest one first
    kept = [0, int(np.lexsort((points[:, 1], points[:, 0]))[-1])]
    i = 0
    while i < len(kept):
        start, end = kept[i], kept[(i + 1) % len(kept)]
        a, b = points[start], points[end]
        inner = np.arange(start + 1, end if end > start else count)
        if len(inner):
            way = (b - a).astype(np.float64)
            length = float(way @ way)
            off = (points[inner] - a).astype(np.float64)
            share = np.clip(off @ way / length, 0, 1) if length else np.zeros(len(inner))
            distance = ((off - share[:, None] * way) ** 2).sum(axis=1)
            # the same point is found whichever way the border is walked
            forwards = tuple(a) < tuple(b)
            worst = int(np.argmax(distance)) if forwards else len(inner) - 1 - int(np.argmax(distance[::-1]))
            if distance[worst] > MAX_ERROR**2:
                kept.insert(i + 1, int(inner[worst]))
                continue
        i += 1
    return points[kept].astype(np.float64)
