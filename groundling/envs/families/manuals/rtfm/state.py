"""The arrays that kernels step: the worlds of B environments, what their agents see, and the rules of a variant."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.rtfm.assignments import Assignments
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_SIZE, MAX_STEPS, TEAMS, Variant
from groundling.envs.families.manuals.rtfm.wording import GOAL_TOKENS, NUM_SENTENCES, SENTENCE_TOKENS, Wording
from groundling.errors import ConfigurationError

# The things of a room by their numbers. A cell is row * MAX_SIZE + column, in rooms of any size.
AGENT, TARGET, DISTRACTOR, GOOD, BAD = range(5)
NUM_THINGS: Final = 5
GONE: Final = -1  # the cell of a thing that is in no cell
NOTHING: Final = -1  # what an agent carries that carries nothing
NO_STATEMENT: Final = -1
NO_ENDING: Final = -1  # of an episode that ended by the time limit, or without an item


class Worlds(NamedTuple):
    """The worlds of B environments: all that their future depends on, what their agents see apart."""

    random: NDArray[np.uint64]  # [B] state of the random numbers
    begun: NDArray[np.uint64]  # [B] the same when the episode began: its name
    assignment: NDArray[np.int32]  # [B] number of the hidden dynamics
    team: NDArray[np.int8]  # [B] whose monster is wanted
    element: NDArray[np.int8]  # [B, 2] of the target and of the distractor
    statement: NDArray[np.int8]  # [B, S] what a sentence of the manual is about: an element, or elements + a team
    cell: NDArray[np.int16]  # [B, 5] where each thing is
    noun: NDArray[np.uint8]  # [B, 5] token id of its kind or type
    adjective: NDArray[np.uint8]  # [B, 5] token id of its element or modifier
    carried: NDArray[np.int8]  # [B] GOOD, BAD or NOTHING
    steps: NDArray[np.int32]  # [B] since the episode began
    total_reward: NDArray[np.float64]  # [B] since then
    over: NDArray[np.bool_]  # [B] the episode has ended, and no other one has begun
    ending: NDArray[np.int64]  # [B] of the last episode: 2 * (with the bad item) + (met the distractor), or NO_ENDING


class Seen(NamedTuple):
    """What B agents are given."""

    image: NDArray[np.uint8]  # [B, 10, 10, 3] row, column: token ids of noun and adjective, 0; all 0 outside the room
    manual: NDArray[np.int32]  # [B, S, L] token ids
    instruction: NDArray[np.int32]  # [B, L] token ids
    carried: NDArray[np.int64]  # [B] token id of the modifier of what is carried, or 0
    valid: NDArray[np.bool_]  # [B, A] False where the agent would walk into a wall


class Rules(NamedTuple):
    """What sets a variant, a split and a wording apart."""

    size: int
    moving: bool
    max_steps: int
    num_kinds: int
    num_modifiers: int
    first_place: int  # of the assignments that are drawn, in the scattered order
    num_places: int
    total: int
    bits: int
    wording: Wording


class Dynamics(NamedTuple):
    """The arrangements that assignments are pairs of."""

    teams: NDArray[np.uint8]  # [P, K] the team of each kind
    elements: NDArray[np.uint8]  # [Q, M] the element that each modifier beats


def rules_of(variant: Variant, part: str, wording: Wording, max_steps: int = MAX_STEPS) -> Rules:
    """The rules of a variant; ``part`` of its assignments is drawn from."""
    assignments = Assignments.of(variant)
    first, count = assignments.places(part)
    return Rules(
        size=variant.size,
        moving=variant.moving,
        max_steps=max_steps,
        num_kinds=len(variant.kinds),
        num_modifiers=len(variant.modifiers),
        first_place=first,
        num_places=count,
        total=assignments.total,
        bits=assignments.bits,
        wording=wording,
    )


def empty_worlds(num_envs: int) -> Worlds:
    """B worlds in which no episode has begun."""
    b = num_envs
    return Worlds(
        random=np.zeros(b, dtype=np.uint64),
        begun=np.zeros(b, dtype=np.uint64),
        assignment=np.zeros(b, dtype=np.int32),
        team=np.zeros(b, dtype=np.int8),
        element=np.zeros((b, 2), dtype=np.int8),
        statement=np.full((b, NUM_SENTENCES), NO_STATEMENT, dtype=np.int8),
        cell=np.full((b, NUM_THINGS), GONE, dtype=np.int16),
        noun=np.zeros((b, NUM_THINGS), dtype=np.uint8),
        adjective=np.zeros((b, NUM_THINGS), dtype=np.uint8),
        carried=np.full(b, NOTHING, dtype=np.int8),
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


def check_cells(cell: NDArray[np.int16], over: NDArray[np.bool_], size: int) -> None:
    """Refuse things [B, 5] that are beside their room, or an agent that is nowhere in an episode that goes on.

    Raises:
        ConfigurationError: if there are some.
    """
    row, column = np.divmod(cell, MAX_SIZE)
    is_inside = (row >= 0) & (row < size) & (column < size)
    if not (is_inside | (cell == GONE)).all() or not (is_inside[:, AGENT] | over).all():
        raise ConfigurationError("the saved environments have things beside the room: the state is damaged")


assert len(TEAMS) == 3  # "the other two" in the kernels
