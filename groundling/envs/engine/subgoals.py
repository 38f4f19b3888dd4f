"""Subgoals: the step of its goal that an agent is at, which the world knows and the agent has to find out.

A memory that keeps an account of a long instruction is hard to learn from actions alone, since most of them are the
same whatever the subgoal is. Given the subgoal as a label at every step, in training only, it has something to learn
then.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import goal_check
from groundling.envs.engine.batch import Batch
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import (
    ANSWERS,
    FIRST_OBJECT,
    NO_CLAUSE,
    NOTHING_CODE,
    NUM_COLORS,
    NUM_SOLID_TYPES,
    NUM_TYPES,
    PUT_IN,
    Verb,
)
from groundling.envs.engine.goal_check import PUT_NEAR, PUT_NEXT_TO, end_of_step, has_object
from groundling.envs.engine.state import Worlds

NUM_VERBS: Final = len(Verb)
LOADED: Final = NUM_VERBS  # what is to be put somewhere is carried: the subgoal is where it goes
FIRST_TYPE: Final = LOADED + 1
FIRST_COLOR: Final = FIRST_TYPE + max(NUM_TYPES, NUM_SOLID_TYPES)
NUM_SUBGOALS: Final = FIRST_COLOR + NUM_COLORS

kernel = compiler(__file__, *goal_check.SOURCES)


def subgoals_now(worlds: Batch[Any]) -> NDArray[np.bool_]:
    """The subgoal of each of B environments, [B, NUM_SUBGOALS] bool.

    Of every clause that may be done now: its verb; the type and the color of the things to go to, where all that it may
    mean have the same (a task's own types and colors are not told). Of "put A next to B" these are A's until an A is
    carried, then B's (and ``LOADED`` is set).
    """
    subgoals = np.zeros((worlds.num_envs, NUM_SUBGOALS), dtype=np.bool_)
    note_subgoals(worlds.state, subgoals)
    return subgoals


@kernel
def note_subgoals(w: Worlds, subgoals: NDArray[np.bool_]) -> None:
    """Write the subgoals into ``subgoals`` [B, NUM_SUBGOALS], which is all False before."""
    for b in range(subgoals.shape[0]):
        start = int(w.current_step[b])
        for c in range(start, end_of_step(w, b, start)):
            verb = int(np.int64(w.programs[b, c, 0]))  # of one type with PUT_NEAR
            if verb in ANSWERS or verb == NO_CLAUSE or w.done[b] >> c & 1:  # answers are no sub-goals
                continue
            if verb == PUT_IN:  # which has no place among what is told: that of what is next of kin
                verb = PUT_NEAR
            subgoals[b, verb] = True
            if verb > PUT_NEAR:
                continue
            things = w.programs[b, c, 2]
            if verb >= PUT_NEXT_TO and w.carried[b] != NOTHING_CODE and has_object(things, w.carried[b]):
                subgoals[b, LOADED] = True
                things = w.programs[b, c, 3] if verb == PUT_NEXT_TO else np.uint64(0)
            note_kind(w, b, things, subgoals)


@kernel
def note_kind(w: Worlds, b: int, things: np.uint64, subgoals: NDArray[np.bool_]) -> None:
    """The type and the color of a set of objects, each where all of them share it."""
    kind, color = -1, -1
    is_one_kind, is_one_color = True, True
    for k in range(w.positions.shape[1]):
        if has_object(things, k + FIRST_OBJECT):
            look = w.looks[b, k + FIRST_OBJECT]
            is_one_kind &= kind in (-1, look & 0xFF)
            is_one_color &= color in (-1, (look >> 8) & 0xFF)
            kind, color = look & 0xFF, (look >> 8) & 0xFF
    if 0 <= kind < NUM_SOLID_TYPES and is_one_kind:  # what a task brings has no place among what is told
        subgoals[b, FIRST_TYPE + kind] = True
    if 0 <= color < NUM_COLORS and is_one_color:
        subgoals[b, FIRST_COLOR + color] = True
