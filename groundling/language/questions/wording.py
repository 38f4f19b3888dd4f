"""Questions as sentences: ``render`` writes a program in one of its wordings, ``parse`` reads any of them back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from groundling.errors import QuestionError
from groundling.language.questions.forms import FORMS, Form, template_words
from groundling.language.questions.programs import Part, Program, Rooms, Things, filled, match
from groundling.language.questions.words import COLORS, CONTAINER_KINDS, ROOM_KINDS, THING_KINDS, article_of, plural
from groundling.language.quoting import LONGEST, check_text, marked, quoted
from groundling.language.vocabulary import Vocabulary, split_words

QUESTION_LENGTH: Final = 40  # tokens of a question, padding included

_SLOT = re.compile(r"\{(the|a|many):(\w+)\}")
_TOKEN = re.compile(r"[^\s,.;!?]+|[,.;!?]")  # as split_words splits, but with places
_FINAL_MARKS = (".", "?", "!")


def _all_words() -> Iterator[str]:
    yield from template_words()
    for kind in (*ROOM_KINDS, *THING_KINDS):
        yield from (*kind.split(), *plural(kind).split())
    yield from COLORS


QUESTION_VOCABULARY: Final = Vocabulary.of(_all_words())


@dataclass(frozen=True)
class Question:
    """A program and the form that it is of.

    Attributes:
        program: what is asked.
        form: its form.
        parts: what stands in the form's slots.
    """

    program: Program
    form: Form
    parts: dict[str, Part]

    @property
    def type(self) -> str:
        """Its type, "color_room"."""
        return self.form.type


def question_of(program: Program) -> Question:
    """The form of a program.

    Raises:
        QuestionError: if it is of none.
    """
    for form in FORMS:
        parts = match(form.pattern, program, form.parts)
        if parts is not None and all(_is_of(kind, parts[name]) for name, kind in form.slots):
            return Question(program, form, parts)
    raise QuestionError(f"no form of question asks {program}: see groundling.language.questions.forms")


def _is_of(kind: str, part: Part) -> bool:
    if isinstance(part, Rooms):
        return kind == "room" and part.kind in ROOM_KINDS
    if kind == "container":
        return part.kind in CONTAINER_KINDS
    has_color = part.color != ""
    return part.kind in THING_KINDS and (not has_color or (kind == "thing" and part.color in COLORS))


def wordings_of(program: Program, *, held_out: bool = False) -> tuple[str, ...]:
    """Every sentence that asks a program: those that training may use, or those that it never does.

    Raises:
        QuestionError: if no form asks it.
    """
    question = question_of(program)
    templates = question.form.held_out if held_out else question.form.wordings
    return tuple(_written(template, question.parts) for template in templates)


def render(program: Program) -> str:
    """The canonical sentence of a program; errors as :func:`wordings_of`'s."""
    return wordings_of(program)[0]


def _written(template: str, parts: dict[str, Part]) -> str:
    def phrase(found: re.Match[str]) -> str:
        determiner, part = found[1], parts[found[2]]
        if determiner == "many":
            color = part.color if isinstance(part, Things) else ""
            return " ".join(filter(None, (color, plural(part.kind))))
        return f"{article_of(str(part)) if determiner == 'a' else determiner} {part}"

    return re.sub(r"\s+([,.?])", r"\1", _SLOT.sub(phrase, template))


def parse(text: str) -> Question:
    """Read a question in any of its wordings; case, extra spaces and the mark at the end do not matter.

    Raises:
        QuestionError: if it is none; the message points at the word where reading stopped.
        InstructionError: if it is no text.
    """
    return _parse(check_text(text))


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Question:
    words = split_words(text)
    if words and words[-1] in _FINAL_MARKS:
        words.pop()
    reader = _Reader(tuple(words))
    for form in FORMS:
        for template in (*form.wordings, *form.held_out):
            for values in reader.read(_elements(template), form):
                return Question(filled(form.pattern, form.parts, values), form, values)
    raise reader.error(text)


