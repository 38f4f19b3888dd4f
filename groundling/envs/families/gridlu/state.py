"""The arrays that kernels step: the worlds of B environments, what their agents see, and the rules of a task.

Cells are numbered row by row from the upper left one. A block is 1 + 3 * shape + color, 0 is none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.instructions import NUM_TOKENS, Instruction, instructions, part, table, vocabulary
from groundling.envs.families.gridlu.names import NUM_CELLS, SIZE, Game
from groundling.envs.families.gridlu.patterns import shape_table

NONE: Final = 0
ABSENT, FREE, CARRYING = range(3)  # third number of a cell: whether the agent is there


class Worlds(NamedTuple):
    """The worlds of B environments: all that their future depends on, what their agents see apart."""

    random: NDArray[np.uint64]  # [B] state of the random numbers
    begun: NDArray[np.uint64]  # [B] the same when the episode began: its name
    instruction: NDArray[np.int16]  # [B] number of the instruction
    blocks: NDArray[np.uint8]  # [B, 25] the block that lies in a cell, or NONE
    position: NDArray[np.int8]  # [B] the cell of the agent
    carried: NDArray[np.uint8]  # [B] the block that it carries, or NONE
    holds: NDArray[np.bool_]  # [B] what the instruction says is so
    steps: NDArray[np.int32]  # [B] since the episode began
    total_reward: NDArray[np.float64]  # [B] since then
    over: NDArray[np.bool_]  # [B] the episode has ended, and no other one has begun


class Seen(NamedTuple):
    """What B agents are given."""

    image: NDArray[np.uint8]  # [B, 5, 5, 3]
    instruction: NDArray[np.int32]  # [B, L] token ids


class Rules(NamedTuple):
    """What sets a task and a split apart."""

    max_steps: int
    table: NDArray[np.int8]  # [N, 6] the instructions, see ``instructions.table``
    tokens: NDArray[np.int32]  # [N, L] their sentences
    few: NDArray[np.int16]  # numbers of instructions of relations, or of arrangements of four blocks
    many: NDArray[np.int16]  # of arrangements of four among eight blocks; where both are there, each is of half
    masks: NDArray[np.int64]  # [K] patterns, see ``patterns.shape_table``
    is_word: NDArray[np.bool_]  # [K, words]


def rules_of(game: Game, part_name: str, max_steps: int) -> Rules:
    """The rules of a task; a part of its instructions is drawn from."""
    chosen, every = part(game, part_name), instructions(game)
    with_others = [number for number in chosen if is_among_others(every[number])]
    masks, is_word = shape_table()
    return Rules(
        max_steps=max_steps,
        table=table(game),
        tokens=vocabulary().encode_all([str(one) for one in every], length=NUM_TOKENS),
        few=np.array([number for number in chosen if not is_among_others(every[number])], dtype=np.int16),
        many=np.array(with_others, dtype=np.int16),
        masks=masks,
        is_word=is_word,
    )


def is_among_others(one: Instruction) -> bool:
    """Whether an instruction is about four of eight blocks."""
    return getattr(one, "color", None) is not None


def empty_worlds(num_envs: int) -> Worlds:
    """B worlds in which no episode has begun."""
    b = num_envs
    return Worlds(
        random=np.zeros(b, dtype=np.uint64),
        begun=np.zeros(b, dtype=np.uint64),
        instruction=np.zeros(b, dtype=np.int16),
        blocks=np.zeros((b, NUM_CELLS), dtype=np.uint8),
        position=np.zeros(b, dtype=np.int8),
        carried=np.zeros(b, dtype=np.uint8),
        holds=np.zeros(b, dtype=np.bool_),
        steps=np.zeros(b, dtype=np.int32),
        total_reward=np.zeros(b, dtype=np.float64),
        over=np.ones(b, dtype=np.bool_),
    )


def empty_seen(num_envs: int) -> Seen:
    """Arrays for what B agents see."""
    return Seen(
        image=np.zeros((num_envs, SIZE, SIZE, 3), dtype=np.uint8),
        instruction=np.zeros((num_envs, NUM_TOKENS), dtype=np.int32),
    )
