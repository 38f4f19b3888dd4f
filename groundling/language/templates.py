"""The parts of which the phrasings are made: templates of words and slots, and what each of them writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from groundling.language.goals import Goal, Location, NextTo, ObjectDescription


@dataclass(frozen=True, slots=True)
class Request:
    """A whole sentence: a goal, and how politely it is asked for."""

    goal: Goal


Node = Goal | ObjectDescription | Location | NextTo | Request  # what a phrasing writes


class Word(NamedTuple):
    """A word or comma of a template; ``replaceable`` by its synonyms."""

    text: str
    replaceable: bool = False


class Slot(NamedTuple):
    """A place in a template where a part of the goal stands; ``required`` parts must not be left open."""

    name: str
    required: bool = False


REPEATED_SLOTS = ("clause", "step")  # of And and Then


@dataclass(frozen=True)
class Phrasing:
    """One way of writing a part of a goal.

    Attributes:
        name: stable name, by which an evaluation split can hold the phrasing out.
        of: what it writes: a class of goal, an object's description, a location, a relation, a whole sentence.
        template: its words and slots.
        bare: it begins with a bare verb, so that it can follow "please", "could you" or "after you", and can be joined
            to others; meaningful for goals only.
        fixed: the fields of an object's description for which the template's own words stand.
        two_only: it joins exactly two parts.
    """

    name: str
    of: type[object] | Location
    template: str
    bare: bool = True
    fixed: dict[str, bool] = field(default_factory=dict)
    two_only: bool = False
    elements: tuple[Word | Slot, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(map(_element, _ELEMENT.findall(self.template))))

    def __hash__(self) -> int:
        return hash((self.name, self.template))

    @property
    def words(self) -> tuple[str, ...]:
        """The template's own words, punctuation included, lower case."""
        return tuple(element.text.lower() for element in self.elements if isinstance(element, Word))

    @property
    def slots(self) -> dict[str, Slot]:
        """The template's slots by name."""
        return {element.name: element for element in self.elements if isinstance(element, Slot)}

    def elements_for(self, parts: int) -> tuple[Word | Slot, ...]:
        """The elements with what joins two parts repeated, so that there are places for so many."""
        return self.elements if parts == 1 else _elements_for(self, parts)


_ELEMENT = re.compile(r"[^\s,?]+|[,?]")


def _element(token: str) -> Word | Slot:
    if token.startswith("{"):
        name = token.strip("{}")
        return Slot(name.removesuffix("!"), name.endswith("!"))
    return Word(token.strip("<>"), token.startswith("<"))


@lru_cache(maxsize=1024)
def _elements_for(phrasing: Phrasing, parts: int) -> tuple[Word | Slot, ...]:
    elements = phrasing.elements
    first, second = (i for i, e in enumerate(elements) if isinstance(e, Slot) and e.name in REPEATED_SLOTS)
    return elements[: first + 1] + elements[first + 1 : second + 1] * (parts - 1) + elements[second + 1 :]