@cache
def _elements(template: str) -> tuple[str | tuple[str, str], ...]:
    """The words of a template, and (determiner, slot) where a slot is; without the mark at the end."""
    found: list[str | tuple[str, str]] = []
    for word in template.split()[:-1]:
        slot = _SLOT.fullmatch(word)
        found.append((slot[1], slot[2]) if slot else word)
    return tuple(found)


@cache
def _kinds(kind: str, in_plural: bool) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The words of every kind that a slot may hold, the longest first."""
    kinds = {"room": ROOM_KINDS, "container": CONTAINER_KINDS}.get(kind, THING_KINDS)
    spoken = [(tuple((plural(one) if in_plural else one).split()), one) for one in kinds]
    return tuple(sorted(spoken, key=lambda pair: -len(pair[0])))


class _Reader:
    """Matches the words of a question against templates, and notes how far any of them was matched."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self._furthest = 0
        self._expected: dict[str, None] = {}

    def read(self, elements: tuple[str | tuple[str, str], ...], form: Form) -> list[dict[str, Part]]:
        """What the slots of a template hold; nothing if the words are not of it."""
        states: list[tuple[dict[str, Part], int]] = [({}, 0)]
        kinds = dict(form.slots)
        for element in elements:
            following: list[tuple[dict[str, Part], int]] = []
            for values, place in states:
                if isinstance(element, str):
                    if self._word(place) == element:
                        following.append((values, place + 1))
                    else:
                        self._expect(place, repr(element))
                    continue
                determiner, name = element
                for part, stop in self._part(determiner, kinds[name], place):
                    if values.get(name, part) == part:
                        following.append(({**values, name: part}, stop))
            states = following
        whole = [values for values, place in states if place == len(self.words)]
        if not whole:
            for _, place in states:
                self._expect(place, "the end")
        return whole

    def _word(self, place: int) -> str:
        return self.words[place] if place < len(self.words) else ""

    def _part(self, determiner: str, kind: str, place: int) -> Iterator[tuple[Part, int]]:
        """What a slot may read at a word."""
        accepted = {"the": ("the",), "a": ("a", "an"), "many": ()}[determiner]
        if accepted:
            if self._word(place) not in accepted:
                self._expect(place, repr(accepted[0]))
                return
            place += 1
        color = ""
        if kind == "thing" and self._word(place) in COLORS:
            color, place = self._word(place), place + 1
        is_found = False
        for spoken, one in _kinds(kind, determiner == "many"):
            if self.words[place : place + len(spoken)] == spoken:
                is_found = True
                yield (Rooms(one) if kind == "room" else Things(one, color)), place + len(spoken)
        if not is_found:
            self._expect(place, {"room": "a kind of room", "container": "a container"}.get(kind, "a kind of thing"))

    def _expect(self, place: int, what: str) -> None:
        if place > self._furthest:
            self._furthest, self._expected = place, {}
        if place == self._furthest:
            self._expected[what] = None

    def error(self, text: str) -> QuestionError:
        """Why the text is refused."""
        text = " ".join(text.split())
        starts = [found.start() for found in _TOKEN.finditer(text)]
        at_end = self._furthest >= len(starts)
        column = len(text) + bool(text) if at_end else starts[self._furthest]
        message = f"cannot read this question: expected {_either(self._expected)} at the mark"
        if not at_end:
            word = split_words(text)[self._furthest]
            if word not in QUESTION_VOCABULARY:
                far = len(word) > LONGEST
                close = [] if far else difflib.get_close_matches(word, QUESTION_VOCABULARY.words[2:], n=3)
                hint = f", did you mean {' or '.join(map(repr, close))}?" if close else ""
                message += f"; {quoted(word)} is not a word of questions{hint}"
        return QuestionError(f"{message}\n{marked(text, column)}")


def _either(expected: Iterable[str]) -> str:
    *before, last = expected or ["a question"]
    return " or ".join(filter(None, (", ".join(before), last)))
