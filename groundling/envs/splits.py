"""Splits: which episodes of a level are for training and which test what was held out, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundling.errors import SplitError
from groundling.language.goals import Color, Goal, ObjectType, combinations

Combination = tuple[Color, ObjectType]

# Four of the eighteen color-type pairs. Every color is still trained with two types, every type with four colors or
# more, so every single word is seen in training.
HELD_OUT: frozenset[Combination] = frozenset(
    {
        (Color.PURPLE, ObjectType.KEY),
        (Color.GREEN, ObjectType.BOX),
        (Color.YELLOW, ObjectType.BALL),
        (Color.GREY, ObjectType.KEY),
    }
)


class Selection(StrEnum):
    """Which goals a split keeps."""

    EVERY = "every"
    WITHOUT_HELD_OUT = "without_held_out"
    WITH_HELD_OUT = "with_held_out"


@dataclass(frozen=True)
class Split:
    """A named part of a level's episodes.

    Layouts are disjoint by construction: training draws even seeds of the level's generator, evaluation odd ones.
    Objects of held-out combinations still appear as distractors everywhere; only instructions are selected.

    Attributes:
        name: how it is asked for.
        selection: which goals it keeps.
        is_evaluation: whether its layouts are kept from training.
        held_out: the (color, type) pairs meant.
    """

    name: str
    selection: Selection
    is_evaluation: bool
    held_out: frozenset[Combination] = HELD_OUT

    def keeps(self, goal: Goal) -> bool:
        """Whether an episode with this goal belongs to the split."""
        if self.selection is Selection.EVERY:
            return True
        names_held_out = bool(combinations(goal) & self.held_out)
        return names_held_out == (self.selection is Selection.WITH_HELD_OUT)

    def describe(self) -> str:
        """A line that names the split exactly; part of the key of a cached bank."""
        pairs = ",".join(sorted(f"{color} {type_}" for color, type_ in self.held_out))
        return f"{self.name}:{self.selection}:{'odd' if self.is_evaluation else 'even'}:{pairs}"


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("all", Selection.EVERY, is_evaluation=False),
        Split("train", Selection.WITHOUT_HELD_OUT, is_evaluation=False),
        Split("seen", Selection.WITHOUT_HELD_OUT, is_evaluation=True),
        Split("unseen", Selection.WITH_HELD_OUT, is_evaluation=True),
    )
}


def find_split(split: str | Split) -> Split:
    """The split of this name.

    Raises:
        SplitError: if there is none.
    """
    if isinstance(split, Split):
        return split
    if split not in SPLITS:
        raise SplitError(f"there is no split {split!r}: choose one of {', '.join(SPLITS)}")
    return SPLITS[split]
