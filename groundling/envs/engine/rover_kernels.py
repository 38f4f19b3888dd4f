"""The compiled rules of the rover: driving, what it faces, and a step of a batch. Goals are judged as the grid's are.

Walls and doors that are shut fill their tile, objects are round posts in the middle of theirs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import kernels, rover
from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.engine.constants import ANSWER, BORDER, DOOR, NOTHING_CODE, OPEN, STOP, WALKABLE_BIT, WALL
from groundling.envs.engine.dynamics import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, can_hold, handle, turn_key
from groundling.envs.engine.goal_check import GOING_ON, SUCCESS, judge, judge_answer, judge_traps, renew_marks
from groundling.envs.engine.kernels import GOLDEN, begin, next_episode, scrambled, settle
from groundling.envs.engine.rover import OBJECT_RADII, OBJECT_RADIUS, Motion, Poses, Scoring
from groundling.envs.engine.state import Episodes, Outcomes, Tasks, Worlds

SKIN = 1e-6  # metres that stay free at a contact, so that sliding along a wall does not catch at the next tile's edge
SLIDES = 3  # contacts in one step: two walls of a corner, and one to stop at
NOTHING_FACED = 0  # the corner of the border: nothing stands or is marked there
FULL_TURN = 2 * math.pi

_RADII = np.array(OBJECT_RADII)

kernel = compiler(__file__, rover.__file__, *kernels.SOURCES)


@inlined_kernel
def tile_of(place: float) -> int:
    """The column or row of the tile at a place along x or y."""
    return int(math.floor(place))  # noqa: RUF046 - on a GPU it is still of a floating type


@inner_kernel
def contact_with_disc(x: float, y: float, dx: float, dy: float, cx: float, cy: float, radius: float) -> float:
    """Which share of a way (dx, dy) from (x, y) is free until it meets a disc; 2 if it never does."""
    fx, fy = x - cx, y - cy
    towards = fx * dx + fy * dy
    if towards >= 0:
        return 2.0
    gap = fx * fx + fy * fy - radius * radius
    if gap <= 0:
        return 0.0
    length = dx * dx + dy * dy
    root = towards * towards - length * gap
    return (-towards - math.sqrt(root)) / length if root > 0 else 2.0


@inner_kernel
def contact_with_side(start: float, way: float, across: float, way_across: float, low: float, radius: float) -> float:
    """As :func:`contact_with_disc`, with the nearer side of a tile.

    The tile covers [low, low + 1) along the axis on which the way begins at ``start``, and [0, 1) along the other, on
    which it begins at ``across``.
    """
    if way > 0 and start <= low:
        free = (low - radius - start) / way
    elif way < 0 and start >= low + 1:
        free = (low + 1 + radius - start) / way
    else:
        return 2.0
    free = max(free, 0.0)
    return free if 0 <= across + free * way_across <= 1 else 2.0


@inner_kernel
def drive(w: Worlds, b: int, width: int, poses: Poses, motion: Motion) -> None:
    """Move environment ``b``'s rover a step ahead, until it meets something, and along it if it slides."""
    x, y = poses.x[b], poses.y[b]
    dx, dy = motion.step * math.cos(poses.heading[b]), motion.step * math.sin(poses.heading[b])
    radius = motion.radius
    for _ in range(SLIDES if motion.slides else 1):
        free, normal_x, normal_y = 1.0, 0.0, 0.0
        for row in range(tile_of(min(y, y + dy) - radius), tile_of(max(y, y + dy) + radius) + 1):
            for column in range(tile_of(min(x, x + dx) - radius), tile_of(max(x, x + dx) + radius) + 1):
                seen = w.looks[b, w.cells[b, row * width + column]]
                if (seen >> WALKABLE_BIT) & 1:
                    continue
                kind = seen & 0xFF
                if kind != WALL and kind != DOOR:
                    reach = radius + _RADII[(seen >> 16) & 0xFF]
                    share = contact_with_disc(x, y, dx, dy, column + 0.5, row + 0.5, reach)
                    if share < free:
                        free = share
                        normal_x, normal_y = x + share * dx - column - 0.5, y + share * dy - row - 0.5
                    continue
                share = contact_with_side(x, dx, y - row, dy, column, radius)
                if share < free:
                    free, normal_x, normal_y = share, -math.copysign(1.0, dx), 0.0
                share = contact_with_side(y, dy, x - column, dx, row, radius)
                if share < free:
                    free, normal_x, normal_y = share, 0.0, -math.copysign(1.0, dy)
                for corner in range(4):
                    corner_x, corner_y = column + (corner & 1), row + (corner >> 1)
                    share = contact_with_disc(x, y, dx, dy, corner_x, corner_y, radius)
                    if share < free:
                        free = share
                        normal_x, normal_y = x + share * dx - corner_x, y + share * dy - corner_y
        x += free * dx
        y += free * dy
        length = math.sqrt(normal_x * normal_x + normal_y * normal_y)
        if length == 0:
            break
        normal_x, normal_y = normal_x / length, normal_y / length
        x += SKIN * normal_x
        y += SKIN * normal_y
        dx, dy = (1 - free) * dx, (1 - free) * dy
        into = dx * normal_x + dy * normal_y
        dx, dy = dx - into * normal_x, dy - into * normal_y
    poses.x[b], poses.y[b] = x, y
    w.position[b] = tile_of(y) * width + tile_of(x)


