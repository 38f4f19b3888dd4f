"""The next action of an expert: plans for what is due are made on the world as it is and made anew when it has changed.

The files of this folder in the order of the flow: ``scene`` (what is known), ``aims`` (what is to be reached and may be
done), ``memory``, ``problem``, ``moves`` and ``search`` (the way), ``plans`` (its actions, kept), ``advice``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import aims, memory, moves, plans, problem, scene, search
from groundling.agents.bots.aims import (
    CLEAR,
    DROP_OFF,
    EXPLORE,
    NOTHING,
    OPEN_BOX,
    Ahead,
    Aim,
    Rules,
    aim_of,
    aim_of_clause,
    has_full_box,
    look_ahead,
    no_rules,
    relaxed,
    rules_of_clause,
)
from groundling.agents.bots.memory import BANNED_FOR_GOOD, DISTANCE, MAX_BANNED, MAX_STEPS, NO_NODE, Memory
from groundling.agents.bots.moves import NO_ACTION
from groundling.agents.bots.plans import Plans, Ways, append_plan, measure_ways, step_of_way, write_plan
from groundling.agents.bots.problem import problem_of
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    is_among,
    is_clause,
    is_due,
    is_found,
    look_around,
    place_of,
    scene_of,
    scene_without_load,
    set_of,
    type_of,
)
from groundling.agents.bots.search import first_obstacle, solve
from groundling.envs.engine import kernels
from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import DOOR, FIRST_OBJECT, JOINED, NOTHING_CODE, NOWHERE
from groundling.envs.engine.dynamics import DONE, DROP, PICKUP, stride_of
from groundling.envs.engine.goal_check import OPEN_DOOR, PICK_UP, PUT_NEAR, PUT_NEXT_TO
from groundling.envs.engine.state import Worlds


class Past(NamedTuple):
    """What an expert remembers of B environments."""

    seen: NDArray[np.bool_]  # [B, cells] what the agent has seen of its map; [1, cells] and unused where all is known
    episodes_seen: NDArray[np.int64]  # [B] number of the episode in which it has
    given_up: NDArray[np.uint64]  # [B] signature of the world in which no way was found last


@inner_kernel
def _end_of_step(s: Scene) -> int:
    """The clause after the step of the goal that is due."""
    end = s.stage + 1
    while is_clause(s, end) and as_int(s.programs[end, 1]) & JOINED:
        end += 1
    return end


@inner_kernel
def _is_within_reach(s: Scene, c: int) -> bool:
    """Whether the agent has seen, or carries, something that a clause means and something that it is to be put by."""
    verb = as_int(s.programs[c, 0])
    if s.knows_all or verb > PUT_NEAR:
        return True
    knows_meant, knows_fixed = False, verb != PUT_NEXT_TO
    for k in range(s.positions.shape[0]):
        if is_found(s, k):
            knows_meant |= is_among(k + FIRST_OBJECT, s.programs[c, 2])
            knows_fixed |= is_among(k + FIRST_OBJECT, s.programs[c, 3])
    return knows_meant and knows_fixed


@inner_kernel
def _is_hopeless(s: Scene, end: int) -> bool:
    """Whether something that a clause of the step needs is no more: it was a box, and was opened."""
    for c in range(s.stage, end):
        verb = as_int(s.programs[c, 0])
        if not is_due(s, c) or verb not in (PICK_UP, PUT_NEXT_TO, PUT_NEAR):
            continue
        has_meant, has_fixed = False, verb != PUT_NEXT_TO
        for k in range(s.positions.shape[0]):
            code = k + FIRST_OBJECT
            if s.carried != code and place_of(s, k) == NOWHERE:
                continue
            inside = as_int(s.contents[k])
            has_meant |= is_among(code, s.programs[c, 2]) or is_among(inside, s.programs[c, 2])
            has_fixed |= is_among(code, s.programs[c, 3]) or is_among(inside, s.programs[c, 3])
        if not (has_meant and has_fixed):
            return True
    return False


@inner_kernel
def _pursue(s: Scene, m: Memory, p: Plans, row: int, aim: Aim, rules: Rules, best: int) -> int:
    """Plan for an aim, and keep the plan if it takes fewer steps than ``best``; the steps of the better one."""
    q = problem_of(s, m, aim, rules)
    number = solve(q, m)
    if number == NO_NODE or m.nodes[number, DISTANCE] >= best or not write_plan(q, m, p, row, number):
        return best
    return int(m.nodes[number, DISTANCE])


@inner_kernel
def _can_pursue(s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, aim: Aim) -> bool:
    """Plan for an aim that no clause asks for; False if no way is found."""
    for anywhere in (False, True):
        if _pursue(s, m, p, row, aim, no_rules(ahead, anywhere), MAX_STEPS) < MAX_STEPS:
            return True
    return False


@inner_kernel
def _can_do_clause(
    s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, end: int, anywhere: bool, spares_boxes: bool
) -> bool:
    """Make the shortest plan for one of the clauses that are due."""
    best, chosen = MAX_STEPS, s.stage
    for c in range(s.stage, end):
        if is_due(s, c) and _is_within_reach(s, c):
            rules = rules_of_clause(s, ahead, c, end == s.stage + 1, anywhere, spares_boxes)
            steps = _pursue(s, m, p, row, aim_of_clause(s, c), rules, best)
            if steps < best:
                best, chosen = steps, c
    if best < MAX_STEPS:
        _settle_first(s, p, row, chosen)
    return best < MAX_STEPS


@inner_kernel
def _settle_first(s: Scene, p: Plans, row: int, c: int) -> None:
    """Wait a step before what is carried is dropped, if the verifier has not yet seen it carried."""
    verb = as_int(s.programs[c, 0])
    if verb in (PUT_NEXT_TO, PUT_NEAR) and p.actions[row, 0] == DROP and s.carried_before[c] != s.carried:
        p.actions[row, 0] = DONE
        p.signatures[row, 0] ^= np.uint64(1)  # not to be found again


@inner_kernel
def _can_explore(s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, end: int, anywhere: bool) -> bool:
    """Plan to see more, within what a clause that is due allows."""
    for c in range(s.stage, end):
        if is_due(s, c):
            rules = rules_of_clause(s, ahead, c, end == s.stage + 1, anywhere, False)
            if _pursue(s, m, p, row, aim_of(EXPLORE, NOTHING), rules, MAX_STEPS) < MAX_STEPS:
                return True
    return False


@inner_kernel
def _can_clear_the_way(s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, end: int) -> bool:
    """Plan for what stands in the way first to be taken away or unlocked, where no plan was found with all of it."""
    for c in range(s.stage, end):
        if not is_due(s, c):
            continue
        rules = rules_of_clause(s, ahead, c, end == s.stage + 1, False, False)
        code = first_obstacle(problem_of(s, m, aim_of_clause(s, c), relaxed(rules)), m)
        if code >= FIRST_OBJECT and rules.may_lift:
            verb = OPEN_DOOR if type_of(s.looks[code]) == DOOR else CLEAR
            if _can_pursue(s, m, p, row, ahead, aim_of(verb, set_of(code))):
                return True
    return False


@inner_kernel
def _choose_plan(s: Scene, m: Memory, p: Plans, row: int) -> bool:
    """The shortest plan for a clause of the step that is due, or else one to see more or to clear the way."""
    p.length[row] = 0
    p.aims[row] = NOWHERE
    ahead, end = look_ahead(s), _end_of_step(s)
    if s.knows_all and _is_hopeless(s, end):
        return False
    for spares_boxes in (True, False):
        if spares_boxes and not (s.knows_all and has_full_box(s, ahead.needed)):
            continue
        for anywhere in (False, True):
            if _can_do_clause(s, m, p, row, ahead, end, anywhere, spares_boxes):
                return True
    if not s.knows_all:
        for anywhere in (False, True):
            if _can_explore(s, m, p, row, ahead, end, anywhere):
                return True
    if _can_clear_the_way(s, m, p, row, ahead, end):
        return True
    if not s.knows_all:
        rules = no_rules(ahead, True)
        if _pursue(s, m, p, row, aim_of(OPEN_BOX, ~ahead.needed), rules, MAX_STEPS) < MAX_STEPS:
            return True
    return s.carried != NOTHING_CODE and _can_pursue(s, m, p, row, ahead, aim_of(DROP_OFF, NOTHING))


@inner_kernel
def _is_regretted(s: Scene, m: Memory, second: Plans, place: int, pose: int) -> bool:
    """Whether what is carried, once left here, would have to be picked up again at once; the world stays as it is."""
    k, row = s.carried - FIRST_OBJECT, second.length.shape[0] - 1
    kept = m.counts[BANNED_FOR_GOOD]
    m.counts[BANNED_FOR_GOOD] = 0
    s.cells[place], s.positions[k] = s.carried, place
    is_possible = _choose_plan(scene_without_load(s, pose >> 2, pose & 3), m, second, row)
    s.cells[place], s.positions[k] = NOTHING_CODE, NOWHERE
    m.counts[BANNED_FOR_GOOD] = kept
    if not is_possible:
        return True
    last = second.length[row] - 1
    front = (second.poses[row, last] >> 2) + stride_of(second.poses[row, last] & 3, s.width)
    return second.actions[row, last] == PICKUP and front == place


@inner_kernel
def _make_plan(s: Scene, m: Memory, p: Plans, row: int, second: Plans) -> bool:
    """Plan for the step of the goal that is due; False if no way is found.

    A plan that leaves something on the way is looked at once more with it lying there: if the next plan would begin by
    picking it up again, or there is none, it is left elsewhere.
    """
    m.counts[BANNED_FOR_GOOD] = 0
    while _choose_plan(s, m, p, row):
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
    return _choose_plan(s, m, p, row)


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
    moves.__file__,
    search.__file__,
    plans.__file__,
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
