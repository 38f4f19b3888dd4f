"""The kinds of things in houses as types of objects, with what they look like: what a task in houses declares."""

from __future__ import annotations

from typing import Final

from groundling.envs.worlds.houses.stock import COLORS, THING_KINDS
from groundling.language.descriptions import AnyType, Color, ObjectType
from groundling.language.lexicon import Lexicon
from groundling.language.own_words import OwnType

_NAMES: Final = {"chest": "trunk"}  # "chest" stands for "box" in instructions
_PLURALS: Final = {"shelf": "shelves"}


def _type_of(kind: str) -> AnyType:
    if kind in list(ObjectType):
        return ObjectType(kind)
    own = THING_KINDS[kind]
    return OwnType(
        _NAMES.get(kind, kind),
        plural=_PLURALS.get(kind),
        shape=kind,
        portable=own.is_portable,
        holds="on" if own.is_surface else "inside" if own.is_container else None,
    )


HOUSE_TYPES: Final[tuple[AnyType, ...]] = tuple(map(_type_of, THING_KINDS))
HOUSE_COLORS: Final = tuple(map(Color, COLORS))
HOUSE_LEXICON: Final = Lexicon(types=tuple(kind for kind in HOUSE_TYPES if isinstance(kind, OwnType)))
TYPE_OF: Final[dict[str, AnyType]] = dict(zip(THING_KINDS, HOUSE_TYPES, strict=True))  # of each kind of a scene
