"""The arrays of a bank, by their names: episodes packed into them, and enlarged so that several banks fit together.

See ``bank.EpisodeBank`` for what each of them holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    CLAUSE_LENGTH,
    EMPTY_LOOK,
    FIRST_OBJECT,
    NO_CLAUSE,
    NOWHERE,
    OPAQUE_BIT,
    WALL_LOOK,
    without,
)

Arrays = dict[str, NDArray[Any]]


class Sizes(NamedTuple):
    """How large the arrays of episodes are.

    Attributes:
        height: of the maps.
        width: of the maps.
        objects: O, of an episode at most.
        clauses: of a goal program at most.
        has_floors: whether there are floors.
        tokens: L, of every instruction.
    """

    height: int
    width: int
    objects: int
    clauses: int
    has_floors: bool
    tokens: int

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Sizes:
        """Those of packed episodes."""
        _, height, width = arrays["cells"].shape
        objects, clauses, tokens = (arrays[name].shape[1] for name in ("contents", "programs", "tokens"))
        return cls(height, width, objects, clauses, bool(arrays["floors"].size), tokens)

    @classmethod
    def largest(cls, every: Sequence[Sizes]) -> Sizes:
        """Into which all of them fit."""
        return cls(*(max(column) for column in zip(*every, strict=True)))


def pack_episodes(episodes: Sequence[Episode], instructions: Sequence[str], tokens: NDArray[np.uint16]) -> Arrays:
    """Pack episodes into arrays, smaller maps framed by walls.

    Args:
        episodes: E, at least one.
        instructions: [S] their distinct sentences.
        tokens: [S, L] token ids of these.
    """
    count = len(episodes)
    height = max(e.cells.shape[0] for e in episodes)
    width = max(e.cells.shape[1] for e in episodes)
    objects = max([1, *(len(e.looks) for e in episodes)])
    row_of = {text: row for row, text in enumerate(instructions)}
    cells: NDArray[np.uint8] = np.ones((count, height, width), dtype=np.uint8)
    looks = np.full((count, FIRST_OBJECT + objects), EMPTY_LOOK, dtype=np.int32)
    contents: NDArray[np.uint8] = np.zeros((count, objects), dtype=np.uint8)
    positions = np.full((count, objects), NOWHERE, dtype=np.int16)
    programs = _no_clauses(count, max(len(e.program) for e in episodes))
    floors = _plain_floors(count, height, width, any(e.floors is not None for e in episodes))
    for row, episode in enumerate(episodes):
        own_height, own_width = episode.cells.shape
        cells[row, :own_height, :own_width] = episode.cells
        if episode.floors is not None:
            floors[row, :own_height, :own_width] = episode.floors
        here = len(episode.looks)
        looks[row, 1] = WALL_LOOK if episode.walls_hide else without(WALL_LOOK, OPAQUE_BIT)
        looks[row, FIRST_OBJECT : FIRST_OBJECT + here] = episode.looks
        contents[row, :here] = episode.contents
        programs[row, : len(episode.program)] = np.array(episode.program, dtype=np.uint64)
        for k, place in enumerate(episode.positions):
            if place != NOWHERE:
                positions[row, k] = place // own_width * width + place % own_width
    return {
        "seeds": np.array([e.seed for e in episodes], dtype=np.int64),
        "sentences": np.array([row_of[e.instruction] for e in episodes], dtype=np.int32),
        "tokens": tokens,
        "cells": cells,
        "looks": looks,
        "contents": contents,
        "positions": positions,
        "poses": np.array([e.pose for e in episodes], dtype=np.int16),
        "carried": np.array([e.carried for e in episodes], dtype=np.uint8),
        "programs": programs,
        "max_steps": np.array([e.max_steps for e in episodes], dtype=np.int32),
        "floors": floors,
    }


def enlarge_arrays(arrays: Mapping[str, NDArray[Any]], sizes: Sizes) -> Arrays:
    """The same episodes in larger arrays, smaller maps framed by walls."""
    count, own_height, own_width = arrays["cells"].shape
    own = Sizes.of(arrays)
    more = sizes.objects - own.objects

    def padded(array: NDArray[Any], *ends: int, value: int = 0) -> NDArray[Any]:
        return np.pad(array, [(0, 0), *((0, end) for end in ends)], constant_values=value)

    y, x = np.divmod(arrays["positions"], own_width)
    placed = np.where(arrays["positions"] == NOWHERE, NOWHERE, y * sizes.width + x).astype(np.int16)
    programs = _no_clauses(count, sizes.clauses)
    programs[:, : own.clauses] = arrays["programs"]
    floors = _plain_floors(count, sizes.height, sizes.width, sizes.has_floors)
    if own.has_floors:
        floors[:, :own_height, :own_width] = arrays["floors"]
    return {
        **arrays,
        "cells": padded(arrays["cells"], sizes.height - own_height, sizes.width - own_width, value=1),
        "looks": padded(arrays["looks"], more, value=EMPTY_LOOK),
        "contents": padded(arrays["contents"], more),
        "positions": padded(placed, more, value=NOWHERE),
        "programs": programs,
        "tokens": padded(arrays["tokens"], sizes.tokens - own.tokens),
        "floors": floors,
    }


def _no_clauses(episodes: int, clauses: int) -> NDArray[np.uint64]:
    programs = np.zeros((episodes, clauses, CLAUSE_LENGTH), dtype=np.uint64)
    programs[:, :, 0] = NO_CLAUSE
    return programs


def _plain_floors(episodes: int, height: int, width: int, has_floors: bool) -> NDArray[np.uint8]:
    return np.zeros((episodes, height, width) if has_floors else (episodes, 0, 0), dtype=np.uint8)
