"""The arrays that the kernels work on: a bank of episodes, the state of a batch of worlds, what a step returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import CLAUSE_LENGTH, WALL_CODE


class Episodes(NamedTuple):
    """A bank as the kernels read it: E episodes, at most O objects each, S distinct sentences of L tokens."""

    cells: NDArray[np.uint8]  # [E, H, W] cell codes
    looks: NDArray[np.int32]  # [E, O + 2] look of each cell code
    # [E, O] cell code inside a box; of a key whose color opens a locked door; on or in what stays, with the flag HOLDS
    contents: NDArray[np.uint8]
    positions: NDArray[np.int16]  # [E, O] y * W + x, or NOWHERE
    poses: NDArray[np.int16]  # [E, 3] x, y, direction
    carried: NDArray[np.uint8]  # [E] cell code
    programs: NDArray[np.uint64]  # [E, C, 4] clauses in the order in which they are to be done
    max_steps: NDArray[np.int32]  # [E]
    sentences: NDArray[np.int32]  # [E] row of tokens
    tokens: NDArray[np.int32]  # [S, L] token ids
    floors: NDArray[np.uint8]  # [E, H, W] floor codes (``floors``), or [E, 0, 0] where all floors are plain


class Tasks(NamedTuple):
    """The tasks of a bank, K of them one after the other, and how often each is drawn."""

    starts: NDArray[np.int64]  # [K + 1] the first row of each task, and the end of the last one
    limits: NDArray[np.float64]  # [K] running sum of the tasks' shares, so the last one is 1
    planned: NDArray[np.int64]  # [B] row of the bank that each environment is to begin next; -1 where it is drawn


class Worlds(NamedTuple):
    """The state of B environments. Positions are indices into a map's flat cells, border of walls included."""

    cells: NDArray[np.uint8]  # [B, (H + 2 * BORDER) * (W + 2 * BORDER)]
    looks: NDArray[np.int32]  # [B, O + 2]
    contents: NDArray[np.uint8]  # [B, O]
    positions: NDArray[np.int16]  # [B, O] where each object is, or NOWHERE
    marks: NDArray[np.uint8]  # as cells: MEANT and FIXED of each clause where the verifier last saw the goal's objects
    position: NDArray[np.int16]  # [B] of the agent
    direction: NDArray[np.int64]  # [B] 0 right, 1 down, 2 left, 3 up
    carried: NDArray[np.uint8]  # [B] cell code
    carried_before: NDArray[np.uint8]  # [B, C] cell code carried when each clause was judged last
    programs: NDArray[np.uint64]  # [B, C, 4]; places are positions
    current_step: NDArray[np.uint8]  # [B] first clause of the step of the goal that is to be done now
    done: NDArray[np.uint8]  # [B] bit mask of the clauses that are done
    step_count: NDArray[np.int32]  # [B]
    max_steps: NDArray[np.int32]  # [B]
    episode_return: NDArray[np.float64]  # [B]
    episode: NDArray[np.int64]  # [B] row of the bank
    sentence: NDArray[np.int32]  # [B] row of the bank's sentences
    episode_number: NDArray[np.int64]  # [B] episodes begun since the seed was set
    floors: NDArray[np.uint8]  # as cells: floor codes; [B, 0] where all floors are plain


class Observations(NamedTuple):
    """What B agents see."""

    image: NDArray[np.uint8]  # [B, 147]: column, row, (type, color, state)
    direction: NDArray[np.int64]  # [B]
    instruction: NDArray[np.int32]  # [B, L]


class Outcomes(NamedTuple):
    """What a step returns beside the observations; those marked * are of the episodes that ended in it, else zero."""

    reward: NDArray[np.float64]  # [B]
    terminated: NDArray[np.bool_]  # [B]
    truncated: NDArray[np.bool_]  # [B]
    ended: NDArray[np.bool_]  # [B] terminated or truncated
    episode_return: NDArray[np.float64]  # [B] *
    episode_length: NDArray[np.int32]  # [B] *
    success: NDArray[np.bool_]  # [B] *
    episode: NDArray[np.int64]  # [B] row of the bank of an episode that ended; elsewhere an earlier one's


def empty_worlds(
    num_envs: int, tiles: int, looks: int, objects: int, clauses: int, *, has_floors: bool = False
) -> Worlds:
    """The state of B environments in which no episode has begun: walls everywhere.

    Args:
        num_envs: B.
        tiles: of a map, border included.
        looks: O + 2.
        objects: O.
        clauses: C.
        has_floors: whether tiles have floors that are not plain.
    """
    b = num_envs
    return Worlds(
        cells=np.full((b, tiles), WALL_CODE, dtype=np.uint8),
        looks=np.zeros((b, looks), dtype=np.int32),
        contents=np.zeros((b, objects), dtype=np.uint8),
        positions=np.zeros((b, objects), dtype=np.int16),
        marks=np.zeros((b, tiles), dtype=np.uint8),
        position=np.zeros(b, dtype=np.int16),
        direction=np.zeros(b, dtype=np.int64),
        carried=np.zeros(b, dtype=np.uint8),
        carried_before=np.zeros((b, clauses), dtype=np.uint8),
        programs=np.zeros((b, clauses, CLAUSE_LENGTH), dtype=np.uint64),
        current_step=np.zeros(b, dtype=np.uint8),
        done=np.zeros(b, dtype=np.uint8),
        step_count=np.zeros(b, dtype=np.int32),
        max_steps=np.zeros(b, dtype=np.int32),
        episode_return=np.zeros(b, dtype=np.float64),
        episode=np.zeros(b, dtype=np.int64),
        sentence=np.zeros(b, dtype=np.int32),
        episode_number=np.zeros(b, dtype=np.int64),
        floors=np.zeros((b, tiles if has_floors else 0), dtype=np.uint8),
    )


def empty_outcomes(num_envs: int) -> Outcomes:
    """Arrays for what a step of B environments leads to."""
    return Outcomes(
        reward=np.zeros(num_envs, dtype=np.float64),
        terminated=np.zeros(num_envs, dtype=np.bool_),
        truncated=np.zeros(num_envs, dtype=np.bool_),
        ended=np.zeros(num_envs, dtype=np.bool_),
        episode_return=np.zeros(num_envs, dtype=np.float64),
        episode_length=np.zeros(num_envs, dtype=np.int32),
        success=np.zeros(num_envs, dtype=np.bool_),
        episode=np.zeros(num_envs, dtype=np.int64),
    )
