"""Compiled: the game, the movements and the places with which an episode begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.families.manuals.messenger import games, names, state
from groundling.envs.families.manuals.messenger.games import NUM_COMBINED, NUM_TOGETHER, numbered
from groundling.envs.families.manuals.messenger.names import SIZE
from groundling.envs.families.manuals.messenger.state import (
    AGENT,
    ENEMY,
    FALSE_GOAL,
    FALSE_MESSAGE,
    GOAL,
    GONE,
    IMMOVABLE,
    MESSAGE,
    NONE,
    NUM_THINGS,
    Rules,
    Worlds,
)
from groundling.envs.games import dice
from groundling.envs.games.dice import below

SOURCES = (__file__, games.__file__, names.__file__, state.__file__, *dice.SOURCES)
NUM_MOVEMENTS = 3
GAME_TABLE = numbered()
# Columns and rows of cells: the agent's and those of which entities have three; then those that all things share.
STARTS_1 = np.array([[5, 5], [5, 3], [3, 5], [7, 5], [5, 7]])
STARTS_2 = np.array([[2, 2], [7, 7], [7, 2], [2, 7]])
STARTS_3 = np.array([[2, 1], [8, 1], [1, 6], [9, 6], [5, 9], [5, 4]])
APART = 3  # cells between new starts in one coordinate or the other
TRIES = 64  # after which all new starts are drawn anew


@inner_kernel
def draw_game(w: Worlds, b: int, r: Rules) -> None:
    """Draw which entity is what."""
    if r.is_training:
        is_together = below(w, b, 4) == 0
        number = NUM_COMBINED + below(w, b, NUM_TOGETHER) if is_together else below(w, b, NUM_COMBINED)
    else:
        number = r.first_game + below(w, b, r.num_games)
    w.game[b] = number
    for role in range(3):
        w.entity[b, ENEMY + role] = GAME_TABLE[number, role]
    w.entity[b, FALSE_MESSAGE] = GAME_TABLE[number, 1]
    w.entity[b, FALSE_GOAL] = GAME_TABLE[number, 2]


@inner_kernel
def draw_movements(w: Worlds, b: int, r: Rules) -> None:
    """Draw how entities move; those of enemy, message and goal differ but where the rules say otherwise.

    A false message moves otherwise than the message and the false goal, a false goal otherwise than the goal.
    """
    if r.stage == 1:
        for thing in range(ENEMY, NUM_THINGS):
            w.movement[b, thing] = IMMOVABLE
        return
    if r.any_moves:
        drawn = below(w, b, NUM_MOVEMENTS**3)
        w.movement[b, ENEMY] = drawn // 9
        w.movement[b, MESSAGE] = drawn // 3 % 3
        w.movement[b, GOAL] = drawn % 3
        return
    drawn = below(w, b, 6 if r.stage == 2 else 18)
    order, pair = (drawn, 0) if r.stage == 2 else (drawn // 3, drawn % 3)
    enemy = order // 2
    message = (enemy + 1 + order % 2) % 3
    goal = 3 - enemy - message
    w.movement[b, ENEMY], w.movement[b, MESSAGE], w.movement[b, GOAL] = enemy, message, goal
    w.movement[b, FALSE_MESSAGE] = enemy if pair == 2 else goal
    w.movement[b, FALSE_GOAL] = enemy if pair == 1 else message


@inner_kernel
def share_out(w: Worlds, b: int, first: int, cells: NDArray[np.int64], skipped: int) -> None:
    """Put things from a first one on into cells, any into any; the first cells are left out."""
    count = cells.shape[0] - skipped
    for place in range(count):
        w.x[b, first + place], w.y[b, first + place] = 2 * cells[skipped + place, 0], 2 * cells[skipped + place, 1]
    for place in range(count - 1, 0, -1):
        one, other = first + place, first + below(w, b, place + 1)
        x, y = w.x[b, one], w.y[b, one]
        w.x[b, one], w.y[b, one] = w.x[b, other], w.y[b, other]
        w.x[b, other], w.y[b, other] = x, y


@inner_kernel
def is_new(w: Worlds, b: int, thing: int, cells: NDArray[np.int64]) -> bool:
    """Whether a thing is in none of the cells in which training begins, and apart from the things before it."""
    x, y = w.x[b, thing], w.y[b, thing]
    is_free = True
    for row in range(cells.shape[0]):
        is_free = is_free and not (x == 2 * cells[row, 0] and y == 2 * cells[row, 1])
    for other in range(thing):
        is_free = is_free and max(abs(x - w.x[b, other]), abs(y - w.y[b, other])) >= 2 * APART
    return is_free


@inner_kernel
def draw_new_starts(w: Worlds, b: int, count: int, cells: NDArray[np.int64]) -> None:
    """Put things into cells in which training never begins."""
    thing, tries = 0, 0
    while thing < count:
        drawn = below(w, b, SIZE * SIZE)
        w.x[b, thing], w.y[b, thing] = 2 * (drawn % SIZE), 2 * (drawn // SIZE)
        if is_new(w, b, thing, cells):
            thing += 1
        tries += 1
        if tries % TRIES == 0:
            thing = 0


@inner_kernel
def begin_world(w: Worlds, b: int, r: Rules) -> None:
    """Begin the next episode of environment ``b``."""
    w.begun[b] = w.random[b]
    draw_game(w, b, r)
    draw_movements(w, b, r)
    if r.stage == 1:
        w.x[b, AGENT], w.y[b, AGENT] = 2 * STARTS_1[0, 0], 2 * STARTS_1[0, 1]
        share_out(w, b, ENEMY, STARTS_1, 1)
        w.x[b, FALSE_MESSAGE] = GONE
    elif r.new_starts:
        draw_new_starts(w, b, r.num_entities + 1, STARTS_2 if r.stage == 2 else STARTS_3)
    else:
        share_out(w, b, AGENT, STARTS_2 if r.stage == 2 else STARTS_3, 0)
    for thing in range(NUM_THINGS):
        w.heading[b, thing] = 0
    w.has_message[b] = r.stage == 1 and below(w, b, 5) == 0
    w.steps[b] = 0
    w.total_reward[b] = 0.0
    w.over[b] = False
    w.met[b] = NONE
