"""States in which what an instruction says is so: drawn, or reached by the expert.

Those that are drawn are uniform over what fits the blocks of an episode, so an agent, which ends its work beside what
it has just put down, reaches others than most of them.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.families.gridlu import kernels
from groundling.envs.families.gridlu.expert import Carrier
from groundling.envs.families.gridlu.goal_check import is_so
from groundling.envs.families.gridlu.instructions import COLOR_A, KIND, PATTERN, RELATION
from groundling.envs.families.gridlu.kernels import draw_all
from groundling.envs.families.gridlu.names import ARRANGEMENTS_GAME, NUM_CELLS, Game
from groundling.envs.families.gridlu.patterns import NUM_BLOCKS, ways_table
from groundling.envs.families.gridlu.starting import begin_world, clear
from groundling.envs.families.gridlu.state import NONE, Rules, Seen, Worlds
from groundling.envs.families.gridlu.vector import GridLUVectorEnv
from groundling.envs.games.dice import below

Source = Literal["both", "drawn", "reached"]
SOURCES: Final = (__file__, *kernels.SOURCES)
kernel = compiler(*SOURCES)


@inner_kernel
def scatter(w: Worlds, b: int, from_: NDArray[np.uint8], count: int) -> None:
    """Put the first blocks of a list into random cells, each into one of its own, and the agent into any."""
    clear(w, b)
    for number in range(count):
        cell = below(w, b, NUM_CELLS)
        while w.blocks[b, cell] != NONE:
            cell = below(w, b, NUM_CELLS)
        w.blocks[b, cell] = from_[number]
    put_agent(w, b)


@inner_kernel
def put_agent(w: Worlds, b: int) -> None:
    """Put the agent into any cell, where a block is carrying it by one half of the time; a quarter of the time with a
    block that it carries anyhow: agents carry one much of the time, and what no example of a goal state has a
    discriminator takes for a sign that it is none.
    """
    cell = below(w, b, NUM_CELLS)
    must_carry = below(w, b, 4) == 0
    while must_carry and w.blocks[b, cell] == NONE:
        cell = below(w, b, NUM_CELLS)
    w.position[b] = cell
    if w.blocks[b, cell] != NONE and (must_carry or below(w, b, 2) == 1):
        w.carried[b] = w.blocks[b, cell]
        w.blocks[b, cell] = NONE


@inner_kernel
def take_blocks(w: Worlds, b: int, into: NDArray[np.uint8]) -> int:
    """Take all blocks up into a list; how many there are."""
    count = 0
    for cell in range(NUM_CELLS):
        if w.blocks[b, cell] != NONE:
            into[count] = w.blocks[b, cell]
            w.blocks[b, cell] = NONE
            count += 1
    return count


@inner_kernel
def arrange(
    w: Worlds, b: int, r: Rules, list_: NDArray[np.uint8], count: int, cells: NDArray[np.int8], first: NDArray[np.int64]
) -> None:
    """Put the blocks that are told of into one of the ways of their word, the others anywhere else."""
    row = w.instruction[b]
    word, color = r.table[row, RELATION], r.table[row, COLOR_A]
    clear(w, b)
    way, placed = first[word] + below(w, b, first[word + 1] - first[word]), 0
    for number in range(count):
        if color == 0 or (list_[number] - 1) % 3 + 1 == color:
            w.blocks[b, cells[way, placed]] = list_[number]
            placed += 1
    for number in range(count):
        if color != 0 and (list_[number] - 1) % 3 + 1 != color:
            cell = below(w, b, NUM_CELLS)
            while w.blocks[b, cell] != NONE:
                cell = below(w, b, NUM_CELLS)
            w.blocks[b, cell] = list_[number]
    put_agent(w, b)


@kernel
def draw_goals(
    w: Worlds, r: Rules, s: Seen, list_: NDArray[np.uint8], cells: NDArray[np.int8], first: NDArray[np.int64]
) -> None:
    """Draw an episode and a state in which what it asks for is so, in every environment."""
    for b in range(w.random.shape[0]):
        begin_world(w, b, r)
        count = take_blocks(w, b, list_)
        if r.table[w.instruction[b], KIND] == PATTERN:
            arrange(w, b, r, list_, count, cells, first)
        else:
            scatter(w, b, list_, count)
            while not is_so(w, b, r):
                scatter(w, b, list_, count)
        w.holds[b] = True
        draw_all(w, b, r, s)


def drawn_goals(game: Game, part: str, count: int, seed: int) -> GridLUVectorEnv:
    """Environments that are in ``count`` drawn goal states of a part of the instructions."""
    envs = GridLUVectorEnv(game, count, part=part, seed=seed, copy=False)
    batch = envs.batch
    cells, first = ways_table()
    draw_goals(batch.worlds, batch.rules, batch.seen, np.zeros(2 * NUM_BLOCKS, dtype=np.uint8), cells, first)
    return envs


def reached_goals(game: Game, part: str, count: int, seed: int) -> GridLUVectorEnv:
    """Environments that are in ``count`` states that the expert reached, those in which an episode ends."""
    envs = GridLUVectorEnv(game, count, part=part, seed=seed, copy=False, autoreset=False)
    envs.reset(seed=seed)
    expert = Carrier(envs)
    for _ in range(game.max_steps):
        envs.step(expert.actions())
    return envs


def goal_states(game: Game, part: str, count: int, seed: int, source: Source) -> dict[str, NDArray[Any]]:
    """Observations [N, ...] by key of goal states, N at most ``count``.

    Args:
        game: the task.
        part: of the instructions.
        count: how many.
        seed: names them.
        source: where they are from; "both" is half and half, for Arrangements all are drawn.
    """
    if game == ARRANGEMENTS_GAME or source == "drawn":
        sides = [drawn_goals(game, part, count, seed)]
    elif source == "reached":
        sides = [reached_goals(game, part, count, seed)]
    else:
        sides = [drawn_goals(game, part, count - count // 2, seed), reached_goals(game, part, count // 2, seed)]
    found = [
        {key: array[side.batch.worlds.holds] for key, array in side.batch.seen._asdict().items()} for side in sides
    ]
    return {key: np.concatenate([part[key] for part in found]) for key in found[0]}
