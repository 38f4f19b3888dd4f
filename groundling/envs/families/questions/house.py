"""What a question needs of a house: its scene, and its arrays as the engine plays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.questions.stock import Stock
from groundling.envs.worlds.houses.wishes import Wishes
from groundling.language.lexicon import Lexicon
from groundling.language.questions.scene import Scene


@dataclass(frozen=True)
class House:
    """A finished house.

    Attributes:
        scene: as questions see it.
        cells: [H, W] uint8 cell codes.
        looks: one look an object.
        contents: one cell code an object: what is inside.
        positions: one y * W + x an object, or NOWHERE.
        codes: the cell code of each thing that is an object, by its row of the scene.
        floors: [H, W] uint8 floor codes (``engine.floors``); None where all are plain.
    """

    scene: Scene
    cells: NDArray[np.uint8]
    looks: tuple[int, ...]
    contents: tuple[int, ...]
    positions: tuple[int, ...]
    codes: Mapping[int, int]
    floors: NDArray[np.uint8] | None = None


class HouseMaker(Protocol):
    """Generates houses that satisfy wishes. Makers travel to other processes, so they can be pickled."""

    @property
    def stock(self) -> Stock:
        """What its houses are made of."""

    @property
    def lexicon(self) -> Lexicon:
        """Types and colors of things, for the pictures."""

    def make(self, rng: np.random.Generator, wishes: Wishes, rooms: int) -> House | None:
        """A house of so many rooms; None if this draw satisfies the wishes in none, and another may."""

    def fingerprint(self) -> str:
        """All that its houses depend on."""
