"""Compiled: the next move of a walker that wants an item and then a monster, and keeps out of the way of all else.

Where nothing moves it takes a shortest way. Where monsters move it weighs each of its moves: how far it is from there,
how likely a monster that would kill it comes to the same cell in this turn, and whether one could in the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.families.manuals.rtfm import kernels
from groundling.envs.families.manuals.rtfm.kernels import (
    NUM_MOVES,
    SIGHT_SQUARED,
    distance_squared,
    is_wall,
    moved,
)
from groundling.envs.families.manuals.rtfm.names import MAX_SIZE
from groundling.envs.families.manuals.rtfm.state import AGENT, BAD, DISTRACTOR, GONE, GOOD, TARGET, Worlds

SOURCES = (__file__, *kernels.SOURCES)
kernel = compiler(*SOURCES)
NUM_CELLS = MAX_SIZE * MAX_SIZE
BLOCKED = -1
FAR = 1000  # more than any way
NOW_COST, NEXT_COST, NEAR_COST = 60.0, 6.0, 1.0  # in steps, of a certain death now, in the next turn, and of being near
HOSTILE = 0.6


@inner_kernel
def fill_distances(
    distance: NDArray[np.int32],
    queue: NDArray[np.int32],
    goal: int,
    one: int,
    two: int,
    three: int,
    size: int,
) -> None:
    """Steps from every cell to a goal around three cells, as far as they are not ``GONE``; ``FAR`` without a way."""
    for cell in range(NUM_CELLS):
        distance[cell] = FAR
    for blocked in (np.int64(one), np.int64(two), np.int64(three)):  # of one type, so that a loop can take them
        if blocked != GONE:
            distance[blocked] = BLOCKED
    distance[goal] = 0
    queue[0] = goal
    begun, ended = 0, 1
    while begun < ended:
        cell = queue[begun]
        begun += 1
        for move in range(1, NUM_MOVES):
            after = moved(cell, move)
            if not is_wall(after, size) and distance[after] == FAR:
                distance[after] = distance[cell] + 1
                queue[ended] = after
                ended += 1


@inner_kernel
def fill_still_distances(
    w: Worlds,
    b: int,
    item: int,
    monster: int,
    size: int,
    distance: NDArray[np.int32],
    queue: NDArray[np.int32],
) -> None:
    """Steps to what comes next where nothing moves: the item, then the monster.

    If the only way from the item to the monster is over the other item (a monster in a corner), that one comes first:
    the item then replaces it, and the way is free.
    """
    wanted, other = w.cell[b, monster], w.cell[b, TARGET + DISTRACTOR - monster]
    sought, spare = w.cell[b, item], w.cell[b, GOOD + BAD - item]
    fill_distances(distance, queue, wanted, other, spare, GONE, size)
    if w.carried[b] == item or sought == GONE:
        return
    if distance[sought] < FAR or spare == GONE:
        fill_distances(distance, queue, sought, other, wanted, GONE, size)
    else:
        fill_distances(distance, queue, spare, other, wanted, sought, size)


@inlined_kernel
def chance_to_enter(monster: int, agent: int, entered: int, size: int) -> float:
    """How likely a monster moves to a cell in a turn that begins with the agent where it is."""
    distance = distance_squared(monster, agent)
    ways, hunting, enters, hunts = 0, 0, False, False
    for move in range(NUM_MOVES):
        after = moved(monster, move)
        if is_wall(after, size):
            continue
        is_closer = distance_squared(after, agent) < distance
        ways += 1
        hunting += is_closer
        enters = enters or after == entered
        hunts = hunts or (is_closer and after == entered)
    chance = 1.0 / ways if enters else 0.0
    if distance > SIGHT_SQUARED or hunting == 0:
        return chance
    return HOSTILE * (1.0 / hunting if hunts else 0.0) + (1.0 - HOSTILE) * chance


@inlined_kernel
def danger(monster: int, agent: int, after: int, size: int) -> float:
    """What a monster that would kill the agent costs it that goes to a cell, in steps."""
    if monster == after:
        return NOW_COST
    rows = abs(monster // MAX_SIZE - after // MAX_SIZE)
    columns = abs(monster % MAX_SIZE - after % MAX_SIZE)
    cost = NOW_COST * chance_to_enter(monster, agent, after, size)
    if rows + columns <= 1:
        cost += NEXT_COST
    elif rows + columns == 2:
        cost += NEAR_COST
    return cost


@inner_kernel
def choose(
    w: Worlds,
    b: int,
    item: int,
    monster: int,
    size: int,
    moving: bool,
    distance: NDArray[np.int32],
    queue: NDArray[np.int32],
) -> int:
    """The next move, or -1 where there is no way."""
    agent, wanted, other = w.cell[b, AGENT], w.cell[b, monster], w.cell[b, TARGET + DISTRACTOR - monster]
    spare, is_ready = w.cell[b, GOOD + BAD - item], w.carried[b] == item or w.cell[b, item] == GONE
    if GONE in (agent, wanted, other):
        return -1
    if not moving:
        fill_still_distances(w, b, item, monster, size, distance, queue)
    elif is_ready:
        fill_distances(distance, queue, wanted, spare, GONE, GONE, size)
    else:
        fill_distances(distance, queue, w.cell[b, item], GONE, GONE, GONE, size)
    best, chosen = np.float64(FAR), -1
    for move in range(NUM_MOVES):
        after = moved(agent, move)
        if is_wall(after, size) or distance[after] == BLOCKED or distance[after] == FAR:
            continue
        if moving and is_ready and after == spare:  # even where the wanted monster stands on it: items come first
            continue
        cost = np.float64(distance[after])
        if moving:
            cost += danger(other, agent, after, size)
            if not is_ready:
                cost += danger(wanted, agent, after, size)
        if cost < best:
            best, chosen = cost, move
    return chosen


@kernel
def walk_batch(
    w: Worlds,
    item: NDArray[np.int8],
    monster: NDArray[np.int8],
    size: int,
    moving: bool,
    distance: NDArray[np.int32],
    queue: NDArray[np.int32],
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next move of B walkers, and where there is none.

    Args:
        w: their worlds.
        item: [B] GOOD or BAD, what each wants first.
        monster: [B] TARGET or DISTRACTOR, whom each wants then.
        size: of the rooms.
        moving: whether monsters move.
        distance: [NUM_CELLS], written.
        queue: [NUM_CELLS], written.
        actions: [B], written.
        lost: [B], written.
    """
    for b in range(actions.shape[0]):
        move = choose(w, b, item[b], monster[b], size, moving, distance, queue)
        lost[b] = move < 0
        actions[b] = max(move, 0)
