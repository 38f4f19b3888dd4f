"""Where an agent can go in a scene, and how far it is: a grid of clearances that stands for Habitat's navigation mesh.

Squares of 5 cm are blocked by whatever reaches higher than an agent climbs and lower than it is tall. An agent keeps as
far away from them as habitat-sim was seen to: its radius, rounded up to squares, and one square more. A house is seen
from its meshes, so furniture blocks what it covers, not its whole tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

SQUARE_M: Final = 0.05
CLEARANCE_M: Final = 0.25  # of a radius of .2
EVERY: Final = 2  # squares from a node of the search to the next
STEP_M: Final = SQUARE_M * EVERY
FAR: Final = np.inf

_KNIGHT: Final = tuple((dx, dy) for dx in (-2, -1, 1, 2) for dy in (-2, -1, 1, 2) if abs(dx) != abs(dy))
_WAYS: Final = ((1, 0), (0, 1), (1, 1), (1, -1), *(way for way in _KNIGHT if way > (0, 0)))

Point = tuple[float, float]


@dataclass(frozen=True)
class WalkingMap:
    """Where an agent can stand.

    Attributes:
        clearance: [rows, columns] metres from the middle of each square to the nearest blocked one; square (r, c)
            covers [c, c + 1) x [r, r + 1) times 5 cm.
    """

    clearance: NDArray[np.float32]

    @classmethod
    def of_blocked(cls, blocked: NDArray[np.bool_]) -> WalkingMap:
        """Of blocked squares [rows, columns]; all that is beyond them is blocked as well."""
        padded = np.pad(~blocked, 1).astype(np.uint8)
        squares = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        # from the middle of a square to the side of the blocked one
        return cls(np.maximum(np.asarray(squares, dtype=np.float32) - 0.5, 0) * np.float32(SQUARE_M))

    def is_free(self, x: float, y: float) -> bool:
        """Whether an agent can stand at a point of the map."""
        row, column = int(y // SQUARE_M), int(x // SQUARE_M)
        rows, columns = self.clearance.shape
        inside = 0 <= row < rows and 0 <= column < columns
        return inside and bool(self.clearance[row, column] >= CLEARANCE_M - 1e-6)

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """[rows, columns] where an agent can stand."""
        return self.clearance >= CLEARANCE_M - 1e-6

    def is_open(self, start: Point, end: Point) -> bool:
        """Whether an agent can go straight from one point to another."""
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        count = max(2, int(np.ceil(length / (SQUARE_M / 2))) + 1)
        height, width = self.free.shape
        if not all(0 <= x < width * SQUARE_M and 0 <= y < height * SQUARE_M for x, y in (start, end)):
            return False
        share = np.arange(count) / (count - 1)
        columns = ((start[0] + (end[0] - start[0]) * share) // SQUARE_M).astype(np.intp)
        rows = ((start[1] + (end[1] - start[1]) * share) // SQUARE_M).astype(np.intp)
        return bool(self.free[rows, columns].all())

    def nearest_free(self, x: float, y: float, within: float = 1.75) -> Point | None:
        """The nearest point where an agent can stand; None if there is none so near."""
        if self.is_free(x, y):
            return x, y
        rows, columns = np.nonzero(self.free)
        if not len(rows):
            return None
        at_x, at_y = (columns + 0.5) * SQUARE_M, (rows + 0.5) * SQUARE_M
        apart = np.hypot(at_x - x, at_y - y)
        best = int(np.argmin(apart))
        return (float(at_x[best]), float(at_y[best])) if apart[best] <= within else None

    @cached_property
    def _graph(self) -> tuple[Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Nodes 10 cm apart where an agent can stand: the graph of their neighbors, the number of each square's node
        [rows, columns] (-1 where none is), and the nodes' rows and columns.
        """
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

        nodes = self.free[EVERY // 2 :: EVERY, EVERY // 2 :: EVERY]
        number = np.full(nodes.shape, -1, dtype=np.int64)
        rows, columns = np.nonzero(nodes)
        number[rows, columns] = np.arange(len(rows))
        starts, ends, lengths = [], [], []
        for dx, dy in _WAYS:
            to_rows, to_columns = rows + dy, columns + dx
            is_inside = (to_rows >= 0) & (to_rows < nodes.shape[0]) & (to_columns >= 0) & (to_columns < nodes.shape[1])
            source = np.flatnonzero(is_inside)
            target = number[to_rows[source], to_columns[source]]
            source, target = source[target >= 0], target[target >= 0]
            between = self._is_free_between(rows[source], columns[source], dx, dy)
            starts.append(source[between])
            ends.append(target[between])
            lengths.append(np.full(between.sum(), np.hypot(dx, dy) * STEP_M))
        count = len(rows)
        edges = np.concatenate(lengths), (np.concatenate(starts), np.concatenate(ends))
        return csr_matrix(edges, shape=(count, count)), number, rows, columns

    def _is_free_between(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], dx: int, dy: int
    ) -> NDArray[np.bool_]:
        found = np.ones(len(rows), dtype=np.bool_)
        for share in np.linspace(0, 1, 2 * EVERY * max(abs(dx), abs(dy)) + 1)[1:-1]:
            at_row = ((rows + share * dy) * EVERY + EVERY // 2 + 0.5).astype(int)
            at_column = ((columns + share * dx) * EVERY + EVERY // 2 + 0.5).astype(int)
            found &= self.free[at_row, at_column]
        return found

    def field(self, goals: list[Point]) -> Field:
        """How far everything is from the nearest of some points; those where nobody can stand are left out."""
        from scipy.sparse.csgraph import dijkstra  # type: ignore[import-untyped]

        graph, number, _, _ = self._graph
        distance = np.full(number.shape, FAR)
        seeds: dict[int, float] = {}
        for x, y in goals:
            for row, column in _corners(x, y, number.shape):
                node = int(number[row, column])
                at = _place(row, column)
                if node >= 0 and self.is_open((x, y), at):
                    apart = float(np.hypot(at[0] - x, at[1] - y))
                    seeds[node] = min(apart, seeds.get(node, FAR))
        if seeds:
            count = graph.shape[0]
            reached = _from_seeds(graph, seeds, dijkstra, count)
            distance[number >= 0] = reached
        return Field(self, distance, tuple(goals))


def _from_seeds(graph: Any, seeds: dict[int, float], dijkstra: Any, count: int) -> NDArray[np.float64]:
    """Distances [count] from some nodes, each of which is at a distance already: by one node more that joins them."""
    from scipy.sparse import csr_matrix, vstack

    joined = csr_matrix(
        ([length + 1e-9 for length in seeds.values()], ([0] * len(seeds), list(seeds))), shape=(1, count)
    )
    square = vstack([graph, joined]).tocsr()
    square.resize(count + 1, count + 1)
    found: NDArray[np.float64] = dijkstra(square, directed=False, indices=count)
    return found[:count]


@dataclass(frozen=True)
class Field:
    """How far every place is from the nearest of some goals, on foot.

    Attributes:
        map: where it is.
        distance: [rows, columns] metres of the nodes of the search, infinite where there is no way.
        goals: points of the map.
    """

    map: WalkingMap
    distance: NDArray[np.float64]
    goals: tuple[Point, ...]

    def at(self, x: float, y: float) -> float:
        """Metres from a point, along the nodes of the search: at most 3 % too far; infinite if there is no way."""
        best = min(
            (
                float(np.hypot(goal[0] - x, goal[1] - y))
                for goal in self.goals
                if abs(goal[0] - x) + abs(goal[1] - y) < 3 * STEP_M and self.map.is_open((x, y), goal)
            ),
            default=FAR,
        )
        for row, column in _corners(x, y, self.distance.shape):
            known = float(self.distance[row, column])
            if known == FAR:
                continue
            at = _place(row, column)
            best = min(best, known + float(np.hypot(at[0] - x, at[1] - y)))
        return best

    def path(self, x: float, y: float) -> list[Point] | None:
        """Corners of a shortest way from a point to a goal, both included; None if there is no way."""
        if self.at(x, y) == FAR:
            return None
        way: list[Point] = [(x, y)]
        goals = np.array(self.goals)
        here = (x, y)
        for _ in range(self.distance.size):
            goal = self.goals[int(np.argmin(np.hypot(*(goals - here).T)))]
            if math.dist(goal, here) <= 2 * STEP_M and self.map.is_open(here, goal):
                way.append(goal)
                break
            # the neighbor from which it is nearest, by way of it
            options = []
            for row, column in _around(here, self.distance.shape):
                known, at = float(self.distance[row, column]), _place(row, column)
                apart = math.dist(at, here)
                if known < FAR and apart > 1e-9:
                    options.append((known + apart, known, at))
            onward = next((at for _, _, at in sorted(options) if self.map.is_open(here, at)), None)
            if onward is None:
                return None
            here = onward
            way.append(here)
        else:
            return None
        return pulled(self.map, way)


def pulled(walking: WalkingMap, way: list[Point]) -> list[Point]:
    """A way with the corners left out that it does without, as a string pulled tight."""
    found, place = [way[0]], 0
    while place < len(way) - 1:
        after = place + 1
        last = len(way) - 1
        while last > after and not walking.is_open(way[place], way[last]):
            last -= 1
        place = last
        found.append(way[place])
    return found


def length_of(path: list[Point]) -> float:
    """Metres of a way."""
    return float(sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(path)))


def _place(row: int, column: int) -> Point:
    """Where a node of the search is: in the middle of its square."""
    half = (EVERY // 2 + 0.5) * SQUARE_M
    return column * STEP_M + half, row * STEP_M + half


def _corners(x: float, y: float, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """The nodes around a point, and their neighbors: of a point beside a wall the nearest ones may be blocked."""
    half = (EVERY // 2 + 0.5) * SQUARE_M
    column, row = int(np.floor((x - half) / STEP_M)), int(np.floor((y - half) / STEP_M))
    return [
        (r, c)
        for r in range(max(row, 0), min(row + 2, shape[0]))
        for c in range(max(column, 0), min(column + 2, shape[1]))
    ]


def _around(here: Point, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    half = (EVERY // 2 + 0.5) * SQUARE_M
    column, row = round((here[0] - half) / STEP_M), round((here[1] - half) / STEP_M)
    return [
        (r, c)
        for r in range(max(row - 2, 0), min(row + 3, shape[0]))
        for c in range(max(column - 2, 0), min(column + 3, shape[1]))
    ]
