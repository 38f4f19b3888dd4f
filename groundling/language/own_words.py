"""Words that a task brings: types and colors that the language lacks, with what they look like.

Each is the word itself (a ``str``), so that descriptions, worlds and held-out sets hold it as they hold a member of
``ObjectType`` or ``Color``.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

from groundling.errors import ConfigurationError

MAX_OWN_TYPES: Final = 32
MAX_OWN_COLORS: Final = 8

# Solids that no type of the language has, one for each type of a task's own that asks for none.
PLAIN_SHAPES: Final = ("cone", "can", "steps", "mushroom", "hourglass", "stack", "cross", "diamond")
# Furniture of houses, and what stands on it.
FURNITURE_SHAPES: Final = (
    *("fridge", "cabinet", "wardrobe", "chest", "sofa", "armchair", "bed", "desk", "shelf", "plant", "tv", "sink"),
    *("stove", "toilet", "bathtub", "washer", "car", "bicycle", "bottle", "plate", "vase", "clock", "laptop", "toy"),
    "towel",
)
SHAPES: Final = (
    *PLAIN_SHAPES,
    *("key", "ball", "box", "bell", "book", "cup", "hat", "lamp", "ring", "star"),
    *("torch", "pillar", "keycard", "skullkey", "armor", "chair", "table"),
    *FURNITURE_SHAPES,
)


Holds = Literal["on", "inside"]


class OwnType(str):
    """A type of object that a task brings, for example ``OwnType("apple", shape="ball")``.

    Attributes:
        plural: of the name; None forms it by the rules of English.
        shape: what it looks like from above and in first person, one of ``SHAPES``; None takes the first of
            ``PLAIN_SHAPES`` that is free.
        portable: whether an agent can pick it up.
        holds: "on" if one thing can stand on it, "inside" if it opens and one thing can lie in it; None holds nothing.
            What holds things is not portable.

    Raises:
        ConfigurationError: if the name is no single word in lower case, there is no such shape, or what is carried
            should hold something.
    """

    __slots__ = ("holds", "plural", "portable", "shape")
    plural: str | None
    shape: str | None
    portable: bool
    holds: Holds | None

    def __new__(
        cls,
        name: str,
        *,
        plural: str | None = None,
        shape: str | None = None,
        portable: bool = True,
        holds: Holds | None = None,
    ) -> OwnType:
        """The word, with what it looks like."""
        if holds not in (None, "on", "inside") or (holds and portable):
            raise ConfigurationError(
                f"{name!r} holds things 'on' or 'inside' it and has portable=False, or holds None; got {holds!r}"
            )
        for word in (name,) if plural is None else (name, plural):
            _check_word(word)
        if shape is not None and shape not in SHAPES:
            raise ConfigurationError(f"there is no shape {shape!r} for {name!r}: take one of {', '.join(SHAPES)}")
        own = super().__new__(cls, name)
        own.plural, own.shape = plural, None if shape is None else str(shape)
        own.portable, own.holds = bool(portable), holds
        return own

    def __repr__(self) -> str:
        ways = "" if self.portable else f", portable=False, holds={self.holds!r}"
        return f"OwnType({str(self)!r}, plural={self.plural!r}, shape={self.shape!r}{ways})"

    def __reduce__(self) -> tuple[Any, ...]:
        own = partial(OwnType, plural=self.plural, shape=self.shape, portable=self.portable, holds=self.holds)
        return own, (str(self),)


class OwnColor(str):
    """A color that a task brings, for example ``OwnColor("teal", (0, 128, 128))``.

    Attributes:
        rgb: red, green and blue, 0 to 255 each.

    Raises:
        ConfigurationError: if the name is no single word in lower case, or these are not three such integers.
    """

    __slots__ = ("rgb",)
    rgb: tuple[int, int, int]

    def __new__(cls, name: str, rgb: tuple[int, int, int]) -> OwnColor:
        """The word, with what it looks like."""
        _check_word(name)
        levels = tuple(rgb) if isinstance(rgb, tuple | list) else ()
        if len(levels) != 3 or not all(isinstance(level, int) and 0 <= level <= 255 for level in levels):
            raise ConfigurationError(f"the color {name!r} needs red, green and blue from 0 to 255, got {rgb!r}")
        own = super().__new__(cls, name)
        own.rgb = (levels[0], levels[1], levels[2])
        return own

    def __repr__(self) -> str:
        return f"OwnColor({str(self)!r}, {self.rgb!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return OwnColor, (str(self), self.rgb)


def _check_word(word: object) -> None:
    if not isinstance(word, str) or word != word.lower() or not word.replace("-", "").isalpha():
        raise ConfigurationError(
            f"{word!r} cannot name a type or color: take one word in lower case, of letters and hyphens"
        )
