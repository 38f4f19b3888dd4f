"""Phrasings prepared for reading: which templates each slot may hold, found by their first words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, get_args

from groundling.language.goals import (
    MAX_CLAUSES,
    After,
    And,
    Clause,
    Color,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Then,
)
from groundling.language.phrasings import CANONICAL, PHRASINGS
from groundling.language.synonyms import OBJECT, SYNONYMS, plural
from groundling.language.templates import REPEATED_SLOTS, Phrasing, Request, Slot, Word

TYPES: dict[str, ObjectType | None] = {**{type_.value: type_ for type_ in ObjectType}, OBJECT: None}
COLORS: dict[str, Color] = {color.value: color for color in Color}


# Other spellings of a word are read as the word itself: synonyms in both numbers, "an", "are".
READ_AS: dict[str, str] = {
    **SYNONYMS,
    **{plural(synonym): plural(word) for synonym, word in SYNONYMS.items() if word in TYPES},
    "an": "a",
    "are": "is",
}


FINAL_MARKS = (".", "!", "?")


class Form(NamedTuple):
    """A phrasing prepared for matching."""

    phrasing: Phrasing
    elements: tuple[str | Slot, ...]
    words: frozenset[str]  # without which it cannot match
    is_canonical: bool


class Forms(NamedTuple):
    """The forms between which there is a choice at some place, and those of them that a first word leaves."""

    all: tuple[Form, ...]
    by_first_word: dict[str, list[Form]]
    by_slot: list[Form]  # that begin with a slot, whatever the word


def forms_of(phrasings: Iterable[Phrasing]) -> Forms:
    """Prepare phrasings; one that joins parts becomes a form for every number of parts."""
    forms = []
    for phrasing in phrasings:
        repeats = any(slot in REPEATED_SLOTS for slot in phrasing.slots)
        for parts in ((2,) if phrasing.two_only else range(2, MAX_CLAUSES + 1)) if repeats else (1,):
            elements = tuple(
                READ_AS.get(e.text.lower(), e.text.lower()) if isinstance(e, Word) else e
                for e in phrasing.elements_for(parts)
                if not (isinstance(e, Word) and e.text in FINAL_MARKS)
            )
            words = frozenset(e for e in elements if isinstance(e, str) and e != ",")
            forms.append(Form(phrasing, elements, words, phrasing in CANONICAL))
    by_slot = [form for form in forms if isinstance(form.elements[0], Slot)]
    first_words = {form.elements[0] for form in forms if isinstance(form.elements[0], str)}
    by_first_word = {
        word: [form for form in forms if isinstance(form.elements[0], Slot) or form.elements[0] == word]
        for word in first_words
    }
    return Forms(tuple(forms), by_first_word, by_slot)


_ALL = (*CANONICAL, *PHRASINGS.values())
_CLAUSES = tuple(p for p in _ALL if p.of in get_args(Clause))
_ANDS = tuple(p for p in _ALL if p.of is And)
_JOINED = tuple(p for p in _ALL if p.of in (Then, After))
_ANY_GOAL = (*_CLAUSES, *_ANDS, *_JOINED)


# What each slot that holds a phrase reads.
CLAUSE_FORMS = forms_of(p for p in _CLAUSES if p.bare)
STEP_FORMS = forms_of(p for p in (*_CLAUSES, *_ANDS) if p.bare)
DESCRIPTION_FORMS = forms_of(p for p in _ALL if p.of is ObjectDescription)
SENTENCE_FORMS = forms_of(p for p in _ALL if p.of is Request)
PHRASE_SLOTS: dict[str, Forms] = {
    "goal": forms_of(_ANY_GOAL),
    "request": forms_of(p for p in _ANY_GOAL if p.bare),
    "clause": CLAUSE_FORMS,
    **dict.fromkeys(("step", "first", "last"), STEP_FORMS),
    **dict.fromkeys(("target", "moved", "fixed", "excluded", "neighbor"), DESCRIPTION_FORMS),
    "location": forms_of(p for p in _ALL if isinstance(p.of, Location)),
    "relation": forms_of(p for p in _ALL if p.of is NextTo),
}
