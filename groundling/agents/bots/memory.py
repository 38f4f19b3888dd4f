"""The memory of a search: the nodes that it has reached, by their distance, and what they tell apart."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots.scene import Scene, as_int
from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.engine.dynamics import stride_of

MAX_BARRIERS: Final = 5  # tracked at once
KEY_SLOTS: Final = 3  # colors of keys told apart
MAX_STEPS: Final = 1 << 14
MAX_BANNED: Final = 16
BUCKETS: Final = 32  # a power of two, more than any price

# What the hands hold, as a search tells it apart: FIRST_KEY + slot is a key of that color.
EMPTY_HANDS, JUNK, WANTED, FIRST_KEY = 0, 1, 2, 3
HANDS: Final = FIRST_KEY + KEY_SLOTS

# What leads from one node to the next.
TURN_LEFT, TURN_RIGHT, WALK, WALK_THROUGH_DOOR, CROSS, LIFT, OPEN_AWAY, UNLOCK = range(8)
DROP_LEFT, DROP_RIGHT, TAKE, TAKE_OUT = range(8, 12)

# Columns of Memory.nodes: the number of the search that wrote it; steps from the start; the node before it, and the
# edge from there; the next one of its bucket; what it is. Two nodes fill a line of the cache: to read one costs most.
STAMP, DISTANCE, PARENT, EDGE, FOLLOWING, REMOVED, HELD, PLACE = range(8)
NUM_COLUMNS: Final = 8

IS_GOOD: Final = 1  # column of Memory.drops, after STAMP

# Columns of Memory.counts
TRACKED, COLORS, BANNED, BANNED_FOR_GOOD = range(4)
NUM_COUNTS: Final = 4

NO_NODE: Final = -1
NOT_TRACKED: Final = -1


class Memory(NamedTuple):
    """Memory of one search at a time; N = 2 ** MAX_BARRIERS * HANDS * cells of a map * 4 nodes."""

    nodes: NDArray[np.int32]  # [N, NUM_COLUMNS] what is known of each
    heads: NDArray[np.int32]  # [BUCKETS] first node of each distance, modulo BUCKETS
    tails: NDArray[np.int32]  # [BUCKETS] and the last one
    clock: NDArray[np.int32]  # [1] number of the search
    counts: NDArray[np.int32]  # [NUM_COUNTS] how many barriers, colors and banned places there are
    barriers: NDArray[np.int32]  # [MAX_BARRIERS] places of the tracked ones
    colors: NDArray[np.int32]  # [KEY_SLOTS] of keys that are told apart
    drops: NDArray[np.int32]  # [cells, 2] whether something may be left here, as the search of this number found
    banned: NDArray[np.int32]  # [MAX_BANNED] places where nothing may be left, since the way leads through them
    path: NDArray[np.int32]  # [MAX_STEPS] nodes of the path found, the last one first


class Node(NamedTuple):
    """A state of the world in a search."""

    removed: int  # bit set of the tracked barriers
    hands: int
    place: int
    direction: int


@inlined_kernel
def number_of(node: Node, cells: int) -> int:
    """A node as an index into the arrays of Memory."""
    return (((node.removed * HANDS + node.hands) * cells + node.place) << 2) | node.direction


@inlined_kernel
def node_of(m: Memory, number: int) -> Node:
    """The node of a number that this search has reached."""
    node = m.nodes[number]
    return Node(as_int(node[REMOVED]), as_int(node[HELD]), as_int(node[PLACE]), as_int(number) & 3)


@inlined_kernel
def front_of(node: Node, width: int) -> int:
    """The tile ahead."""
    return node.place + stride_of(node.direction, width)


@inlined_kernel
def reach(m: Memory, cells: int, origin: int, edge: int, node: Node, price: int) -> None:
    """Note a way to a node, if it is the shortest one so far."""
    number = number_of(node, cells)
    distance = m.nodes[origin, DISTANCE] + price if origin >= 0 else 0
    if m.nodes[number, STAMP] == m.clock[0]:
        if m.nodes[number, DISTANCE] <= distance:
            return
        _take_out(m, number)
    m.nodes[number, STAMP] = m.clock[0]
    m.nodes[number, DISTANCE] = distance
    m.nodes[number, PARENT] = origin
    m.nodes[number, EDGE] = edge
    m.nodes[number, REMOVED], m.nodes[number, HELD], m.nodes[number, PLACE] = node.removed, node.hands, node.place
    bucket = distance & (BUCKETS - 1)
    m.nodes[number, FOLLOWING] = NO_NODE
    if m.heads[bucket] == NO_NODE:
        m.heads[bucket] = number
    else:
        m.nodes[m.tails[bucket], FOLLOWING] = number
    m.tails[bucket] = number


@inlined_kernel
def is_nearer(m: Memory, s: Scene, origin: int, node: Node, price: int) -> bool:
    """Whether no way to a node is known that is as short as this one."""
    number = number_of(node, s.cells.shape[0])
    return m.nodes[number, STAMP] != m.clock[0] or m.nodes[number, DISTANCE] > m.nodes[origin, DISTANCE] + price


@inner_kernel
def _take_out(m: Memory, number: int) -> None:
    """Take a node to which there is a shorter way out of its bucket."""
    bucket = m.nodes[number, DISTANCE] & (BUCKETS - 1)
    before = NO_NODE
    other = m.heads[bucket]
    while other != number:
        before, other = other, m.nodes[other, FOLLOWING]
    if before == NO_NODE:
        m.heads[bucket] = m.nodes[number, FOLLOWING]
    else:
        m.nodes[before, FOLLOWING] = m.nodes[number, FOLLOWING]
    if m.tails[bucket] == number:
        m.tails[bucket] = before


@inner_kernel
def trace(m: Memory, number: int) -> int:
    """Write the nodes of a path, the last one first; how many."""
    steps = 0
    while number >= 0 and steps < m.path.shape[0]:
        m.path[steps] = number
        steps += 1
        number = m.nodes[number, PARENT]
    return steps


@inlined_kernel
def barrier_at(m: Memory, place: int) -> int:
    """The number of the tracked barrier that stands here, or NOT_TRACKED."""
    for i in range(m.counts[TRACKED]):
        if m.barriers[i] == place:
            return i
    return NOT_TRACKED


@inner_kernel
def note_color(m: Memory, color: int) -> None:
    """Tell keys of this color apart from now on, as long as there are slots."""
    for slot in range(m.counts[COLORS]):
        if m.colors[slot] == color:
            return
    if m.counts[COLORS] < KEY_SLOTS:
        m.colors[m.counts[COLORS]] = color
        m.counts[COLORS] += 1
