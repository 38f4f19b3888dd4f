"""Paraphrases: a goal in other words, and which words an agent is trained on or only tested on.

Two questions are kept apart. Held-out *phrasings* are new forms made of words that training does contain: any encoder
could read them. Held-out *synonyms* are words that training never contains: only an encoder that was trained on other
text can know them.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from groundling.errors import ConfigurationError, InstructionError
from groundling.language.goals import Goal, clauses
from groundling.language.grammar import render
from groundling.language.phrasings import PHRASINGS, SYNONYMS, Phrasing, synonyms_of
from groundling.language.writer import join_words, write

MAX_CLAUSE_TOKENS = 24  # words and punctuation marks of a sentence for each clause of its goal

# Every word of these forms occurs in some other form; every kind of clause and of sequence has one.
HELD_OUT_PHRASINGS: tuple[str, ...] = (
    *("make your way over to", "is where you should go"),
    *("go pick up", "is what you should pick up"),
    *("pull it open", "is what you should open"),
    *("drop beside", "next to it, put"),
    *("drop close to", "near it, put"),
    *("at the end of the hallway, go to", "go down to the end"),
    "unlock with the key that is in the room",
    *("in any order at the start", "comma, and also", "first, and then", "but before that"),
    *("both of the", "anything other than"),
    *("to the left of you", "to the right of you"),
    *("could you please", "I need you to"),
)

# Words that training never contains: at least one for every color, object, size and kind of clause.
HELD_OUT_SYNONYMS: tuple[str, ...] = (
    *("proceed", "stroll", "discover", "acquire", "retrieve", "seize", "hoist", "unbar", "unbolt"),
    *("position", "deposit", "release"),
    *("doorway", "latchkey", "orb", "chest", "carton", "gong", "tome", "goblet", "bonnet", "torch", "hoop", "asterisk"),
    *("item", "finish", "passage", "identical"),
    *("crimson", "jade", "cobalt", "plum", "lemon", "ashen", "apricot", "fuchsia", "chestnut", "snowy"),
    *("tinier", "bulkier", "tiniest", "bulkiest"),
)

WordingKind = Literal["canonical", "trained", "phrasing", "synonym"]

_ALL_PHRASINGS, _ALL_SYNONYMS = frozenset(PHRASINGS), frozenset(SYNONYMS)
_UNHURRIED_TRIES = 20  # that leave the distribution as it is; later ones favor what is required, and short sentences
_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """A sentence and what in it is not canonical.

    Attributes:
        text: the sentence.
        phrasings_used: names of phrasings, in the order of the sentence; canonical ones are not named.
        synonyms_used: synonyms in their singular, in the order of the sentence.
    """

    text: str
    phrasings_used: tuple[str, ...]
    synonyms_used: tuple[str, ...]


def paraphrase(
    goal: Goal,
    rng: np.random.Generator,
    *,
    phrasings: Collection[str] | None = None,
    synonyms: Collection[str] | None = None,
) -> Paraphrase:
    """Say a goal in random words: at every choice the canonical form half of the time, else any of the others.

    Args:
        goal: the goal.
        rng: source of the choices.
        phrasings: names of the phrasings that may be used beside the canonical ones; None allows all.
        synonyms: the synonyms that may be used; None allows all.

    Returns:
        A sentence of at most ``MAX_CLAUSE_TOKENS`` tokens for each clause, which ``parse`` reads back to the goal.

    Raises:
        ConfigurationError: for a phrasing or synonym that does not exist.
    """
    may_use = (
        _ALL_PHRASINGS if phrasings is None else frozenset(_known("phrasing", phrasings, PHRASINGS)),
        _ALL_SYNONYMS if synonyms is None else frozenset(_known("synonym", synonyms, SYNONYMS)),
    )
    return _draw(goal, rng, _Choices(*may_use, required=frozenset()))


@dataclass(frozen=True, slots=True)
class Wording:
    """In which words goals are said: plain data, so that a split or a bank can be named by it.

    Attributes:
        kind: "canonical": the canonical sentence. "trained": any sentence without what is held out. "phrasing": a
            sentence with a held-out phrasing, of words that "trained" sentences contain. "synonym": a sentence with a
            held-out synonym and no held-out phrasing.
        held_out_phrasings: names of phrasings, of ``PHRASINGS``.
        held_out_synonyms: words, of ``SYNONYMS``.

    Raises:
        ConfigurationError: for a kind, phrasing or synonym that does not exist, or a kind that needs one and has none.
    """

    kind: WordingKind = "canonical"
    held_out_phrasings: tuple[str, ...] = HELD_OUT_PHRASINGS
    held_out_synonyms: tuple[str, ...] = HELD_OUT_SYNONYMS

    def __post_init__(self) -> None:
        if self.kind not in get_args(WordingKind):
            raise ConfigurationError(f"a wording is one of {', '.join(get_args(WordingKind))}, got {self.kind!r}")
        # lists, as JSON has them, become tuples
        object.__setattr__(self, "held_out_phrasings", _known("phrasing", self.held_out_phrasings, PHRASINGS))
        object.__setattr__(self, "held_out_synonyms", _known("synonym", self.held_out_synonyms, SYNONYMS))
        for kind, held_out in (("phrasing", self.held_out_phrasings), ("synonym", self.held_out_synonyms)):
            if self.kind == kind and not held_out:
                raise ConfigurationError(f"a wording of kind {kind!r} that holds out no {kind} has nothing to say")

    def phrase(self, goal: Goal, rng: np.random.Generator) -> str:
        """A sentence for the goal in these words.

        Raises:
            InstructionError: if nothing that is held out can be used for this goal.
        """
        if self.kind == "canonical":
            return render(goal)
        return _draw(goal, rng, _choices(self)).text


@dataclass(frozen=True, slots=True)
class _Choices:
    """What may be used; and of what, if of anything, at least one must be."""

    phrasings: frozenset[str]
    synonyms: frozenset[str]
    required: frozenset[str]


@lru_cache(maxsize=64)
def _choices(wording: Wording) -> _Choices:
    trained_phrasings = frozenset(PHRASINGS) - frozenset(wording.held_out_phrasings)
    trained_synonyms = frozenset(SYNONYMS) - frozenset(wording.held_out_synonyms)
    match wording.kind:
        case "phrasing":
            return _Choices(frozenset(PHRASINGS), trained_synonyms, frozenset(wording.held_out_phrasings))
        case "synonym":
            return _Choices(trained_phrasings, frozenset(SYNONYMS), frozenset(wording.held_out_synonyms))
        case _:
            return _Choices(trained_phrasings, trained_synonyms, frozenset())


def _draw(goal: Goal, rng: np.random.Generator, choices: _Choices) -> Paraphrase:
    """Draw sentences until one is short enough and uses what is required."""
    longest = MAX_CLAUSE_TOKENS * len(clauses(goal))
    for attempt in range(_TRIES):
        if attempt < _UNHURRIED_TRIES:
            chooser = _RandomChooser(rng, choices)
        else:
            chooser = _RandomChooser(rng, choices, variety=0.2 if attempt % 2 else 0.5, favor=0.5)
        words = write(goal, chooser)
        used = (*chooser.phrasings_used, *chooser.synonyms_used)
        if len(words) <= longest and not (choices.required and choices.required.isdisjoint(used)):
            return Paraphrase(join_words(words), tuple(chooser.phrasings_used), tuple(chooser.synonyms_used))
    raise InstructionError(
        f"{render(goal)!r} cannot be said with any of {', '.join(sorted(choices.required))} "
        f"in at most {longest} words; hold out something that this goal can use"
    )


class _RandomChooser:
    """Takes something else than the canonical form with probability ``variety``.

    Before that, with probability ``favor``, it takes something required where it can.
    """

    def __init__(
        self, rng: np.random.Generator, choices: _Choices, *, variety: float = 0.5, favor: float = 0.0
    ) -> None:
        self.rng = rng
        self.choices = choices
        self.variety = variety
        self.favor = favor
        self.phrasings_used: list[str] = []
        self.synonyms_used: list[str] = []

    def phrasing(self, phrasings: Sequence[Phrasing]) -> Phrasing:
        name = self._one((p.name for p in phrasings[1:]), self.choices.phrasings)
        if name is None:
            return phrasings[0]
        self.phrasings_used.append(name)
        return PHRASINGS[name]

    def word(self, word: str) -> str:
        synonym = self._one(synonyms_of(word), self.choices.synonyms)
        if synonym is None:
            return word
        self.synonyms_used.append(synonym)
        return synonym

    def _one(self, names: Iterable[str], allowed: frozenset[str]) -> str | None:
        """One of the names; None for the canonical form."""
        favors = self.favor and self.rng.random() < self.favor
        if not favors and self.rng.random() >= self.variety:
            return None
        possible = [name for name in names if name in allowed]
        if favors:
            possible = [name for name in possible if name in self.choices.required] or possible
        return possible[int(self.rng.random() * len(possible))] if possible else None


def _known(what: str, names: Collection[str], of: Collection[str]) -> tuple[str, ...]:
    for name in names:
        if name not in of:
            close = difflib.get_close_matches(name, of, n=3)
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ConfigurationError(f"there is no {what} {name!r} among the {len(of)} of the language{hint}")
    return tuple(names)
