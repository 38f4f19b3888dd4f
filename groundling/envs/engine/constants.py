"""The integers that worlds are made of: MiniGrid's own codes, and how a cell and an object are packed.

A *cell code* says what a tile holds: 0 nothing, 1 a wall, ``FIRST_OBJECT + k`` the object ``k`` of the episode.
A *look* is how a cell code appears: an int32 of MiniGrid's (type, color, state) bytes, lowest byte first, and flags:
whether it hides what is behind, can be walked on, can be carried.
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
FLOOR: Final = 3
DOOR: Final = 4
KEY: Final = 5
BALL: Final = 6
BOX: Final = 7
GOAL: Final = 8
FIRST_OWN_TYPE: Final = 11  # MiniGrid's codes end here
NUM_TYPES: Final = 18
FIRST_SOLID_TYPE: Final = 18  # things that are only seen in first person; no goal names them by type
TORCH: Final = 18
PILLAR: Final = 19
KEYCARD: Final = 20
SKULLKEY: Final = 21
ARMOR: Final = 22
CHAIR: Final = 23
TABLE: Final = 24
NUM_SOLID_TYPES: Final = 25
FIRST_TASK_TYPE: Final = NUM_SOLID_TYPES  # types that a task brings, in the order in which it declares them

GREEN: Final = 1
GREY: Final = 5
NUM_COLORS: Final = len(Color)  # the codes of a task's own colors come after these
COLOR_CODES: Final = {color: code for code, color in enumerate(Color)}  # MiniGrid's six come first, in its order
TYPE_CODES: Final = {
    ObjectType.DOOR: DOOR,
    ObjectType.KEY: KEY,
    ObjectType.BALL: BALL,
    ObjectType.BOX: BOX,
    **{kind: FIRST_OWN_TYPE + i for i, kind in enumerate(tuple(ObjectType)[4:])},
}
TYPE_OF_CODE: Final = {code: kind for kind, code in TYPE_CODES.items()}
COLOR_OF_CODE: Final = tuple(Color)

OPEN: Final = 0
CLOSED: Final = 1
LOCKED: Final = 2
ORDINARY: Final = 0  # the state of an object whose size nobody speaks of, as in MiniGrid
TINY: Final = 3
SMALL: Final = 4
BIG: Final = 5
HUGE: Final = 6
SIZES: Final = (TINY, SMALL, BIG, HUGE)  # states of objects of different sizes, from the smallest
NUM_STATES: Final = 7

NOTHING_CODE: Final = 0
WALL_CODE: Final = 1
FIRST_OBJECT: Final = 2
MAX_OBJECTS: Final = 64  # a set of objects is a mask of 64 bits

# Contents of an object that holds others and stays when it is opened: the code of what is on or in it, and two flags.
HOLDS: Final = 0x80
OPENS: Final = 0x40  # a container, which shows and gives what is in it while it is open
HELD: Final = 0x3F  # the code
MAX_OBJECTS_WITH_HOLDERS: Final = HELD + 1 - FIRST_OBJECT

BORDER: Final = VIEW_SIZE - 1  # walls around every map, so that a view never leaves the array
MAX_POSITIONS: Final = 2**15 - 1  # tiles of a map with its border: a position is an int16
NOWHERE: Final = -1  # the position of an object that is carried or inside a box


class Verb(IntEnum):
    """Operations of the goal program, see ``kernels.judge_clause``. The operands are masks of objects or places."""

    GO_TO = 0  # objects
    PICK_UP = 1  # objects, boxes whose opening fails
    OPEN = 2  # objects
    PUT_NEXT_TO = 3  # objects, fixed objects
    PUT_NEAR = 4  # objects, place
    ANNOUNCE = 5  # place: take the action "done" beside it
    STEP_ON = 6  # place, place that fails (or NO_PLACE)


# More operations. Two of goals that are nothing else (``goal_check.judge_answer``); they are never told as due.
ANSWER: Final = 7  # the number of the right answer: take the action that gives it; any other answer fails
STOP: Final = 8  # take the action "done"; an answer before it fails
ANSWERS: Final = (ANSWER, STOP)
PUT_IN: Final = 11  # objects, floor code: put one of them down on such a floor; & 7 it is PUT_NEXT_TO
NO_CLAUSE: Final = 255  # the verb of an unused row of a goal program; rows after it may hold notes of a family's own

# Flags of a clause
STRICT: Final = 1  # other objects fail it, as BabyAI's strict clauses
JOINED: Final = 2  # to the clause before by "and": in any order
ORDERED: Final = 4  # completing this step while the one before is open fails the episode

# Columns of a clause: [verb, flags, operand, operand]
CLAUSE_LENGTH: Final = 4
NO_PLACE: Final = 0  # the upper left corner, where nobody can stand


def place(x: int, y: int) -> int:
    """A tile of a map as an operand of a clause."""
    return y << 16 | x


WALKABLE_BIT: Final = 24
PORTABLE_BIT: Final = 25
OPAQUE_BIT: Final = 26  # the highest, so that a shift alone reads it


def look(type_code: int, color_code: int, state: int) -> int:
    """The look of a thing: what it looks like, whether it hides what is behind, can be walked on, can be carried."""
    opaque = type_code == WALL or (type_code == DOOR and state != OPEN)
    walkable = type_code in (EMPTY, GOAL) or (type_code == DOOR and state == OPEN)
    portable = type_code in (KEY, BALL, BOX) or type_code >= FIRST_OWN_TYPE
    flags = opaque << OPAQUE_BIT | walkable << WALKABLE_BIT | portable << PORTABLE_BIT
    return type_code | color_code << 8 | state << 16 | flags


def look_parts(look: int) -> tuple[int, int, int]:
    """Type, color and state of a look."""
    return look & 0xFF, look >> 8 & 0xFF, look >> 16 & 0xFF


def without(look: int, *bits: int) -> int:
    """A look with some of its flags off: see-through walls, objects that nobody can lift."""
    return look & ~sum(1 << bit for bit in bits)


EMPTY_LOOK: Final = look(EMPTY, 0, 0)
WALL_LOOK: Final = look(WALL, GREY, 0)
