"""Ways on a map of what was seen: how far each thing is to walk, and in which direction one sets out.

What lies where is on the map itself; how to get there, through doors and around walls, would be a search that a few
layers cannot learn. So this encoder searches: breadth first over the tiles that were seen, from where the agent stands.
They know no more than the map does.

Source: a planner on a map that the agent draws as in Chaplot et al. 2020, arXiv:2004.05155 (Active Neural SLAM), where
it chooses the action; here the policy is only told.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.cells import USUAL_CELLS, CellSizes, pack_cells
from groundling.agents.encoders.maps import NOT_SEEN, sum_regions
from groundling.agents.linear import Linear
from groundling.envs.engine.constants import (
    CLOSED,
    DOOR,
    EMPTY,
    FLOOR,
    GOAL,
    MAX_OBJECTS,
    NUM_COLORS,
    NUM_STATES,
    NUM_TYPES,
    OPEN,
    UNSEEN,
)

FARTHEST = np.array([1, 2, 3, 4, 5, 7, 10, 14, 20, 30, np.iinfo(np.int16).max])  # tiles, of each class of distances
NUM_CLASSES: Final = len(FARTHEST)
AHEAD, LEFT, RIGHT, BEHIND = range(4)
STEPS: Final = ((0, -1), (-1, 0), (1, 0), (0, 1))  # by direction: columns and rows; rows run down a column
ROUNDS: Final = 16  # of a search on a device between two looks whether it is done
NO_WAY: Final = 4 * NUM_CLASSES  # the thing was seen, and no way there
NUM_WAYS: Final = NO_WAY + 1
FIRST_STATE: Final = NUM_TYPES + NUM_COLORS  # where a task brings types or colors, they push these back
FIRST_WAY: Final = FIRST_STATE + NUM_STATES


def num_traits(sizes: CellSizes = USUAL_CELLS) -> int:
    """How many traits things can have: their types, colors, states and ways, one after the other."""
    return sizes.types + sizes.colors + NUM_STATES + NUM_WAYS


NUM_TRAITS: Final = num_traits()


class Ways(NamedTuple):
    """The ways on R maps to at most K things each, doors included.

    Attributes:
        kind: [R, K] int16, the packed cell of each thing (``vision.pack_cells``); ``NOT_SEEN`` beyond the last one.
        way: [R, K] int8, the class of the way to it, ``direction * NUM_CLASSES + distance`` or ``NO_WAY``; -1 beyond.
        unseen: [R, NUM_WAYS] uint8, 1 where a way of this class leads to a tile that was not seen.
    """

    kind: Tensor
    way: Tensor
    unseen: Tensor

    def rows(self, rows: Tensor) -> Ways:
        """Those of some rows of the batch."""
        return Ways(*(array.index_select(0, rows) for array in self))


class Things(NamedTuple):
    """What a memory may look for: at most K things on each of the maps of T * B observations.

    Attributes:
        traits: [T, B, K, 4] int64: type, color, state and way, numbered one after the other (``num_traits``).
        way: [T, B, K] int64, the way to each, -1 beyond the last one.
    """

    traits: Tensor
    way: Tensor

    @classmethod
    def on(cls, ways: Ways, steps: int, sizes: CellSizes = USUAL_CELLS) -> Things:
        """Those of T * B maps, time first, of cells of these sizes."""
        kind, way = (array.long().unflatten(0, (steps, -1)) for array in (ways.kind, ways.way))
        looks, state = kind.clamp(min=0) // NUM_STATES, kind.clamp(min=0) % NUM_STATES
        of_type, color = looks // sizes.colors, looks % sizes.colors
        first_state = sizes.types + sizes.colors
        traits = (of_type, sizes.types + color, first_state + state, first_state + NUM_STATES + way.clamp(min=0))
        return cls(torch.stack(traits, dim=-1), way)


def find_ways(explored: Tensor, sizes: CellSizes = USUAL_CELLS) -> Ways:
    """The ways on maps [R, M, M, 3] uint8 of (type, color, state), from the tile amid; ahead is up.

    One walks over floor and through doors that are open or closed; locked doors and things can be walked up to.
    """
    if explored.device.type != "cpu":
        return ways_on_device(explored, sizes)
    maps = explored.contiguous().numpy()
    count, side = maps.shape[:2]
    kind = np.full((count, MAX_OBJECTS), NOT_SEEN, dtype=np.int16)
    way = np.full((count, MAX_OBJECTS), -1, dtype=np.int8)
    unseen = np.zeros((count, NUM_WAYS), dtype=np.uint8)
    scratch = np.zeros((2, side * side), dtype=np.int32)
    most = _find(maps, kind, way, unseen, _class_of_distance(side * side), scratch, sizes.colors)
    return Ways(torch.from_numpy(kind[:, :most]), torch.from_numpy(way[:, :most]), torch.from_numpy(unseen))


def ways_on_device(explored: Tensor, sizes: CellSizes = USUAL_CELLS) -> Ways:
    """As :func:`find_ways`, on any device: all maps are searched at once, a tile farther in each round.

    Of the ways to a tile that are equally long, the search takes the one whose first step is named first, since it
    comes to the tiles of a distance in the order of their first steps: so the way is the least number
    4 * distance + direction, which all tiles can look for in their neighbors at the same time.

    The host waits once in ``ROUNDS`` rounds, to learn whether any way grew. There are always MAX_OBJECTS columns.
    """
    count, side = explored.shape[:2]
    kind, state = explored[..., 0], explored[..., 2]
    is_open = torch.zeros_like(kind, dtype=torch.bool)
    for walked in (EMPTY, FLOOR, GOAL):
        is_open |= kind == walked
    is_open |= (kind == DOOR) & ((state == OPEN) | (state == CLOSED))
    middle = side // 2
    farthest = 4 * (side * side + 1)
    found = torch.full((count, side + 2, side + 2), farthest, dtype=torch.int32, device=explored.device)
    inner = found[:, 1:-1, 1:-1]  # a border, so that nobody looks around the map
    for direction, (c, r) in enumerate(STEPS):
        if side > 1:
            inner[:, middle + c, middle + r] = 4 + direction
    while True:
        for _ in range(ROUNDS):
            before = inner.clone()
            passed = torch.where(is_open, inner, farthest)
            passed[:, middle, middle] = farthest  # whose neighbors are told above
            ahead = functional.pad(passed, (1, 1, 1, 1), value=farthest)
            least = torch.stack([ahead[:, 1 + c : side + 1 + c, 1 + r : side + 1 + r] for c, r in STEPS]).amin(dim=0)
            torch.minimum(inner, least + 4, out=inner)
            inner[:, middle, middle] = 0
        if bool((before == inner).all()):
            break
    way = inner.flatten(1)
    is_found = way < farthest
    edges = torch.from_numpy(FARTHEST).to(explored.device, non_blocking=True)
    of_class = torch.bucketize(way // 4, edges).clamp(max=NUM_CLASSES - 1)
    classes = torch.where(is_found, way % 4 * NUM_CLASSES + of_class, NO_WAY)
    flat = explored.flatten(1, 2)
    is_middle = torch.arange(side * side, device=explored.device) == middle * side + middle
    is_edge = (flat[..., 0] == UNSEEN) & is_found & ~is_middle
    unseen = torch.zeros(count, NUM_WAYS, dtype=torch.int32, device=explored.device)
    unseen.scatter_reduce_(1, classes, is_edge.to(torch.int32), "amax")
    is_thing = (flat[..., 0] >= DOOR) & (flat[..., 0] != GOAL) & ~is_middle
    # the first things take the first columns; one column more is for all that has none
    rank = is_thing.cumsum(dim=1) - 1
    column = torch.where(is_thing & (rank < MAX_OBJECTS), rank, MAX_OBJECTS)
    kinds = torch.full((count, MAX_OBJECTS + 1), NOT_SEEN, dtype=torch.int16, device=explored.device)
    ways = torch.full((count, MAX_OBJECTS + 1), -1, dtype=torch.int8, device=explored.device)
    kinds.scatter_(1, column, pack_cells(flat, sizes).to(torch.int16))
    ways.scatter_(1, column, classes.to(torch.int8))
    return Ways(kinds[:, :MAX_OBJECTS], ways[:, :MAX_OBJECTS], unseen.to(torch.uint8))


def _class_of_distance(farthest: int) -> NDArray[np.int64]:
    """The class of every distance from 0 on."""
    return np.searchsorted(FARTHEST, np.arange(farthest + 1))


@numba.njit(cache=True, nogil=True)
def _is_walked_on(kind: int, state: int) -> bool:
    return kind in (EMPTY, FLOOR, GOAL) or (kind == DOOR and state in (OPEN, CLOSED))


@numba.njit(cache=True, nogil=True)
def _find(
    maps: NDArray[np.uint8],
    kinds: NDArray[np.int16],
    ways: NDArray[np.int8],
    unseen: NDArray[np.uint8],
    class_of: NDArray[np.int64],
    scratch: NDArray[np.int32],
    colors: int,
) -> int:
    side = maps.shape[1]
    queue, found = scratch[0], scratch[1]  # of a cell: 0 before it is found, else 1 + 4 * distance + direction
    middle = side // 2 * side + side // 2
    strides = (-1, -side, side, 1)  # ahead, left, right, behind: rows run down a column, columns from left to right
    most = 1
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
                if cells[there, 0] == UNSEEN:
                    unseen[b, direction * NUM_CLASSES + class_of[distance]] = 1
                elif _is_walked_on(cells[there, 0], cells[there, 2]):
                    queue[tail] = there
                    tail += 1
        count = 0
        for n in range(side * side):
            kind = cells[n, 0]
            if kind < DOOR or kind == GOAL or n == middle or count == kinds.shape[1]:
                continue
            kinds[b, count] = (int(kind) * colors + cells[n, 1]) * NUM_STATES + cells[n, 2]
            if found[n]:
                ways[b, count] = (found[n] - 1) % 4 * NUM_CLASSES + class_of[(found[n] - 1) // 4]
            else:
                ways[b, count] = NO_WAY
            count += 1
        most = max(most, count)
    return most


class WayReader(nn.Module):
    """A layer that sees the things of a map by the ways to them, and where there is something left to see.

    Args:
        readout_dim: D, channels of a cell.
        hidden_dim: size of what it gives.
    """

    def __init__(self, readout_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.things = Linear(NUM_WAYS * readout_dim, hidden_dim, bias=False)
        self.unseen = nn.Linear(NUM_WAYS, hidden_dim, bias=False)

    def initialize(self) -> None:
        """Orthogonal layers."""
        for layer in (self.things, self.unseen):
            nn.init.orthogonal_(layer.weight, 2**0.5)

    def forward(self, table: Tensor, first: Tensor, row_of: Tensor, ways: Ways) -> Tensor:
        """What the ways on R maps [R, hidden_dim] lead to; the other arguments as of ``maps.sum_regions``."""
        sums = sum_regions(table, first, row_of, ways.kind, ways.way, NUM_WAYS)
        return self.things(sums.flatten(1)) + self.unseen(ways.unseen.to(table.dtype))


class ThingFinder(nn.Module):
    """Attention of a memory's state over the things on a map: how one gets to what comes next, and what that is.

    a = softmax_n(<W h, l_n>, s),   find(h) = U sum_n a_n t_n   (with several heads, all that they find)

    with h the state before the step; t_n the type, color, state and way of the n-th thing, each as an indicator; l_n
    the sum of what these are to it; and s the score of none of them. Gates say of every thing whether the instruction
    speaks of it; which one comes next only the memory knows. Given what it found, it can go on from there: from a
    locked door to the key of its color.

    Args:
        state_dim: size of the memory's output.
        key_dim: size of W h and of l.
        out_dim: size of what is found.
        heads: that look for different things.
        sizes: how many types and colors these have.
    """

    def __init__(
        self, state_dim: int, key_dim: int, out_dim: int, *, heads: int = 2, sizes: CellSizes = USUAL_CELLS
    ) -> None:
        super().__init__()
        self.heads = heads
        self.num_traits = num_traits(sizes)
        self.ask = nn.Linear(state_dim, heads * key_dim)
        self.traits = nn.Linear(key_dim, self.num_traits, bias=False)
        self.none = nn.Parameter(torch.zeros(heads))
        self.tell = nn.Linear(heads * self.num_traits, out_dim, bias=False)

    def forward(self, state: Tensor, traits: Tensor, way: Tensor) -> Tensor:
        """What states [B, state_dim] find among things: traits [B, K, 4] and ways [B, K] int64. [B, out_dim]."""
        count, kinds = len(state), traits.shape[2]
        place = traits.flatten(1).unsqueeze(1).expand(-1, self.heads, -1)
        by_trait = self.traits(self.ask(state).unflatten(1, (self.heads, -1)))
        scores = by_trait.gather(2, place).unflatten(2, (-1, kinds)).sum(dim=3)
        scores = scores.masked_fill((way < 0).unsqueeze(1), -math.inf)
        none = self.none.unsqueeze(1).expand(count, -1, 1)
        weight = torch.cat([scores, none], dim=2).softmax(dim=2)[..., :-1]
        found = weight.new_zeros(count, self.heads, self.num_traits)
        found = found.scatter_add(2, place, weight.repeat_interleave(kinds, dim=2))
        return self.tell(found.flatten(1))


assert np.iinfo(np.int8).max >= NUM_WAYS
