"""Generated houses (``envs.worlds.houses``) as questions need them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from groundling.envs.engine.constants import FIRST_OBJECT
from groundling.envs.families.questions.house import House
from groundling.envs.families.questions.stock import Stock
from groundling.envs.worlds import houses
from groundling.envs.worlds.houses.compiling import compile_house
from groundling.envs.worlds.houses.stock import COLORS, ROOM_KINDS, SMALL_KINDS, THING_KINDS
from groundling.envs.worlds.houses.types import HOUSE_LEXICON
from groundling.envs.worlds.houses.wishes import Wishes
from groundling.errors import HouseTooSmallError, ImpossibleWishError
from groundling.language.lexicon import Lexicon

HOUSE_STOCK: Final = Stock(
    rooms={name: room.furniture for name, room in ROOM_KINDS.items()},
    on={kind: SMALL_KINDS for kind, own in THING_KINDS.items() if own.is_surface},
    inside={kind: SMALL_KINDS for kind, own in THING_KINDS.items() if own.is_container},
    colors=COLORS,
    repeatable=tuple(kind for kind, own in THING_KINDS.items() if own.stands == "free" and kind != "car") + SMALL_KINDS,
)


@dataclass(frozen=True)
class GeneratedHouses:
    """A :class:`HouseMaker` of generated houses.

    Attributes:
        stock: what they are made of.
        lexicon: types and colors of their things.
    """

    stock: Stock = field(default=HOUSE_STOCK, repr=False)
    lexicon: Lexicon = field(default=HOUSE_LEXICON, repr=False)

    def make(self, rng: np.random.Generator, wishes: Wishes, rooms: int) -> House | None:
        """A house of so many rooms, a corridor not counted; None if the wishes find no place."""
        try:
            drawn = houses.sample_house(rng, houses.HouseSettings(min_rooms=rooms, max_rooms=rooms), wishes)
        except (ImpossibleWishError, HouseTooSmallError):
            return None
        scene, arrays = drawn.scene, compile_house(drawn.scene)
        first = FIRST_OBJECT + len(scene.doors)
        codes = {row: first + row for row in range(len(scene.things))}
        return House(scene, arrays.cells, arrays.looks, arrays.contents, arrays.positions, codes, arrays.floors)

    def fingerprint(self) -> str:
        """The code that the houses depend on."""
        files = sorted(Path(houses.__file__).parent.glob("*.py"))
        return f"generated {zlib.crc32(b''.join(file.read_bytes() for file in files))}"
