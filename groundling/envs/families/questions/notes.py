"""Notes of an episode: what has to be seen to answer its question, in the rows of its program after the goal.

A row is (``NO_CLAUSE``, way << 8 | kind, rectangle, object): kernels that judge the goal stop before it. Each way alone
is enough to know the answer, and all notes of one way are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import kernels
from groundling.envs.engine.answers import Answers
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import ANSWER, BORDER, NO_CLAUSE, OPEN, STOP, STRICT
from groundling.envs.engine.state import Worlds
from groundling.envs.worlds.programs import Program
from groundling.language.questions.evaluation import Answer, Evidence
from groundling.language.questions.scene import Scene, Tile
from groundling.language.questions.words import answer_number

SEE: Final = 1  # a tile
COVER: Final = 2  # every tile of a rectangle
GLIMPSE: Final = 3  # any tile of a rectangle
OPENED: Final = 4  # a tile whose container is open
TARGET_ROOM: Final = 5  # a room with evidence, for metrics
START: Final = 6  # how many actions the evidence is away at first, for metrics

SOURCES = (__file__, *kernels.SOURCES)
kernel = compiler(*SOURCES)


def rectangle(left: int, top: int, width: int = 1, height: int = 1) -> int:
    """Some tiles of a map as an operand."""
    return left | top << 16 | width << 32 | height << 48


def rectangle_of(operand: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of :func:`rectangle`."""
    left, top, width, height = (int(operand) >> shift & 0xFFFF for shift in (0, 16, 32, 48))
    return left, top, width, height


def program_of(answer: Answer, scene: Scene, codes: Mapping[int, int], start: int, answers: Answers) -> Program:
    """The program of an episode: the goal, and the notes.

    Args:
        answer: the right one, with its evidence.
        scene: the house.
        codes: the cell code of each container, by its row of the scene.
        start: how many actions away the evidence is at first.
        answers: of the family.
    """
    goal = (ANSWER, STRICT if answers.stops_first else 0, answer_number(answer.text), 0)
    rows: list[tuple[int, int, int, int]] = [(STOP, 0, 0, 0), goal] if answers.stops_first else [goal]
    for way, evidence in enumerate(answer.ways):
        rows += [(NO_CLAUSE, way << 8 | kind, where, code) for kind, where, code in _notes(evidence, scene, codes)]
    for room in sorted(answer.ways[0].room_rows(scene)):
        rows.append((NO_CLAUSE, TARGET_ROOM, _room(scene, room), 0))
    return (*rows, (NO_CLAUSE, START, start, 0))


def _room(scene: Scene, row: int) -> int:
    room = scene.rooms[row]
    return rectangle(room.left, room.top, room.width, room.height)


def _notes(evidence: Evidence, scene: Scene, codes: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Kind, rectangle and object of each piece of evidence."""

    def tile(position: Tile) -> int:
        return rectangle(*position)

    found = []
    for row in sorted(evidence.things):
        container = scene.things[row].inside
        if container is None:
            found.append((SEE, tile(scene.things[row].position), 0))
        else:
            found.append((OPENED, tile(scene.things[container].position), codes[container]))
    found += [(SEE, tile(scene.doors[row].position), 0) for row in sorted(evidence.doors)]
    found += [(GLIMPSE, _room(scene, row), 0) for row in sorted(evidence.rooms)]
    found += [(COVER, _room(scene, row), 0) for row in sorted(evidence.whole_rooms)]
    found += [(OPENED, tile(scene.things[row].position), codes[row]) for row in sorted(evidence.opened)]
    return found


@kernel
def find_missing(
    programs: NDArray[np.uint64],
    looks: NDArray[np.int32],
    width: int,
    seen: NDArray[np.bool_],
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
) -> bool:
    """Which tiles would show something that is missing, in one environment; whether enough has been seen.

    Args:
        programs: [C, 4] of the environment.
        looks: [O + 2] of its cell codes.
        width: of its map, border included.
        seen: [cells] the tiles that have been seen.
        useful: [cells] written: tiles that are to be seen.
        to_open: [cells] written: tiles of containers that are to be opened.
    """
    useful[:] = False
    to_open[:] = False
    present, missing = 0, 0  # a bit for each way
    for c in range(programs.shape[0]):
        if programs[c, 0] != NO_CLAUSE:
            continue
        kind, way = int(programs[c, 1]) & 0xFF, int(programs[c, 1]) >> 8
        if kind < SEE or kind > OPENED:
            continue
        present |= 1 << way
        place = programs[c, 2]
        left = int(place & np.uint64(0xFFFF)) + BORDER
        top = int(place >> np.uint64(16) & np.uint64(0xFFFF)) + BORDER
        columns = int(place >> np.uint64(32) & np.uint64(0xFFFF))
        lines = int(place >> np.uint64(48) & np.uint64(0xFFFF))
        if kind == OPENED and (looks[int(programs[c, 3])] >> 16) & 0xFF != OPEN:
            to_open[top * width + left] = True
            missing |= 1 << way
            continue
        unseen = 0
        for y in range(top, top + lines):
            for x in range(left, left + columns):
                unseen += not seen[y * width + x]
        if unseen == 0 or (kind == GLIMPSE and unseen < lines * columns):
            continue
        missing |= 1 << way
        for y in range(top, top + lines):
            for x in range(left, left + columns):
                if not seen[y * width + x]:
                    useful[y * width + x] = True
    return present & ~missing != 0


@kernel
def note_known(
    w: Worlds,
    width: int,
    seen: NDArray[np.bool_],
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
    known: NDArray[np.bool_],
) -> None:
    """Where enough has been seen to answer, into ``known`` [B]; ``useful`` and ``to_open`` are scratch, [cells]."""
    for b in range(known.shape[0]):
        known[b] = find_missing(w.programs[b], w.looks[b], width, seen[b], useful, to_open)
