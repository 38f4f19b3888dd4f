"""The compiled rules: one scalar function begins, another steps an environment; thin loops run them over a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.engine.state import Outcomes
from groundling.envs.families.manuals.rtfm import assignments, writing
from groundling.envs.families.manuals.rtfm.assignments import scattered
from groundling.envs.families.manuals.rtfm.names import (
    FIRST_ELEMENT,
    FIRST_ITEM,
    FIRST_KIND,
    FIRST_MODIFIER,
    FLOOR_ID,
    ITEMS,
    MAX_SIZE,
    SELF_ID,
    WALL_ID,
)
from groundling.envs.families.manuals.rtfm.state import (
    AGENT,
    BAD,
    DISTRACTOR,
    GONE,
    GOOD,
    NO_ENDING,
    NOTHING,
    NUM_THINGS,
    TARGET,
    Dynamics,
    Rules,
    Seen,
    Worlds,
)
from groundling.envs.families.manuals.rtfm.wording import Tables
from groundling.envs.families.manuals.rtfm.writing import NUM_ELEMENTS, NUM_TEAMS, write_texts
from groundling.envs.games.dice import below

SOURCES = (__file__, assignments.__file__, *writing.SOURCES)
kernel = compiler(*SOURCES)

STEP_REWARD, WIN, LOSS = -0.02, 1.0, -1.0
SIGHT_SQUARED = 25  # a monster hunts what is at most 5 cells away
NUM_MOVES = 5  # stay, up, down, left, right
GOES_ON, WON, LOST = 0, 1, 2


@inlined_kernel
def moved(cell: int, move: int) -> int:
    """The cell that a move leads to."""
    if move == 1:
        return cell - MAX_SIZE
    if move == 2:
        return cell + MAX_SIZE
    if move == 3:
        return cell - 1
    return cell + 1 if move == 4 else cell


@inlined_kernel
def is_wall(cell: int, size: int) -> bool:
    """Whether a cell beside the inner ones of a room is of its wall."""
    row, column = cell // MAX_SIZE, cell % MAX_SIZE
    return row == 0 or column == 0 or row == size - 1 or column == size - 1


@inlined_kernel
def distance_squared(one: int, other: int) -> int:
    """The squared Euclidean distance of two cells."""
    rows, columns = one // MAX_SIZE - other // MAX_SIZE, one % MAX_SIZE - other % MAX_SIZE
    return rows * rows + columns * columns


@inner_kernel
def member(w: Worlds, b: int, group_of: NDArray[np.uint8], group: int, size: int) -> int:
    """A thing drawn from those of a group of ``size``."""
    skipped = below(w, b, size)
    for thing in range(group_of.shape[0]):
        if group_of[thing] == group:
            if skipped == 0:
                return thing
            skipped -= 1
    return -1


@inlined_kernel
def other_than(w: Worlds, b: int, one: int, count: int) -> int:
    """A number in [0, count) that is not ``one``."""
    drawn = below(w, b, count - 1)
    return drawn + 1 if drawn >= one else drawn


@inner_kernel
def begin(w: Worlds, b: int, r: Rules, d: Dynamics, t: Tables, s: Seen) -> None:
    """Begin the next episode of environment ``b`` and write all that its agent sees."""
    w.begun[b] = w.random[b]
    number = scattered(r.first_place + below(w, b, r.num_places), r.total, r.bits)
    team_of, element_of = d.teams[number // d.elements.shape[0]], d.elements[number % d.elements.shape[0]]
    members, beaters = r.num_kinds // NUM_TEAMS, r.num_modifiers // NUM_ELEMENTS
    team = below(w, b, NUM_TEAMS)
    element = below(w, b, NUM_ELEMENTS)
    w.assignment[b], w.team[b], w.element[b, 0] = number, team, element
    w.noun[b, TARGET] = FIRST_KIND + member(w, b, team_of, team, members)
    w.adjective[b, TARGET] = FIRST_ELEMENT + element
    w.adjective[b, GOOD] = FIRST_MODIFIER + member(w, b, element_of, element, beaters)
    element = other_than(w, b, element, NUM_ELEMENTS)
    w.element[b, 1] = element
    w.adjective[b, BAD] = FIRST_MODIFIER + member(w, b, element_of, element, beaters)
    w.noun[b, DISTRACTOR] = FIRST_KIND + member(w, b, team_of, other_than(w, b, team, NUM_TEAMS), members)
    w.adjective[b, DISTRACTOR] = FIRST_ELEMENT + element
    w.noun[b, GOOD] = FIRST_ITEM + below(w, b, len(ITEMS))
    w.noun[b, BAD] = FIRST_ITEM + below(w, b, len(ITEMS))
    w.noun[b, AGENT], w.adjective[b, AGENT] = SELF_ID, 0
    inner = r.size - 2
    for thing in range(NUM_THINGS):
        is_taken = True
        while is_taken:
            drawn = below(w, b, inner * inner)
            cell = (drawn // inner + 1) * MAX_SIZE + drawn % inner + 1
            is_taken = False
            for other in range(thing):
                is_taken = is_taken or w.cell[b, other] == cell
        w.cell[b, thing] = cell
    w.carried[b] = NOTHING
    w.steps[b] = 0
    w.total_reward[b] = 0.0
    w.over[b] = False
    write_texts(w, b, r, d, t, s)
    draw_ground(b, r.size, s)
    draw_things(w, b, r.size, s)


@inner_kernel
def draw_ground(b: int, size: int, s: Seen) -> None:
    """Draw floor and walls."""
    image = s.image[b]
    for row in range(MAX_SIZE):
        for column in range(MAX_SIZE):
            symbol = 0
            if row < size and column < size:
                symbol = WALL_ID if is_wall(row * MAX_SIZE + column, size) else FLOOR_ID
            image[row, column, 0] = symbol
            image[row, column, 1] = 0


@inlined_kernel
def draw_symbol(s: Seen, b: int, cell: int, noun: int, adjective: int) -> None:
    """Draw one thing."""
    s.image[b, cell // MAX_SIZE, cell % MAX_SIZE, 0] = noun
    s.image[b, cell // MAX_SIZE, cell % MAX_SIZE, 1] = adjective


@inner_kernel
def draw_things(w: Worlds, b: int, size: int, s: Seen) -> None:
    """Draw items, over them monsters, over all the agent; and what it carries, and where it can walk.

    Of two monsters in a cell that is seen whose kind comes first: what is seen must not tell which one is wanted.
    """
    upper, lower = TARGET, DISTRACTOR
    if w.noun[b, DISTRACTOR] < w.noun[b, TARGET]:
        upper, lower = DISTRACTOR, TARGET
    for thing in (GOOD, BAD, lower, upper, AGENT):
        if w.cell[b, thing] != GONE:
            draw_symbol(s, b, w.cell[b, thing], w.noun[b, thing], w.adjective[b, thing])
    s.carried[b] = w.adjective[b, w.carried[b]] if w.carried[b] != NOTHING else 0
    s.valid[b, 0] = True
    for move in range(1, NUM_MOVES):
        s.valid[b, move] = w.cell[b, AGENT] != GONE and not is_wall(moved(w.cell[b, AGENT], move), size)


@inner_kernel
def monster_move(w: Any, b: int, thing: int, size: int) -> int:
    """What a monster chooses: towards an agent that is near with probability 0.6, else anything that it can do."""
    is_hostile = below(w, b, 5) < 3
    cell, agent = w.cell[b, thing], w.cell[b, AGENT]
    distance = distance_squared(cell, agent)
    is_hunting = is_hostile and distance <= SIGHT_SQUARED and distance > 0
    count = 0
    for move in range(NUM_MOVES):
        after = moved(cell, move)
        count += not is_wall(after, size) and (not is_hunting or distance_squared(after, agent) < distance)
    chosen = below(w, b, count)
    for move in range(NUM_MOVES):
        after = moved(cell, move)
        if not is_wall(after, size) and (not is_hunting or distance_squared(after, agent) < distance):
            if chosen == 0:
                return move
            chosen -= 1
    return 0


@inlined_kernel
def fight(w: Worlds, b: int, monster: int) -> int:
    """The agent strikes first, and one of the two dies; either way the episode ends."""
    w.ending[b] = NO_ENDING
    if w.carried[b] != NOTHING:
        w.ending[b] = 2 * (w.carried[b] == BAD) + (monster == DISTRACTOR)
    if monster == TARGET:
        if w.carried[b] == GOOD:
            w.cell[b, TARGET] = GONE
            return WON
    elif w.carried[b] == BAD:
        w.cell[b, DISTRACTOR] = GONE
        return LOST
    w.cell[b, AGENT] = GONE
    return LOST


@inner_kernel
def agent_moves(w: Worlds, b: int, move: int, first: int, size: int) -> int:
    """The agent walks, picks up what lies there, and meets who is there; of two monsters the one that acts first."""
    cell = moved(w.cell[b, AGENT], move)
    if is_wall(cell, size):
        cell = w.cell[b, AGENT]
    w.cell[b, AGENT] = cell
    for item in (GOOD, BAD):
        if w.cell[b, item] == cell:
            w.cell[b, item] = GONE
            w.carried[b] = item
    for monster in (first, TARGET + DISTRACTOR - first):
        if w.cell[b, monster] == cell:
            return fight(w, b, monster)
    return GOES_ON


@inner_kernel
def take_turn(w: Worlds, b: int, move: int, r: Rules) -> int:
    """All choose from where everything is, then act one after the other, and what meets fights at once."""
    first, moves = TARGET, (0, 0)
    if r.moving:
        moves = (monster_move(w, b, TARGET, r.size), monster_move(w, b, DISTRACTOR, r.size))
        first = TARGET + below(w, b, 2)
    result = agent_moves(w, b, move, first, r.size)
    if not r.moving:
        return result
    for monster in (first, TARGET + DISTRACTOR - first):
        if result == GOES_ON:
            cell = moved(w.cell[b, monster], moves[monster - TARGET])
            w.cell[b, monster] = cell
            if cell == w.cell[b, AGENT]:
                result = fight(w, b, monster)
    return result


@inner_kernel
def tell_outcome(w: Any, b: int, result: int, max_steps: int, out: Outcomes) -> None:
    """Count a step of environment ``b``, and write what it brought."""
    w.steps[b] += 1
    is_late = result == GOES_ON and w.steps[b] >= max_steps
    if is_late:
        w.ending[b] = NO_ENDING
    reward = STEP_REWARD
    if result == WON:
        reward = WIN
    elif result == LOST or is_late:
        reward = LOSS
    w.total_reward[b] += reward
    out.reward[b] = reward
    out.terminated[b] = result != GOES_ON
    out.truncated[b] = is_late
    out.ended[b] = result != GOES_ON or is_late
    if out.ended[b]:
        w.over[b] = True
        out.episode_return[b] = w.total_reward[b]
        out.episode_length[b] = w.steps[b]
        out.success[b] = result == WON


@inner_kernel
def step_one(w: Worlds, b: int, move: int, r: Rules, s: Seen, out: Outcomes) -> None:
    """One step of environment ``b`` as far as it does not begin the next episode."""
    out.episode_return[b] = 0.0
    out.episode_length[b] = 0
    out.success[b] = False
    if w.over[b]:  # it stays as it ended until it is reset
        out.reward[b] = 0.0
        return
    for thing in range(NUM_THINGS):
        if w.cell[b, thing] != GONE:
            draw_symbol(s, b, w.cell[b, thing], FLOOR_ID, 0)
    result = take_turn(w, b, move, r)
    tell_outcome(w, b, result, r.max_steps, out)
    draw_things(w, b, r.size, s)


@kernel
def begin_batch(w: Worlds, chosen: NDArray[np.bool_], r: Rules, d: Dynamics, t: Tables, s: Seen) -> None:
    """Begin the next episode where ``chosen`` [B] says so."""
    for b in range(chosen.shape[0]):
        if chosen[b]:
            begin(w, b, r, d, t, s)


@inner_kernel
def keep_last(b: int, s: Seen, last: Seen) -> None:
    """Copy what the agent of environment ``b`` sees, number by number: assigning arrays would allocate memory."""
    for row in range(MAX_SIZE):
        for column in range(MAX_SIZE):
            for part in range(3):
                last.image[b, row, column, part] = s.image[b, row, column, part]
    for row in range(s.manual.shape[1]):
        for column in range(s.manual.shape[2]):
            last.manual[b, row, column] = s.manual[b, row, column]
    for column in range(s.instruction.shape[1]):
        last.instruction[b, column] = s.instruction[b, column]
    last.carried[b] = s.carried[b]
    for move in range(NUM_MOVES):
        last.valid[b, move] = s.valid[b, move]


@kernel
def step_batch(
    w: Worlds,
    actions: NDArray[np.int64],
    autoreset: bool,
    r: Rules,
    d: Dynamics,
    t: Tables,
    s: Seen,
    last: Seen,
    out: Outcomes,
) -> None:
    """Step every environment; where an episode ends its last observation goes to ``last`` and the next one begins."""
    for b in range(actions.shape[0]):
        step_one(w, b, actions[b], r, s, out)
        if out.ended[b] and autoreset:
            keep_last(b, s, last)
            begin(w, b, r, d, t, s)
