"""The arrays that kernels step: the worlds of B environments, what their agents see, and the rules of a stage.

Places are in half cells: the agent moves by two of them, entities by one. A thing at (x, y) covers 2 x 2 half cells and
is seen in the cell (x // 2, y // 2).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.messenger.games import NUM_TRAINED, places
from groundling.envs.families.manuals.messenger.names import ACTIONS, INSTRUCTION, SIZE, Stage
from groundling.envs.families.manuals.messenger.texts import SENTENCE_TOKENS

# The things of a room by their numbers; the last two only in stage 3.
AGENT, ENEMY, MESSAGE, GOAL, FALSE_MESSAGE, FALSE_GOAL = range(6)
NUM_THINGS: Final = 6
GONE: Final = -1  # x of a thing that is in no place
CHASER, FLEEING, IMMOVABLE, UNSTATED = range(4)
NOTHING: Final = -1  # what a sentence that is not there asserts
OF_NONE: Final = -1  # of which thing a sentence that is not true tells
NONE: Final = -1
ENDINGS: Final = 8  # more than things
NO_ENDING: Final = -1  # of an episode that ended by the time limit
HIGHEST: Final = 2 * (SIZE - 1)  # coordinate
INSTRUCTION_TOKENS: Final = len(INSTRUCTION.split())


class Worlds(NamedTuple):
    """The worlds of B environments: all that their future depends on, what their agents see apart."""

    random: NDArray[np.uint64]  # [B] state of the random numbers
    begun: NDArray[np.uint64]  # [B] the same when the episode began: its name
    game: NDArray[np.int16]  # [B] number of the game
    entity: NDArray[np.uint8]  # [B, 6] number of the entity that a thing is
    movement: NDArray[np.int8]  # [B, 6] CHASER, FLEEING or IMMOVABLE
    x: NDArray[np.int8]  # [B, 6] in half cells, or GONE
    y: NDArray[np.int8]  # [B, 6]
    heading: NDArray[np.int8]  # [B, 6] 1 + the direction in which a thing last changed its cell, 0 if it never did
    has_message: NDArray[np.bool_]  # [B]
    asserted: NDArray[np.int8]  # [B, S, 3] entity, role, movement that a sentence asserts, or NOTHING
    about: NDArray[np.int8]  # [B, S] which thing it tells of, OF_NONE if what it asserts is not so
    steps: NDArray[np.int32]  # [B] since the episode began
    total_reward: NDArray[np.float64]  # [B] since then
    over: NDArray[np.bool_]  # [B] the episode has ended, and no other one has begun
    met: NDArray[np.int8]  # [B] the first thing that the agent met, NONE if it met none yet
    ending: NDArray[np.int64]  # [B] of the last episode: ENDINGS * (first thing met) + (that which ended it), NO_ENDING


class Seen(NamedTuple):
    """What B agents are given."""

    image: NDArray[np.uint8]  # [B, F, 10, 10, 3] of now and of F - 1 earlier steps
    manual: NDArray[np.int32]  # [B, S, L] token ids
    instruction: NDArray[np.int32]  # [B, L] token ids
    carried: NDArray[np.int64]  # [B] token id of the message if it is carried, else 0
    valid: NDArray[np.bool_]  # [B, A] False where the agent would walk out of the room


class Rules(NamedTuple):
    """What sets a stage, a split and a wording apart."""

    stage: int
    num_entities: int
    max_steps: int
    first_game: int
    num_games: int
    is_training: bool  # three quarters of the games are of those whose entities are combined in many ways
    any_moves: bool  # each entity moves in any way; else the ways of enemy, message and goal differ
    new_starts: bool  # where training never begins
    words: tuple[int, int, int]  # which set of words games of train, val and test are told in


def rules_of(
    stage: Stage, part: str, words: tuple[int, int, int], *, any_moves: bool, new_starts: bool, max_steps: int
) -> Rules:
    """The rules of a stage; ``part`` of the games is drawn from."""
    first, count = places(part)
    return Rules(
        stage=stage.number,
        num_entities=stage.num_entities,
        max_steps=max_steps,
        first_game=first,
        num_games=count,
        is_training=count == NUM_TRAINED,
        any_moves=any_moves,
        new_starts=new_starts,
        words=words,
    )


def empty_worlds(num_envs: int, num_sentences: int) -> Worlds:
    """B worlds in which no episode has begun."""
    b = num_envs
    return Worlds(
        random=np.zeros(b, dtype=np.uint64),
        begun=np.zeros(b, dtype=np.uint64),
        game=np.zeros(b, dtype=np.int16),
        entity=np.zeros((b, NUM_THINGS), dtype=np.uint8),
        movement=np.full((b, NUM_THINGS), IMMOVABLE, dtype=np.int8),
        x=np.full((b, NUM_THINGS), GONE, dtype=np.int8),
        y=np.full((b, NUM_THINGS), GONE, dtype=np.int8),
        heading=np.zeros((b, NUM_THINGS), dtype=np.int8),
        has_message=np.zeros(b, dtype=np.bool_),
        asserted=np.full((b, num_sentences, 3), NOTHING, dtype=np.int8),
        about=np.full((b, num_sentences), OF_NONE, dtype=np.int8),
        steps=np.zeros(b, dtype=np.int32),
        total_reward=np.zeros(b, dtype=np.float64),
        over=np.ones(b, dtype=np.bool_),
        met=np.full(b, NONE, dtype=np.int8),
        ending=np.full(b, NO_ENDING, dtype=np.int64),
    )


def empty_seen(num_envs: int, num_sentences: int, frames: int) -> Seen:
    """Arrays for what B agents see."""
    b = num_envs
    return Seen(
        image=np.zeros((b, frames, SIZE, SIZE, 3), dtype=np.uint8),
        manual=np.zeros((b, num_sentences, SENTENCE_TOKENS), dtype=np.int32),
        instruction=np.zeros((b, INSTRUCTION_TOKENS), dtype=np.int32),
        carried=np.zeros(b, dtype=np.int64),
        valid=np.zeros((b, len(ACTIONS)), dtype=np.bool_),
    )
