"""The words of questions: kinds of rooms and things, colors, and the closed vocabulary of answers."""

from __future__ import annotations

from typing import Final

from groundling.errors import AnswerError
from groundling.language import synonyms
from groundling.language.descriptions import Color

ROOM_KINDS: Final = (
    *("kitchen", "bedroom", "bathroom", "living room", "study", "garage", "dining room", "laundry"),
    "corridor",
)
CONTAINER_KINDS: Final = ("fridge", "cabinet", "wardrobe", "chest")
THING_KINDS: Final = (
    *CONTAINER_KINDS,
    *("sofa", "table", "bed", "sink", "shelf", "lamp", "chair", "plant", "tv", "stove", "desk", "toilet", "bathtub"),
    *("washer", "car", "bicycle", "armchair", "cup", "book", "bottle", "plate", "vase", "clock", "laptop", "toy"),
    *("towel", "box", "ball"),
)
COLORS: Final = tuple(map(str, Color))
MAX_COUNT: Final = 5
YES: Final = "yes"
NO: Final = "no"

_IRREGULAR: Final = {"shelf": "shelves"}


def plural(kind: str) -> str:
    """The plural of a kind: "shelves", "living rooms"."""
    *before, noun = kind.split()
    return " ".join([*before, _IRREGULAR.get(noun) or synonyms.plural(noun)])


def article_of(phrase: str) -> str:
    """The article of a phrase: "an" before a vowel, else "a"."""
    return "an" if phrase[:1] in "aeiou" else "a"


def as_answer(words: str) -> str:
    """Words as one answer: "living room" is "living_room"."""
    return "_".join(words.split())


# Closed: every answer is one class, whatever was asked.
ANSWERS: Final = (
    *(YES, NO),
    *map(str, range(MAX_COUNT + 1)),
    *COLORS,
    *map(as_answer, ROOM_KINDS),
    *map(as_answer, THING_KINDS),
)
_NUMBERS: Final = {answer: number for number, answer in enumerate(ANSWERS)}


def answer_number(answer: str) -> int:
    """The class of an answer.

    Raises:
        AnswerError: if it is none of the closed vocabulary.
    """
    if answer not in _NUMBERS:
        raise AnswerError(
            f"{answer!r} is none of the {len(ANSWERS)} answers: yes, no, 0 to {MAX_COUNT}, a color, or a kind of room "
            "or thing with its words joined by '_'"
        )
    return _NUMBERS[answer]
