"""Which plan is made: the shortest for a clause of the current step, or else one to see more or to clear the way."""

from __future__ import annotations

import numpy as np

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
from groundling.agents.bots.memory import DISTANCE, MAX_STEPS, NO_NODE, Memory
from groundling.agents.bots.plans import Plans, write_plan
from groundling.agents.bots.problem import problem_of
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    held_by,
    inside_of,
    is_among,
    is_clause,
    is_due,
    is_found,
    place_of,
    set_of,
    type_of,
)
from groundling.agents.bots.search import first_obstacle, solve
from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.engine.constants import DOOR, FIRST_OBJECT, JOINED, NOTHING_CODE, NOWHERE, PUT_IN
from groundling.envs.engine.dynamics import DONE, DROP
from groundling.envs.engine.goal_check import OPEN_DOOR, PICK_UP, PUT_NEAR, PUT_NEXT_TO


@inner_kernel
def _end_of_step(s: Scene) -> int:
    """The clause after the current step of the goal."""
    end = s.current_step + 1
    while is_clause(s, end) and as_int(s.programs[end, 1]) & JOINED:
        end += 1
    return end


@inner_kernel
def _is_within_reach(s: Scene, c: int) -> bool:
    """Whether the agent has seen, or carries, something that a clause means and something that it is to be put by."""
    verb = as_int(s.programs[c, 0])
    if s.knows_all or (verb > PUT_NEAR and verb != PUT_IN):
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
    for c in range(s.current_step, end):
        verb = as_int(s.programs[c, 0])
        if not is_due(s, c) or verb not in (PICK_UP, PUT_NEXT_TO, PUT_NEAR, PUT_IN):
            continue
        has_meant, has_fixed = False, verb != PUT_NEXT_TO
        for k in range(s.positions.shape[0]):
            code = k + FIRST_OBJECT
            if s.carried != code and place_of(s, k) == NOWHERE:
                continue
            inside = held_by(s, code) or inside_of(s, k)
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
    """Make the shortest plan for one of the clauses that are still to be done."""
    best, chosen = MAX_STEPS, s.current_step
    for c in range(s.current_step, end):
        if is_due(s, c) and _is_within_reach(s, c):
            rules = rules_of_clause(s, ahead, c, end == s.current_step + 1, anywhere, spares_boxes)
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
    if verb in (PUT_NEXT_TO, PUT_NEAR, PUT_IN) and p.actions[row, 0] == DROP and s.carried_before[c] != s.carried:
        p.actions[row, 0] = DONE
        p.signatures[row, 0] ^= np.uint64(1)  # not to be found again


@inner_kernel
def _can_explore(s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, end: int, anywhere: bool) -> bool:
    """Plan to see more, within what a clause that is still to be done allows."""
    for c in range(s.current_step, end):
        if is_due(s, c):
            rules = rules_of_clause(s, ahead, c, end == s.current_step + 1, anywhere, False)
            if _pursue(s, m, p, row, aim_of(EXPLORE, NOTHING), rules, MAX_STEPS) < MAX_STEPS:
                return True
    return False


@inner_kernel
def _can_clear_the_way(s: Scene, m: Memory, p: Plans, row: int, ahead: Ahead, end: int) -> bool:
    """Plan for what stands in the way first to be taken away or unlocked, where no plan was found with all of it."""
    for c in range(s.current_step, end):
        if not is_due(s, c):
            continue
        rules = rules_of_clause(s, ahead, c, end == s.current_step + 1, False, False)
        code = first_obstacle(problem_of(s, m, aim_of_clause(s, c), relaxed(rules)), m)
        if code >= FIRST_OBJECT and rules.may_lift:
            verb = OPEN_DOOR if type_of(s.looks[code]) == DOOR else CLEAR
            if _can_pursue(s, m, p, row, ahead, aim_of(verb, set_of(code))):
                return True
    return False


@inner_kernel
def choose_plan(s: Scene, m: Memory, p: Plans, row: int) -> bool:
    """The shortest plan for a clause of the current step, or else one to see more or to clear the way."""
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
