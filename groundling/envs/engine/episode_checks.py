"""What episodes and saved worlds have to be before a kernel sees them: kernels index arrays without a look at bounds.

Whatever comes from a file or a task is checked once, with NumPy, some rows at a time, so that a mapped file is read
piece by piece: a code that no object has, a place beside the map or a wall that one can walk through would lead a
kernel out of its arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import (
    ANSWER,
    BORDER,
    CLAUSE_LENGTH,
    EMPTY_LOOK,
    FIRST_OBJECT,
    FIRST_TASK_TYPE,
    HELD,
    HOLDS,
    MAX_OBJECTS,
    MAX_OBJECTS_WITH_HOLDERS,
    MAX_POSITIONS,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    NUM_COLORS,
    NUM_STATES,
    OPAQUE_BIT,
    PUT_IN,
    STOP,
    WALL_CODE,
    WALL_LOOK,
    Verb,
    without,
)
from groundling.envs.engine.floors import FLOORS
from groundling.errors import EpisodeError
from groundling.language.own_words import MAX_OWN_COLORS, MAX_OWN_TYPES

Arrays = Mapping[str, NDArray[Any]]

ROWS_AT_ONCE: Final = 1 << 15
TYPES: Final[dict[str, tuple[str, int]]] = {  # dtype and number of axes of each array of a bank
    "seeds": ("int64", 1),
    "sentences": ("int32", 1),
    "tokens": ("uint16", 2),
    "cells": ("uint8", 3),
    "looks": ("int32", 2),
    "contents": ("uint8", 2),
    "positions": ("int16", 2),
    "poses": ("int16", 2),
    "carried": ("uint8", 1),
    "programs": ("uint64", 3),
    "max_steps": ("int32", 1),
    "floors": ("uint8", 3),
}
MAX_CLAUSES: Final = 255  # the current one is an uint8
SEE_THROUGH_WALL: Final = without(WALL_LOOK, OPAQUE_BIT)
MOST_TYPES: Final = FIRST_TASK_TYPE + MAX_OWN_TYPES
MOST_COLORS: Final = max(NUM_COLORS + MAX_OWN_COLORS, len(FLOORS))

_VERBS: Final = np.zeros(NO_CLAUSE + 1, dtype=np.bool_)
_VERBS[[*map(int, Verb), ANSWER, STOP, PUT_IN]] = True
_OF_OBJECTS: Final = (Verb.GO_TO, Verb.PICK_UP, Verb.OPEN, Verb.PUT_NEXT_TO)


def check_episodes(arrays: Arrays, num_words: int | None = None) -> None:
    """Refuse episodes that no world can be.

    Args:
        arrays: of a bank by name, see ``EpisodeBank``.
        num_words: of the vocabulary of the token ids, where it is known.

    Raises:
        EpisodeError: naming the first thing that is wrong.
    """
    for name, (dtype, axes) in TYPES.items():
        array = arrays[name]
        if array.dtype != dtype or array.ndim != axes:
            raise EpisodeError(f"{name} is {array.dtype} with {array.ndim} axes, not {dtype} with {axes}")
    count, height, width = arrays["cells"].shape
    objects, clauses = arrays["contents"].shape[1], arrays["programs"].shape[1]
    shapes = {
        **dict.fromkeys(("seeds", "sentences", "carried", "max_steps"), (count,)),
        "looks": (count, objects + FIRST_OBJECT),
        "contents": (count, objects),
        "positions": (count, objects),
        "poses": (count, 3),
        "programs": (count, clauses, CLAUSE_LENGTH),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise EpisodeError(f"{name} is of shape {list(arrays[name].shape)}, not {list(shape)}")
    if arrays["floors"].shape not in ((count, 0, 0), (count, height, width)):
        raise EpisodeError(f"floors is of shape {list(arrays['floors'].shape)}, not of the shape of cells, nor empty")
    if not (height and width) or (height + 2 * BORDER) * (width + 2 * BORDER) > MAX_POSITIONS:
        raise EpisodeError(f"a map has at least one tile and at most {MAX_POSITIONS:,} with its border")
    if not 1 <= objects <= MAX_OBJECTS or not 1 <= clauses <= MAX_CLAUSES:
        raise EpisodeError(
            f"{objects} objects and {clauses} clauses: there are at most {MAX_OBJECTS} and {MAX_CLAUSES}"
        )
    if not arrays["tokens"].shape[1]:
        raise EpisodeError("sentences have room for no token")
    if num_words is not None and arrays["tokens"].size and arrays["tokens"].max() >= num_words:
        raise EpisodeError(f"token id {arrays['tokens'].max()} is that of no word: there are {num_words}")
    for first in range(0, count, ROWS_AT_ONCE):
        rows = {name: arrays[name][first : first + ROWS_AT_ONCE] for name in TYPES if name != "tokens"}
        _check_rows(rows, first, len(arrays["tokens"]))


def _check_rows(e: Arrays, first: int, num_sentences: int) -> None:
    _, height, width = e["cells"].shape
    check_things(e, first)
    _refuse(_outside(e["sentences"], 0, num_sentences), "has a sentence that there is not", first)
    _refuse(e["max_steps"] < 1, "has no time", first)
    _refuse(_outside(e["positions"], NOWHERE, height * width), "has an object beside the map", first)
    x, y, direction = e["poses"].T
    _refuse(_outside(x, 0, width) | _outside(y, 0, height), "begins with an agent beside the map", first)
    _refuse(_outside(direction, 0, 4), "begins with an agent that faces no direction", first)
    held = np.flatnonzero(e["carried"])
    place = e["positions"][held, e["carried"][held].astype(np.intp) - FIRST_OBJECT]
    if (place == NOWHERE).any():
        _refuse(e["carried"] > 0, "begins with an object in the agent's hands that was nowhere before", first)
    xs, ys = np.uint64(0xFFFF), np.uint64(16)

    def is_no_place(operand: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return (operand >> ys >= np.uint64(height)) | (operand & xs >= np.uint64(width))

    check_programs(e["programs"], e["contents"].shape[1], e["floors"].size > 0, is_no_place, first)


def check_things(e: Arrays, first: int = 0) -> None:
    """Refuse codes, looks and contents that no object has, of E episodes or worlds.

    Args:
        e: ``cells``, ``looks``, ``contents``, ``carried`` and ``floors``, [E, ...].
        first: number of the first, for the message.

    Raises:
        EpisodeError: naming the first.
    """
    looks, contents = e["looks"], e["contents"]
    codes = looks.shape[1]
    _refuse(e["cells"] >= codes, "has a cell with an object that there is not", first)
    _refuse(e["floors"] >= len(FLOORS), "has a floor that there is not", first)
    _refuse(is_no_object(e["carried"], codes), "has an agent that carries what there is not", first)
    is_plain = (looks[:, NOTHING_CODE] == EMPTY_LOOK) & (
        (looks[:, WALL_CODE] == WALL_LOOK) | (looks[:, WALL_CODE] == SEE_THROUGH_WALL)
    )
    _refuse(~is_plain, "has walls or free tiles that look like something else", first)
    wrong = (looks < 0) | (looks >> OPAQUE_BIT > 1) | (looks & 0xFF >= MOST_TYPES)
    wrong |= (looks >> 8 & 0xFF >= MOST_COLORS) | (looks >> 16 & 0xFF >= NUM_STATES)
    _refuse(wrong, "has an object that looks like nothing that there is", first)
    holds = contents >= HOLDS
    inside = np.where(holds, contents & HELD, contents)
    _refuse(is_no_object(inside, codes), "has an object with something inside that there is not", first)
    if codes > MAX_OBJECTS_WITH_HOLDERS + FIRST_OBJECT:
        _refuse(holds, f"has more than {MAX_OBJECTS_WITH_HOLDERS} objects, of which some hold others", first)


def check_programs(
    programs: NDArray[np.uint64], objects: int, has_floors: bool, is_no_place: Any, first: int = 0
) -> None:
    """Refuse goal programs with operations, objects or places that there are not.

    Args:
        programs: [E, C, 4]; what is behind the first row without a clause are notes, which kernels do not read.
        objects: O.
        has_floors: whether the tiles have floors.
        is_no_place: says of operands [E, C] which are no places.
        first: number of the first, for the message.

    Raises:
        EpisodeError: naming the first.
    """
    verb = programs[:, :, 0]
    is_clause = np.logical_and.accumulate(verb != NO_CLAUSE, axis=1)
    verb = np.where(is_clause, verb, np.uint64(NO_CLAUSE))
    known = _VERBS[np.minimum(verb, np.uint64(NO_CLAUSE)).astype(np.intp)]
    _refuse(~known & is_clause, "has a goal with an operation that there is not", first)
    _refuse(~is_clause[:, :1] | (verb[:, -1:] == STOP), "has a goal without an end", first)
    one, other = programs[:, :, 2], programs[:, :, 3]
    if objects < MAX_OBJECTS:
        is_set = np.isin(verb, np.array(_OF_OBJECTS, dtype=np.uint64))
        is_put = (verb == Verb.PUT_NEAR) | (verb == PUT_IN)
        beyond = np.uint64(objects)
        wrong = (is_set | is_put) & (one >> beyond != 0) | is_set & (other >> beyond != 0)
        _refuse(wrong, "has a goal with objects that there are not", first)
    steps = verb == Verb.STEP_ON
    wrong = (steps | (verb == Verb.ANNOUNCE)) & is_no_place(one)
    wrong |= (steps | (verb == Verb.PUT_NEAR)) & is_no_place(other)
    _refuse(wrong, "has a goal at a place beside the map", first)
    puts = verb == PUT_IN
    _refuse(puts & ((other >= len(FLOORS)) | (not has_floors)), "has a goal on a floor that there is not", first)


def is_no_object(codes: NDArray[np.integer[Any]], end: int) -> NDArray[np.bool_]:
    """Where cell codes are neither nothing nor an object's; ``end`` is the number of codes."""
    return (codes == WALL_CODE) | (codes >= end)


def _outside(array: NDArray[Any], low: int, end: int) -> NDArray[np.bool_]:
    return (array < low) | (array >= end)


def _refuse(wrong: NDArray[np.bool_], what: str, first: int) -> None:
    if wrong.any():
        row = int(wrong.reshape(len(wrong), -1).any(axis=1).argmax())
        raise EpisodeError(f"episode {first + row} {what}", row=first + row)
