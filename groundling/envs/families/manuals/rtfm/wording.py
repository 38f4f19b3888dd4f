"""The sentences of manuals and goals, as words with slots, and as the tables of token ids that kernels write from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.rtfm.names import ELEMENTS, KINDS, MODIFIERS, NAMES, TEAMS
from groundling.errors import InstructionError
from groundling.language.vocabulary import Vocabulary, split_words

# Form 0 is that of the variants without natural language. Natural language trains on TRAINED forms; the others test.
BEATS: Final = (
    "{modifiers} things defeat {element} monsters",
    "{modifiers} weapons are what beats {element}",
    "{modifiers} tools win against anything {element}",
    "{modifiers} items should be used against {element} creatures",
    "{modifiers} gear harms whatever is {element}",
    "{modifiers} arms will bring down {element} foes",
    "{modifiers} equipment is deadly for {element} beings",
    "{modifiers} objects get the better of {element} opponents",
    "{element} monsters are defeated by {modifiers} things",
    "{element} enemies fall to {modifiers} weapons",
    "to kill something {element} take {modifiers} items",
    "against {element} beasts you need {modifiers} gear",
    "{modifiers} weapons beat {element} opponents",
    "use {modifiers} things against {element} foes",
    "{element} beings lose to {modifiers} gear",
    "anything {element} is harmed by {modifiers} items",
)
BELONGS: Final = (
    "{kinds} will fight for the {team}",
    "the {team} is made up of {kinds}",
    "{kinds} can be found in the {team}",
    "the {team} has {kinds} on its side",
    "{kinds} must obey the {team}",
    "those who serve the {team} include {kinds}",
    "{kinds} would die for the {team}",
    "you meet {kinds} in the {team}",
    "the ranks of the {team} hold {kinds}",
    "{kinds} did join the {team}",
    "{kinds} can be seen on the side of the {team}",
    "the {team} can include {kinds}",
    "{kinds} will serve in the ranks of the {team}",
    "in the {team} you can meet {kinds}",
)
GOALS: Final = (
    "defeat the {team}",
    "kill a member of the {team}",
    "bring down the {team}",
    "the {team} must fall",
    "go and fight the {team}",
    "your enemy is the {team}",
    "win against the {team}",
    "get rid of the {team}",
    "find the monster of the {team} and kill it",
    "make the {team} lose",
    "you must defeat the {team}",
    "kill the monster of the {team}",
    "go and bring down the {team}",
    "the enemy is the {team}",
)
TRAINED: Final = (12, 10, 10)  # of BEATS, BELONGS, GOALS
ABSENT: Final = (  # true, and of no use: nothing of which they tell is in any room
    "silver weapons beat stone golems",
    "wooden things defeat water spirits",
    "iron gear harms whatever is hollow",
    "old vampires are defeated by golden things",
    "glass tools win against anything made of clay",
    "dragons will fight for the mountain king",
    "trolls can be found in the river guild",
    "the desert tribe is made up of scorpions",
    "giants must obey the northern queen",
    "the ranks of the sea folk hold mermaids",
    "bakers sell bread in the village",
    "the ferry to the island leaves at noon",
)

STATEMENTS: Final = len(ELEMENTS) + len(TEAMS)  # of a manual, all needed to know all rules
MAX_ABSENT: Final = 3
NUM_SENTENCES: Final = STATEMENTS + MAX_ABSENT  # S
SENTENCE_TOKENS: Final = 18  # L
GOAL_TOKENS: Final = 12
FORM_TOKENS: Final = 12  # columns of a form
COMMA, AND = ",", "and"
ELEMENT_SLOT, MODIFIERS_SLOT, KINDS_SLOT, TEAM_SLOT = -1, -2, -3, -4  # in a form, in place of token ids
SLOTS: Final = {
    "{element}": ELEMENT_SLOT,
    "{modifiers}": MODIFIERS_SLOT,
    "{kinds}": KINDS_SLOT,
    "{team}": TEAM_SLOT,
}


class Tables(NamedTuple):
    """The forms as token ids, slots negative, padded with zeros; and what fills the slots of a team."""

    beats: NDArray[np.int32]  # [F, FORM_TOKENS]
    belongs: NDArray[np.int32]  # [F, FORM_TOKENS]
    goals: NDArray[np.int32]  # [F, FORM_TOKENS]
    absent: NDArray[np.int32]  # [F, FORM_TOKENS]
    teams: NDArray[np.int32]  # [teams, 4]
    marks: NDArray[np.int32]  # [2] comma, and


class Wording(NamedTuple):
    """How the sentences of episodes are worded.

    Attributes:
        first_form: of each of BEATS, BELONGS, GOALS, the first that is drawn.
        num_forms: and how many are.
        shuffled: whether the sentences of a manual come in any order.
        absent: how many true sentences about absent things are added.
    """

    first_form: tuple[int, int, int]
    num_forms: tuple[int, int, int]
    shuffled: bool
    absent: int = 0


FIXED: Final = Wording((0, 0, 0), (1, 1, 1), shuffled=False)
NATURAL: Final = Wording((0, 0, 0), TRAINED, shuffled=True)
UNHEARD: Final = Wording(
    TRAINED, (len(BEATS) - TRAINED[0], len(BELONGS) - TRAINED[1], len(GOALS) - TRAINED[2]), shuffled=True
)


def _words() -> Iterator[str]:
    yield from NAMES
    for sentence in (*TEAMS, COMMA, AND, *BEATS, *BELONGS, *GOALS, *ABSENT):
        yield from (word for word in split_words(sentence) if word not in SLOTS)


WORDS: Final = Vocabulary.of(_words())


def _form(sentence: str) -> list[int]:
    """A sentence as token ids and slots."""
    return [SLOTS[w] if w in SLOTS else int(WORDS.encode(w)[0]) for w in split_words(sentence)]


def _table(sentences: Sequence[str], columns: int) -> NDArray[np.int32]:
    table = np.zeros((len(sentences), columns), dtype=np.int32)
    for row, sentence in zip(table, sentences, strict=True):
        ids = _form(sentence)
        row[: len(ids)] = ids
    return table


def longest(sentence: str) -> int:
    """The tokens of a form when its slots are filled with as many words as any variant has."""
    listed = {MODIFIERS_SLOT: len(MODIFIERS) // len(ELEMENTS), KINDS_SLOT: len(KINDS) // len(TEAMS)}
    team = max(len(split_words(name)) for name in TEAMS)
    return sum(team if part == TEAM_SLOT else 2 * listed[part] - 1 if part in listed else 1 for part in _form(sentence))


def check_lengths(sentences: Sequence[str], length: int) -> None:
    """Refuse sentences that would not fit: manuals are never cut off.

    Raises:
        InstructionError: naming the first.
    """
    for sentence in sentences:
        tokens = longest(sentence)
        if tokens > length:
            raise InstructionError(
                f"{sentence!r} has up to {tokens} tokens, more than the {length} that observations have room for: "
                "shorten it"
            )


@cache
def tables() -> Tables:
    """The tables of all forms."""
    check_lengths((*BEATS, *BELONGS, *ABSENT), SENTENCE_TOKENS)
    check_lengths(GOALS, GOAL_TOKENS)
    return Tables(
        beats=_table(BEATS, FORM_TOKENS),
        belongs=_table(BELONGS, FORM_TOKENS),
        goals=_table(GOALS, FORM_TOKENS),
        absent=_table(ABSENT, FORM_TOKENS),
        teams=_table(TEAMS, max(len(split_words(name)) for name in TEAMS)),
        marks=WORDS.encode(f"{COMMA} {AND}"),
    )
