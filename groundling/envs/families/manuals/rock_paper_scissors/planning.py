"""Compiled: the best moves to an item and with it to the monster.

Where nothing moves it is a shortest way, by a search over the states: where the agent is, whether it has the item, and
which of the two other items still lie there. Where the monster moves it is the move of the highest value, by dynamic
programming on the rules; the other items are left out of it, except that whoever carries the wanted one keeps off them.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.families.manuals.rock_paper_scissors import kernels
from groundling.envs.families.manuals.rock_paper_scissors.state import ITEMS, MONSTER, Worlds
from groundling.envs.families.manuals.rtfm import planning, walking
from groundling.envs.families.manuals.rtfm.kernels import NUM_MOVES, is_wall, moved
from groundling.envs.families.manuals.rtfm.names import MAX_SIZE
from groundling.envs.families.manuals.rtfm.planning import cell_of, number_of
from groundling.envs.families.manuals.rtfm.state import AGENT, GONE
from groundling.envs.families.manuals.rtfm.walking import chance_to_enter

kernel = compiler(__file__, planning.__file__, *walking.SOURCES, *kernels.SOURCES)
DISCOUNT = 0.99
TOLERANCE = 1e-3
MOST_SWEEPS = 200
CARRIED = -1  # in place of the item's cell
NUM_STATES = MAX_SIZE * MAX_SIZE * 8  # cell, whether the item is carried, which of two others lie there
UNSEEN = -1


class Plan(NamedTuple):
    """The values of all states of a room with N inner cells, which are numbered row by row.

    Attributes:
        carrying: [N, N] agent, monster.
        searching: [N, N, N] agent, monster, item.
        chance: [N, N, N] monster, agent, cell: how likely the monster moves there.
    """

    carrying: NDArray[np.float32]
    searching: NDArray[np.float32]
    chance: NDArray[np.float32]


@inner_kernel
def value_of(agent: int, monster: int, item: int, p: Plan) -> float:
    """The value of a state in which nobody has met."""
    if item == CARRIED:
        return DISCOUNT * p.carrying[agent, monster]
    return DISCOUNT * p.searching[agent, monster, item]


@inner_kernel
def value_of_move(agent: int, after: int, monster: int, item: int, size: int, p: Plan) -> float:
    """The chance to win with a move to an inner cell, times ``DISCOUNT`` for each step; all are numbers of cells."""
    then = CARRIED if after == item else item
    value = 0.0
    for move in range(NUM_MOVES):
        cell = moved(cell_of(monster, size), move)
        if is_wall(cell, size):
            continue
        entered = number_of(cell, size)
        chance = 0.5 * p.chance[monster, agent, entered]
        if after in (monster, entered):  # the agent moves first
            value += chance * (then == CARRIED)
        else:
            value += chance * value_of(after, entered, then, p)
        if entered == agent:  # the monster moves first
            value += chance * (item == CARRIED)
        elif entered == after:
            value += chance * (then == CARRIED)
        else:
            value += chance * value_of(after, entered, then, p)
    return value


@inner_kernel
def best_value(agent: int, monster: int, item: int, size: int, p: Plan) -> float:
    """The value of a state."""
    best = 0.0
    for move in range(NUM_MOVES):
        cell = moved(cell_of(agent, size), move)
        if not is_wall(cell, size):
            best = max(best, value_of_move(agent, number_of(cell, size), monster, item, size, p))
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
                for monster in range(count):
                    if agent == monster:
                        continue
                    for item in range(first_item, end):
                        value = best_value(agent, monster, item, size, p)
                        if item == CARRIED:
                            change = max(change, value - p.carrying[agent, monster])
                            p.carrying[agent, monster] = value
                        else:
                            change = max(change, value - p.searching[agent, monster, item])
                            p.searching[agent, monster, item] = value
            if change < TOLERANCE:
                break


@cache
def plan_of(size: int) -> Plan:
    """The values of a room, computed once."""
    count = (size - 2) ** 2
    plan = Plan(
        carrying=np.zeros((count,) * 2, dtype=np.float32),
        searching=np.zeros((count,) * 3, dtype=np.float32),
        chance=np.zeros((count,) * 3, dtype=np.float32),
    )
    fill_plan(size, plan)
    return plan


@inner_kernel
def spare_cell(w: Worlds, b: int, item: int, number: int) -> int:
    """Where the first or second of the items other than ``item`` is."""
    for other in ITEMS:
        if other != item:
            if number == 0:
                return w.cell[b, other]
            number -= 1
    return GONE


@kernel
def follow_batch(
    w: Worlds, item: NDArray[np.int8], size: int, p: Plan, actions: NDArray[np.int64], lost: NDArray[np.bool_]
) -> None:
    """The best moves of B agents in rooms whose monster moves; arguments as of :func:`walk_batch`."""
    for b in range(actions.shape[0]):
        actions[b], lost[b] = 0, True
        agent, monster = w.cell[b, AGENT], w.cell[b, MONSTER]
        if agent == GONE or monster == GONE:
            continue
        is_ready = w.carried[b] == item[b] or w.cell[b, item[b]] == GONE
        sought = CARRIED if is_ready else number_of(w.cell[b, item[b]], size)
        best = 0.0
        for move in range(NUM_MOVES):
            after = moved(agent, move)
            is_spare = after == spare_cell(w, b, item[b], 0) or after == spare_cell(w, b, item[b], 1)
            if is_wall(after, size) or (is_ready and is_spare):
                continue
            value = value_of_move(
                number_of(agent, size), number_of(after, size), number_of(monster, size), sought, size, p
            )
            if value > best:
                best, actions[b], lost[b] = value, move, False


@inner_kernel
def search(w: Worlds, b: int, item: int, size: int, first_move: NDArray[np.int8], queue: NDArray[np.int16]) -> int:
    """The first move of a shortest way to the monster with the item in a still room, or -1 where there is none."""
    agent, monster = w.cell[b, AGENT], w.cell[b, MONSTER]
    if agent == GONE or monster == GONE or (w.cell[b, item] == GONE and w.carried[b] != item):
        return -1
    first_move[:] = UNSEEN
    one, two = spare_cell(w, b, item, 0), spare_cell(w, b, item, 1)
    lying = (one != GONE) + 2 * (two != GONE)
    begun = agent * 8 + 4 * (w.carried[b] == item) + lying
    first_move[begun] = 0
    queue[0] = begun
    done, count = 0, 1
    while done < count:
        state = int(queue[done])
        done += 1
        cell, is_ready, lying = state // 8, state // 4 % 2, state % 4
        for move in range(1, NUM_MOVES):
            after = moved(cell, move)
            if is_wall(after, size):
                continue
            known = move if state == begun else int(first_move[state])
            if after == monster:
                if is_ready:
                    return known
                continue
            then, left = is_ready, lying
            if after == w.cell[b, item]:
                then = 1
            if (after == one and lying % 2 == 1) or (after == two and lying >= 2):
                if is_ready:  # it would be destroyed
                    continue
                left = lying - (1 if after == one else 2)
            reached = after * 8 + 4 * then + left
            if first_move[reached] == UNSEEN:
                first_move[reached] = known
                queue[count] = reached
                count += 1
    return -1


@kernel
def walk_batch(
    w: Worlds,
    item: NDArray[np.int8],
    size: int,
    first_move: NDArray[np.int8],
    queue: NDArray[np.int16],
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next move of B walkers in still rooms, and where there is none.

    Args:
        w: their worlds.
        item: [B] of ``ITEMS``, what each takes to the monster.
        size: of the rooms.
        first_move: [NUM_STATES], written.
        queue: [NUM_STATES], written.
        actions: [B], written.
        lost: [B], written.
    """
    for b in range(actions.shape[0]):
        move = search(w, b, item[b], size, first_move, queue)
        lost[b] = move < 0
        actions[b] = max(move, 0)
