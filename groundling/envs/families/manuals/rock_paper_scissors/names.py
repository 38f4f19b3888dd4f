"""The words of the game, the token ids that stand for them, and the variants."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Final

from groundling.envs.families.manuals.rtfm.names import FLOOR, MAX_SIZE, RESERVED, SELF, SIZES, WALL
from groundling.language.vocabulary import Vocabulary

MONSTER_WORD, ITEM_WORD, BEATS = "monster", "item", "beats"
LETTERS: Final = tuple(ascii_lowercase)
INSTRUCTION: Final = "defeat the monster"  # of all episodes

# In the vocabulary these come first, floor, wall and self as in RTFM, whose kernels draw rooms.
NAMES: Final = (FLOOR, WALL, SELF, MONSTER_WORD, ITEM_WORD, *LETTERS)
NUM_SYMBOLS: Final = RESERVED + len(NAMES)
MONSTER_ID, ITEM_ID, FIRST_LETTER = (RESERVED + NAMES.index(name) for name in (MONSTER_WORD, ITEM_WORD, LETTERS[0]))
WORDS: Final = Vocabulary.of((*NAMES, BEATS, *INSTRUCTION.split()))
BEATS_ID: Final = WORDS.words.index(BEATS)

STATEMENTS: Final = 3  # of a manual: each letter beats another one
MAX_ABSENT: Final = 3
NUM_SENTENCES: Final = STATEMENTS + MAX_ABSENT  # S
SENTENCE_TOKENS: Final = 3  # L
GOAL_TOKENS: Final = len(INSTRUCTION.split())


@dataclass(frozen=True)
class Variant:
    """One of the rooms.

    Attributes:
        moving: the monster moves.
        size: tiles across, walls included: 6 or 10.
    """

    moving: bool
    size: int

    @property
    def id(self) -> str:
        """The id of its environment."""
        return f"groundling/RockPaperScissors-{'Moving-' * self.moving}{self.size}x{self.size}-v0"


VARIANTS: Final = {v.id: v for v in (Variant(moving, size) for moving in (False, True) for size in SIZES)}

assert max(SIZES) == MAX_SIZE