@inner_kernel
def _is_ahead(
    w: Worlds, b: int, place: int, column: int, row: int, x: float, y: float, ray_x: float, ray_y: float
) -> bool:
    """Whether a ray from (x, y) meets the object of a tile."""
    seen = w.looks[b, w.cells[b, place]]
    if (seen >> WALKABLE_BIT) & 1:
        return False
    to_x, to_y = column + 0.5 - x, row + 0.5 - y
    beside = abs(ray_x * to_y - ray_y * to_x)
    return ray_x * to_x + ray_y * to_y > 0 and beside <= max(_RADII[(seen >> 16) & 0xFF], OBJECT_RADIUS)


@inner_kernel
def look_ahead(w: Worlds, b: int, width: int, poses: Poses, reach: float) -> tuple[int, int]:
    """The tile of the object or door that environment ``b``'s rover faces within its reach, and the next tile ahead.

    Either is ``NOTHING_FACED`` where there is none: nothing in reach, or a wall.
    """
    x, y, heading = poses.x[b], poses.y[b], poses.heading[b]
    ray_x, ray_y = math.cos(heading), math.sin(heading)
    column, row = tile_of(x), tile_of(y)
    step_x, step_y = (1 if ray_x > 0 else -1), (1 if ray_y > 0 else -1)
    grow_x, grow_y = 1 / max(abs(ray_x), 1e-12), 1 / max(abs(ray_y), 1e-12)
    next_x = ((column + 1 - x) if ray_x > 0 else (x - column)) * grow_x
    next_y = ((row + 1 - y) if ray_y > 0 else (y - row)) * grow_y
    ahead = NOTHING_FACED
    own = row * width + column
    if _is_ahead(w, b, own, column, row, x, y, ray_x, ray_y):  # the rover is in a corner of the thing's own tile
        return own, ahead
    while True:
        if next_x < next_y:
            entered = next_x
            next_x += grow_x
            column += step_x
        else:
            entered = next_y
            next_y += grow_y
            row += step_y
        if entered > reach:
            return NOTHING_FACED, ahead
        place = row * width + column
        seen = w.looks[b, w.cells[b, place]]
        kind = seen & 0xFF
        if kind == WALL:
            return NOTHING_FACED, ahead
        if ahead == NOTHING_FACED and entered <= reach - 0.5:
            ahead = place
        if kind == DOOR:
            return (place if entered <= reach - 0.5 else NOTHING_FACED), ahead
        if (seen >> WALKABLE_BIT) & 1:
            continue
        if _is_ahead(w, b, place, column, row, x, y, ray_x, ray_y):
            is_near = (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= reach * reach
            return (place if is_near else NOTHING_FACED), ahead


@inner_kernel
def is_in_doorway(place: int, width: int, x: float, y: float, radius: float) -> bool:
    """Whether a body at (x, y) reaches into a tile."""
    column, row = place % width, place // width
    beside_x, beside_y = max(max(column - x, x - column - 1), 0.0), max(max(row - y, y - row - 1), 0.0)
    return beside_x * beside_x + beside_y * beside_y < radius * radius


@inner_kernel
def act_as_rover(w: Worlds, b: int, width: int, poses: Poses, motion: Motion, action: int) -> int:
    """Move environment ``b``'s rover and its objects; returns the tile that it then faces."""
    if action == LEFT:
        poses.heading[b] = (poses.heading[b] - motion.turn) % FULL_TURN
    elif action == RIGHT:
        poses.heading[b] = (poses.heading[b] + motion.turn) % FULL_TURN
    elif action == FORWARD:
        drive(w, b, width, poses, motion)
    w.direction[b] = int(poses.heading[b] / FULL_TURN * 4 + 0.5) & 3
    faced, ahead = look_ahead(w, b, width, poses, motion.reach)
    if action == DROP:
        if w.carried[b] != NOTHING_CODE and can_hold(w, b, int(w.cells[b, faced])):
            handle(w, b, DROP, faced)
            return faced
        if ahead == NOTHING_FACED or w.carried[b] == NOTHING_CODE or w.cells[b, ahead] != NOTHING_CODE:
            return faced
        handle(w, b, DROP, ahead)  # which renews the marks when it is judged
        return ahead
    if action in (PICKUP, TOGGLE):
        if faced == NOTHING_FACED:
            return faced
        seen = w.looks[b, w.cells[b, faced]]
        would_close = action == TOGGLE and seen & 0xFF == DOOR and (seen >> 16) & 0xFF == OPEN
        if not (would_close and is_in_doorway(faced, width, poses.x[b], poses.y[b], motion.radius)):
            handle(w, b, action, faced)
            renew_marks(w, b)
    return faced


@inlined_kernel
def begin_rover(
    w: Worlds,
    b: int,
    width: int,
    e: Episodes,
    poses: Poses,
    styles: NDArray[np.uint64],
    tasks: Tasks,
    time_scale: int,
    order_seed: int,
    shuffle: bool,
) -> None:
    """Begin the next episode in environment ``b``; its time limit is that of the bank times ``time_scale``."""
    number, batch = w.episode_number[b], w.position.shape[0]
    begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
    w.max_steps[b] *= time_scale
    z = scrambled(np.uint64(order_seed) + np.uint64(number * batch + b + 1) * GOLDEN)
    styles[b] = scrambled(z + GOLDEN + GOLDEN)
    poses.x[b] = w.position[b] % width + 0.5
    poses.y[b] = w.position[b] // width + 0.5
    poses.heading[b] = w.direction[b] * (FULL_TURN / 4)


@inlined_kernel
def show_sentence(w: Worlds, b: int, e: Episodes, instruction: NDArray[np.int32]) -> None:
    """Write the sentence of environment ``b`` into ``instruction`` [B, L]."""
    sentence = w.sentence[b]
    for i in range(e.tokens.shape[1]):
        instruction[b, i] = e.tokens[sentence, i]


@kernel
def begin_rovers(
    w: Worlds,
    poses: Poses,
    styles: NDArray[np.uint64],
    e: Episodes,
    tasks: Tasks,
    instruction: NDArray[np.int32],
    time_scale: int,
    order_seed: int,
    shuffle: bool,
    mask: NDArray[np.bool_],
    start: int,
    stop: int,
) -> None:
    """Begin the next episode in environments ``start`` to ``stop`` where the mask [B] says so, and write instructions.

    Time limits are those of the bank times ``time_scale``.
    """
    width = e.cells.shape[2] + 2 * BORDER
    for b in range(start, stop):
        if mask[b]:
            begin_rover(w, b, width, e, poses, styles, tasks, time_scale, order_seed, shuffle)
        show_sentence(w, b, e, instruction)


@inlined_kernel
def step_rover(
    w: Worlds, b: int, width: int, poses: Poses, motion: Motion, scoring: Scoring, out: Outcomes, action: int
) -> None:
    """Step environment ``b``; nothing is drawn and no episode begins."""
    w.step_count[b] += 1
    faced = act_as_rover(w, b, width, poses, motion, action)
    if action == TOGGLE:
        turn_key(w, b, faced)
    if ANSWER <= int(w.programs[b, 0, 0]) <= STOP:
        verdict = judge_answer(w, b, action)
    else:
        verdict = judge(w, b, width, action, faced, True)
    if action == TOGGLE and verdict == GOING_ON:
        verdict = judge_traps(w, b)
    reward = 0.0
    if verdict == SUCCESS:
        reward = scoring.success * (1 - scoring.decay * (w.step_count[b] / w.max_steps[b]))
    elif verdict != GOING_ON:
        reward = scoring.failure
    settle(w, b, out, verdict, reward)


@kernel
def step_rovers(
    w: Worlds,
    poses: Poses,
    motion: Motion,
    scoring: Scoring,
    out: Outcomes,
    actions: NDArray[np.int64],
    width: int,
    start: int,
    stop: int,
) -> None:
    """Step environments ``start`` to ``stop``; nothing is drawn and no episode begins."""
    for b in range(start, stop):
        step_rover(w, b, width, poses, motion, scoring, out, actions[b])
