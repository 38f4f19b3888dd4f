"""Compiled: writes the sentences of an episode's manual and goal as token ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.families.manuals.rtfm import names, state, wording
from groundling.envs.families.manuals.rtfm.names import ELEMENTS, FIRST_ELEMENT, FIRST_KIND, FIRST_MODIFIER, TEAMS
from groundling.envs.families.manuals.rtfm.state import NO_STATEMENT, Dynamics, Rules, Seen, Worlds
from groundling.envs.families.manuals.rtfm.wording import (
    ELEMENT_SLOT,
    KINDS_SLOT,
    MODIFIERS_SLOT,
    NUM_SENTENCES,
    STATEMENTS,
    TEAM_SLOT,
    Tables,
)
from groundling.envs.games import dice
from groundling.envs.games.dice import below

SOURCES = (__file__, names.__file__, state.__file__, wording.__file__, *dice.SOURCES)
NUM_ELEMENTS, NUM_TEAMS = len(ELEMENTS), len(TEAMS)


@inner_kernel
def write_listed(
    line: NDArray[np.int32], at: int, group_of: NDArray[np.uint8], group: int, first_id: int, marks: NDArray[np.int32]
) -> int:
    """Write the names of a group, "a, b and c", from a column on; returns the next free column."""
    left = 0
    for thing in range(group_of.shape[0]):
        left += group_of[thing] == group
    begun = at
    for thing in range(group_of.shape[0]):
        if group_of[thing] != group:
            continue
        if at > begun:
            line[at] = marks[0] if left > 1 else marks[1]
            at += 1
        line[at] = first_id + thing
        at += 1
        left -= 1
    return at


@inner_kernel
def write_form(
    line: NDArray[np.int32],
    form: NDArray[np.int32],
    element: int,
    team: int,
    element_of: NDArray[np.uint8],
    team_of: NDArray[np.uint8],
    t: Tables,
) -> None:
    """Write a form with its slots filled."""
    at = 0
    for column in range(form.shape[0]):
        part = form[column]
        if part == 0:
            break
        if part == ELEMENT_SLOT:
            line[at] = FIRST_ELEMENT + element
            at += 1
        elif part == MODIFIERS_SLOT:
            at = write_listed(line, at, element_of, element, FIRST_MODIFIER, t.marks)
        elif part == KINDS_SLOT:
            at = write_listed(line, at, team_of, team, FIRST_KIND, t.marks)
        elif part == TEAM_SLOT:
            for word in range(t.teams.shape[1]):
                if t.teams[team, word]:
                    line[at] = t.teams[team, word]
                    at += 1
        else:
            line[at] = part
            at += 1
    for column in range(at, line.shape[0]):
        line[column] = 0


@inner_kernel
def write_texts(w: Worlds, b: int, r: Rules, d: Dynamics, t: Tables, s: Seen) -> None:
    """Draw the wording of an episode and write its goal and its manual."""
    first, count = r.wording.first_form, r.wording.num_forms
    number = w.assignment[b]
    team_of, element_of = d.teams[number // d.elements.shape[0]], d.elements[number % d.elements.shape[0]]
    form = t.goals[first[2] + below(w, b, count[2])]
    write_form(s.instruction[b], form, 0, w.team[b], element_of, team_of, t)

    statement = w.statement[b]
    for row in range(NUM_SENTENCES):
        statement[row] = row if row < STATEMENTS + r.wording.absent else NO_STATEMENT
    if r.wording.shuffled:
        for row in range(STATEMENTS + r.wording.absent - 1, 0, -1):
            other = below(w, b, row + 1)
            statement[row], statement[other] = statement[other], statement[row]
    first_absent = below(w, b, t.absent.shape[0])
    for row in range(NUM_SENTENCES):
        line, about = s.manual[b, row], statement[row]
        if about == NO_STATEMENT:
            line[:] = 0
        elif about < NUM_ELEMENTS:
            form = t.beats[first[0] + below(w, b, count[0])]
            write_form(line, form, about, 0, element_of, team_of, t)
        elif about < STATEMENTS:
            form = t.belongs[first[1] + below(w, b, count[1])]
            write_form(line, form, 0, about - NUM_ELEMENTS, element_of, team_of, t)
        else:
            form = t.absent[(first_absent + about - STATEMENTS) % t.absent.shape[0]]
            write_form(line, form, 0, 0, element_of, team_of, t)
            statement[row] = NO_STATEMENT
