"""The hidden rules: which letter beats which; and which rules are kept from training.

A graph is three letters of which the first beats the second, that one the third, and the third the first. All graphs
stand in one total order: those to train on, those to choose settings by and those for tests, all of which have edges
that training has in other graphs; then those with an edge (one letter that beats another one) that training never has;
then those of letters that training never has. Nothing in it depends on the order of a set or on a hash.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Final

import numpy as np

from groundling.envs.families.manuals.rock_paper_scissors.names import LETTERS
from groundling.envs.families.manuals.rtfm.assignments import scattered
from groundling.errors import SplitError

Graph = tuple[int, int, int]
NUM_TRAINED: Final = 20  # the first letters; training never has the six others
NEW_EDGE_OF: Final = 5  # one in so many pairs of letters has an edge that training never has


def edges(graph: Graph) -> tuple[tuple[int, int], ...]:
    """The three pairs (winner, loser) of a graph."""
    first, second, third = graph
    return (first, second), (second, third), (third, first)


def _in_both_senses(letters: range) -> list[Graph]:
    return [graph for a, b, c in combinations(letters, 3) for graph in ((a, b, c), (a, c, b))]


def _mixed(count: int) -> list[int]:
    """The numbers below ``count`` in an order that is fixed, but looks random."""
    number_at: Callable[[int, int, int], int] = getattr(scattered, "py_func", scattered)  # too few to compile it for
    return [number_at(place, count, (count - 1).bit_length()) for place in range(count)]


def _parts() -> dict[str, list[Graph]]:
    pairs = list(combinations(range(NUM_TRAINED), 2))
    new_pairs = [pairs[number] for number in _mixed(len(pairs))[: len(pairs) // NEW_EDGE_OF]]
    new_edges = {pair if place % 2 else pair[::-1] for place, pair in enumerate(new_pairs)}
    graphs = _in_both_senses(range(NUM_TRAINED))
    known = [graph for graph in graphs if new_edges.isdisjoint(edges(graph))]
    mixed = [known[number] for number in _mixed(len(known))]
    half, quarter = len(known) // 2, len(known) // 4
    return {
        "train": mixed[:half],
        "validation": mixed[half : half + quarter],
        "unseen": mixed[half + quarter :],
        "edges": [graph for graph in graphs if not new_edges.isdisjoint(edges(graph))],
        "letters": _in_both_senses(range(NUM_TRAINED, len(LETTERS))),
    }


_PARTS: Final = _parts()
GRAPHS: Final[tuple[Graph, ...]] = tuple(graph for part in _PARTS.values() for graph in part)
GRAPH_TABLE: Final = np.array(GRAPHS, dtype=np.uint8)  # [G, 3] numbers of letters


def places(part: str) -> tuple[int, int]:
    """The first number, and how many numbers, of the graphs of "train", "validation", "unseen", "edges", "letters", or
    "all" of the letters to train on without new edges.

    Raises:
        SplitError: if there is no such part.
    """
    counts = {name: len(graphs) for name, graphs in _PARTS.items()}
    if part == "all":
        return 0, sum(counts[name] for name in ("train", "validation", "unseen"))
    if part not in counts:
        raise SplitError(f"there is no part {part!r} of the graphs: choose one of all, {', '.join(counts)}")
    first = 0
    for name, count in counts.items():
        if name == part:
            break
        first += count
    return first, counts[part]
