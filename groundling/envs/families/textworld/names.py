"""What kinds of games there are, and sizes of their observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

EXTRA: Final = "textworld"
SCENE_TEXTS: Final = 3  # what the last command led to, what is seen, what is carried
SCENE_TOKENS: Final = 240
COMMANDS: Final = 48  # K, at most; the actions are their numbers
COMMAND_TOKENS: Final = 16
INSTRUCTION_TOKENS: Final = 160


@dataclass(frozen=True)
class Variant:
    """One kind of games.

    Attributes:
        id: how it is asked for.
        description: what it asks of an agent.
        max_steps: after which an episode is cut off.
        example: an instruction that it may tell.
        other: name of the suite of games that differ in kind from those of training; empty if there is none.
        other_description: of that suite.
        settings: of TextWorld's own generator of games.
    """

    id: str
    description: str
    max_steps: int
    example: str
    other: str = ""
    other_description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its short name, ``"treasure"``."""
        return self.id.split("-")[1].lower()


VARIANTS: Final = {
    variant.id: variant
    for variant in (
        Variant(
            "groundling/TextWorld-Coin-v0",
            "Find the coin in a house of rooms that is told in text",
            20,
            "retrieve the coin from the floor of the bedroom.",
            settings={"level": 5},
        ),
        Variant(
            "groundling/TextWorld-Treasure-v0",
            "Find and take the one thing that is asked for in a house that is told in text; another one loses",
            20,
            "retrieve the broom from the floor of the basement.",
            settings={"level": 5},
        ),
        Variant(
            "groundling/TextWorld-Cooking-v0",
            "Read a recipe, gather what it needs, cook and eat, in text",
            25,
            "you are hungry! let's cook a delicious meal. check the cookbook in the kitchen for the recipe.",
            other="ingredients",
            other_description="ingredients that training never has",
            settings={"recipe": 1, "take": 1, "open": True, "cook": False, "cut": False, "drop": False, "go": 1},
        ),
        Variant(
            "groundling/TextWorld-Household-v0",
            "Find a thing in a house that is told in text, and put it in or on another",
            25,
            "put the mug in the fridge.",
            other="pairs",
            other_description="a thing and a place that training never joins",
        ),
    )
}
