"""Compiled: the next action of who knows what each thing is and how it moves, by looking some steps ahead.

For each path of ``DEPTH`` moves it computes how likely each thing is where, given that the agent takes this path and
has not met the thing before: entities choose independently of one another. So the chance to survive a path, and to
reach what is wanted on it, is exact; what comes after it is estimated by how far away the wanted thing is then, and
whether something lethal is near. The first move of the best path is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.families.manuals.messenger import kernels
from groundling.envs.families.manuals.messenger.kernels import (
    NUM_DIRECTIONS,
    NUM_MOVES,
    is_chosen,
    is_inside,
    step_x,
    step_y,
    touches,
)
from groundling.envs.families.manuals.messenger.state import (
    AGENT,
    CHASER,
    ENEMY,
    FLEEING,
    GOAL,
    GONE,
    IMMOVABLE,
    MESSAGE,
    NUM_THINGS,
    Worlds,
)

kernel = compiler(__file__, *kernels.SOURCES)
DEPTH = 3
NUM_PATHS = NUM_MOVES**DEPTH
CAPACITY = NUM_DIRECTIONS**DEPTH  # places in which a thing may be
DISCOUNT = 0.98  # of a step
NEAR = 3  # half cells in which something lethal is near
NEAR_COST = 0.1  # share of a path's value


class Scratch(NamedTuple):
    """Where each thing may be after 0 to DEPTH steps of a path, and how likely it is there and was not met before."""

    num_places: NDArray[np.int64]  # [DEPTH + 1, 6]
    x: NDArray[np.int64]  # [DEPTH + 1, 6, CAPACITY]
    y: NDArray[np.int64]  # [DEPTH + 1, 6, CAPACITY]
    chance: NDArray[np.float64]  # [DEPTH + 1, 6, CAPACITY]
    mass: NDArray[np.float64]  # [DEPTH + 1, 6] their sums
    agent_x: NDArray[np.int64]  # [DEPTH + 1]
    agent_y: NDArray[np.int64]  # [DEPTH + 1]
    gained: NDArray[np.float64]  # [DEPTH + 1] the chance to have reached what is wanted, discounted
    moves: NDArray[np.int64]  # [DEPTH] of the path


def empty_scratch() -> Scratch:
    """Arrays for one agent at a time."""
    return Scratch(
        num_places=np.zeros((DEPTH + 1, NUM_THINGS), dtype=np.int64),
        x=np.zeros((DEPTH + 1, NUM_THINGS, CAPACITY), dtype=np.int64),
        y=np.zeros((DEPTH + 1, NUM_THINGS, CAPACITY), dtype=np.int64),
        chance=np.zeros((DEPTH + 1, NUM_THINGS, CAPACITY)),
        mass=np.zeros((DEPTH + 1, NUM_THINGS)),
        agent_x=np.zeros(DEPTH + 1, dtype=np.int64),
        agent_y=np.zeros(DEPTH + 1, dtype=np.int64),
        gained=np.zeros(DEPTH + 1),
        moves=np.zeros(DEPTH, dtype=np.int64),
    )


@inner_kernel
def spread(q: Scratch, level: int, thing: int, movement: int) -> None:
    """Where a thing may be a step later, and how likely; where it meets the agent it is left out."""
    count, mass = 0, 0.0
    before_x, before_y = q.agent_x[level], q.agent_y[level]
    agent_x, agent_y = q.agent_x[level + 1], q.agent_y[level + 1]
    for row in range(q.num_places[level, thing]):
        x, y, chance = q.x[level, thing, row], q.y[level, thing, row], q.chance[level, thing, row]
        options = 0
        if movement != IMMOVABLE:
            for direction in range(NUM_DIRECTIONS):
                options += is_chosen(movement, x, y, before_x, before_y, direction)
        is_any = options == 0
        for direction in range(1 if movement == IMMOVABLE else NUM_DIRECTIONS):
            then_x, then_y, share = x, y, 1.0
            if movement != IMMOVABLE:
                if not is_any and not is_chosen(movement, x, y, before_x, before_y, direction):
                    continue
                share = 1.0 / (NUM_DIRECTIONS if is_any else options)
                if is_inside(x + step_x(direction), y + step_y(direction)):
                    then_x, then_y = x + step_x(direction), y + step_y(direction)
            if not touches(agent_x, agent_y, then_x, then_y):
                q.x[level + 1, thing, count] = then_x
                q.y[level + 1, thing, count] = then_y
                q.chance[level + 1, thing, count] = chance * share
                mass += chance * share
                count += 1
    q.num_places[level + 1, thing] = count
    q.mass[level + 1, thing] = mass


@inlined_kernel
def is_lethal(w: Worlds, b: int, thing: int, wanted: int) -> bool:
    """Whether the agent must not meet a thing now."""
    return thing != wanted and w.x[b, thing] != GONE


@inner_kernel
def advance(w: Worlds, b: int, wanted: int, level: int, q: Scratch) -> None:
    """The next step of the path."""
    move = q.moves[level]
    x, y = q.agent_x[level], q.agent_y[level]
    if move < NUM_DIRECTIONS and is_inside(x + 2 * step_x(move), y + 2 * step_y(move)):
        x, y = x + 2 * step_x(move), y + 2 * step_y(move)
    q.agent_x[level + 1] = x
    q.agent_y[level + 1] = y
    alive = 1.0
    for thing in range(ENEMY, NUM_THINGS):
        if w.x[b, thing] != GONE:
            spread(q, level, thing, w.movement[b, thing])
            if is_lethal(w, b, thing, wanted):
                alive *= q.mass[level + 1, thing]
    reached = q.mass[level, wanted] - q.mass[level + 1, wanted]
    q.gained[level + 1] = q.gained[level] + alive * reached * DISCOUNT**level


@inner_kernel
def value_after(w: Worlds, b: int, wanted: int, q: Scratch) -> float:
    """What a path is worth with what may come after it."""
    agent_x, agent_y = q.agent_x[DEPTH], q.agent_y[DEPTH]
    alive = 1.0
    for thing in range(ENEMY, NUM_THINGS):
        if is_lethal(w, b, thing, wanted):
            near = 0.0
            for row in range(q.num_places[DEPTH, thing]):
                far = abs(q.x[DEPTH, thing, row] - agent_x) + abs(q.y[DEPTH, thing, row] - agent_y)
                if far <= NEAR:
                    near += q.chance[DEPTH, thing, row]
            alive *= q.mass[DEPTH, thing] - NEAR_COST * near
    later = 0.0
    movement = w.movement[b, wanted]
    for row in range(q.num_places[DEPTH, wanted]):
        steps = max(abs(q.x[DEPTH, wanted, row] - agent_x) - 1, 0) + max(abs(q.y[DEPTH, wanted, row] - agent_y) - 1, 0)
        pace = 0.5  # a step of the agent is two half cells
        if movement == FLEEING:
            pace = 1.0
        elif movement == CHASER:
            pace = 0.34
        later += q.chance[DEPTH, wanted, row] * DISCOUNT ** (pace * steps)
    return q.gained[DEPTH] + alive * later * DISCOUNT**DEPTH


@inner_kernel
def best_move(w: Worlds, b: int, q: Scratch) -> int:
    """The first move of the best path, of several best ones the first."""
    wanted = GOAL if w.has_message[b] else MESSAGE
    q.agent_x[0] = w.x[b, AGENT]
    q.agent_y[0] = w.y[b, AGENT]
    for thing in range(ENEMY, NUM_THINGS):
        q.num_places[0, thing] = 1
        q.x[0, thing, 0], q.y[0, thing, 0] = w.x[b, thing], w.y[b, thing]
        q.chance[0, thing, 0] = q.mass[0, thing] = 1.0
    q.gained[0] = 0.0
    best, chosen = -1.0, NUM_DIRECTIONS
    for path in range(NUM_PATHS):
        begun, rest = DEPTH, path
        for level in range(DEPTH - 1, -1, -1):
            move = rest % NUM_MOVES
            if move != q.moves[level] or path == 0:
                begun = level
            q.moves[level] = move
            rest //= NUM_MOVES
        for level in range(begun, DEPTH):
            advance(w, b, wanted, level, q)
        value = value_after(w, b, wanted, q)
        if value > best + 1e-9:
            best, chosen = value, q.moves[0]
    return chosen


@kernel
def plan_batch(w: Worlds, q: Scratch, actions: NDArray[np.int64]) -> None:
    """The next move of B agents; 4 (stay) where an episode is over.

    Args:
        w: their worlds.
        q: written.
        actions: [B], written.
    """
    for b in range(actions.shape[0]):
        actions[b] = NUM_DIRECTIONS if w.over[b] else best_move(w, b, q)
