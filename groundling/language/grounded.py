"""The language of Chaplot et al. 2018: 18 objects, 70 instructions "Go to the ...", 17 words, and what each denotes.

It stands beside ``groundling.language.goals``: the rooms of Chaplot et al., our own and ViZDoom's,
draw their instructions from here and ask here which objects of an episode satisfy one.

Source: Chaplot et al., "Gated-Attention Architectures for Task-Oriented Language Grounding", AAAI 2018,
arXiv:1706.07230, and the instruction data that its authors published (github.com/devendrachaplot/DeepRL-Grounding,
``data/``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache

from groundling.errors import InstructionError
from groundling.language.goals import Color
from groundling.language.vocabulary import Vocabulary, split_words


class GroundedType(StrEnum):
    """The five kinds of object."""

    TORCH = "torch"
    PILLAR = "pillar"
    KEYCARD = "keycard"
    SKULLKEY = "skullkey"
    ARMOR = "armor"


class Height(StrEnum):
    """How tall a torch or a pillar is; the other kinds have no such word."""

    SHORT = "short"
    TALL = "tall"


class Superlative(StrEnum):
    """The words that compare the objects of an episode."""

    SMALLEST = "smallest"
    LARGEST = "largest"


class ApparentSize(IntEnum):
    """How large an object looks, in classes that leave no doubt; see :func:`is_clearly_larger`."""

    KEY = 0
    ARMOR = 1
    SHORT = 2
    TALL = 3


@dataclass(frozen=True, slots=True)
class GroundedObject:
    """One of the 18 objects, by the attributes that words can name.

    Attributes:
        type: its kind.
        color: as it is drawn.
        height: None for what is neither a torch nor a pillar.
    """

    type: GroundedType
    color: Color
    height: Height | None = None

    def __str__(self) -> str:
        return " ".join(word for word in (self.height, self.color, self.type) if word is not None)

    @property
    def apparent_size(self) -> ApparentSize:
        """Its class of size."""
        if self.height is not None:
            return ApparentSize.TALL if self.height is Height.TALL else ApparentSize.SHORT
        return ApparentSize.ARMOR if self.type is GroundedType.ARMOR else ApparentSize.KEY


_RGB = (Color.RED, Color.GREEN, Color.BLUE)
_KEY_COLORS = (Color.YELLOW, Color.BLUE, Color.RED)

# The armor that Doom calls blue is drawn red, and the paper's data counts it as a red object.
OBJECTS: tuple[GroundedObject, ...] = (
    *(GroundedObject(GroundedType.TORCH, color, Height.SHORT) for color in _RGB),
    *(GroundedObject(GroundedType.TORCH, color, Height.TALL) for color in _RGB),
    *(GroundedObject(GroundedType.PILLAR, color, Height.SHORT) for color in _RGB[:2]),
    *(GroundedObject(GroundedType.PILLAR, color, Height.TALL) for color in _RGB[:2]),
    *(GroundedObject(GroundedType.KEYCARD, color) for color in _KEY_COLORS),
    *(GroundedObject(GroundedType.SKULLKEY, color) for color in _KEY_COLORS),
    GroundedObject(GroundedType.ARMOR, Color.GREEN),
    GroundedObject(GroundedType.ARMOR, Color.RED),
)

_TRAIN_PHRASES = (
    *("short red object", "red short object", "red torch", "green torch", "tall green torch"),
    *("smallest green object", "short torch", "tall torch", "short red pillar", "red tall object"),
    *("tall red object", "smallest blue object", "yellow object", "tall object", "red skullkey"),
    *("red object", "green object", "blue object", "green tall object", "tall blue object"),
    *("blue tall object", "largest red object", "red pillar", "red tall pillar", "tall green pillar"),
    *("green tall pillar", "green pillar", "red tall torch", "tall red torch", "largest green object"),
    *("red keycard", "red armor", "blue short object", "largest object", "smallest object"),
    *("green short object", "short green object", "green short torch", "short pillar", "short object"),
    *("largest yellow object", "blue skullkey", "smallest red object", "green short pillar", "yellow keycard"),
    *("short blue torch", "blue short torch", "yellow skullkey", "blue tall torch", "tall blue torch"),
    *("torch", "keycard", "skullkey", "pillar", "armor"),
)
_REORDERED_PHRASES = (
    *("green tall torch", "red short pillar", "short blue object", "short green torch"),
    *("short green pillar", "tall green object", "tall red pillar"),
)
_NEW_SET_PHRASES = ("blue torch", "red short torch", "short red torch", "blue keycard", "green armor", "tall pillar")
_SUPERLATIVE_PHRASES = ("smallest yellow object", "largest blue object")

_ARTICLE = "Go to the "
INSTRUCTIONS: tuple[str, ...] = tuple(
    _ARTICLE + phrase for phrase in (*_TRAIN_PHRASES, *_REORDERED_PHRASES, *_NEW_SET_PHRASES, *_SUPERLATIVE_PHRASES)
)


class Stratum(StrEnum):
    """The 15 test instructions are not equally hard."""

    REORDERED = "reordered"  # the words of a trained instruction in another order
    NEW_SET = "new_set"  # denotes a set of objects that no trained instruction denotes
    SUPERLATIVE = "superlative"  # a superlative with a color that it was never trained with


TRAIN: tuple[int, ...] = tuple(range(len(_TRAIN_PHRASES)))
TEST: tuple[int, ...] = tuple(range(len(_TRAIN_PHRASES), len(INSTRUCTIONS)))


def _indices_of(phrases: Sequence[str]) -> tuple[int, ...]:
    return tuple(INSTRUCTIONS.index(_ARTICLE + phrase) for phrase in phrases)


STRATA: dict[Stratum, tuple[int, ...]] = {
    Stratum.REORDERED: _indices_of(_REORDERED_PHRASES),
    Stratum.NEW_SET: _indices_of(_NEW_SET_PHRASES),
    Stratum.SUPERLATIVE: _indices_of(_SUPERLATIVE_PHRASES),
}

GROUNDED_VOCABULARY = Vocabulary.of(word for text in INSTRUCTIONS for word in split_words(text))
INSTRUCTION_LENGTH = max(len(split_words(text)) for text in INSTRUCTIONS)


@dataclass(frozen=True, slots=True)
class GroundedPhrase:
    """What an instruction says of the object to go to; None for what it does not say.

    Attributes:
        type: None if it says "object".
        color: None for any.
        height: None for any.
        superlative: compares the objects of the episode that fit the rest.
    """

    type: GroundedType | None = None
    color: Color | None = None
    height: Height | None = None
    superlative: Superlative | None = None

    def fits(self, thing: GroundedObject) -> bool:
        """Whether the phrase could mean this object, the superlative left aside."""
        return (
            self.type in (None, thing.type)
            and self.color in (None, thing.color)
            and self.height in (None, thing.height)
        )


@cache
def parse_grounded(instruction: str) -> GroundedPhrase:
    """Read "Go to the [adjectives] NOUN"; the adjectives stand in any order.

    Args:
        instruction: one of :data:`INSTRUCTIONS`, or another sentence of their form.

    Raises:
        InstructionError: if the sentence is not of that form, or names an attribute twice.
    """
    words = split_words(instruction)
    if words[:3] != split_words(_ARTICLE) or len(words) < 4:
        raise InstructionError(f"{instruction!r} is not of the form 'Go to the [adjectives] noun'")
    *adjectives, noun = words[3:]
    if noun != "object" and noun not in tuple(GroundedType):
        raise InstructionError(f"{noun!r} of {instruction!r} is none of object, {', '.join(GroundedType)}")
    said: dict[type[StrEnum], StrEnum] = {}
    for word in adjectives:
        kind = next((kind for kind in (Color, Height, Superlative) if word in tuple(kind)), None)
        if kind is None:
            raise InstructionError(f"{word!r} of {instruction!r} is neither a color, a height nor a superlative")
        if kind in said:
            raise InstructionError(f"{instruction!r} says {said[kind]} as well as {word}")
        said[kind] = kind(word)
    return GroundedPhrase(
        type=None if noun == "object" else GroundedType(noun),
        color=said.get(Color),  # type: ignore[arg-type]
        height=said.get(Height),  # type: ignore[arg-type]
        superlative=said.get(Superlative),  # type: ignore[arg-type]
    )


def is_clearly_larger(one: GroundedObject, other: GroundedObject) -> bool:
    """Whether one looks larger than the other in height and in area, at the same distance and beyond doubt.

    Keys and cards < armors < short torches, short pillars < tall torches, tall pillars; but no torch compares with a
    pillar: the torches are taller and the pillars have more area, whatever the heights' names.

    Source: the sprites of the Freedoom of ViZDoom 1.3, height and opaque pixels: skull keys 16 x 190, key cards
    21 x 228, armors 27 x 550, short torches 70 x 730, tall torches 94 x 820, short pillars 42 x 1230, tall pillars
    55 x 1650. The paper compared pixel counts of an older Freedoom and asked for a difference of 100. The solids of our
    own rooms are drawn in the same order.
    """
    if {one.type, other.type} == {GroundedType.TORCH, GroundedType.PILLAR}:
        return False
    return one.apparent_size > other.apparent_size


def _beats(one: GroundedObject, other: GroundedObject, superlative: Superlative) -> bool:
    if superlative is Superlative.LARGEST:
        return is_clearly_larger(one, other)
    return is_clearly_larger(other, one)


def denotes(instruction: str, objects: Sequence[GroundedObject]) -> tuple[int, ...]:
    """Which objects of an episode satisfy an instruction.

    A superlative is satisfied by the one object that is clearly larger (or smaller) than every other object of the
    episode that the phrase could mean; where no object is, by none.

    Args:
        instruction: see :func:`parse_grounded`.
        objects: of the episode.

    Returns:
        Indices into ``objects``, ascending.

    Raises:
        InstructionError: if the instruction cannot be read.
    """
    phrase = parse_grounded(instruction)
    fitting = [index for index, thing in enumerate(objects) if phrase.fits(thing)]
    if phrase.superlative is None:
        return tuple(fitting)
    return tuple(
        index
        for index in fitting
        if all(_beats(objects[index], objects[other], phrase.superlative) for other in fitting if other != index)
    )


@cache
def possible_distractors(instruction: str, target: int) -> tuple[int, ...]:
    """The objects that may stand beside a target, any of them together, and leave no doubt which is meant.

    Args:
        instruction: see :func:`parse_grounded`.
        target: index into :data:`OBJECTS` of an object that the phrase could mean.

    Returns:
        Indices into :data:`OBJECTS`.
    """
    phrase = parse_grounded(instruction)
    return tuple(
        index
        for index, thing in enumerate(OBJECTS)
        if index != target
        and (
            not phrase.fits(thing)
            or (phrase.superlative is not None and _beats(OBJECTS[target], thing, phrase.superlative))
        )
    )


@cache
def possible_targets(instruction: str, num_distractors: int) -> tuple[int, ...]:
    """The objects that can be the one to go to, as indices into :data:`OBJECTS`.

    Args:
        instruction: see :func:`parse_grounded`.
        num_distractors: how many other objects there must be to stand beside it.
    """
    phrase = parse_grounded(instruction)
    return tuple(
        index
        for index, thing in enumerate(OBJECTS)
        if phrase.fits(thing) and len(possible_distractors(instruction, index)) >= num_distractors
    )
