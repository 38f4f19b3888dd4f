"""The next action of an expert: plans for the current step of the goal, made anew when the world has changed.

The files of this folder in the order of the flow: ``scene`` (what is known), ``aims`` (what is to be reached and may be
done), ``memory``, ``problem``, ``final_actions``, ``moves`` and ``search`` (the way), ``plans`` (its actions, kept),
``plan_choice``, ``advice``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import aims, final_actions, memory, moves, plan_choice, plans, problem, scene, search
from groundling.agents.bots.final_actions import NO_ACTION
from groundling.agents.bots.memory import BANNED_FOR_GOOD, MAX_BANNED, Memory
from groundling.agents.bots.plan_choice import choose_plan
from groundling.agents.bots.plans import Plans, Ways, append_plan, measure_ways, step_of_way
from groundling.agents.bots.scene import Scene, as_int, look_around, scene_of, scene_without_load
from groundling.envs.engine import kernels
from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import FIRST_OBJECT, NOTHING_CODE, NOWHERE
from groundling.envs.engine.dynamics import DONE, DROP, PICKUP, stride_of
from groundling.envs.engine.state import Worlds


class Past(NamedTuple):
    """What an expert remembers of B environments."""

    seen: NDArray[np.bool_]  # [B, cells] what the agent has seen of its map; [1, cells] and unused where all is known
    episodes_seen: NDArray[np.int64]  # [B] number of the episode in which it has
    given_up: NDArray[np.uint64]  # [B] signature of the world in which no way was found last


@inner_kernel
def _is_regretted(s: Scene, m: Memory, second: Plans, place: int, pose: int) -> bool:
    """Whether what is carried, once left here, would have to be picked up again at once; the world stays as it is."""
    k, row = s.carried - FIRST_OBJECT, second.length.shape[0] - 1
    kept = m.counts[BANNED_FOR_GOOD]
    m.counts[BANNED_FOR_GOOD] = 0
    s.cells[place], s.positions[k] = s.carried, place
    is_possible = choose_plan(scene_without_load(s, pose >> 2, pose & 3), m, second, row)
    s.cells[place], s.positions[k] = NOTHING_CODE, NOWHERE
    m.counts[BANNED_FOR_GOOD] = kept
    if not is_possible:
        return True
    last = second.length[row] - 1
    front = (second.poses[row, last] >> 2) + stride_of(second.poses[row, last] & 3, s.width)
    return second.actions[row, last] == PICKUP and front == place


@inner_kernel
def _make_plan(s: Scene, m: Memory, p: Plans, row: int, second: Plans) -> bool:
    """Plan for the current step of the goal; False if no way is found.

    A plan that leaves something on the way is looked at once more with it lying there: if the next plan would begin by
    picking it up again, or there is none, it is left elsewhere.
    """
    m.counts[BANNED_FOR_GOOD] = 0
    while choose_plan(s, m, p, row):
        last = p.length[row] - 1
        place = as_int(p.drops[row])
        if place == NOWHERE or p.actions[row, last] != DROP or m.counts[BANNED_FOR_GOOD] == MAX_BANNED // 2:
            return True
        if not _is_regretted(s, m, second, place, as_int(p.poses[row, last])):
            if s.knows_all:  # and will see nothing new on the way
                append_plan(s, p, row, second, place)
            return True
        m.banned[m.counts[BANNED_FOR_GOOD]] = place
        m.counts[BANNED_FOR_GOOD] += 1
    if m.counts[BANNED_FOR_GOOD] == 0:
        return False
    m.counts[BANNED_FOR_GOOD] = 0
    return choose_plan(s, m, p, row)


@inner_kernel
def _look(w: Worlds, b: int, s: Scene, past: Past, p: Plans) -> None:
    """Note what is seen, and drop a plan that it overtakes."""
    if past.episodes_seen[b] != w.episode_number[b] or w.step_count[b] == 0:
        past.episodes_seen[b] = w.episode_number[b]
        s.seen[:] = False
        p.length[b] = 0
    new_tiles, new_objects = look_around(s)
    if new_tiles > 0:
        past.given_up[b] = 0
    is_overtaken = p.aims[b] != NOWHERE and (new_objects > 0 or s.seen[p.aims[b]])
    if is_overtaken or (new_objects > 0 and not p.is_way_free[b]):
        p.length[b] = 0


@inner_kernel
def _planned_action(s: Scene, m: Memory, past: Past, p: Plans, ways: Ways, b: int, second: Plans) -> int:
    """The action that the plan has for this state, the way back to it, or the first of a new plan; else NO_ACTION."""
    pose = s.position << 2 | s.direction
    found, is_as_planned = -1, False
    for i in range(p.length[b]):
        if p.signatures[b, i] == s.signature:
            is_as_planned = True
            if p.poses[b, i] == pose:
                found = i
    if found >= 0:
        return as_int(p.actions[b, found])
    if is_as_planned and not s.knows_all and p.is_way_free[b]:
        if ways.signatures[b] != s.signature:
            measure_ways(s, m, ways, b, as_int(p.poses[b, p.length[b] - 1]))
        action = step_of_way(s, ways, b)
        if action != NO_ACTION:
            return action
    if past.given_up[b] == s.signature or not _make_plan(s, m, p, b, second):
        past.given_up[b] = s.signature
        return NO_ACTION
    ways.signatures[b] = 0
    return as_int(p.actions[b, 0])


@compiler(
    __file__,
    scene.__file__,
    aims.__file__,
    memory.__file__,
    problem.__file__,
    final_actions.__file__,
    moves.__file__,
    search.__file__,
    plans.__file__,
    plan_choice.__file__,
    *kernels.SOURCES,
)
def advise(
    w: Worlds,
    width: int,
    knows_all: bool,
    past: Past,
    p: Plans,
    ways: Ways,
    m: Memory,
    second: Plans,
    actions: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> None:
    """The next action [B] of every environment, and whether it is lost [B].

    ``m`` and ``second``, the plan of one environment, are memory that nothing is kept in.
    """
    for b in range(actions.shape[0]):
        s = scene_of(w, b, width, past.seen[b % past.seen.shape[0]], knows_all)
        if not knows_all:
            _look(w, b, s, past, p)
        action = _planned_action(s, m, past, p, ways, b, second)
        lost[b] = action == NO_ACTION
        actions[b] = DONE if lost[b] else action
