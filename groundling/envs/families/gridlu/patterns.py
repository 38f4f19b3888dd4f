"""In which cells four blocks are a square, a line, a snake ...: as sets of cells, and as numbers for kernels.

The paper prints how many ways there are to arrange four blocks, of each word: 16, 40, 8, 48, 9, 48, 48, 200, 17. Of 48
ways each a triangle is the T of the tetrominoes in its four turns, an eel the S and its mirror image, and a snake, for
which 48 ways are left, the L without its mirror image. The 40 lines are 20, each of which counts from both ends; what
is connected is one of square, line, triangle, eel and snake, what is disconnected a diagonal line or a circle (four
blocks around a cell): with 40 lines these are 200 and 17 ways as well. Which letters the paper calls eel and snake it
shows in a figure that we have not: that is our reading of the numbers.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.names import PATTERNS, SIZE

Cells = frozenset[tuple[int, int]]  # rows and columns

DRAWN: Final = {
    "square": ("##/##",),
    "line": ("####",),
    "diagonal line": ("#.../.#../..#./...#",),
    "triangle": ("###/.#.",),
    "circle": (".#./#.#/.#.",),
    "eel": (".##/##.", "##./.##"),
    "snake": ("#./#./##",),
}
CONNECTED: Final = ("square", "line", "triangle", "eel", "snake")
DISCONNECTED: Final = ("diagonal line", "circle")
KINDS_OF: Final = {word: (word,) for word in DRAWN} | {"connected": CONNECTED, "disconnected": DISCONNECTED}
FROM_BOTH_ENDS: Final = ("line",)
NUM_BLOCKS: Final = 4


def read_drawing(drawing: str) -> Cells:
    """The cells of a drawing."""
    return frozenset((r, c) for r, line in enumerate(drawing.split("/")) for c, mark in enumerate(line) if mark == "#")


def at_origin(cells: Cells) -> Cells:
    """The same pattern as far up and to the left as it goes."""
    top, left = min(row for row, _ in cells), min(column for _, column in cells)
    return frozenset((row - top, column - left) for row, column in cells)


@cache
def turned(kind: str) -> tuple[Cells, ...]:
    """All turns of a kind of pattern, each once, in a fixed order."""
    found: dict[Cells, None] = {}
    for drawing in DRAWN[kind]:
        cells = read_drawing(drawing)
        for _ in range(4):
            cells = at_origin(frozenset((column, -row) for row, column in cells))
            found[cells] = None
    return tuple(found)


def placed(cells: Cells) -> list[Cells]:
    """Every place of a pattern in the grid."""
    height, width = max(row for row, _ in cells) + 1, max(column for _, column in cells) + 1
    offsets = [(row, column) for row in range(SIZE - height + 1) for column in range(SIZE - width + 1)]
    return [frozenset((r + row, c + column) for r, c in cells) for row, column in offsets]


@cache
def ways(word: str) -> tuple[Cells, ...]:
    """The ways to arrange four blocks as a word says, as the paper counts them: lines from both ends."""
    found = list[Cells]()
    for kind in KINDS_OF[word]:
        every = [cells for turn in turned(kind) for cells in placed(turn)]
        found += every * (2 if kind in FROM_BOTH_ENDS else 1)
    return tuple(found)


def mask_of(cells: Cells) -> int:
    """A set of cells as bits, the first of the first row the lowest."""
    return sum(1 << (SIZE * row + column) for row, column in cells)


def shape_table() -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For kernels: patterns at the origin as bits [K] int64, and which words they are, [K, words] bool."""
    kinds = [(kind, turn) for kind in DRAWN for turn in turned(kind)]
    masks = np.array([mask_of(turn) for _, turn in kinds], dtype=np.int64)
    is_word = np.array([[kind in KINDS_OF[word] for word in PATTERNS] for kind, _ in kinds], dtype=np.bool_)
    return masks, is_word


def ways_table() -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """For the generator of goal states: cells of all ways [W, 4] int8, and where those of each word begin, [words + 1].

    The last number is W.
    """
    every = [ways(word) for word in PATTERNS]
    cells = [[SIZE * row + column for row, column in sorted(way)] for part in every for way in part]
    return np.array(cells, dtype=np.int8), np.cumsum([0, *map(len, every)])
