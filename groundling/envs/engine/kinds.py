"""Kinds: the codes of types and colors, a task's own among them, and what each is called and drawn as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from groundling.envs.engine import constants
from groundling.envs.engine.constants import COLOR_CODES, FIRST_TASK_TYPE, NUM_COLORS, NUM_SOLID_TYPES, TYPE_CODES
from groundling.errors import ConfigurationError
from groundling.language.goals import PORTABLE_TYPES, Color
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.own_words import FURNITURE_SHAPES, PLAIN_SHAPES

Rgb = tuple[int, int, int]

RGB: Final[dict[Color, Rgb]] = {
    Color.RED: (255, 0, 0),
    Color.GREEN: (0, 255, 0),
    Color.BLUE: (0, 0, 255),
    Color.PURPLE: (112, 39, 195),
    Color.YELLOW: (255, 255, 0),
    Color.GREY: (100, 100, 100),
    Color.ORANGE: (255, 128, 0),
    Color.PINK: (255, 130, 190),
    Color.BROWN: (140, 75, 30),
    Color.WHITE: (255, 255, 255),
}

NUM_SOLIDS: Final = NUM_SOLID_TYPES + len(PLAIN_SHAPES) + len(FURNITURE_SHAPES)
# The solid that each shape is (``own_words.SHAPES``): a type of the language's is the solid of its own code.
SOLIDS: Final[dict[str, int]] = {
    **{str(kind): TYPE_CODES[kind] for kind in PORTABLE_TYPES},
    "torch": constants.TORCH,
    "pillar": constants.PILLAR,
    "keycard": constants.KEYCARD,
    "skullkey": constants.SKULLKEY,
    "armor": constants.ARMOR,
    "chair": constants.CHAIR,
    "table": constants.TABLE,
    **{shape: NUM_SOLID_TYPES + place for place, shape in enumerate((*PLAIN_SHAPES, *FURNITURE_SHAPES))},
}


@dataclass(frozen=True)
class Kinds:
    """The types and colors of a world.

    Attributes:
        types: code of each type that a goal can name.
        colors: code of each color.
        solids: of each type code, the solid that it is drawn as.
        rgb: of each color code, red, green and blue from 0 to 255.
    """

    types: dict[str, int]
    colors: dict[str, int]
    solids: tuple[int, ...]
    rgb: tuple[Rgb, ...]

    @property
    def type_names(self) -> dict[int, str]:
        """What each type code is called."""
        return {code: name for name, code in self.types.items()}

    @property
    def color_names(self) -> dict[int, str]:
        """What each color code is called."""
        return {code: name for name, code in self.colors.items()}

    def check(self, type_code: int, color_code: int) -> None:
        """Refuse codes that are drawn as nothing.

        Args:
            type_code: the highest type code that is to be drawn.
            color_code: likewise of colors.

        Raises:
            ConfigurationError: if one of them is of a task's own that these kinds lack.
        """
        if type_code >= len(self.solids) or color_code >= len(self.rgb):
            raise ConfigurationError(
                f"these worlds have types or colors of a task's own (codes {type_code} and {color_code}), and nobody "
                "says what they look like: play them with the embodiment of their source, "
                "find_source('my_tasks.py:MyTask').embodiment"
            )


@lru_cache(maxsize=64)
def kinds_of(lexicon: Lexicon) -> Kinds:
    """The types and colors of the language and of a task: its own have the codes behind all others, in order."""
    types: dict[str, int] = {str(kind): code for kind, code in TYPE_CODES.items()}
    colors: dict[str, int] = {str(color): code for color, code in COLOR_CODES.items()}
    return Kinds(
        types=types | {str(own): FIRST_TASK_TYPE + place for place, own in enumerate(lexicon.types)},
        colors=colors | {str(own): NUM_COLORS + place for place, own in enumerate(lexicon.colors)},
        solids=(*range(NUM_SOLID_TYPES), *(SOLIDS[shape] for shape in lexicon.shapes)),
        rgb=(*RGB.values(), *(own.rgb for own in lexicon.colors)),
    )


PLAIN_KINDS: Final = kinds_of(PLAIN)
