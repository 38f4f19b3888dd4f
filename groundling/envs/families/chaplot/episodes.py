"""Episodes of the task of Chaplot et al. 2018, sampled: an instruction, five objects, their places and the agent's.

The native room and ViZDoom play the same episodes; which object is right comes from ``groundling.language.grounded``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.chaplot.rules import GROUNDED_RULES, ChaplotRules
from groundling.errors import ConfigurationError
from groundling.language.grounded import (
    INSTRUCTIONS,
    OBJECTS,
    GroundedObject,
    possible_distractors,
    possible_targets,
)
from groundling.seeding import generator

_CANDIDATES = 64  # layouts of a hard room drawn at once; about one in twenty keeps the distance
_Layout = tuple[tuple[int, int], int, tuple[tuple[int, int], ...]]  # start, heading, tiles of the objects


class Difficulty(StrEnum):
    """How the five objects and the agent are placed.

    EASY: the agent at its place, the objects in a row 4 m before it, 2 m apart. MEDIUM: the same row, but each object 2
    to 7 m ahead. HARD: agent and objects anywhere, a minimum distance apart, the agent with any of four headings, so
    that it has to look for what it cannot see at the start.
    """

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class ChaplotEpisode:
    """One episode.

    Tiles are (column, row) of the room's map with its border of walls, so the interior begins at (1, 1); x grows to the
    right and y down; a tile is a metre, and everything stands at the center of a tile.

    Attributes:
        instruction: index into ``INSTRUCTIONS``.
        objects: five indices into ``OBJECTS``, all different.
        tiles: where they stand.
        start: tile of the agent.
        heading: 0 right, 1 down, 2 left, 3 up.
        target: which of the five is right.
    """

    instruction: int
    objects: tuple[int, ...]
    tiles: tuple[tuple[int, int], ...]
    start: tuple[int, int]
    heading: int
    target: int

    @property
    def text(self) -> str:
        """The instruction."""
        return INSTRUCTIONS[self.instruction]

    @property
    def things(self) -> tuple[GroundedObject, ...]:
        """The five objects by their attributes."""
        return tuple(OBJECTS[index] for index in self.objects)


def find_difficulty(name: str) -> Difficulty:
    """The difficulty of a name.

    Raises:
        ConfigurationError: if there is none.
    """
    try:
        return Difficulty(name)
    except ValueError:
        raise ConfigurationError(f"difficulty is one of {', '.join(Difficulty)}, got {name!r}") from None


def checked_instructions(instructions: Sequence[int]) -> tuple[int, ...]:
    """The set of instructions of an environment, checked.

    Raises:
        ConfigurationError: if it is empty, or holds what is not an index into ``INSTRUCTIONS``.
    """
    wrong = [index for index in instructions if not 0 <= index < len(INSTRUCTIONS)]
    if wrong or not instructions:
        raise ConfigurationError(
            f"instructions are indices into the {len(INSTRUCTIONS)} of groundling.language.grounded.INSTRUCTIONS, "
            f"at least one of them, got {list(instructions)}"
        )
    return tuple(int(index) for index in instructions)


def sample_episode(
    rng: np.random.Generator,
    difficulty: Difficulty,
    instructions: Sequence[int],
    rules: ChaplotRules = GROUNDED_RULES,
) -> ChaplotEpisode:
    """One episode: instruction, right object, its place among the five and the distractors, each drawn uniformly.

    Args:
        rng: the only source of randomness.
        difficulty: how the room is laid out.
        instructions: indices into ``INSTRUCTIONS`` to draw from.
        rules: how large the room is, and where things stand in it.
    """
    instruction = instructions[int(rng.integers(len(instructions)))]
    text = INSTRUCTIONS[instruction]
    targets = possible_targets(text, rules.num_objects - 1)
    right = targets[int(rng.integers(len(targets)))]
    others = rng.choice(possible_distractors(text, right), size=rules.num_objects - 1, replace=False)
    target = int(rng.integers(rules.num_objects))
    objects = [int(index) for index in others]
    objects.insert(target, right)
    start, heading, tiles = _LAYOUTS[difficulty](rng, rules)
    return ChaplotEpisode(instruction, tuple(objects), tiles, start, heading, target)


def sample_episodes(seed: int, count: int, difficulty: Difficulty, instructions: Sequence[int]) -> list[ChaplotEpisode]:
    """Episodes of a seed; episode ``i`` depends on nothing but the arguments and ``i``."""
    instructions = checked_instructions(instructions)
    return [
        sample_episode(generator(seed, "grounded", difficulty, index), difficulty, instructions)
        for index in range(count)
    ]


def _in_a_row(rules: ChaplotRules, ahead: NDArray[np.int64]) -> _Layout:
    """The agent at its place, and the objects so many tiles ahead of it, side by side."""
    middle = (rules.room_tiles + 1) // 2
    tiles = tuple(
        (rules.start_column + int(distance), middle + rules.row_spacing * (place - rules.num_objects // 2))
        for place, distance in enumerate(ahead)
    )
    return (rules.start_column, middle), 0, tiles


def _easy(rng: np.random.Generator, rules: ChaplotRules) -> _Layout:
    return _in_a_row(rules, np.full(rules.num_objects, rules.easy_ahead))


def _medium(rng: np.random.Generator, rules: ChaplotRules) -> _Layout:
    return _in_a_row(rules, rng.integers(*rules.medium_ahead, size=rules.num_objects, endpoint=True))


def _hard(rng: np.random.Generator, rules: ChaplotRules) -> _Layout:
    """Uniform over all the layouts that keep the distance."""
    side = rules.room_tiles - 2 * rules.margin_tiles
    near = round(rules.min_distance_m**2)
    first, second = _pairs(rules.num_objects + 1)
    while True:
        tiles = rng.integers(side, size=(_CANDIDATES, rules.num_objects + 1, 2))
        offsets = tiles[:, first] - tiles[:, second]
        kept = np.flatnonzero(((offsets**2).sum(axis=2) >= near).all(axis=1))
        if len(kept):
            break
    (column, row), *others = (tiles[kept[0]] + 1 + rules.margin_tiles).tolist()
    return (column, row), int(rng.integers(4)), tuple((column, row) for column, row in others)


@cache
def _pairs(things: int) -> NDArray[np.int64]:
    """Every two of so many things, [2, pairs]."""
    return np.array(list(combinations(range(things), 2))).T


_LAYOUTS: dict[Difficulty, Callable[[np.random.Generator, ChaplotRules], _Layout]] = {
    Difficulty.EASY: _easy,
    Difficulty.MEDIUM: _medium,
    Difficulty.HARD: _hard,
}
