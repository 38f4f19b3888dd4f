"""Shortest ways to a pose that shows evidence: a search over poses of the grid, forward to act, backward to start.

A move or a turn costs one action, a step through a closed door two (it is opened first).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, NOTHING_CODE, WALKABLE_BIT
from groundling.envs.engine.dynamics import FORWARD, LEFT, RIGHT, TOGGLE, stride_of
from groundling.envs.families.questions import sight
from groundling.envs.families.questions.driving import HERE
from groundling.envs.families.questions.sight import sees_from

FAR: Final = 2**30  # the distance of a pose that nothing leads to
NOTHING: Final = -1  # an action: no way was found
BLOCKED: Final = 0  # the price of a tile that nobody walks on

SOURCES = (__file__, *sight.SOURCES)
kernel = compiler(*SOURCES)


class Search(NamedTuple):
    """Room for a search over the poses of one environment; a pose is position * 4 + direction."""

    distance: NDArray[np.int32]  # [4 * cells]
    first: NDArray[np.int32]  # [4 * cells] the first action of the way to each pose
    waiting: NDArray[np.int32]  # [3, 4 * cells] poses whose distance is d, d + 1 and d + 2, modulo 3
    counts: NDArray[np.int64]  # [3] how many there are


def make_search(cells: int) -> Search:
    """Room for searches over maps of so many cells, border included."""
    poses = 4 * cells
    return Search(
        distance=np.zeros(poses, dtype=np.int32),
        first=np.zeros(poses, dtype=np.int32),
        waiting=np.zeros((3, 16 * poses), dtype=np.int32),
        counts=np.zeros(3, dtype=np.int64),
    )


@inner_kernel
def price_of(look: int) -> int:
    """How many actions it takes to walk onto a tile from the one before it; ``BLOCKED`` if nobody can."""
    if (look >> WALKABLE_BIT) & 1:
        return 1
    return 2 if look & 0xFF == DOOR and (look >> 16) & 0xFF == CLOSED else BLOCKED


@inner_kernel
def reach(s: Search, pose: int, distance: int, first: int) -> None:
    """Note a way to a pose, if it is shorter than what is known."""
    if distance < s.distance[pose]:
        s.distance[pose] = distance
        s.first[pose] = first
        bucket = distance % 3
        s.waiting[bucket, s.counts[bucket]] = pose
        s.counts[bucket] += 1


@kernel
def first_action(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    position: int,
    direction: int,
    half_angle: float,
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
    s: Search,
) -> tuple[int, int]:
    """The first action of a shortest way to a pose that shows a useful tile, or opens a container.

    Returns:
        the action (``NOTHING``, ``HERE`` or one of the moves), and the pose where the way ends.
    """
    s.distance[:] = FAR
    s.counts[:] = 0
    start = position * 4 + direction
    reach(s, start, 0, HERE)
    d = 0
    while s.counts[0] + s.counts[1] + s.counts[2] > 0:
        bucket = d % 3
        i = 0
        while i < s.counts[bucket]:
            pose = int(s.waiting[bucket, i])
            i += 1
            if s.distance[pose] != d:
                continue
            place, heading = pose >> 2, pose & 3
            first = int(s.first[pose])
            front = place + stride_of(heading, width)
            if to_open[front]:
                return (TOGGLE if pose == start else first), pose
            if sees_from(cells, looks, width, place, heading, half_angle, useful):
                return first, pose
            reach(s, place * 4 + ((heading + 3) & 3), d + 1, LEFT if pose == start else first)
            reach(s, place * 4 + ((heading + 1) & 3), d + 1, RIGHT if pose == start else first)
            price = price_of(looks[cells[front]])
            if price != BLOCKED:
                ahead = FORWARD if price == 1 else TOGGLE
                reach(s, front * 4 + heading, d + price, ahead if pose == start else first)
        s.counts[bucket] = 0
        d += 1
    return NOTHING, start


@kernel
def distances(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    half_angle: float,
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
    s: Search,
) -> None:
    """How many actions each pose is away from one that shows a useful tile, or faces a container to be opened.

    The answers are in ``s.distance``; what is seen through doors that are closed now is left out of account.
    """
    s.distance[:] = FAR
    s.counts[:] = 0
    height = cells.shape[0] // width
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            place = y * width + x
            if price_of(looks[cells[place]]) == BLOCKED:
                continue
            for heading in range(4):
                opens = to_open[place + stride_of(heading, width)]
                if opens or sees_from(cells, looks, width, place, heading, half_angle, useful):
                    reach(s, place * 4 + heading, 0, HERE)
    d = 0
    while s.counts[0] + s.counts[1] + s.counts[2] > 0:
        bucket = d % 3
        i = 0
        while i < s.counts[bucket]:
            pose = int(s.waiting[bucket, i])
            i += 1
            if s.distance[pose] != d:
                continue
            place, heading = pose >> 2, pose & 3
            reach(s, place * 4 + ((heading + 3) & 3), d + 1, HERE)
            reach(s, place * 4 + ((heading + 1) & 3), d + 1, HERE)
            behind = place - stride_of(heading, width)
            if price_of(looks[cells[behind]]) != BLOCKED:
                reach(s, behind * 4 + heading, d + price_of(looks[cells[place]]), HERE)
        s.counts[bucket] = 0
        d += 1


@kernel
def walking_distances(
    cells: NDArray[np.uint8], looks: NDArray[np.int32], width: int, targets: NDArray[np.bool_], s: Search
) -> None:
    """How many tiles each tile is away from the nearest target [cells] on foot, doors open; in ``s.distance``.

    Targets count wherever they are, as a sofa that nobody walks on: who stands beside it is one tile away.
    """
    s.distance[:] = FAR
    s.counts[:] = 0
    for place in range(width, cells.shape[0] - width):
        if targets[place]:
            reach(s, place, 0, HERE)
    d = 0
    while s.counts[0] + s.counts[1] + s.counts[2] > 0:
        bucket = d % 3
        i = 0
        while i < s.counts[bucket]:
            place = int(s.waiting[bucket, i])
            i += 1
            for heading in range(4):
                beside = place + stride_of(heading, width)
                code = cells[beside]
                is_open = code == NOTHING_CODE or (code >= FIRST_OBJECT and price_of(looks[code]) != BLOCKED)
                if is_open and 0 < beside < cells.shape[0]:
                    reach(s, beside, d + 1, HERE)
        s.counts[bucket] = 0
        d += 1
