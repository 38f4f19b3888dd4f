"""How a rover does what the body of the grid would, from tile to tile: for the expert of questions."""

from __future__ import annotations

import math
from typing import Final

from groundling.envs.engine import kernels, rover, rover_kernels
from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.engine.constants import DOOR
from groundling.envs.engine.dynamics import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, stride_of
from groundling.envs.engine.rover import Motion, Poses
from groundling.envs.engine.state import Worlds

NEAR_M: Final = 0.2  # how near the middle of a tile a rover has to be to turn to another way there
DOOR_REACH_M: Final = 1.05  # from the middle of a door's tile, a little more than from tile to tile
HERE: Final = -2  # no action: it is there already

SOURCES = (__file__, rover_kernels.__file__, rover.__file__, *kernels.SOURCES)


@inner_kernel
def turn_towards(heading: float, wanted: float, turn: float) -> int:
    """The turn that brings a heading nearer to another; ``HERE`` if none does."""
    off = (wanted - heading + math.pi) % (2 * math.pi) - math.pi
    if abs(off) <= turn / 2 + 1e-9:
        return HERE
    return RIGHT if off > 0 else LEFT


@inner_kernel
def steer(x: float, y: float, heading: float, turn: float, to_x: float, to_y: float) -> int:
    """Turn towards a point, or drive to it."""
    action = turn_towards(heading, math.atan2(to_y - y, to_x - x), turn)
    return FORWARD if action == HERE else action


@inner_kernel
def drive_as(
    w: Worlds, b: int, width: int, poses: Poses, motion: Motion, action: int, direction: int, place: int
) -> int:
    """What a rover does for an action of the grid's body in the middle of its tile."""
    x, y, heading = poses.x[b], poses.y[b], poses.heading[b]
    middle_x, middle_y = place % width + 0.5, place // width + 0.5
    off = (x - middle_x) * (x - middle_x) + (y - middle_y) * (y - middle_y)
    if action in (FORWARD, TOGGLE, PICKUP, DROP):
        front = place + stride_of(direction, width)
        to_x, to_y = front % width + 0.5, front // width + 0.5
        beside = (x - middle_x) if direction % 2 else (y - middle_y)
        # from the far end of its tile it would not reach the floor of the next
        if abs(beside) > NEAR_M or (action == DROP and off > NEAR_M * NEAR_M):
            return steer(x, y, heading, motion.turn, middle_x, middle_y)
        if action == FORWARD:
            return steer(x, y, heading, motion.turn, to_x, to_y)
        wanted = turn_towards(heading, math.atan2(to_y - y, to_x - x), motion.turn)
        if wanted != HERE or action == DROP:
            return action if wanted == HERE else wanted
        is_door = w.looks[b, w.cells[b, front]] & 0xFF == DOOR
        away = math.sqrt((to_x - x) * (to_x - x) + (to_y - y) * (to_y - y))
        return FORWARD if away > (DOOR_REACH_M if is_door else motion.reach) else action
    if action not in (LEFT, RIGHT):
        return action
    if off > NEAR_M * NEAR_M:
        return steer(x, y, heading, motion.turn, middle_x, middle_y)
    turned = direction + (1 if action == RIGHT else 3)
    wanted = turn_towards(heading, turned * (math.pi / 2), motion.turn)
    return FORWARD if wanted == HERE else wanted
