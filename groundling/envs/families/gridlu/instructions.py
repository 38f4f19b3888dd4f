"""The instructions: what is to be so, as sentences and as numbers for kernels, and which are kept from training."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.held_out import HELD_OUT
from groundling.envs.families.gridlu.names import COLORS, NAMES, PATTERNS, RELATIONS, SHAPES, Game
from groundling.language.vocabulary import Vocabulary

# What is where, in the table of instructions.
AGENT_FIRST, AGENT_SECOND, BLOCKS, PATTERN = range(4)
KIND, RELATION, COLOR_A, SHAPE_A, COLOR_B, SHAPE_B = range(6)
ANY: Final = 0  # color or shape that is left open; others are numbers from 1
KINDS: Final = ("go to", "go to", "bring to", "arrange")
SAME: Final = RELATIONS.index("same")
OPPOSITE: Final = {"north": "south", "south": "north", "east": "west", "west": "east", "same": "same"}


@dataclass(frozen=True)
class Described:
    """Blocks of a color, of a shape, or both.

    Attributes:
        color: None for any.
        shape: None for any.
    """

    color: str | None
    shape: str | None

    def __str__(self) -> str:
        return f"a {self.color} {self.shape or 'block'}" if self.color else f"a {self.shape}"

    @property
    def numbers(self) -> tuple[int, int]:
        """Of the color and of the shape."""
        return _number(COLORS, self.color), _number(SHAPES, self.shape)


@dataclass(frozen=True)
class Relation:
    """Something is right next to something else, or in the same cell.

    Attributes:
        first: a block, or None for the agent.
        relation: where the first is, seen from the second.
        second: a block, or None for the agent; one of both is a block.
    """

    first: Described | None
    relation: str
    second: Described | None

    @property
    def kind(self) -> int:
        """Which of the two is the agent."""
        return AGENT_FIRST if self.first is None else AGENT_SECOND if self.second is None else BLOCKS

    def __str__(self) -> str:
        first = "you are" if self.first is None else f"{self.first} is"
        if self.relation != "same":
            return f"{first} {self.relation} of {self.second or 'you'}"
        return f"{first} where {'you are' if self.second is None else f'{self.second} is'}"

    @property
    def numbers(self) -> tuple[int, ...]:
        """The row of the table."""
        parts = [one.numbers for one in (self.first, self.second) if one is not None]
        described = (*parts, (ANY, ANY))[:2]
        return (self.kind, RELATIONS.index(self.relation), *described[0], *described[1])

    @property
    def meaning(self) -> Hashable:
        """The same for sentences that say the same: X is north of Y, Y is south of X."""
        return frozenset([(self.first, self.relation, self.second), (self.second, OPPOSITE[self.relation], self.first)])


@dataclass(frozen=True)
class Arrangement:
    """Four blocks are arranged in a pattern.

    Attributes:
        pattern: the word.
        color: of the blocks; None where there are no others.
    """

    pattern: str
    color: str | None

    kind = PATTERN

    def __str__(self) -> str:
        article = "" if self.pattern.endswith("connected") else "an " if self.pattern == "eel" else "a "
        return f"the {f'{self.color} ' if self.color else ''}blocks are {article}{self.pattern}"

    @property
    def numbers(self) -> tuple[int, ...]:
        """The row of the table; the number of the pattern stands in the place of the relation's."""
        return (PATTERN, PATTERNS.index(self.pattern), _number(COLORS, self.color), ANY, ANY, ANY)

    @property
    def meaning(self) -> Hashable:
        """It is the only one that says so."""
        return self


Instruction = Relation | Arrangement


def _number(names: tuple[str, ...], name: str | None) -> int:
    return ANY if name is None else 1 + names.index(name)


@cache
def relations() -> tuple[Relation, ...]:
    """The 990 instructions of the task Relations, in a fixed order: 150 to go to something, 840 to bring something."""
    described = [
        *(Described(color, None) for color in COLORS),
        *(Described(None, shape) for shape in SHAPES),
        *(Described(color, shape) for color, shape in itertools.product(COLORS, SHAPES)),
    ]
    go_to = [
        Relation(None, where, thing) if is_first else Relation(thing, where, None)
        for where in RELATIONS
        for is_first in (True, False)
        for thing in described
    ]
    directions = [where for where in RELATIONS if where != "same"]
    pairs = itertools.permutations(described, 2)
    bring_to = [Relation(one, where, other) for one, other in pairs for where in directions]
    return (*go_to, *bring_to)


@cache
def arrangements() -> tuple[Arrangement, ...]:
    """The 36 instructions of the task Arrangements: of all blocks, then of those of a color."""
    return tuple(Arrangement(word, color) for color in (None, *COLORS) for word in PATTERNS)


def instructions(game: Game) -> tuple[Instruction, ...]:
    """All instructions of a task by their numbers."""
    return relations() if game.name == "Relations" else arrangements()


def part(game: Game, name: str) -> tuple[int, ...]:
    """The numbers of a part of the instructions, in order.

    Args:
        game: the task.
        name: "all"; of Relations "train" or "held_out"; of Arrangements "four" or "eight", by how many blocks there
            are. "train" is all of Arrangements.
    """
    every = instructions(game)
    kept = set(HELD_OUT) if game.name == "Relations" else set()
    with_others = {number for number, one in enumerate(every) if isinstance(one, Arrangement) and one.color is not None}
    numbers = set(range(len(every)))
    parts = {
        "all": numbers,
        "train": numbers - kept,
        "held_out": kept,
        "four": numbers - with_others,
        "eight": with_others,
    }
    return tuple(sorted(parts[name]))


def table(game: Game) -> NDArray[np.int8]:
    """Instructions as numbers [N, 6] int8: kind, relation, color and shape of the one and of the other."""
    return np.array([one.numbers for one in instructions(game)], dtype=np.int8)


@cache
def vocabulary() -> Vocabulary:
    """The words of both tasks; first those that symbols of the grid are token ids of."""
    told = [word for one in (*relations(), *arrangements()) for word in str(one).split()]
    return Vocabulary.of([*NAMES, *told])


NUM_TOKENS: Final = max(len(str(one).split()) for one in (*relations(), *arrangements()))


@cache
def by_sentence() -> dict[str, Instruction]:
    """The instructions by their sentences."""
    every: tuple[Instruction, ...] = (*relations(), *arrangements())
    return {str(one): one for one in every}
