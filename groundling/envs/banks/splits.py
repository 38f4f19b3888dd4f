"""Splits: which episodes of a level are for training and which test what was held out, as data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from groundling.errors import ConfigurationError, InstructionError, SplitError
from groundling.language.goals import (
    Color,
    Goal,
    Location,
    ObjectType,
    clause_descriptions,
    clauses,
    combinations,
    descriptions,
    steps,
    verb_of,
)
from groundling.language.grammar import parse
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.paraphrases import HELD_OUT_PHRASINGS, HELD_OUT_SYNONYMS, Wording, WordingKind
from groundling.seeding import generator

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
    """What no training instruction asks for, and in which words it is never told.

    The default sets leave every single word in training: each color with two types or more, each type with four colors
    or more, each verb with two types, each place with two types.

    Attributes:
        factors: which of the sets below are held out; the others are trained on.
        combinations: color-type pairs, "purple key".
        verb_objects: a verb and the type that it is never asked of, "pick up ball" (of "put": what is moved).
        locations: a type and the place where it is never named, "ball behind".
        max_clauses: the longest instruction of training.
        phrasings: names of phrasings (``groundling.language.paraphrases``).
        synonyms: words that stand for a trained one.
        varied: tell training instructions in many wordings; implied by the factors "phrasing" and "synonym".
        own_words: types and colors of a task's own that the sets name, "apple".

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


@dataclass(frozen=True)
class Split:
    """A named part of a level's episodes, as data: saved in every bank and every run's configuration.

    Layouts are disjoint by construction: training draws even seeds of the generator, evaluation odd ones. Objects of
    held-out combinations still appear as distractors everywhere; only instructions are selected.

    Attributes:
        name: how it is asked for.
        is_evaluation: whether its layouts are kept from training.
        held_out: what is kept from training.
        tests: the factor whose held-out part it keeps (and what is held out by no other); None keeps what training may
            ask for.
        missions: sentences to which it is narrowed; none keeps all.
        lexicon: words of a task's own that these sentences have; no part of :meth:`describe`.
    """

    name: str
    is_evaluation: bool
    held_out: HeldOut = field(default_factory=HeldOut)
    tests: Factor | None = None
    missions: tuple[str, ...] = ()
    lexicon: Lexicon = field(default=PLAIN, repr=False)

    def __post_init__(self) -> None:
        if self.tests is not None and self.tests not in self.held_out.factors:
            raise SplitError(f"the split {self.name!r} tests {self.tests!r}, but nothing of that kind is held out")
        _ = self._missions

    @cached_property
    def _missions(self) -> frozenset[Goal]:
        return frozenset(parse(text, self.lexicon) for text in self.missions)

    @cached_property
    def wording(self) -> Wording:
        """In which words its instructions are told."""
        kind = self.tests if self.tests in ("phrasing", "synonym") else self.held_out.wording
        held_out = self.held_out
        return Wording(
            kind,
            held_out.phrasings if "phrasing" in held_out.factors else (),
            held_out.synonyms if "synonym" in held_out.factors else (),
        )

    def keeps(self, goal: Goal) -> bool:
        """Whether an episode with this goal belongs to the split."""
        if self._missions and goal not in self._missions:
            return False
        due: set[Factor] = set() if self.tests in (None, "phrasing", "synonym") else {self.tests}
        return self.held_out.violated(goal) == due

    def phrase(self, instruction: str, goal: Goal, seed: int, *, is_own: bool = False) -> str | None:
        """How an episode's instruction is told in this split; None if the goal cannot be told so."""
        if self.wording.kind == "canonical":
            return instruction
        if is_own:  # what a task says in its own words is said in no others
            return instruction if self.wording.kind == "trained" else None
        try:
            return self.wording.phrase(goal, generator(seed, "wording", self.wording.kind))
        except InstructionError:
            return None

    def tell(self, instruction: str, goal: Goal | None, seed: int, *, is_own: bool = False) -> str | None:
        """An episode's instruction in the words of the split; None if the episode does not belong to it.

        Args:
            instruction: the canonical sentence, or one of the task's own.
            goal: what it asks for; None reads it.
            seed: of the episode.
            is_own: whether it is a sentence of the task's own, which stays as it is.
        """
        goal = goal or parse(instruction, self.lexicon)
        return self.phrase(instruction, goal, seed, is_own=is_own) if self.keeps(goal) else None

    def narrowed(self, missions: tuple[str, ...], lexicon: Lexicon = PLAIN) -> Split:
        """The episodes whose goal is that of one of these sentences.

        Args:
            missions: the sentences.
            lexicon: words of a task's own that they may have.

        Raises:
            InstructionError: if a sentence cannot be read.
        """
        return replace(self, missions=missions, lexicon=lexicon)

    def describe(self) -> str:
        """The split as JSON: part of the key of a cached bank, and saved in it."""
        values = dataclasses.asdict(self)
        del values["lexicon"]
        if not self.held_out.own_words:  # so that splits without them are described as they were before there were any
            del values["held_out"]["own_words"]
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Split:
        """Read the plain values of :meth:`describe` back.

        Raises:
            SplitError: if they are not those of a split.
        """
        try:
            held_out, missions = HeldOut.from_dict(values["held_out"]), tuple(values["missions"])
            return cls(**{**values, "held_out": held_out, "missions": missions})
        except (TypeError, KeyError) as error:
            raise SplitError(f"this is not a split of this version: {error}") from error


@dataclass(frozen=True)
class SentenceSplit:
    """A named part of the episodes of a task that has its sentences listed, by their very words.

    Attributes:
        name: how it is asked for.
        is_evaluation: whether its layouts are kept from training, as a ``Split``'s.
        sentences: that belong to it.
    """

    name: str
    is_evaluation: bool
    sentences: tuple[str, ...]

    def tell(self, instruction: str, goal: Goal | None, seed: int, *, is_own: bool = False) -> str | None:
        """The instruction; None if it does not belong to the split."""
        return instruction if instruction in self.sentences else None

    def describe(self) -> str:
        """The split as JSON: part of the key of a cached bank, and saved in it."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


AnySplit = Split | SentenceSplit


def training_split(held_out: HeldOut) -> Split:
    """What is trained on when this is held out."""
    return Split("train", is_evaluation=False, held_out=held_out)


def seen_split(held_out: HeldOut) -> Split:
    """New layouts, with instructions that training may ask for."""
    return Split("seen", is_evaluation=True, held_out=held_out)


def held_out_split(held_out: HeldOut, factor: Factor) -> Split:
    """New layouts, with what is held out by this factor and no other."""
    return Split(factor, is_evaluation=True, held_out=held_out, tests=factor)


SPLITS: dict[str, Split] = {
    "all": Split("all", is_evaluation=False, held_out=NOTHING_HELD_OUT),
    "train": training_split(HeldOut()),
    "seen": seen_split(HeldOut()),
    "unseen": replace(held_out_split(HeldOut(), "combination"), name="unseen"),
}


def find_split(split: str | Split) -> Split:
    """The split of this name.

    Raises:
        SplitError: if there is none.
    """
    if isinstance(split, Split):
        return split
    if split not in SPLITS:
        raise SplitError(f"there is no split {split!r}: choose one of {', '.join(SPLITS)}")
    return SPLITS[split]
