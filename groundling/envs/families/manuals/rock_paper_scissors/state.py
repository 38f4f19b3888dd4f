"""The arrays that kernels step: the worlds of B environments, and the rules of a variant. What agents see is RTFM's."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.rock_paper_scissors.graphs import places
from groundling.envs.families.manuals.rock_paper_scissors.names import (
    GOAL_TOKENS,
    NUM_SENTENCES,
    SENTENCE_TOKENS,
    Variant,
)
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_SIZE
from groundling.envs.families.manuals.rtfm.state import AGENT, GONE, NO_ENDING, NOTHING, Seen

# The things of a room by their numbers: the items are of the letter that beats the monster's, of the monster's letter,
# and of the one that it beats. A cell is row * MAX_SIZE + column.
MONSTER, RIGHT, SAME, BEATEN = range(1, 5)
ITEMS: Final = (RIGHT, SAME, BEATEN)
NUM_THINGS: Final = 5
OF_NOTHING: Final = -1  # a sentence about letters of which nothing is there, or none


class Worlds(NamedTuple):
    """The worlds of B environments: all that their future depends on, what their agents see apart."""

    random: NDArray[np.uint64]  # [B] state of the random numbers
    begun: NDArray[np.uint64]  # [B] the same when the episode began: its name
    graph: NDArray[np.int32]  # [B] number of the hidden rules
    letter: NDArray[np.int8]  # [B, 5] number of each thing's letter; 0 of the agent
    cell: NDArray[np.int16]  # [B, 5] where each thing is
    carried: NDArray[np.int8]  # [B] one of ITEMS or NOTHING
    statement: NDArray[np.int8]  # [B, S] the thing whose letter loses by a sentence: MONSTER, RIGHT, BEATEN; OF_NOTHING
    steps: NDArray[np.int32]  # [B] since the episode began
    total_reward: NDArray[np.float64]  # [B] since then
    over: NDArray[np.bool_]  # [B] the episode has ended, and no other one has begun
    ending: NDArray[np.int64]  # [B] of the last episode: the item with which the monster was met, or NO_ENDING


class Wording(NamedTuple):
    """How the sentences of episodes are ordered.

    Attributes:
        shuffled: in any order; else the loser of each is the winner of the next.
        absent: how many sentences about letters of which nothing is there are added, up to 3; in any order then.
    """

    shuffled: bool
    absent: int = 0


class Rules(NamedTuple):
    """What sets a variant, a split and a wording apart."""

    size: int
    moving: bool
    max_steps: int
    first_graph: int
    num_graphs: int
    wording: Wording


def rules_of(variant: Variant, part: str, wording: Wording, max_steps: int) -> Rules:
    """The rules of a variant; ``part`` of the graphs is drawn from."""
    return Rules(variant.size, variant.moving, max_steps, *places(part), wording)


def empty_worlds(num_envs: int) -> Worlds:
    """B worlds in which no episode has begun."""
    b = num_envs
    return Worlds(
        random=np.zeros(b, dtype=np.uint64),
        begun=np.zeros(b, dtype=np.uint64),
        graph=np.zeros(b, dtype=np.int32),
        letter=np.zeros((b, NUM_THINGS), dtype=np.int8),
        cell=np.full((b, NUM_THINGS), GONE, dtype=np.int16),
        carried=np.full(b, NOTHING, dtype=np.int8),
        statement=np.full((b, NUM_SENTENCES), OF_NOTHING, dtype=np.int8),
        steps=np.zeros(b, dtype=np.int32),
        total_reward=np.zeros(b, dtype=np.float64),
        over=np.ones(b, dtype=np.bool_),
        ending=np.full(b, NO_ENDING, dtype=np.int64),
    )


def empty_seen(num_envs: int) -> Seen:
    """Arrays for what B agents see."""
    b = num_envs
    return Seen(
        image=np.zeros((b, MAX_SIZE, MAX_SIZE, 3), dtype=np.uint8),
        manual=np.zeros((b, NUM_SENTENCES, SENTENCE_TOKENS), dtype=np.int32),
        instruction=np.zeros((b, GOAL_TOKENS), dtype=np.int32),
        carried=np.zeros(b, dtype=np.int64),
        valid=np.zeros((b, len(ACTIONS)), dtype=np.bool_),
    )


assert AGENT == 0  # RTFM's kernels move monsters by where it is
