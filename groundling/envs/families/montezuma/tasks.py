"""The 15 tasks of Goyal et al. 2019: where each begins, what it asks for, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from groundling.language.vocabulary import Vocabulary, split_words

ACTIONS: Final = (
    *("noop", "fire", "up", "right", "left", "down", "upright", "upleft", "downright", "downleft"),
    *("upfire", "rightfire", "leftfire", "downfire", "uprightfire", "upleftfire", "downrightfire", "downleftfire"),
)
CLOSE: Final = 5  # pixels in which a place counts as reached
MAX_STEPS: Final = 1000
FLOOR, LADDER_TOP, LADDER_FOOT, ROPE_FOOT = 235, 250, 137, 155  # heights: bytes of RAM, larger is higher


@dataclass(frozen=True)
class Start:
    """A state to begin in, rebuilt by walking into a room and writing a place into RAM.

    Attributes:
        room: number of the room.
        comes_from: the side from which the room is walked into, so that the game itself sets it up.
        x: in pixels; None leaves the player where it walked in.
        y: height.
        taken_at: x at which the thing of the room is jumped for before, if it is taken.
    """

    room: int
    comes_from: Literal["left", "right"]
    x: int | None = None
    y: int = FLOOR
    taken_at: int | None = None


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        number: 1 to 15.
        start: where it begins.
        room: of the goal.
        x: of the goal, in pixels.
        y: of the goal, height.
        takes: what of the room has to be taken: "" nothing, "jewel" (the orb of the paper) or "key".
        descriptions: what it asks for, in our own words.
    """

    number: int
    start: Start
    room: int
    x: int
    y: int
    takes: Literal["", "jewel", "key"]
    descriptions: tuple[str, ...]

    @property
    def id(self) -> str:
        """As it is asked for."""
        return f"groundling/Montezuma-{self.number}-v0"


IN_0: Final = Start(0, "right")
ON_LADDER_4: Final = Start(4, "right", 77, LADDER_TOP)
ON_LADDER_10: Final = Start(10, "right", 77, LADDER_TOP)
IN_8: Final = Start(8, "right")
KEY_IN_8: Final = Start(8, "right", 77, FLOOR, taken_at=77)

# Goals, heights and what is to be taken as in github.com/prasoongoyal/rl-learn, rl/tasks.py. Its saved states cannot be
# read any more; the starts are the places from which its tasks follow each other on the way through the game.
_TOLD: Final[tuple[tuple[Start, int, int, int, Literal["", "jewel", "key"], tuple[str, ...]], ...]] = (
    (IN_0, 0, 27, 235, "jewel", ("go left and jump to take the jewel", "walk to the left and jump up for the jewel",
                                 "move left past the lights, then jump and get the jewel")),
    (IN_0, 0, 77, 138, "", ("go left and climb down the ladder", "walk to the left, then climb down",
                            "move left to the ladder and go down")),
    (Start(0, "right", 27, FLOOR, 27), 0, 77, 138, "jewel", ("go right and climb down the ladder",
                            "walk to the right, then climb down", "move right to the ladder and go down")),
    (ON_LADDER_4, 4, 77, 137, "", ("climb down the ladder", "go down the ladder to its foot", "climb down")),
    (ON_LADDER_4, 4, 21, 235, "", ("climb down the ladder and go left", "go down, then walk to the left",
                                   "climb down, then jump over the spider to the left and move left")),
    (Start(3, "right"), 3, 77, 137, "", ("jump left over the skulls and climb down the ladder",
                            "go left, jump over the skulls, then climb down", "move left to the ladder and go down")),
    (ON_LADDER_10, 10, 13, 235, "jewel", ("climb down, go left and jump to take the jewel",
                            "go down the ladder, then walk to the left and jump up for the jewel",
                            "climb down, then move left and get the jewel")),
    (ON_LADDER_10, 10, 138, 235, "", ("climb down the ladder and go right", "go down, then walk to the right",
                            "climb down, then move right over the bridge")),
    (Start(10, "right", 13, FLOOR, 13), 10, 138, 235, "", ("go right over the bridge", "walk to the right",
                            "move right to the other side")),
    (Start(9, "left", 77, LADDER_TOP), 9, 8, 235, "", ("climb down the ladder and go left, jump over the snakes",
                            "go down, then jump left over the snakes", "climb down, then move left past the snakes")),
    (IN_8, 8, 77, 155, "", ("jump left to the rope and climb down", "go left, jump, and go down the rope",
                            "move left with a jump, then climb down the rope")),
    (IN_8, 8, 77, 235, "", ("go left and jump to the middle", "walk to the left, then jump left",
                            "move left and jump over the gap")),
    (Start(8, "right", 115), 8, 77, 235, "key", ("jump left and jump up for the key",
                            "go left with a jump and take the key", "jump to the left, then jump and get the key")),
    (KEY_IN_8, 8, 77, 155, "key", ("climb down the rope", "go down the rope to its foot", "climb down")),
    (KEY_IN_8, 8, 149, 235, "", ("jump right and go right", "jump over the gap to the right, then walk to the right",
                            "jump to the right and move right")),
)  # fmt: skip
TASKS: Final = {task.id: task for task in (Task(number, *told) for number, told in enumerate(_TOLD, start=1))}
LONGEST_TEXT: Final = 24  # tokens
VOCABULARY: Final = Vocabulary.of(
    word for task in TASKS.values() for text in task.descriptions for word in split_words(text)
)
