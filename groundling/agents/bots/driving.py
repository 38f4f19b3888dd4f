"""How a rover drives along the plan of the grid's expert: straight at what is free to drive at, then the plan's action.

A plan (``plans``) leads from tile to tile. A rover is led to the farthest point of it that a straight way leads to:
the thing that the plan's next action is about, or the middle of a tile on the plan's way, its own at last.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import plans, scene
from groundling.agents.bots.plans import Plans
from groundling.agents.bots.scene import Scene, as_int, scene_of
from groundling.envs.engine import kernels, rover, rover_kernels
from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import DOOR, NOTHING_CODE, NOWHERE, WALKABLE_BIT, WALL
from groundling.envs.engine.dynamics import DONE, DROP, FORWARD, LEFT, RIGHT, stride_of
from groundling.envs.engine.goal_check import ANNOUNCE
from groundling.envs.engine.rover import OBJECT_RADII, Motion, Poses
from groundling.envs.engine.rover_kernels import FULL_TURN, NOTHING_FACED, SKIN, look_ahead
from groundling.envs.engine.state import Worlds

SAMPLE: Final = 0.1  # metres between two points of a way that are looked at
MARGIN: Final = 0.03  # metres that a way keeps from things beside the body's radius, where the rover has them
AT: Final = 0.15  # metres from the middle of a tile at which the rover counts as being there
CONTACT: Final = 0.45  # metres between the middles of a rover and a thing that touch
NEAR: Final = 0.75  # metres from a thing at which a rover always acts: it gets as near to doors and to all objects

kernel = compiler(__file__, scene.__file__, plans.__file__, rover_kernels.__file__, rover.__file__, *kernels.SOURCES)
_RADII = np.array(OBJECT_RADII)


class Intents(NamedTuple):
    """What the plans of B rovers are about next."""

    action: NDArray[np.int64]  # [B] what is to be done there; LEFT, RIGHT or FORWARD where it is to be there only
    stand: NDArray[np.int64]  # [B] the tile from which
    target: NDArray[np.int64]  # [B] the tile to be faced, or NOWHERE
    is_faced: NDArray[np.bool_]  # [B] whether it is faced so that the action can be done now


def make_intents(batch: int) -> Intents:
    """Intents of B rovers, of nothing yet."""
    return Intents(
        np.zeros(batch, dtype=np.int64),
        np.zeros(batch, dtype=np.int64),
        np.full(batch, NOWHERE, dtype=np.int64),
        np.zeros(batch, dtype=np.bool_),
    )


@inner_kernel
def clearance(w: Worlds, b: int, width: int, x: float, y: float, spared: int) -> float:
    """Metres from a point to what stands nearest in its tile and the eight around it, but for one tile; at most 1."""
    nearest = 1.0
    for row in range(math.floor(y) - 1, math.floor(y) + 2):
        for column in range(math.floor(x) - 1, math.floor(x) + 2):
            place = row * width + column
            look = w.looks[b, w.cells[b, place]]
            if place == spared or (look >> WALKABLE_BIT) & 1:
                continue
            kind = look & 0xFF
            if kind in (WALL, DOOR):
                away_x, away_y = max(column - x, x - column - 1, 0.0), max(row - y, y - row - 1, 0.0)
                gap = math.sqrt(away_x * away_x + away_y * away_y)
            else:
                gap = math.sqrt((x - column - 0.5) ** 2 + (y - row - 0.5) ** 2) - _RADII[(look >> 16) & 0xFF]
            nearest = min(nearest, gap)
    return nearest


@inner_kernel
def is_way_free(
    w: Worlds, b: int, width: int, x: float, y: float, to_x: float, to_y: float, radius: float, spared: int
) -> bool:
    """Whether a body gets straight to a point; nearer to things than a margin it may be where it begins, not later."""
    needed = min(radius + MARGIN, clearance(w, b, width, x, y, spared)) - SKIN
    length = math.sqrt((to_x - x) ** 2 + (to_y - y) ** 2)
    count = max(1, math.ceil(length / SAMPLE))
    for i in range(1, count + 1):
        share = i / count
        if clearance(w, b, width, x + share * (to_x - x), y + share * (to_y - y), spared) < needed:
            return False
    return True


@inner_kernel
def turns_towards(poses: Poses, b: int, to_x: float, to_y: float, turn: float) -> int:
    """How many turns to the right (to the left where negative) head nearest to a point."""
    bearing = math.atan2(to_y - poses.y[b], to_x - poses.x[b])
    error = (bearing - poses.heading[b] + FULL_TURN / 2) % FULL_TURN - FULL_TURN / 2
    return math.floor(error / turn + 0.5)


@inner_kernel
def _is_step_free(w: Worlds, b: int, width: int, poses: Poses, motion: Motion, turns: int, length: float) -> bool:
    """Whether the rover, after so many turns, gets so many metres ahead."""
    x, y, heading = poses.x[b], poses.y[b], poses.heading[b] + turns * motion.turn
    return is_way_free(
        w, b, width, x, y, x + length * math.cos(heading), y + length * math.sin(heading), motion.radius, NOWHERE
    )


@inner_kernel
def _is_way_on(
    w: Worlds, b: int, width: int, poses: Poses, motion: Motion, to_x: float, to_y: float, spared: int
) -> bool:
    """Whether a point can be driven straight at, with a heading that turns can give."""
    x, y = poses.x[b], poses.y[b]
    if not is_way_free(w, b, width, x, y, to_x, to_y, motion.radius, spared):
        return False
    length = math.sqrt((to_x - x) ** 2 + (to_y - y) ** 2) - (0.0 if spared == NOWHERE else CONTACT)
    turns = turns_towards(poses, b, to_x, to_y, motion.turn)
    return length <= 0 or _is_step_free(w, b, width, poses, motion, turns, min(motion.step, length))


@inner_kernel
def _entry_here(s: Scene, p: Plans, b: int, position: int, direction: int) -> int:
    """The last entry of a plan that is for a tile and this state of the world, in a direction (-1: any); else -1."""
    found = -1
    for i in range(p.length[b]):
        pose = as_int(p.poses[b, i])
        if p.signatures[b, i] == s.signature and pose >> 2 == position and direction in (-1, pose & 3):
            found = i
    return found


@inner_kernel
def _announced(w: Worlds, b: int, width: int, place: int) -> int:
    """The place beside this one that a goal asks to announce, or NOWHERE."""
    for c in range(w.programs.shape[1]):
        if int(w.programs[b, c, 0]) == ANNOUNCE:
            meant = as_int(w.programs[b, c, 2])
            if abs(meant - place) in (1, width):
                return meant
    return NOWHERE


@inner_kernel
def _tile_of(w: Worlds, b: int, width: int, poses: Poses) -> int:
    """The tile of a rover, or, in a corner of one where a thing stands, the nearest free one beside it."""
    here = as_int(w.position[b])
    found, nearest = here, math.inf
    if (w.looks[b, w.cells[b, here]] >> WALKABLE_BIT) & 1:
        return here
    for direction in range(4):
        place = here + stride_of(direction, width)
        away = (place % width + 0.5 - poses.x[b]) ** 2 + (place // width + 0.5 - poses.y[b]) ** 2
        if (w.looks[b, w.cells[b, place]] >> WALKABLE_BIT) & 1 and away < nearest:
            found, nearest = place, away
    return found


@kernel
def poses_on_grid(
    w: Worlds,
    width: int,
    p: Plans,
    seen: NDArray[np.bool_],
    poses: Poses,
    positions: NDArray[np.int16],
    directions: NDArray[np.int64],
) -> None:
    """Write on which tile [B] each rover counts as being, and in which direction [B] its plan takes that tile: the
    rover's own where it does not.

    The rover may head anywhere: were the plan asked for its true direction, each turn would ask for another plan.
    """
    for b in range(directions.shape[0]):
        positions[b] = _tile_of(w, b, width, poses)
        s = scene_of(w, b, width, seen, True)
        entry = _entry_here(s, p, b, as_int(positions[b]), -1)
        directions[b] = w.direction[b] if entry < 0 else as_int(p.poses[b, entry]) & 3


@kernel
def drive_plans(
    w: Worlds,
    width: int,
    p: Plans,
    seen: NDArray[np.bool_],
    poses: Poses,
    motion: Motion,
    half_view: float,
    lost: NDArray[np.bool_],
    actions: NDArray[np.int64],
) -> None:
    """Write the rover's next action [B] along each plan; where it is lost [B] the action stays.

    Positions and directions in ``w`` are those of :func:`poses_on_grid`. Towards what the camera does not see, beyond
    ``half_view`` radians, the rover always turns left: whoever imitates it cannot know the shorter side.
    """
    for b in range(actions.shape[0]):
        if lost[b]:
            continue
        s = scene_of(w, b, width, seen, True)
        first = _entry_here(s, p, b, s.position, s.direction)
        last = max(first, 0)
        while last < p.length[b] - 1 and p.actions[b, last] in (LEFT, RIGHT, FORWARD):
            last += 1
        actions[b] = _drive_plan(w, b, width, p, max(first, 0), last, poses, motion, half_view)


@kernel
def read_plans(
    w: Worlds,
    width: int,
    p: Plans,
    seen: NDArray[np.bool_],
    poses: Poses,
    motion: Motion,
    lost: NDArray[np.bool_],
    intents: Intents,
) -> None:
    """Write what each plan is about next; where the rover is lost [B] nothing is written.

    Positions and directions in ``w`` are those of :func:`poses_on_grid`.
    """
    for b in range(lost.shape[0]):
        if lost[b]:
            continue
        s = scene_of(w, b, width, seen, True)
        last = max(_entry_here(s, p, b, s.position, s.direction), 0)
        while last < p.length[b] - 1 and p.actions[b, last] in (LEFT, RIGHT, FORWARD):
            last += 1
        final, end = as_int(p.actions[b, last]), as_int(p.poses[b, last])
        intents.action[b], intents.stand[b] = final, end >> 2
        intents.target[b], intents.is_faced[b] = NOWHERE, False
        if final == FORWARD:
            intents.stand[b] = (end >> 2) + stride_of(end & 3, width)
        if final in (LEFT, RIGHT, FORWARD):
            continue
        target = _announced(w, b, width, end >> 2) if final == DONE else NOWHERE
        if target == NOWHERE:
            target = (end >> 2) + stride_of(end & 3, width)
        intents.target[b] = target
        faced, ahead = look_ahead(w, b, width, poses, motion.reach)
        if final == DROP:
            is_free = w.cells[b, target] == NOTHING_CODE and faced == NOTHING_FACED and ahead == target
            intents.is_faced[b] = is_free or (w.cells[b, target] != NOTHING_CODE and faced == target)
        else:
            intents.is_faced[b] = faced == target


@inner_kernel
def _drive_plan(
    w: Worlds,
    b: int,
    width: int,
    p: Plans,
    first: int,
    last: int,
    poses: Poses,
    motion: Motion,
    half_view: float,
) -> int:
    """The action from entry ``first`` of a plan, whose entries walk up to ``last``."""
    final, end = as_int(p.actions[b, last]), as_int(p.poses[b, last])
    x, y = poses.x[b], poses.y[b]
    target = NOWHERE
    if final not in (LEFT, RIGHT, FORWARD):
        target = _announced(w, b, width, end >> 2) if final == DONE else NOWHERE
        if target == NOWHERE:
            target = (end >> 2) + stride_of(end & 3, width)
        reach = max(motion.reach - motion.step, min(motion.reach, NEAR))
        faced, ahead = look_ahead(w, b, width, poses, reach)
        if final == DROP and faced == NOTHING_FACED and ahead == target and w.cells[b, ahead] == NOTHING_CODE:
            return DROP
        if final != DROP and faced == target:
            return final
        aim_x, aim_y = target % width + 0.5, target // width + 0.5
        if target != w.position[b] and _is_way_on(w, b, width, poses, motion, aim_x, aim_y, target):
            return _turn_or_drive(turns_towards(poses, b, aim_x, aim_y, motion.turn), motion, half_view)
    for i in range(last, first - 1, -1):
        place = as_int(p.poses[b, i]) >> 2
        aim_x, aim_y = place % width + 0.5, place // width + 0.5
        is_here = place == w.position[b] and (aim_x - x) ** 2 + (aim_y - y) ** 2 <= AT * AT
        if not is_here and _is_way_on(w, b, width, poses, motion, aim_x, aim_y, NOWHERE):
            return _turn_or_drive(turns_towards(poses, b, aim_x, aim_y, motion.turn), motion, half_view)
    # nothing can be driven straight at: to the middle of its tile, or from there to what comes next, round what is near
    here = as_int(w.position[b])
    place = here
    if (x - here % width - 0.5) ** 2 + (y - here // width - 0.5) ** 2 <= AT * AT:
        place = target if target != NOWHERE else (end >> 2) + stride_of(end & 3, width)
        for i in range(last, first, -1):
            if as_int(p.poses[b, i]) >> 2 != here:
                place = as_int(p.poses[b, i]) >> 2
    turns = turns_towards(poses, b, place % width + 0.5, place // width + 0.5, motion.turn)
    for i in range(2 * math.ceil(math.pi / motion.turn)):
        around = turns + (i + 1) // 2 * (1 - 2 * (i & 1))
        if _is_step_free(w, b, width, poses, motion, around, motion.step):
            return _turn_or_drive(around, motion, half_view)
    return _turn_or_drive(turns, motion, half_view)


@inner_kernel
def _turn_or_drive(turns: int, motion: Motion, half_view: float) -> int:
    """The action that makes the first of so many turns, or drives where there are none."""
    if turns == 0:
        return FORWARD
    return LEFT if turns < 0 or turns * motion.turn > half_view else RIGHT
