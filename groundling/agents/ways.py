"""Ways on a map of what was seen: how far each thing is to walk, and in which direction one sets out.

What lies where is on the map itself; how to get there, through doors and around walls, would be a search that a few
layers cannot learn. So the eyes search: breadth first over the tiles that were seen, from where the agent stands. They
know no more than the map does.

Source: a planner on a map that the agent draws as in Chaplot et al. 2020, arXiv:2004.05155 (Active Neural SLAM), where
it chooses the action; here the policy is only told.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.agents.maps import sum_regions
from groundling.envs.constants import CLOSED, DOOR, EMPTY, GOAL, LOCKED, OPEN, UNSEEN, WALL

FLOOR: Final = 3  # MiniGrid's, which one walks on
FARTHEST = np.array([1, 2, 3, 4, 5, 7, 10, 14, 20, 30, np.iinfo(np.int16).max])  # tiles, of each class of distances
NUM_CLASSES: Final = len(FARTHEST)
AHEAD, LEFT, RIGHT, BEHIND = range(4)
NO_WAY: Final = 4 * NUM_CLASSES  # the thing was seen, and no way there
NUM_WAYS: Final = NO_WAY + 1
NOT_A_THING: Final = -1


class Ways(NamedTuple):
    """The ways on R maps of N cells.

    Attributes:
        of: [R, N] int8, of each thing (doors included) the class of its way: ``direction * NUM_CLASSES + distance``, or
            ``NO_WAY``; elsewhere ``NOT_A_THING``.
        unseen: [R, NUM_WAYS] uint8, 1 where a way of this class leads to a tile that was not seen.
    """

    of: Tensor
    unseen: Tensor

    def rows(self, rows: Tensor) -> Ways:
        """Those of some rows of the batch."""
        return Ways(self.of.index_select(0, rows), self.unseen.index_select(0, rows))


def find_ways(explored: Tensor) -> Ways:
    """The ways on maps [R, M, M, 3] uint8 of (type, color, state), from the tile amid; ahead is up.

    One walks over floor and through doors that are open or closed; locked doors and things can be walked up to.
    """
    maps = explored.cpu().contiguous().numpy()
    count, side = maps.shape[:2]
    of = np.full((count, side * side), NOT_A_THING, dtype=np.int8)
    unseen = np.zeros((count, NUM_WAYS), dtype=np.uint8)
    _find(maps, of, unseen, _class_of_distance(side * side), np.zeros((2, side * side), dtype=np.int32))
    return Ways(torch.from_numpy(of).to(explored.device), torch.from_numpy(unseen).to(explored.device))


def _class_of_distance(farthest: int) -> NDArray[np.int64]:
    """The class of every distance from 0 on."""
    return np.searchsorted(FARTHEST, np.arange(farthest + 1))


@numba.njit(cache=True, nogil=True)
def _is_walked_on(kind: int, state: int) -> bool:
    return kind in (EMPTY, FLOOR, GOAL) or (kind == DOOR and state in (OPEN, CLOSED))


@numba.njit(cache=True, nogil=True)
def _find(
    maps: NDArray[np.uint8],
    of: NDArray[np.int8],
    unseen: NDArray[np.uint8],
    class_of: NDArray[np.int64],
    scratch: NDArray[np.int32],
) -> None:
    side = maps.shape[1]
    queue, found = scratch[0], scratch[1]  # of a cell: 0 before it is found, else 1 + 4 * distance + direction
    middle = side // 2 * side + side // 2
    strides = (-1, -side, side, 1)  # ahead, left, right, behind: rows run down a column, columns from left to right
    for b in range(maps.shape[0]):
        cells = maps[b].reshape(side * side, 3)
        found[:] = 0
        queue[0], found[middle] = middle, 1
        head, tail = 0, 1
        while head < tail:
            here = queue[head]
            head += 1
            distance = (found[here] - 1) // 4 + 1
            for i in range(4):
                if (i == 0 and here % side == 0) or (i == 3 and here % side == side - 1):
                    continue
                there = here + strides[i]
                if there < 0 or there >= side * side or found[there]:
                    continue
                direction = i if here == middle else (found[here] - 1) % 4
                found[there] = 1 + 4 * distance + direction
                kind, state = cells[there, 0], cells[there, 2]
                way = direction * NUM_CLASSES + class_of[distance]
                if kind == UNSEEN:
                    unseen[b, way] = 1
                    continue
                if kind >= DOOR and kind != GOAL:
                    of[b, there] = way
                if _is_walked_on(kind, state):
                    queue[tail] = there
                    tail += 1
        for n in range(side * side):
            if cells[n, 0] >= DOOR and cells[n, 0] != GOAL and found[n] == 0:
                of[b, n] = NO_WAY


class WayReader(nn.Module):
    """A layer that sees the things of a map by the ways to them, and where there is something left to see.

    Args:
        readout_dim: D, channels of a cell.
        hidden_dim: size of what it gives.
    """

    def __init__(self, readout_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.things = nn.Linear(NUM_WAYS * readout_dim, hidden_dim, bias=False)
        self.unseen = nn.Linear(NUM_WAYS, hidden_dim, bias=False)

    def initialize(self) -> None:
        """Orthogonal layers."""
        for layer in (self.things, self.unseen):
            nn.init.orthogonal_(layer.weight, 2**0.5)

    def forward(self, table: Tensor, first: Tensor, row_of: Tensor, packed: Tensor, ways: Ways) -> Tensor:
        """What the ways on R maps [R, hidden_dim] lead to; the other arguments as of ``maps.sum_regions``."""
        sums = sum_regions(table, first, row_of, packed, ways.of, NUM_WAYS)
        return self.things(sums.flatten(1)) + self.unseen(ways.unseen.to(table.dtype))


assert (UNSEEN, EMPTY, WALL, LOCKED) == (0, 1, 2, 2)
assert np.iinfo(np.int8).max >= NUM_WAYS
