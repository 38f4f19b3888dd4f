"""The compiled rules: one scalar function begins, another steps an environment; thin loops run them over a batch.

How rooms are drawn and how monsters move are RTFM's rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.engine.state import Outcomes
from groundling.envs.families.manuals.rock_paper_scissors import graphs, names, state
from groundling.envs.families.manuals.rock_paper_scissors.graphs import GRAPH_TABLE, NUM_TRAINED
from groundling.envs.families.manuals.rock_paper_scissors.names import (
    BEATS_ID,
    FIRST_LETTER,
    INSTRUCTION,
    ITEM_ID,
    MONSTER_ID,
    NUM_SENTENCES,
    STATEMENTS,
    WORDS,
)
from groundling.envs.families.manuals.rock_paper_scissors.state import (
    BEATEN,
    ITEMS,
    MONSTER,
    NUM_THINGS,
    OF_NOTHING,
    RIGHT,
    SAME,
    Rules,
    Worlds,
)
from groundling.envs.families.manuals.rtfm import kernels as rtfm
from groundling.envs.families.manuals.rtfm.kernels import (
    GOES_ON,
    LOST,
    NUM_MOVES,
    WON,
    draw_ground,
    draw_symbol,
    is_wall,
    keep_last,
    monster_move,
    moved,
    tell_outcome,
)
from groundling.envs.families.manuals.rtfm.names import FLOOR_ID, MAX_SIZE, SELF_ID
from groundling.envs.families.manuals.rtfm.state import AGENT, GONE, NO_ENDING, NOTHING, Seen
from groundling.envs.games.dice import below

SOURCES = (__file__, graphs.__file__, names.__file__, state.__file__, *rtfm.SOURCES)
kernel = compiler(*SOURCES)
GOAL = WORDS.encode(INSTRUCTION)


@inner_kernel
def begin(w: Worlds, b: int, r: Rules, s: Seen) -> None:
    """Begin the next episode of environment ``b`` and write all that its agent sees."""
    w.begun[b] = w.random[b]
    w.graph[b] = r.first_graph + below(w, b, r.num_graphs)
    graph = GRAPH_TABLE[w.graph[b]]
    place = below(w, b, 3)  # of the monster's letter; the one before beats it, it beats the one after
    w.letter[b, AGENT] = 0
    w.letter[b, MONSTER] = w.letter[b, SAME] = graph[place]
    w.letter[b, RIGHT] = graph[(place + 2) % 3]
    w.letter[b, BEATEN] = graph[(place + 1) % 3]
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
    write_texts(w, b, r, s)
    draw_ground(b, r.size, s)
    draw_things(w, b, r.size, s)


@inlined_kernel
def write_sentence(line: NDArray[np.int32], winner: int, loser: int) -> None:
    """Write that one letter beats another one."""
    line[0] = FIRST_LETTER + winner
    line[1] = BEATS_ID
    line[2] = FIRST_LETTER + loser


@inner_kernel
def absent_letter(w: Worlds, b: int, one: int, other: int) -> int:
    """A letter of which nothing is in the room, and which is neither of two others."""
    while True:
        drawn = below(w, b, NUM_TRAINED)
        is_there = drawn in (one, other)
        for item in ITEMS:
            is_there = is_there or drawn == w.letter[b, item]
        if not is_there:
            return drawn


@inner_kernel
def write_texts(w: Worlds, b: int, r: Rules, s: Seen) -> None:
    """Draw the order of an episode's sentences and write them, and its goal."""
    for column in range(GOAL.shape[0]):
        s.instruction[b, column] = GOAL[column]
    statement, count = w.statement[b], STATEMENTS + r.wording.absent
    first = below(w, b, STATEMENTS)
    for row in range(NUM_SENTENCES):
        statement[row] = row if row < count else OF_NOTHING
    for row in range(STATEMENTS):
        statement[row] = (first + row) % STATEMENTS
    absent = (-1, -1, -1)
    if r.wording.shuffled or r.wording.absent > 0:
        for row in range(count - 1, 0, -1):
            other = below(w, b, row + 1)
            statement[row], statement[other] = statement[other], statement[row]
    if r.wording.absent > 0:
        one = absent_letter(w, b, -1, -1)
        two = absent_letter(w, b, one, -1)
        absent = (one, two, absent_letter(w, b, one, two))
    around = (MONSTER, BEATEN, RIGHT)  # each beats the next one
    for row in range(NUM_SENTENCES):
        line, turn = s.manual[b, row], int(statement[row])
        if turn == OF_NOTHING:
            line[:] = 0
        elif turn < STATEMENTS:
            loser = around[(turn + 1) % 3]
            write_sentence(line, w.letter[b, around[turn]], w.letter[b, loser])
            statement[row] = loser
        else:
            write_sentence(line, absent[turn - STATEMENTS], absent[(turn + 1) % 3])
            statement[row] = OF_NOTHING


