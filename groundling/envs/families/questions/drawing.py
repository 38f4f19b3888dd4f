"""What drawing a question begins with: kinds, colors and rooms that the part of the questions allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from groundling.envs.families.questions.parts import Part, is_held_out_color, is_held_out_room
from groundling.envs.families.questions.stock import Stock
from groundling.envs.worlds.houses.wishes import Forbidden, Wishes
from groundling.language.questions.programs import Program, Things

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """A question with the answer that the house is to give it.

    Attributes:
        type: of the question.
        program: what is asked.
        answer: that it is to have.
        answers: that it may have, each as likely.
        wishes: what the house needs for it; the house has to be asked whether the answer holds.
        sentence: the words in which it is asked.
    """

    type: str
    program: Program
    answer: str
    answers: tuple[str, ...]
    wishes: Wishes
    sentence: str = ""


class NothingToAsk(Exception):
    """What was drawn leaves no question of the part; another draw may."""


class Drawing:
    """Draws the pieces of questions of a part.

    Args:
        rng: the draws.
        stock: what houses are made of.
        part: which questions.
    """

    def __init__(self, rng: np.random.Generator, stock: Stock, part: Part = "train") -> None:
        self.rng = rng
        self.stock = stock
        self.part = part
        floor = {kind for kinds in stock.rooms.values() for kind in kinds}
        above = {kind for kinds in stock.on.values() for kind in kinds}
        self._kinds = sorted(floor | above)
        self._floor = sorted(floor)

    def _one(self, choices: Sequence[T]) -> T:
        if not choices:
            raise NothingToAsk
        return choices[int(self.rng.integers(len(choices)))]

    def _some(self, choices: Sequence[T], count: int) -> list[T]:
        """So many different ones."""
        if len(choices) < count:
            raise NothingToAsk
        return [choices[int(k)] for k in self.rng.permutation(len(choices))[:count]]

    def _coin(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def _without_pairs(self, wishes: Wishes) -> Wishes:
        """Houses of all parts but "room_pairs" have none of the pairs that it is about."""
        if self.part == "room_pairs":
            return wishes
        pairs = tuple(
            Forbidden(kind, room=room)
            for room in self.stock.rooms
            for kind in self._kinds
            if is_held_out_room(kind, room) and room in self.stock.rooms_of(kind)
        )
        return replace(wishes, forbidden=wishes.forbidden + pairs)

    def _colors_of(self, kind: str) -> list[str]:
        """The colors in which a thing of a kind may be asked about, as the part is about pairs or not."""
        is_about_pairs = self.part == "color_pairs"
        return [color for color in self.stock.colors if is_held_out_color(kind, color) == is_about_pairs]

    def _rooms_of(self, kind: str) -> list[str]:
        """The kinds of rooms in which a thing of a kind may be asked about."""
        is_about_pairs = self.part == "room_pairs"
        return [room for room in self.stock.rooms_of(kind) if is_held_out_room(kind, room) == is_about_pairs]

    def _place(self) -> tuple[str, str]:
        """A kind of thing, and a kind of room in which it may be asked about."""
        kind = self._one(self._kinds)
        return kind, self._one(self._rooms_of(kind))

    def _named(self, kind: str) -> Things:
        """A thing by its kind, or by its color as well; of the part about pairs always by both."""
        if self.part == "color_pairs" or (self.rng.random() < 0.3):
            return Things(kind, self._one(self._colors_of(kind)))
        return Things(kind)
