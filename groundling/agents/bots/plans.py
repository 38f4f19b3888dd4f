"""Plans: the actions of a way, kept with the states in which they are to be taken, and the way back to it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots.aims import DROP_OFF, EXPLORE, NOTHING, Rules
from groundling.agents.bots.final_actions import NO_ACTION, final_action
from groundling.agents.bots.memory import (
    CROSS,
    DROP_LEFT,
    DROP_RIGHT,
    EDGE,
    WALK_THROUGH_DOOR,
    Memory,
    Node,
    front_of,
    node_of,
    trace,
)
from groundling.agents.bots.problem import Problem
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    is_free,
    is_walkable,
    mix_object,
    place_of,
    signature_without_load,
    state_of,
    type_of,
)
from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, NO_PLACE, NOWHERE, OPEN
from groundling.envs.engine.dynamics import DROP, FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, stride_of

PLAN_LENGTH: Final = 128  # actions that are kept; a longer plan is made again on the way
ACTIONS_AT_ONCE: Final = 3  # that may be added before the length is looked at again
FAR: Final = 32767  # no way

# [edges] the action of each edge of a search; to cross a barrier none is known, to walk through a door is the second.
ACTION_OF_EDGE = np.array(
    [LEFT, RIGHT, FORWARD, FORWARD, NO_ACTION, PICKUP, TOGGLE, TOGGLE, DROP, DROP, PICKUP, TOGGLE]
)


class Plans(NamedTuple):
    """The plans of B environments: actions and the states in which they are to be taken."""

    length: NDArray[np.int32]  # [B]
    actions: NDArray[np.uint8]  # [B, PLAN_LENGTH]
    poses: NDArray[np.int32]  # [B, PLAN_LENGTH] position * 4 + direction
    signatures: NDArray[np.uint64]  # [B, PLAN_LENGTH] of the rest of the world
    drops: NDArray[np.int32]  # [B] the place where the plan's last action leaves something on the way, else NOWHERE
    is_way_free: NDArray[np.bool_]  # [B] whether any way to the last pose does: no rule forbids one, the plan ends
    aims: NDArray[np.int32]  # [B] the unknown place that the plan goes to see, else NOWHERE


class Ways(NamedTuple):
    """The ways to the end of the walking of B plans, so that straying costs no search."""

    steps: NDArray[np.int16]  # [B, cells * 4] from each pose; [1, 1] if not used
    signatures: NDArray[np.uint64]  # [B] of the world in which they were measured, 0 if they were not


@inner_kernel
def _add(p: Plans, row: int, action: int, pose: int, signature: np.uint64) -> None:
    i = p.length[row]
    p.actions[row, i], p.poses[row, i], p.signatures[row, i] = action, pose, signature
    p.length[row] = i + 1


@inner_kernel
def write_plan(q: Problem, m: Memory, p: Plans, row: int, number: int) -> bool:
    """Keep the actions of the way to a node up to the first that changes more than poses and doors.

    Returns:
        Whether there are any; if there are none, the plan stays as it was.
    """
    s = q.scene
    signature = s.signature
    steps = trace(m, number)
    if steps > 1 and m.nodes[m.path[steps - 2], EDGE] == CROSS:
        return False
    p.length[row] = 0
    p.drops[row] = p.aims[row] = NOWHERE
    p.is_way_free[row] = False
    last = node_of(m, number)
    if q.aim.verb == EXPLORE:
        p.aims[row] = front_of(last, s.width)
    for i in range(steps - 1, 0, -1):
        node, edge = node_of(m, m.path[i]), m.nodes[m.path[i - 1], EDGE]
        front, pose = front_of(node, s.width), _pose_of(node)
        if edge == CROSS or p.length[row] > PLAN_LENGTH - ACTIONS_AT_ONCE:  # from here it is planned anew
            return True
        if edge == WALK_THROUGH_DOOR:
            _add(p, row, TOGGLE, pose, signature)
            k = as_int(s.cells[front]) - FIRST_OBJECT
            signature ^= mix_object(k, place_of(s, k), CLOSED) ^ mix_object(k, place_of(s, k), OPEN)
        _add(p, row, ACTION_OF_EDGE[edge], pose, signature)
        if edge > WALK_THROUGH_DOOR:
            p.is_way_free[row] = _is_way_free(q.rules)
            if edge in (DROP_LEFT, DROP_RIGHT):
                p.drops[row] = front
            return True
    p.is_way_free[row] = _is_way_free(q.rules)
    if q.aim.verb != EXPLORE or p.length[row] == 0:  # all that is left to explore is that an unknown tile is ahead
        _add(p, row, final_action(q, m, last), _pose_of(last), signature)
    if q.aim.verb == DROP_OFF:
        p.drops[row] = front_of(last, s.width)
    return True


@inner_kernel
def append_plan(s: Scene, p: Plans, row: int, other: Plans, place: int) -> None:
    """Add the plan for what follows once the last action has left what is carried at a place.

    It was made on the world as it is now: if a door is opened before, another plan may be better, and none is added.
    """
    last, number = p.length[row] - 1, other.length.shape[0] - 1
    if p.signatures[row, last] != s.signature or p.length[row] + other.length[number] > PLAN_LENGTH:
        return
    change = s.signature ^ signature_without_load(s, place)
    for i in range(other.length[number]):
        signature = other.signatures[number, i] ^ change
        _add(p, row, other.actions[number, i], other.poses[number, i], signature)


@inner_kernel
def _pose_of(node: Node) -> int:
    return node.place << 2 | node.direction


@inner_kernel
def _is_way_free(rules: Rules) -> bool:
    """Whether nothing that one can do by walking about, through closed doors as well, breaks a rule."""
    is_early = rules.ahead.early_marks != 0 or rules.ahead.early_doors != NOTHING
    return rules.may_toggle and rules.may_close_doors and rules.avoided == NO_PLACE and not is_early


@inner_kernel
def measure_ways(s: Scene, m: Memory, ways: Ways, row: int, end: int) -> None:
    """Note how far every pose is from the one where a plan's walking ends."""
    steps = ways.steps[row]
    steps[:] = FAR
    steps[end] = 0
    ways.signatures[row] = s.signature
    m.path[0] = end
    head, tail = 0, 1
    while head < tail:
        pose = m.path[head]
        head += 1
        place, direction = pose >> 2, pose & 3
        for i in range(3):
            if i == 0:
                before = place - stride_of(direction, s.width)
                if not is_free(s, before) or not _is_passable(s, place):
                    continue
                other = before << 2 | direction
            else:
                other = place << 2 | ((direction + 2 * i + 1) & 3)
            if steps[other] == FAR and tail < m.path.shape[0]:
                steps[other] = steps[pose] + 1
                m.path[tail] = other
                tail += 1


@inner_kernel
def _is_passable(s: Scene, place: int) -> bool:
    """Whether one can walk here, through a closed door once it is open."""
    look = s.looks[s.cells[place]]
    return is_walkable(look) or (type_of(look) == DOOR and state_of(look) == CLOSED)


@inner_kernel
def step_of_way(s: Scene, ways: Ways, row: int) -> int:
    """The action that comes nearer to where the plan's walking ends, straight on first; NO_ACTION if there is none."""
    steps = ways.steps[row]
    here, direction = s.position << 2, s.direction
    left = steps[here | direction]
    if left == FAR or left == 0:
        return NO_ACTION
    front = s.position + stride_of(direction, s.width)
    if _is_passable(s, front) and steps[front << 2 | direction] == left - 1:
        return FORWARD if is_walkable(s.looks[s.cells[front]]) else TOGGLE
    if steps[here | ((direction + 3) & 3)] == left - 1:
        return LEFT
    return RIGHT if steps[here | ((direction + 1) & 3)] == left - 1 else NO_ACTION
