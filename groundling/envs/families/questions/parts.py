"""What training never asks or shows: pairs, wordings and compositions that are kept for evaluation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

from groundling.envs.banks.splits import SentenceSplit
from groundling.language.questions.words import COLORS, ROOM_KINDS, THING_KINDS

Part = Literal["train", "color_pairs", "room_pairs", "wordings", "compositions"]
PARTS: Final[tuple[Part, ...]] = ("train", "color_pairs", "room_pairs", "wordings", "compositions")

SHARE: Final = 5  # one pair of so many is held out


def is_held_out_color(kind: str, color: str) -> bool:
    """Whether training never asks about things of this kind and color; it asks about each in other pairs."""
    return color != "" and (THING_KINDS.index(kind) + 2 * COLORS.index(color)) % SHARE == 0


def is_held_out_room(kind: str, room: str) -> bool:
    """Whether training never shows such a thing in such a room."""
    return (THING_KINDS.index(kind) + 2 * ROOM_KINDS.index(room)) % SHARE == 1


@dataclass(frozen=True)
class QuestionSplit(SentenceSplit):
    """A named part of the episodes of a family of questions.

    Attributes:
        part: what its questions are about.
    """

    part: Part = "train"

    def tell(self, instruction: str, goal: object, seed: int, *, is_own: bool = False) -> str:
        """The question as it is: the source asks what belongs to the split."""
        return instruction

    def describe(self) -> str:
        """The split as JSON: part of the key of a cached bank, and saved in it."""
        return json.dumps({"name": self.name, "is_evaluation": self.is_evaluation, "part": self.part}, sort_keys=True)


SPLITS: Final = {
    split.name: split
    for split in (
        QuestionSplit("all", is_evaluation=False, sentences=()),
        QuestionSplit("train", is_evaluation=False, sentences=()),
        QuestionSplit("seen", is_evaluation=True, sentences=()),
        *(QuestionSplit(part, is_evaluation=True, sentences=(), part=part) for part in PARTS[1:]),
    )
}
