"""Sentences: what can be said is read back as what was meant; whatever else is given is read as one thing, or refused.

A fifth each: goals in random words; these after random edits; the same of questions; and texts of any kind, from ten
thousand words to no text at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from reliability_kinds import Grade, Kind, Outcome, within

from groundling.errors import GroundlingError, InstructionError
from groundling.language import (
    VOCABULARY,
    After,
    And,
    Color,
    Goal,
    GoTo,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNextTo,
    Size,
    Then,
    paraphrase,
    parse,
    render,
)
from groundling.language.questions import wording
from groundling.language.questions.forms import FORMS
from groundling.language.questions.programs import Rooms, Things, filled
from groundling.language.questions.words import COLORS, CONTAINER_KINDS, ROOM_KINDS, THING_KINDS

TRIALS: Final = 15_000
LONGEST_S: Final = 10
STRANGE: Final = (
    *("", " ", "\0", "\n", ".", "?", ",,,", "go", "the", "\u202ego to the red ball", "go to the red ball\ud83d"),
    *("GO TO THE RED BALL!!!", "go\tto\nthe red ball", "go to the réd ball", "%s %d {0} {}", "<pad>", "<unk>"),
    *(None, 3, 2.5, b"go to the red ball", ["go to the red ball"], {"a": 1}, object(), ("go",)),
    *(np.str_("go to a door"), "\u0661\u0662", "go to the red ball " * 500, "both " * 2000, "next to a ball " * 300),
    *("and go to a ball " * 2000, "x" * 1_000_000, "go to a ball and " * 2000 + "go to a ball"),
    *("after you " * 50, "go to the ball" + " next to the ball" * 40, "pick up a ball" + ", then open a door" * 200),
)


def any_of(rng: np.random.Generator, values: Any) -> Any:
    """One of them."""
    return values[rng.integers(len(values))]


def random_goal(rng: np.random.Generator) -> Goal:
    """Any goal; impossible ones are drawn again."""

    def description(depth: int = 0) -> ObjectDescription:
        has_neighbor = depth == 0 and rng.random() < 0.15
        return ObjectDescription(
            any_of(rng, [None, *ObjectType]),
            any_of(rng, [None, *Color]),
            any_of(rng, [None, None, *Location]),
            bool(rng.integers(2)),
            any_of(rng, [None, None, None, *Size]),
            both=rng.random() < 0.1,
            negated=rng.random() < 0.15,
            relation=NextTo(description(1)) if has_neighbor else None,
        )

    def clause() -> Any:
        verb = any_of(rng, [GoTo, PickUp, PutNextTo, Open])
        if verb is Open:
            return Open(ObjectDescription(ObjectType.DOOR, any_of(rng, [None, *Color])))
        return PutNextTo(description(), description()) if verb is PutNextTo else verb(description())

    def step() -> Any:
        return clause() if rng.random() < 0.6 else And((clause(), clause()))

    while True:
        try:
            kind = rng.integers(4)
            return step() if kind < 2 else Then((step(), step())) if kind == 2 else After(step(), step())
        except GroundlingError:
            continue


def random_program(rng: np.random.Generator) -> Any:
    """A program of any form of question."""
    form = any_of(rng, FORMS)
    parts: dict[str, Any] = {}
    for name, kind in form.slots:
        if kind == "room":
            parts[name] = Rooms(str(any_of(rng, ROOM_KINDS)))
        else:
            color = str(any_of(rng, COLORS)) if kind == "thing" and rng.random() < 0.5 else ""
            parts[name] = Things(str(any_of(rng, CONTAINER_KINDS if kind == "container" else THING_KINDS)), color)
    return filled(form.pattern, form.parts, parts)


def edited(text: str, rng: np.random.Generator) -> str:
    """The text after one to three edits of its words or letters."""
    words = text.split()
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(words))) if words else 0
        match rng.integers(6):
            case 0 if words:
                del words[place]
            case 1 if words:
                words.insert(place, words[place])
            case 2:
                words.insert(place, str(any_of(rng, VOCABULARY.words)))
            case 3 if len(words) > 1:
                other = int(rng.integers(len(words)))
                words[place], words[other] = words[other], words[place]
            case 4 if words:
                letters = list(words[place])
                letters[int(rng.integers(len(letters)))] = chr(int(rng.integers(32, 0x2FFF)))
                words[place] = "".join(letters)
            case _:
                words = words[: place + 1]
    return " ".join(words)


def read_back(text: Any, meant: Any, read: Callable[[Any], Any], write: Callable[[Any], str]) -> Outcome:
    """Read a sentence that may be none.

    Args:
        text: the sentence.
        meant: what it means; None: whatever it may.
        read: gives its meaning.
        write: gives a meaning's sentence.
    """
    try:
        found = read(text)
    except InstructionError as error:
        if meant is not None:
            return Outcome(Grade.WRONG_RESULT, f"{text!r} is refused: {' '.join(str(error).split())[:80]}")
        line = " ".join(str(error).split())
        if len(line) > 2000:
            return Outcome(Grade.WRONG_ERROR, f"{str(text)[:60]!r} is refused with {len(line)} letters")
        return Outcome(Grade.REFUSED, "refused by an InstructionError")
    if meant is not None and found != meant:
        return Outcome(Grade.WRONG_RESULT, f"{text!r} is read as {found}")
    again = read(write(found))
    if again != found:
        return Outcome(Grade.WRONG_RESULT, f"{text!r} is read as {found}, which is written {write(found)!r}")
    return Outcome(Grade.UNCHANGED, "read as what was meant")


def encoded(text: Any) -> Outcome:
    """Token ids of whatever was given."""
    try:
        ids = VOCABULARY.encode(text, length=24)
    except InstructionError:
        return Outcome(Grade.REFUSED, "refused by an InstructionError")
    if len(ids) != 24 or ids.min() < 0 or ids.max() >= len(VOCABULARY):
        return Outcome(Grade.WRONG_RESULT, f"{text!r} has the ids {ids}")
    return Outcome(Grade.UNCHANGED, "token ids of its words")


def one_trial(number: int, rng: np.random.Generator) -> Outcome:
    """One sentence of the kind that is due."""
    kind = number % 5
    if kind == 4:
        text = any_of(rng, STRANGE)
        read = any_of(rng, [lambda t: read_back(t, None, parse, render), encoded, read_question])
        return read(text)
    if kind < 2:
        goal = random_goal(rng)
        said = paraphrase(goal, rng).text
        if kind == 0:
            return max(read_back(said, goal, parse, render), encoded_or_long(said))
        wrong = edited(said, rng)
        return max(read_back(wrong, None, parse, render), encoded(wrong))
    program = random_program(rng)
    asked = str(any_of(rng, wording.wordings_of(program, held_out=bool(rng.integers(2)))))
    return read_question(asked, program) if kind == 2 else read_question(edited(asked, rng))


def encoded_or_long(text: str) -> Outcome:
    """Token ids of a sentence of the language: only its length may be too much."""
    ids = VOCABULARY.encode(text)
    if (ids == 1).any():
        return Outcome(Grade.WRONG_RESULT, f"{text!r} has a word without an id")
    return Outcome(Grade.UNCHANGED, "token ids of its words")


def read_question(text: Any, meant: Any = None) -> Outcome:
    """Read a question back as its program."""
    return read_back(text, meant, lambda asked: wording.parse(asked).program, wording.render)


def try_sentences(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """See the module."""
    rng = np.random.default_rng(seed)
    for number in range(trials):
        yield within(LONGEST_S, partial(one_trial, number, rng))


KINDS = (Kind("sentences", "sentences in random words, edited, or no sentences at all", TRIALS, try_sentences),)
