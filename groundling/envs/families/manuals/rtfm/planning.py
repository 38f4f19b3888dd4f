"""Compiled: the best moves in small rooms where monsters move, by dynamic programming on the rules.

A state is where the agent, both monsters and, until it is carried, the item are; the value of a state is the chance to
win from it, times ``DISCOUNT`` for each step. The other item is left out, except that whoever carries the right one
does not step on it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.families.manuals.rtfm import walking
from groundling.envs.families.manuals.rtfm.kernels import NUM_MOVES, is_wall, moved
from groundling.envs.families.manuals.rtfm.names import MAX_SIZE
from groundling.envs.families.manuals.rtfm.state import AGENT, BAD, DISTRACTOR, GONE, GOOD, TARGET, Worlds
from groundling.envs.families.manuals.rtfm.walking import chance_to_enter

kernel = compiler(__file__, *walking.SOURCES)
DISCOUNT = 0.99
TOLERANCE = 1e-3
MOST_SWEEPS = 200
CARRIED = -1  # in place of the item's cell


class Plan(NamedTuple):
    """The values of all states of a room with N inner cells, which are numbered row by row.

    Attributes:
        carrying: [N, N, N] agent, wanted monster, other monster.
        searching: [N, N, N, N] agent, wanted monster, other monster, item.
        chance: [N, N, N] monster, agent, cell: how likely the monster moves there.
    """

    carrying: NDArray[np.float32]
    searching: NDArray[np.float32]
    chance: NDArray[np.float32]


@inner_kernel
def cell_of(number: int, size: int) -> int:
    """The cell of an inner cell's number."""
    return (number // (size - 2) + 1) * MAX_SIZE + number % (size - 2) + 1


@inner_kernel
def number_of(cell: int, size: int) -> int:
    """The inverse of :func:`cell_of`."""
    return (cell // MAX_SIZE - 1) * (size - 2) + cell % MAX_SIZE - 1


@inner_kernel
def value_of_move(agent: int, after: int, wanted: int, other: int, item: int, size: int, p: Plan) -> float:
    """The chance to win with a move to an inner cell; all are numbers of inner cells, an item may be ``CARRIED``."""
    if item == after:
        item = CARRIED
    if after in (wanted, other):  # met at once; of two monsters either may be the first
        if item != CARRIED or after != wanted:
            return 0.0
        return 0.5 if after == other else 1.0
    value = 0.0
    for one_move in range(NUM_MOVES):
        one_cell = moved(cell_of(wanted, size), one_move)
        if is_wall(one_cell, size):
            continue
        one = number_of(one_cell, size)
        one_chance = p.chance[wanted, agent, one]
        if one_chance == 0.0:
            continue
        for other_move in range(NUM_MOVES):
            two_cell = moved(cell_of(other, size), other_move)
            if is_wall(two_cell, size):
                continue
            two = number_of(two_cell, size)
            chance = one_chance * p.chance[other, agent, two]
            if chance == 0.0:
                continue
            if one == after:
                if item == CARRIED:
                    value += chance * (0.5 if two == after else 1.0)
            elif two != after:
                then = p.carrying[after, one, two] if item == CARRIED else p.searching[after, one, two, item]
                value += chance * DISCOUNT * then
    return value


@inner_kernel
def best_value(agent: int, wanted: int, other: int, item: int, size: int, p: Plan) -> float:
    """The value of a state."""
    best = 0.0
    for move in range(NUM_MOVES):
        cell = moved(cell_of(agent, size), move)
        if not is_wall(cell, size):
            best = max(best, value_of_move(agent, number_of(cell, size), wanted, other, item, size, p))
    return best


@kernel
def fill_plan(size: int, p: Plan) -> None:
    """Value iteration, state after state, first of those in which the item is carried."""
    count = p.chance.shape[0]
    for monster in range(count):
        for agent in range(count):
            for entered in range(count):
                p.chance[monster, agent, entered] = chance_to_enter(
                    cell_of(monster, size), cell_of(agent, size), cell_of(entered, size), size
                )
    for first_item, end in ((CARRIED, 0), (0, count)):
        for _ in range(MOST_SWEEPS):
            change = 0.0
            for agent in range(count):
                for wanted in range(count):
                    for other in range(count):
                        if agent in (wanted, other):
                            continue
                        for item in range(first_item, end):
                            value = best_value(agent, wanted, other, item, size, p)
                            if item == CARRIED:
                                change = max(change, value - p.carrying[agent, wanted, other])
                                p.carrying[agent, wanted, other] = value
                            else:
                                change = max(change, value - p.searching[agent, wanted, other, item])
                                p.searching[agent, wanted, other, item] = value
            if change < TOLERANCE:
                break


@kernel
def follow_batch(
    w: Worlds,
    item: NDArray[np.int8],
    monster: NDArray[np.int8],
    size: int,
    p: Plan,
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The best move of B agents that want an item and then a monster; arguments as of ``walking.walk_batch``."""
    for b in range(actions.shape[0]):
        actions[b], lost[b] = 0, True
        agent, wanted = w.cell[b, AGENT], w.cell[b, monster[b]]
        other, spare = w.cell[b, TARGET + DISTRACTOR - monster[b]], w.cell[b, GOOD + BAD - item[b]]
        if GONE in (agent, wanted, other):
            continue
        sought = CARRIED
        if w.carried[b] != item[b] and w.cell[b, item[b]] != GONE:
            sought = number_of(w.cell[b, item[b]], size)
        best = 0.0
        for move in range(NUM_MOVES):
            after = moved(agent, move)
            if is_wall(after, size) or (sought == CARRIED and after == spare):
                continue
            value = value_of_move(
                number_of(agent, size),
                number_of(after, size),
                number_of(wanted, size),
                number_of(other, size),
                sought,
                size,
                p,
            )
            if value > best:
                best, actions[b], lost[b] = value, move, False


@cache
def plan_of(size: int) -> Plan:
    """The values of a room; made once, in about a second for 6 x 6."""
    count = (size - 2) ** 2
    plan = Plan(
        carrying=np.zeros((count,) * 3, dtype=np.float32),
        searching=np.zeros((count,) * 4, dtype=np.float32),
        chance=np.zeros((count,) * 3, dtype=np.float32),
    )
    fill_plan(size, plan)
    return plan
