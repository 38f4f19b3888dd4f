"""Splits: which episodes of a level are for training and which test what was held out, as data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from groundling.envs.banks.held_out import NOTHING_HELD_OUT, Factor, HeldOut
from groundling.errors import InstructionError, SplitError
from groundling.language.goals import (
    Goal,
)
from groundling.language.grammar import parse
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.paraphrases import Wording
from groundling.seeding import generator


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
        wanted: set[Factor] = set() if self.tests in (None, "phrasing", "synonym") else {self.tests}
        return self.held_out.violated(goal) == wanted

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
