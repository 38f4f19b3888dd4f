"""A lexicon: the words that a task adds to the language. They stand at the end of its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from groundling.errors import ConfigurationError
from groundling.language.own_words import (
    MAX_OWN_COLORS,
    MAX_OWN_TYPES,
    PLAIN_SHAPES,
    SHAPES,
    OwnColor,
    OwnType,
)
from groundling.language.phrasings import all_words
from groundling.language.synonyms import SYNONYMS, plural
from groundling.language.vocabulary import VOCABULARY, Vocabulary, split_words

_WORDS = frozenset(all_words())


@dataclass(frozen=True)
class Lexicon:
    """What a task adds to the language, in the order of its declarations.

    Attributes:
        types: of objects.
        colors: of doors and objects.
        relations: each in its words, "between the doors".
        sentences: that the task says in its own words; only the words count.
        shapes: what each own type looks like, one of ``SHAPES`` each.

    Raises:
        ConfigurationError: if there are more than 32 types or 8 colors, one is a word of the language, anything comes
            twice, two types look alike, or a relation is no words.
    """

    types: tuple[OwnType, ...] = ()
    colors: tuple[OwnColor, ...] = ()
    relations: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    shapes: tuple[str, ...] = field(init=False, repr=False)
    _rgb: tuple[tuple[int, int, int], ...] = field(init=False, repr=False)  # colors are compared by their names alone

    def __post_init__(self) -> None:
        for kind, found, most in (("types", self.types, MAX_OWN_TYPES), ("colors", self.colors, MAX_OWN_COLORS)):
            if len(found) > most:
                raise ConfigurationError(f"a task brings at most {most} {kind} of its own, got {len(found)}")
        _check_names(self.types, self.colors)
        for words in (*self.relations, *self.sentences):
            if not isinstance(words, str) or not split_words(words) or "\n" in words:
                raise ConfigurationError(f"a relation or a sentence is words on one line, got {words!r}")
        if twice := [words for place, words in enumerate(self.relations) if words in self.relations[:place]]:
            raise ConfigurationError(f"the relation {twice[0]!r} comes twice: say one of them in other words")
        object.__setattr__(self, "shapes", _shapes_of(self.types))
        object.__setattr__(self, "_rgb", tuple(color.rgb for color in self.colors))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the language, then those of the lexicon that it lacks."""
        names = (*(word for own in self.types for word in (own, plural(own))), *self.colors)
        told = (word for words in (*self.relations, *self.sentences) for word in split_words(words))
        own = dict.fromkeys(str(word) for word in (*names, *told) if word not in VOCABULARY)
        return Vocabulary((*VOCABULARY.words, *own)) if own else VOCABULARY


def _check_names(types: Iterable[OwnType], colors: Iterable[OwnColor]) -> None:
    """Refuse a name that already means something: a sentence would have two readings."""
    taken: set[str] = set()
    for name in (*(word for own in types for word in dict.fromkeys((own, plural(own)))), *colors):
        if name in SYNONYMS:
            raise ConfigurationError(
                f"{str(name)!r} stands for {SYNONYMS[name]!r} in the language already: use that, or take another word"
            )
        if name in _WORDS:
            raise ConfigurationError(f"{str(name)!r} is a word of the language already: take another one")
        if name in taken:
            raise ConfigurationError(f"{str(name)!r} names two types or colors of a task: take another word for one")
        taken.add(name)


def _shapes_of(types: Sequence[OwnType]) -> tuple[str, ...]:
    """The shape of each type: the one that it asks for, or the next plain one that no other has."""
    asked = [own.shape for own in types if own.shape is not None]
    if twice := [shape for place, shape in enumerate(asked) if shape in asked[:place]]:
        raise ConfigurationError(
            f"two types of a task have the shape {twice[0]!r}, and could not be told apart: choose others among "
            f"{', '.join(SHAPES)}"
        )
    free = [shape for shape in PLAIN_SHAPES if shape not in asked]
    if len(types) - len(asked) > len(free):
        raise ConfigurationError(
            f"{len(types) - len(asked)} types of a task ask for no shape, but only {len(free)} plain ones are left: "
            f"give them shapes among {', '.join(SHAPES)}"
        )
    rest = iter(free)
    return tuple(own.shape or next(rest) for own in types)


PLAIN = Lexicon()
"""The language as it is, without words of a task's own."""
