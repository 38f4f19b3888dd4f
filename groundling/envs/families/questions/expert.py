"""The expert: goes the shortest way to where more evidence is seen, and answers once it has seen enough."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.batch import Batch
from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import ANSWER, NUM_ACTIONS, STOP
from groundling.envs.engine.dynamics import DONE, RIGHT
from groundling.envs.engine.rover import Motion, Poses
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.state import Worlds
from groundling.envs.families.questions import driving, ways
from groundling.envs.families.questions.driving import HERE, drive_as, steer, turn_towards
from groundling.envs.families.questions.notes import find_missing
from groundling.envs.families.questions.sight import Sighting, is_in_sight
from groundling.envs.families.questions.ways import NOTHING, Search, first_action, make_search

EDGE: Final = 0.15  # radians beyond the view from a tile's middle, for a rover that is not quite there
SIDEWAYS: Final = (
    0.6  # radians to which a rover turns from the direction of the grid; half a turn more is below 45 degrees
)

kernel = compiler(__file__, *driving.SOURCES, *ways.SOURCES)


@inner_kernel
def answering(w: Worlds, b: int) -> int:
    """The action of an environment's agent that knows the answer: "done" if it has to stop first, else the answer."""
    for c in range(int(w.current_step[b]), w.programs.shape[1]):
        verb = int(w.programs[b, c, 0])
        if verb == STOP:
            return DONE
        if verb == ANSWER:
            return NUM_ACTIONS + int(w.programs[b, c, 2])
    return DONE


@kernel
def advise(
    w: Worlds,
    width: int,
    seen: NDArray[np.bool_],
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
    s: Search,
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next action [B] of the grid's body in every environment."""
    for b in range(actions.shape[0]):
        lost[b] = False
        if w.current_step[b] > 0 or find_missing(w.programs[b], w.looks[b], width, seen[b], useful, to_open):
            actions[b] = answering(w, b)
            continue
        position, direction = int(w.position[b]), int(w.direction[b])
        action, _ = first_action(w.cells[b], w.looks[b], width, position, direction, 0.0, useful, to_open, s)
        lost[b] = action < 0
        actions[b] = DONE if action < 0 else action


@inner_kernel
def angle_to_useful(
    w: Worlds, b: int, width: int, x: float, y: float, half_angle: float, useful: NDArray[np.bool_]
) -> float:
    """Where to look to see the nearest useful tile in view of a rover that looks along the grid; NaN if there is none.

    The angle stays so near to that of the grid that the rover's direction does not become another one, for which the
    way would be another one.
    """
    nearest, angle = np.inf, np.nan
    along = w.direction[b] * (math.pi / 2)
    for place in range(useful.shape[0]):
        if not useful[place]:
            continue
        to_x, to_y = place % width + 0.5 - x, place // width + 0.5 - y
        distance, towards = to_x * to_x + to_y * to_y, math.atan2(to_y, to_x)
        off = (towards - along + math.pi) % (2 * math.pi) - math.pi
        if distance >= nearest or abs(off) > half_angle + EDGE:
            continue
        if is_in_sight(w.cells[b], w.looks[b], width, x, y, towards, half_angle, place):
            nearest, angle = distance, along + min(max(off, -SIDEWAYS), SIDEWAYS)
    return angle


@inner_kernel
def face_useful(
    w: Worlds,
    b: int,
    width: int,
    poses: Poses,
    motion: Motion,
    half_angle: float,
    useful: NDArray[np.bool_],
    place: int,
) -> int:
    """A rover whose tile shows it: drive to its middle, then turn to the nearest useful tile.

    The tile's exact middle shows something at the edge of the view that a rover near it may not see, so it turns
    until that is ahead.
    """
    x, y, heading = poses.x[b], poses.y[b], poses.heading[b]
    middle_x, middle_y = place % width + 0.5, place // width + 0.5
    if (x - middle_x) * (x - middle_x) + (y - middle_y) * (y - middle_y) > motion.step * motion.step / 4 + 1e-9:
        return steer(x, y, heading, motion.turn, middle_x, middle_y)
    angle = angle_to_useful(w, b, width, x, y, half_angle, useful)
    if math.isnan(angle):
        return turn_towards(heading, w.direction[b] * (math.pi / 2), motion.turn)
    return turn_towards(heading, angle, motion.turn)


@kernel
def advise_rovers(
    w: Worlds,
    width: int,
    poses: Poses,
    motion: Motion,
    half_angle: float,
    seen: NDArray[np.bool_],
    useful: NDArray[np.bool_],
    to_open: NDArray[np.bool_],
    s: Search,
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next action [B] of a rover in every environment: it follows the way of the grid's body from tile to tile."""
    for b in range(actions.shape[0]):
        lost[b] = False
        if w.current_step[b] > 0 or find_missing(w.programs[b], w.looks[b], width, seen[b], useful, to_open):
            actions[b] = answering(w, b)
            continue
        place, direction = int(w.position[b]), int(w.direction[b])
        action, _ = first_action(w.cells[b], w.looks[b], width, place, direction, half_angle, useful, to_open, s)
        if action == HERE:
            action = face_useful(w, b, width, poses, motion, half_angle, useful, place)
            if action == HERE:
                action = RIGHT
        elif action >= 0:
            action = drive_as(w, b, width, poses, motion, action, direction, place)
        lost[b] = action == NOTHING
        actions[b] = DONE if action == NOTHING else action


class QuestionExpert:
    """Knows the next action in every environment of a batch, in any state (a ``Teacher``).

    It knows the house and the answer, but answers only once the evidence has been in view, so that an agent can learn
    to look before it answers. Where several things are to be seen it goes to the nearest first, so that its way through
    them is short, not always the shortest. It must be asked at every step, since it keeps what has been seen.

    Args:
        worlds: the environments; they are read, never changed.

    Attributes:
        lost: [B] bool, written by :meth:`actions`: nothing leads to what has to be seen.
        sighting: what has been seen.
    """

    def __init__(self, worlds: Batch[Any]) -> None:
        self.worlds = worlds
        self.sighting = Sighting(worlds)
        batch, cells = worlds.state.cells.shape
        self.lost = np.zeros(batch, dtype=np.bool_)
        self._actions = np.zeros(batch, dtype=np.int64)
        self._search = make_search(cells)
        self._marks = np.zeros((2, cells), dtype=np.bool_)

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every environment; "done" where :attr:`lost`. The array is written again."""
        self.sighting.look()
        worlds, seen = self.worlds, self.sighting.seen
        useful, to_open = self._marks
        if isinstance(worlds, RoverBatch):
            advise_rovers(
                worlds.state,
                worlds.width,
                worlds.poses,
                worlds.rover.motion(),
                self.sighting.half_angle,
                seen,
                useful,
                to_open,
                self._search,
                self._actions,
                self.lost,
            )
        else:
            advise(worlds.state, worlds.width, seen, useful, to_open, self._search, self._actions, self.lost)
        return self._actions

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of what has been seen."""
        return self.sighting.state_dict()

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`, of an expert on as many environments."""
        self.sighting.load_state_dict(saved)
