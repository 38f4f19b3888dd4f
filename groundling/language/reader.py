"""The reader: matches a sentence against the templates, canonical and paraphrased alike, and builds its goals.

It is a recursive descent that follows every possibility and remembers what it has read where; a second reading of a
sentence that is refused collects what would have been possible at the furthest word reached.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from groundling.errors import InstructionError
from groundling.language.goals import And, Goal, Location, ObjectDescription, Size, Then
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.phrasings import all_words
from groundling.language.quoting import LONGEST, marked, quoted
from groundling.language.reader_forms import (
    COLORS,
    FINAL_MARKS,
    PHRASE_SLOTS,
    READ_AS,
    SENTENCE_FORMS,
    TYPES,
    Form,
    Forms,
)
from groundling.language.synonyms import plural
from groundling.language.templates import Phrasing, Request, Slot
from groundling.language.vocabulary import split_words

# What each slot that holds a single word reads.
_WORD_SLOTS: dict[str, Mapping[str, Any]] = {
    "definite": {"the": True, "a": False},
    "type": TYPES,
    "types": {plural(noun): type_ for noun, type_ in TYPES.items()},
    "size": {size.value: size for size in Size},
    **dict.fromkeys(("color", "key", "room", "door"), COLORS),
}
_OPTIONAL_SLOTS = ("size", "color", "location", "relation")

_TOKEN = re.compile(r"[^\s,.;!?]+|[,.;!?]")  # as split_words splits, but with places
_WORDS = frozenset(all_words())


def read(text: str, lexicon: Lexicon = PLAIN) -> Goal:
    """The goal of a sentence.

    Args:
        text: the sentence.
        lexicon: words of a task's own that it may have.

    Raises:
        InstructionError: if no template fits; the message points at the word.
    """
    words = _spoken_words(text)
    try:
        goals = _Reader(words, lexicon).goals()
        if goals:
            return goals[0]
        second = _Reader(words, lexicon, explains=True)
        second.goals()
    except RecursionError:
        raise InstructionError(f"{quoted(text)} has {len(words):,} words, more than can be read as one") from None
    raise second.error(text)


def readings(text: str, lexicon: Lexicon = PLAIN) -> list[Goal]:
    """Every goal that a sentence can be read as, each once: one if it belongs to the language, else none."""
    return list(dict.fromkeys(_Reader(_spoken_words(text), lexicon).goals()))


def _spoken_words(text: str) -> list[str]:
    words = split_words(text)
    while words and words[-1] in FINAL_MARKS:
        words.pop()
    return words


@lru_cache(maxsize=64)
def _word_slots(lexicon: Lexicon) -> dict[str, Mapping[str, Any]]:
    """What each slot that holds a single word reads, a task's own words included."""
    slots = dict(_WORD_SLOTS)
    slots["type"] = {**slots["type"], **{str(own): own for own in lexicon.types}}
    slots["types"] = {**slots["types"], **{plural(own): own for own in lexicon.types}}
    slots["color"] = {**slots["color"], **{str(own): own for own in lexicon.colors}}
    return slots


@lru_cache(maxsize=64)
def _own_relations(lexicon: Lexicon) -> tuple[tuple[str, list[str]], ...]:
    """A task's own relations, and the words by which each is read."""
    return tuple((words, [READ_AS.get(word, word) for word in split_words(words)]) for words in lexicon.relations)