@inner_kernel
def draw_things(w: Worlds, b: int, size: int, s: Seen) -> None:
    """Draw items, over them the monster, over all the agent; and what it carries, and where it can walk."""
    for item in ITEMS:
        if w.cell[b, item] != GONE:
            draw_symbol(s, b, w.cell[b, item], ITEM_ID, FIRST_LETTER + w.letter[b, item])
    if w.cell[b, MONSTER] != GONE:
        draw_symbol(s, b, w.cell[b, MONSTER], MONSTER_ID, FIRST_LETTER + w.letter[b, MONSTER])
    if w.cell[b, AGENT] != GONE:
        draw_symbol(s, b, w.cell[b, AGENT], SELF_ID, 0)
    s.carried[b] = FIRST_LETTER + w.letter[b, w.carried[b]] if w.carried[b] != NOTHING else 0
    s.valid[b, 0] = True
    for move in range(1, NUM_MOVES):
        s.valid[b, move] = w.cell[b, AGENT] != GONE and not is_wall(moved(w.cell[b, AGENT], move), size)


@inlined_kernel
def meeting(w: Worlds, b: int) -> int:
    """What comes of it if agent and monster are in one cell: the agent strikes first, and one of the two dies."""
    if w.cell[b, AGENT] != w.cell[b, MONSTER]:
        return GOES_ON
    w.ending[b] = w.carried[b] if w.carried[b] != NOTHING else NO_ENDING
    if w.carried[b] == RIGHT:
        w.cell[b, MONSTER] = GONE
        return WON
    w.cell[b, AGENT] = GONE
    return LOST


@inner_kernel
def agent_moves(w: Worlds, b: int, move: int, size: int) -> int:
    """The agent walks and takes what lies there, which destroys what it carried."""
    cell = moved(w.cell[b, AGENT], move)
    if not is_wall(cell, size):
        w.cell[b, AGENT] = cell
    for item in ITEMS:
        if w.cell[b, item] == w.cell[b, AGENT]:
            w.cell[b, item] = GONE
            w.carried[b] = item
    return meeting(w, b)


@inner_kernel
def take_turn(w: Worlds, b: int, move: int, r: Rules) -> int:
    """Both choose from where everything is, then act one after the other; they are equally fast, so that either may be
    the first.
    """
    if not r.moving:
        return agent_moves(w, b, move, r.size)
    after = moved(w.cell[b, MONSTER], monster_move(w, b, MONSTER, r.size))
    is_agent_first = below(w, b, 2) == 0
    result = GOES_ON
    if is_agent_first:
        result = agent_moves(w, b, move, r.size)
    if result == GOES_ON:
        w.cell[b, MONSTER] = after
        result = meeting(w, b)
    if result == GOES_ON and not is_agent_first:
        result = agent_moves(w, b, move, r.size)
    return result


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
def begin_batch(w: Worlds, chosen: NDArray[np.bool_], r: Rules, s: Seen) -> None:
    """Begin the next episode where ``chosen`` [B] says so."""
    for b in range(chosen.shape[0]):
        if chosen[b]:
            begin(w, b, r, s)


@kernel
def step_batch(
    w: Worlds, actions: NDArray[np.int64], autoreset: bool, r: Rules, s: Seen, last: Seen, out: Outcomes
) -> None:
    """Step every environment; where an episode ends its last observation goes to ``last`` and the next one begins."""
    for b in range(actions.shape[0]):
        step_one(w, b, actions[b], r, s, out)
        if out.ended[b] and autoreset:
            keep_last(b, s, last)
            begin(w, b, r, s)
