"""The grammar: ``render`` writes a goal as its canonical sentence, ``parse`` reads any of its sentences back.

    sentence    = goal | goal asked for politely
    goal        = step | step ", then" step ... | step "after you" step
    step        = clause | clause "and" clause ...
    clause      = "go to" object | "pick up" object | "open" object | "put" object ("next to" | "near") object
                | "put" object (words of a task's own relation)
                | "go to the matching object at the end of the hallway"
                | "get the" color "key from the" color "room, unlock the" color "door and go to the goal"
    object      = ("a" | "the") [size] [color] (type | "object") [location] [relation]
                | "both" [color] types [location] [relation] | "something that is not" object
    location    = "on your left" | "on your right" | "in front of you" | "behind you"
    relation    = "next to" object | the words of a task's own

What is put somewhere, or put beside something, has no relation "next to": that is the verb's. A task may add types,
colors and relations of its own (``groundling.language.lexicon``).

These are the canonical sentences: BabyAI's and MiniGrid's own where they have one. ``groundling.language.phrasings``
holds them and the other ways of saying the same as templates, which ``.writer`` fills and ``.reader`` matches.

Source: Chevalier-Boisvert et al. 2019, arXiv:1810.08272, section 3.2; the texts are those of ``minigrid``.
Strictness and announcing are rules of the level, not words of the sentence: a parsed goal has neither.
"""

from __future__ import annotations

from functools import lru_cache

from groundling.errors import ConfigurationError
from groundling.language.goals import (
    And,
    Goal,
    GoTo,
    ObjectDescription,
    ObjectType,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Then,
)
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.quoting import check_text
from groundling.language.reader import read, readings
from groundling.language.writer import Canonical, join_words, write


def render(goal: Goal) -> str:
    """The goal as its canonical sentence, for example ``"put the red ball next to a box"``."""
    return join_words(write(goal, Canonical()))


def parse(text: str, lexicon: Lexicon = PLAIN) -> Goal:
    """Read a sentence, canonical or paraphrased, back into its goal.

    ``parse(render(goal)) == goal`` for every goal without ``strict`` or ``announced``. Case, extra spaces, commas left
    out and a mark at the end do not matter.

    Args:
        text: the sentence.
        lexicon: words of a task's own that it may have (``source.embodiment.lexicon``).

    Raises:
        InstructionError: if the text is not a sentence of the language; the message points at the word.
    """
    return _parse(check_text(text), lexicon)


@lru_cache(maxsize=65_536)
def _parse(text: str, lexicon: Lexicon) -> Goal:
    return read(text, lexicon)


def check_relations(lexicon: Lexicon) -> None:
    """Check that a task's own relations leave every sentence one reading.

    Raises:
        ConfigurationError: naming a sentence that could be read otherwise, or not at all.
    """
    ball, box = ObjectDescription(ObjectType.BALL), ObjectDescription(ObjectType.BOX)
    for words in lexicon.relations:
        related = ObjectDescription(ObjectType.KEY, relation=words)
        going = GoTo(related)
        for goal in (
            going,
            GoTo(ObjectDescription(ObjectType.KEY, both=True, relation=words)),
            PickUp(ObjectDescription(ObjectType.KEY, negated=True, relation=words)),
            And((going, PickUp(ball))),
            Then((PickUp(related), PutNextTo(ball, box))),
            *(verb(*pair) for verb in (PutNextTo, PutNear) for pair in ((related, box), (box, related))),
            PutIn(ball, words),
            PutIn(related, words),
        ):
            text = render(goal)
            if readings(text, lexicon) != [goal]:
                raise ConfigurationError(
                    f"the relation {words!r} cannot be told from other words: {text!r} is not read as what was meant. "
                    "Say it in other words"
                )
