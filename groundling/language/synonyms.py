"""Canonical words and the synonyms that may replace them."""

from __future__ import annotations

from groundling.language.goals import ObjectType
from groundling.language.own_words import OwnType

OBJECT = "object"  # the word of an object whose type is left open


# canonical word -> its synonyms
_SYNONYMS_OF: dict[str, tuple[str, ...]] = {
    "go": ("walk", "move", "head", "travel", "proceed", "stroll"),
    "find": ("locate", "discover"),
    "get": ("obtain", "acquire"),
    "fetch": ("retrieve",),
    "grab": ("snatch", "seize"),
    "lift": ("raise", "hoist"),
    "collect": ("gather",),
    "open": ("unlatch", "unbar"),
    "unlock": ("unbolt",),
    "put": ("place", "set", "lay", "position", "deposit"),
    "drop": ("leave", "release"),
    "door": ("gate", "doorway"),
    "key": ("passkey", "latchkey"),
    "ball": ("sphere", "globe", "orb"),
    "box": ("crate", "container", "chest", "carton"),
    "bell": ("chime", "gong"),
    "book": ("novel", "volume", "tome"),
    "cup": ("mug", "goblet"),
    "hat": ("cap", "bonnet"),
    "lamp": ("lantern", "torch"),
    "ring": ("band", "hoop"),
    "star": ("pentagram", "asterisk"),
    OBJECT: ("thing", "item"),
    "room": ("chamber",),
    "goal": ("destination", "finish"),
    "hallway": ("corridor", "passage"),
    "matching": ("corresponding", "identical"),
    "red": ("scarlet", "crimson"),
    "green": ("emerald", "jade"),
    "blue": ("azure", "sapphire", "cobalt"),
    "purple": ("violet", "plum"),
    "yellow": ("golden", "lemon"),
    "grey": ("gray", "silver", "ashen"),
    "orange": ("tangerine", "apricot"),
    "pink": ("rosy", "fuchsia"),
    "brown": ("chocolate", "chestnut"),
    "white": ("ivory", "snowy"),
    "smaller": ("littler", "tinier"),
    "larger": ("bigger", "bulkier"),
    "smallest": ("littlest", "tiniest"),
    "largest": ("biggest", "bulkiest"),
}


SYNONYMS: dict[str, str] = {synonym: word for word, synonyms in _SYNONYMS_OF.items() for synonym in synonyms}
"""Each synonym and the word that it replaces."""


def synonyms_of(word: str) -> tuple[str, ...]:
    """The synonyms of a canonical word, for example ("sphere", "globe", "orb") of "ball"."""
    return _SYNONYMS_OF.get(word, ())


def plural(noun: str) -> str:
    """The plural of a noun: balls, boxes, torches, berries; of a task's own type the one that it was given."""
    if isinstance(noun, OwnType) and noun.plural is not None:
        return noun.plural
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("x", "ch", "s", "sh")) else "s")


NOUNS: tuple[str, ...] = (*ObjectType, OBJECT)
