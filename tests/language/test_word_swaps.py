"""Swaps of words: every one asks for something else, and none is missing."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language.goal_parts import without_determiners
from groundling.language.grammar import parse
from groundling.language.vocabulary import VOCABULARY, Vocabulary
from groundling.language.word_swaps import WordSwaps


def swapped(text: str, used: str | None = None, length: int = 12) -> list[str]:
    ids = None if used is None else VOCABULARY.encode(used).tolist()
    rows = WordSwaps(VOCABULARY, ids).of(VOCABULARY.encode(text, length=length))
    assert rows.shape == (len(rows), length)
    return [VOCABULARY.decode(row) for row in rows]


def test_color_type_and_verb_are_swapped_one_at_a_time_by_what_is_in_use() -> None:
    used = "go to the red ball pick up blue key sphere scarlet"
    assert set(swapped("go to the red ball", used)) == {
        "go to the blue ball",
        "go to the red key",
        "pick up the red ball",
    }
    assert set(swapped("open the red door", "open red green door go to")) == {
        "open the green door",
        "go to the red door",
    }
    assert set(swapped("put the red ball next to the blue box", "red blue ball box")) == {
        "put the blue ball next to the blue box",
        "put the red box next to the blue box",
        "put the red ball next to the red box",
        "put the red ball next to the blue ball",
    }


@pytest.mark.parametrize("text", ["go to the scarlet sphere", "pick up a grey key", "open the blue gate"])
def test_every_swap_that_can_be_read_asks_for_something_else(text: str) -> None:
    """A synonym is no swap."""
    meaning, read = without_determiners(parse(text)), 0
    for other in swapped(text):
        try:
            assert without_determiners(parse(other)) != meaning, other
            read += 1
        except InstructionError:  # a box that is to be opened
            continue
    assert read > 20


def test_swap_of_a_verb_that_would_be_too_long_is_left_out() -> None:
    assert swapped("open the red door", "open red door go to", length=4) == []
    assert swapped("open the red door", "open red door go to", length=5) == ["go to the red door"]


def test_sentence_of_other_words_has_no_swaps() -> None:
    vocabulary = Vocabulary.of(["walk", "left", "right"])
    assert WordSwaps(vocabulary).of(vocabulary.encode("walk left")).shape == (0, 2)
    assert WordSwaps(VOCABULARY).of(np.zeros(5, dtype=np.int64)).shape == (0, 5)
