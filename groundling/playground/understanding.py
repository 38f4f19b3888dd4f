"""Words that nobody here knows, and the known ones that are most like them."""

from __future__ import annotations

import difflib
from typing import Final

from groundling.envs.families.goals import GoalFamily
from groundling.language.phrasings import all_words
from groundling.language.vocabulary import split_words
from groundling.playground.worlds import World

MOST_CLOSE: Final = 3
MOST_WORDS: Final = 12
LONGEST: Final = 40


def alternatives(world: World, text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The words of a sentence that are unknown in a world, each with the nearest known ones."""
    known = dict.fromkeys(world.spec.vocabulary.words[2:])
    if isinstance(world.family, GoalFamily):  # other ways of saying the same are read as well
        known |= dict.fromkeys(all_words())
    found: list[tuple[str, tuple[str, ...]]] = []
    for word in dict.fromkeys(split_words(text)):
        if word not in known and len(found) < MOST_WORDS:
            close = difflib.get_close_matches(word, known, n=MOST_CLOSE) if len(word) <= LONGEST else []
            found.append((word, tuple(close)))
    return found