class _Reader:
    """What has been read of one sentence so far.

    Attributes:
        words: the sentence's words as the templates write them, then an empty one.
        lexicon: words of a task's own.
        explains: try every template and keep what was expected at the furthest word; otherwise templates of which a
            word is missing in the sentence are not tried.
    """

    def __init__(self, words: list[str], lexicon: Lexicon, *, explains: bool = False) -> None:
        self.words = [*(READ_AS.get(word, word) for word in words), ""]
        self.lexicon = lexicon
        self.explains = explains
        self._word_slots = _word_slots(lexicon)
        self._present = frozenset(self.words)
        self._done: dict[tuple[int, int], list[tuple[Any, int]]] = {}
        self._furthest = 0
        self._expected: dict[str, bool] = {}  # at the furthest word: what, and whether canonically
        self._refusal: tuple[int, InstructionError] | None = None

    def goals(self) -> list[Goal]:
        """Every reading of the whole sentence."""
        end = len(self.words) - 1
        sentences = self._phrases(SENTENCE_FORMS, 0)
        for _, stop in sentences:
            self._expect(["the end of the sentence"], stop, True)
        return [goal for goal, stop in sentences if stop == end]

    def _phrases(self, forms: Forms, start: int) -> list[tuple[Any, int]]:
        """What these forms read from the word ``start`` on, each with the word after it."""
        key = (id(forms), start)
        if key not in self._done:
            self._done[key] = found = []
            for form in self._possible(forms, start):
                for values, stop in self._matches(form, start):
                    try:
                        found.append((_build(form.phrasing, values), stop))
                    except InstructionError as error:
                        if self._refusal is None or stop > self._refusal[0]:
                            self._refusal = (stop, error)
        return self._done[key]

    def _possible(self, forms: Forms, start: int) -> Iterable[Form]:
        if self.explains:
            return forms.all
        begin = forms.by_first_word.get(self.words[start], forms.by_slot)
        return [form for form in begin if form.words <= self._present]

    def _matches(self, form: Form, start: int) -> list[tuple[_Values, int]]:
        """The values of a form's slots and the word after it, for every way in which it matches at ``start``."""
        states: list[tuple[_Values, int]] = [((), start)]
        for element in form.elements:
            following: list[tuple[_Values, int]] = []
            for values, place in states:
                if isinstance(element, Slot):
                    for value, stop in self._slot(element, place, form.is_canonical):
                        following.append(((*values, (element.name, value)), stop))
                elif self.words[place] == element:
                    following.append((values, place + 1))
                elif element == ",":  # may be left out
                    following.append((values, place))
                elif self.explains:
                    self._expect([repr(element)], place, form.is_canonical)
            states = following
            if not states:
                break
        return states

    def _slot(self, slot: Slot, place: int, is_canonical: bool) -> list[tuple[Any, int]]:
        """What a slot reads at a word."""
        meanings = self._word_slots.get(slot.name)
        if slot.name == "place":
            return self._relations(place, is_canonical)
        if meanings is None:
            found = self._phrases(PHRASE_SLOTS[slot.name], place)
            if slot.name == "relation":
                found = [*found, *self._relations(place, is_canonical)]
        elif self.words[place] in meanings:
            found = [(meanings[self.words[place]], place + 1)]
        else:
            found = []
        if slot.name in _OPTIONAL_SLOTS and not slot.required:
            return [*found, (None, place)]
        if not found and meanings is not None:
            self._expect(map(repr, meanings), place, is_canonical)
        return found

    def _relations(self, place: int, is_canonical: bool) -> list[tuple[str, int]]:
        """The task's own relations that stand at a word."""
        found = []
        for words, spoken in _own_relations(self.lexicon):
            said = 0
            while said < len(spoken) and self.words[place + said] == spoken[said]:
                said += 1
            if said == len(spoken):
                found.append((words, place + said))
            else:
                self._expect([repr(" ".join(spoken[said:]))], place + said, is_canonical)
        return found

    def _expect(self, what: Iterable[str], place: int, is_canonical: bool) -> None:
        if place > self._furthest:
            self._furthest, self._expected = place, {}
        if place == self._furthest:
            self._expected.update({one: is_canonical or self._expected.get(one, False) for one in what})

    def error(self, text: str) -> InstructionError:
        """Why the sentence is refused."""
        if self._refusal is not None and self._refusal[0] >= self._furthest:
            return InstructionError(f"{self._refusal[1]}: {quoted(text)}")
        text = " ".join(text.split())
        starts = [match.start() for match in _TOKEN.finditer(text)]
        at_end = self._furthest >= len(starts)
        column = len(text) + bool(text) if at_end else starts[self._furthest]
        expected = [what for what, is_canonical in self._expected.items() if is_canonical] or [*self._expected]
        either = " or ".join(filter(None, (", ".join(expected[:-1]), expected[-1])))
        message = f"cannot read this instruction: expected {either} at the mark"
        if not at_end:
            word = split_words(text)[self._furthest]
            known = _WORDS.union(self.lexicon.vocabulary.words)
            if word not in known:
                close = [] if len(word) > LONGEST else difflib.get_close_matches(word, known, n=3)
                hint = f", did you mean {' or '.join(map(repr, close))}?" if close else ""
                message += f"; {quoted(word)} is not a word of the language{hint}"
        return InstructionError(
            f"{message}\n{marked(text, column)}\n"
            "An instruction is clauses such as 'go to the red ball', joined by 'and', ', then' or 'after you'."
        )


_Values = tuple[tuple[str, Any], ...]  # slots and what they hold


def _build(phrasing: Phrasing, values: _Values) -> Any:
    """The part of a goal that a phrasing writes, from what its slots hold."""
    of = phrasing.of
    if isinstance(of, Location):
        return of
    if of is Request:
        return values[0][1]
    if of is And or of is Then:
        return of(tuple(value for _, value in values))
    if of is ObjectDescription:
        held = {**phrasing.fixed, **dict(values)}
        if "excluded" in held:
            return _negate(held["excluded"])
        if "types" in held:
            held["type"] = held.pop("types")
        return ObjectDescription(**held)
    return of(**dict(values))


def _negate(description: ObjectDescription) -> ObjectDescription:
    if description.negated:
        raise InstructionError("a negation cannot be negated")
    return replace(description, negated=True)
