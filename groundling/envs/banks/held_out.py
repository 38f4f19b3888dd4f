"""What is held out of training: by which factors an evaluation differs from what was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from groundling.errors import ConfigurationError, SplitError
from groundling.language.goal_parts import combinations, descriptions, verb_of
from groundling.language.goals import Color, Goal, Location, ObjectType, clause_descriptions, clauses, steps
from groundling.language.paraphrases import HELD_OUT_PHRASINGS, HELD_OUT_SYNONYMS, Wording, WordingKind
from groundling.setting_types import check_settings

Factor = Literal["combination", "verb_object", "location", "length", "phrasing", "synonym"]
FACTORS: tuple[Factor, ...] = ("combination", "verb_object", "location", "length", "phrasing", "synonym")


class Verb(StrEnum):
    """The verbs of which a type of object can be held out."""

    GO_TO = "go to"
    PICK_UP = "pick up"
    OPEN = "open"
    PUT = "put"


def _read(text: str, first: type[StrEnum], second: type[StrEnum], own: tuple[str, ...]) -> tuple[str, str]:
    """The two words of an entry; a task's own types and colors may stand where the language's do."""
    head, _, tail = text.rpartition(" ")
    for word, kind in ((head, first), (tail, second)):
        if word not in list(kind) and not (word in own and kind in (Color, ObjectType)):
            raise SplitError(
                f"cannot read {text!r} of the held-out sets: it names one of {', '.join(first)}, then one of "
                f"{', '.join(second)}. A task's own types and colors are named in own_words as well"
            )
    return head, tail


@dataclass(frozen=True)
class HeldOut:
    """Instructions and wordings excluded from training.

    The default sets leave every single word in training: each color with two types or more, each type with four colors
    or more, each verb with two types, each place with two types.

    Attributes:
        factors: which of the sets below are held out; the others are part of training.
        combinations: held-out color-type pairs, such as "purple key".
        verb_objects: held-out pairs of a verb and an object type, such as "pick up ball" (for "put", the object that is
            moved).
        locations: held-out pairs of an object type and a location phrase, such as "ball behind".
        max_clauses: largest number of clauses of a training instruction.
        phrasings: names of the held-out sentence patterns.
        synonyms: held-out words, each a synonym of a training word.
        varied: use many wordings in training; implied by the factors "phrasing" and "synonym".
        own_words: types and colors added by your task that appear in these sets, such as "apple".

    Raises:
        SplitError: if a factor or an entry cannot be read.
    """

    factors: tuple[Factor, ...] = ("combination",)
    # Four of the eighteen color-type pairs of BabyAI.
    combinations: tuple[str, ...] = ("purple key", "green box", "yellow ball", "grey key")
    verb_objects: tuple[str, ...] = ("go to box", "pick up ball", "put key")
    locations: tuple[str, ...] = ("ball behind", "key left", "box right", "door front")
    max_clauses: int = 2
    phrasings: tuple[str, ...] = tuple(sorted(HELD_OUT_PHRASINGS))
    synonyms: tuple[str, ...] = tuple(sorted(HELD_OUT_SYNONYMS))
    varied: bool = False
    own_words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            check_settings(self)
        except ConfigurationError as error:
            raise SplitError(f"cannot read the held-out sets: {error}") from error
        for factor in self.factors:
            if factor not in FACTORS:
                raise SplitError(f"{factor!r} cannot be held out: choose among {', '.join(FACTORS)}")
        if self.max_clauses < 1:
            raise SplitError(f"max_clauses must be at least 1, got {self.max_clauses}")
        _ = self._pairs, self._verb_types, self._places
        kinds: list[WordingKind] = ["canonical", *(f for f in self.factors if f in ("phrasing", "synonym"))]
        try:
            for kind in kinds:
                Wording(kind, self.phrasings, self.synonyms)
        except ConfigurationError as error:
            raise SplitError(f"cannot read the held-out sets: {error}") from error

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> HeldOut:
        """Read plain values (``dataclasses.asdict``, or JSON's) back.

        Raises:
            SplitError: if they are not those of held-out sets.
        """
        try:
            plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
            return cls(**plain)
        except (TypeError, AttributeError) as error:
            raise SplitError(f"these held-out sets are not of this version: {error}") from error

    @cached_property
    def _pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(_read(text, Color, ObjectType, self.own_words) for text in self.combinations)

    @cached_property
    def _verb_types(self) -> frozenset[tuple[str, str]]:
        return frozenset(_read(text, Verb, ObjectType, self.own_words) for text in self.verb_objects)

    @cached_property
    def _places(self) -> frozenset[tuple[str, str]]:
        return frozenset(_read(text, ObjectType, Location, self.own_words) for text in self.locations)

    @property
    def wording(self) -> Literal["canonical", "trained"]:
        """How instructions are told where the wording itself is not tested."""
        is_varied = self.varied or "phrasing" in self.factors or "synonym" in self.factors
        return "trained" if is_varied else "canonical"

    def violated(self, goal: Goal) -> frozenset[Factor]:
        """The factors by which a goal is held out; the wording is not among them."""
        found: set[Factor] = set()
        if combinations(goal) & self._pairs:
            found.add("combination")
        if any((d.type, d.location) in self._places for d in descriptions(goal)):
            found.add("location")
        if sum(map(len, steps(goal))) > self.max_clauses:
            found.add("length")
        for clause in clauses(goal):
            named = clause_descriptions(clause)
            if named and (verb_of(clause), named[0].type) in self._verb_types:
                found.add("verb_object")
        return frozenset(found & set(self.factors))


NOTHING_HELD_OUT = HeldOut(factors=())
