"""The hidden dynamics: teams of the kinds, elements that modifiers beat; and which of them are kept from training.

All assignments stand in one total order: those of kinds to teams as tuples of team numbers, sorted; for each of them
those of modifiers to elements, sorted likewise. A fixed bijection scatters that order: its first half is trained on,
the next quarter is there to choose settings by, the last quarter is kept for tests. Nothing in it depends on the order
of a set or on a hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inlined_kernel
from groundling.envs.families.manuals.rtfm.names import ELEMENTS, TEAMS, Variant
from groundling.errors import SplitError

FACTORS: Final = (0x9E3779, 0x85EBCB, 0xC2B2AF)  # odd, so that each product modulo a power of two is a bijection
OFFSET: Final = 0x2545F5


@cache
def arrangements(count: int, groups: int) -> NDArray[np.uint8]:
    """All ways to put numbered things into numbered groups of one size, sorted as tuples.

    Args:
        count: of things, a multiple of ``groups``.
        groups: how many groups.

    Returns:
        [P, count], the group of each thing.
    """
    found: list[tuple[int, ...]] = []

    def extend(begun: tuple[int, ...], left: tuple[int, ...]) -> None:
        if len(begun) == count:
            found.append(begun)
        for group in range(groups):
            if left[group]:
                extend((*begun, group), (*left[:group], left[group] - 1, *left[group + 1 :]))

    extend((), (count // groups,) * groups)
    return np.array(found, dtype=np.uint8)


@inlined_kernel
def scattered(place: int, total: int, bits: int) -> int:
    """The number in [0, total) that stands at a place in [0, total) of the scattered order.

    Steps of a bijection of ``bits``-bit numbers are repeated until the result is below ``total``: a bijection again.
    """
    mask = (1 << bits) - 1
    half = (bits + 1) // 2
    number = place
    while True:
        number = (number * FACTORS[0] + OFFSET) & mask
        number ^= number >> half
        number = (number * FACTORS[1] + OFFSET) & mask
        number ^= number >> half
        number = (number * FACTORS[2] + OFFSET) & mask
        number ^= number >> half
        if number < total:
            return number


def place_of(number: int, total: int, bits: int) -> int:
    """The place at which a number stands: the inverse of :func:`scattered`."""
    size = 1 << bits
    half = (bits + 1) // 2  # at least half of the bits, so that the shift undoes itself
    while True:
        for factor in reversed(FACTORS):
            number ^= number >> half
            number = (number - OFFSET) * pow(factor, -1, size) % size
        if number < total:
            return number


@dataclass(frozen=True)
class Assignments:
    """The assignments of a variant.

    Attributes:
        teams: [P, K] uint8, the team of each kind in each of P arrangements.
        elements: [Q, M] uint8, the element that each modifier beats in each of Q arrangements.
    """

    teams: NDArray[np.uint8]
    elements: NDArray[np.uint8]

    @classmethod
    def of(cls, variant: Variant) -> Assignments:
        """Those of a variant."""
        return cls(arrangements(len(variant.kinds), len(TEAMS)), arrangements(len(variant.modifiers), len(ELEMENTS)))

    @property
    def total(self) -> int:
        """N, how many there are."""
        return len(self.teams) * len(self.elements)

    @property
    def bits(self) -> int:
        """Of the smallest power of two that is not less."""
        return (self.total - 1).bit_length()

    def parts(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The team of each kind and the element of each modifier of the assignment of a number."""
        team_row, element_row = divmod(number, len(self.elements))
        return tuple(self.teams[team_row].tolist()), tuple(self.elements[element_row].tolist())

    def number(self, teams: tuple[int, ...], elements: tuple[int, ...]) -> int:
        """The inverse of :meth:`parts`.

        Raises:
            ValueError: if it is no assignment of this variant.
        """
        return self.teams.tolist().index(list(teams)) * len(self.elements) + self.elements.tolist().index(
            list(elements)
        )

    def places(self, part: str) -> tuple[int, int]:
        """The first place, and the number of places, of a part of the assignments: "all", those to "train" on, those of
        "validation", by which settings are chosen, or the "unseen" ones, of which only results are told.

        Raises:
            SplitError: if there is no such part.
        """
        half, quarter = self.total // 2, self.total // 4
        known = {
            "all": (0, self.total),
            "train": (0, half),
            "validation": (half, quarter),
            "unseen": (half + quarter, self.total - half - quarter),
        }
        if part not in known:
            raise SplitError(f"there is no part {part!r} of the assignments: choose one of {', '.join(known)}")
        return known[part]

    def is_trained(self, number: int) -> bool:
        """Whether the assignment of a number is one of those to train on."""
        return place_of(number, self.total, self.bits) < self.total // 2
