"""The integers that worlds are made of: MiniGrid's own codes, and how a cell and an object are packed.

A *cell code* says what a tile holds: 0 nothing, 1 a wall, ``FIRST_OBJECT + k`` the object ``k`` of the episode.
A *look* is how a cell code appears: an int32 of MiniGrid's (type, color, state) bytes and a byte that says
whether it hides what is behind, lowest byte first.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from groundling.language.goals import Color, ObjectType


class Action(IntEnum):
    """MiniGrid's seven actions."""

    LEFT = 0
    RIGHT = 1
    FORWARD = 2
    PICKUP = 3
    DROP = 4
    TOGGLE = 5
    DONE = 6


NUM_ACTIONS: Final = len(Action)
VIEW_SIZE: Final = 7
VIEW_CELLS: Final = VIEW_SIZE * VIEW_SIZE

UNSEEN: Final = 0
EMPTY: Final = 1
WALL: Final = 2
DOOR: Final = 4
KEY: Final = 5
BALL: Final = 6
BOX: Final = 7
NUM_TYPES: Final = 11

NUM_COLORS: Final = 6
GREY: Final = 5
COLOR_CODES: Final = {
    Color.RED: 0,
    Color.GREEN: 1,
    Color.BLUE: 2,
    Color.PURPLE: 3,
    Color.YELLOW: 4,
    Color.GREY: GREY,
}
TYPE_CODES: Final = {ObjectType.DOOR: DOOR, ObjectType.KEY: KEY, ObjectType.BALL: BALL, ObjectType.BOX: BOX}

OPEN: Final = 0
CLOSED: Final = 1
LOCKED: Final = 2
NUM_STATES: Final = 3

NOTHING_CODE: Final = 0
WALL_CODE: Final = 1
FIRST_OBJECT: Final = 2
MAX_OBJECTS: Final = 64  # a set of objects is a mask of 64 bits

BORDER: Final = VIEW_SIZE - 1  # walls around every map, so that a view never leaves the array
NOWHERE: Final = -1  # the position of an object that is carried or inside a box


class Verb(IntEnum):
    """Operations of the goal program, see ``kernels.judge``."""

    GO_TO = 0
    PICK_UP = 1
    OPEN = 2
    PUT_NEXT_TO = 3


# Columns of a goal program: [verb, strict, mask of the objects meant, mask of the fixed objects]
PROGRAM_LENGTH: Final = 4


def look(type_code: int, color_code: int, state: int) -> int:
    """The look of a thing: walls and doors that are not open hide what is behind them."""
    opaque = type_code == WALL or (type_code == DOOR and state != OPEN)
    return type_code | color_code << 8 | state << 16 | int(opaque) << 24


EMPTY_LOOK: Final = look(EMPTY, 0, 0)
WALL_LOOK: Final = look(WALL, GREY, 0)
