"""The names in the world, the token ids that stand for them, and the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FLOOR: Final = "floor"
SHAPES: Final = ("circle", "triangle", "square")
COLORS: Final = ("red", "green", "blue")
RELATIONS: Final = ("north", "south", "east", "west", "same")
STEPS: Final = {"north": (0, -1), "south": (0, 1), "east": (1, 0), "west": (-1, 0), "same": (0, 0)}  # of x and y
PATTERNS: Final = ("square", "line", "diagonal line", "triangle", "circle", "eel", "snake", "connected", "disconnected")

# In the vocabulary these come first, so that a symbol of the grid is the token id of its word.
NAMES: Final = (FLOOR, *SHAPES, *COLORS)
RESERVED: Final = 2  # padding and the unknown word
NUM_SYMBOLS: Final = RESERVED + len(NAMES)
FLOOR_ID, FIRST_SHAPE, FIRST_COLOR = (RESERVED + NAMES.index(name) for name in (FLOOR, SHAPES[0], COLORS[0]))

View = Literal["symbols", "rgb"]
ACTIONS: Final = ("left", "right", "up", "down", "interact")
SIZE: Final = 5  # cells across
NUM_CELLS: Final = SIZE**2


@dataclass(frozen=True)
class Game:
    """One of the published tasks.

    Attributes:
        name: in the id.
        max_steps: of an episode, all of which are played.
        description: what it asks of an agent.
    """

    name: str
    max_steps: int
    description: str

    @property
    def id(self) -> str:
        """The id of its environment."""
        return f"groundling/GridLU-{self.name}-v0"


RELATIONS_GAME: Final = Game("Relations", 30, "Go next to a block, or carry one next to another, as a sentence says")
ARRANGEMENTS_GAME: Final = Game("Arrangements", 45, "Arrange four blocks in a square, a line, a circle ...")
GAMES: Final = {game.id: game for game in (RELATIONS_GAME, ARRANGEMENTS_GAME)}
