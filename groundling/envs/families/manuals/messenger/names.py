"""The names in the world, the token ids that stand for them, and the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FLOOR, SELF, CARRIED = "floor", "you", "message"
ENTITIES: Final = (
    *("airplane", "mage", "dog", "bird", "fish", "scientist"),
    *("thief", "ship", "ball", "robot", "queen", "sword"),
)
ROLES: Final = ("enemy", "message", "goal")
MOVEMENTS: Final = ("chaser", "fleeing", "immovable")
UNSTATED: Final = "unknown"  # in place of a movement, of a sentence that tells none

# In the vocabulary these come first, so that a symbol of the grid is the token id of its word.
NAMES: Final = (FLOOR, SELF, CARRIED, *ENTITIES)
RESERVED: Final = 2  # padding and the unknown word
NUM_SYMBOLS: Final = RESERVED + len(NAMES)
FIRST_ENTITY: Final = RESERVED + NAMES.index(ENTITIES[0])
FLOOR_ID, SELF_ID, CARRIED_ID = (RESERVED + NAMES.index(name) for name in (FLOOR, SELF, CARRIED))

INSTRUCTION: Final = "bring the message to the goal"  # of all episodes
ACTIONS: Final = ("up", "down", "left", "right", "stay")
SIZE: Final = 10  # cells across, without walls


@dataclass(frozen=True)
class Stage:
    """One of the published stages.

    Attributes:
        number: 1, 2 or 3.
        max_steps: of an episode.
        num_entities: that are in a room.
        num_sentences: of a manual.
    """

    number: int
    max_steps: int
    num_entities: int
    num_sentences: int

    @property
    def id(self) -> str:
        """The id of its environment."""
        return f"groundling/Messenger-S{self.number}-v0"


STAGES: Final = {stage.id: stage for stage in (Stage(1, 4, 3, 3), Stage(2, 64, 3, 3), Stage(3, 128, 5, 6))}
