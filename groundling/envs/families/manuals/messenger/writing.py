"""Compiled: writes the sentences of an episode's manual as token ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.families.manuals.messenger import games, names, state, texts
from groundling.envs.families.manuals.messenger.games import split_of
from groundling.envs.families.manuals.messenger.state import (
    ENEMY,
    FALSE_GOAL,
    FALSE_MESSAGE,
    GOAL,
    MESSAGE,
    OF_NONE,
    UNSTATED,
    Rules,
    Seen,
    Worlds,
)
from groundling.envs.families.manuals.messenger.texts import ENTITY_SLOT, MOVEMENT_SLOT, ROLE_SLOT, Tables
from groundling.envs.games import dice
from groundling.envs.games.dice import below

SOURCES = (__file__, games.__file__, names.__file__, state.__file__, texts.__file__, *dice.SOURCES)
TOLD_OF_20 = 17  # of so many sentences of stages 1 and 2 tell how their entity moves
IS_ENEMY = 0  # the number of the role


@inlined_kernel
def assert_of(w: Worlds, b: int, row: int, thing: int, role: int, movement: int) -> None:
    """Note that a sentence tells of a thing."""
    w.about[b, row] = thing
    w.asserted[b, row, 0] = w.entity[b, thing]
    w.asserted[b, row, 1] = role
    w.asserted[b, row, 2] = movement


@inner_kernel
def choose_statements(w: Worlds, b: int, split: int, r: Rules, t: Tables) -> None:
    """What the sentences are to tell, in any order.

    Of enemy, message and goal what they are; in stage 3 also of the false message and the false goal that they are
    enemies, and of the enemy's entity something that is not so.
    """
    for thing in (ENEMY, MESSAGE, GOAL):
        role, movement = thing - ENEMY, int(w.movement[b, thing])
        if r.stage < 3:
            is_told = below(w, b, 20) < TOLD_OF_20
            if not is_told and t.counts[split, w.entity[b, thing], role, UNSTATED] > 0:
                movement = UNSTATED
        assert_of(w, b, thing - ENEMY, thing, role, movement)
    if r.stage == 3:
        for thing in (FALSE_MESSAGE, FALSE_GOAL):
            assert_of(w, b, thing - ENEMY, thing, IS_ENEMY, w.movement[b, thing])
        last, entity = FALSE_GOAL - ENEMY + 1, w.entity[b, ENEMY]
        movement = (w.movement[b, ENEMY] + 1 + below(w, b, 2)) % UNSTATED
        role = 1 + below(w, b, 2)
        if t.counts[split, entity, role, movement] == 0:
            role = 3 - role
        assert_of(w, b, last, ENEMY, role, movement)
        w.about[b, last] = OF_NONE
    for row in range(w.about.shape[1] - 1, 0, -1):
        other = below(w, b, row + 1)
        w.about[b, row], w.about[b, other] = w.about[b, other], w.about[b, row]
        for part in range(3):
            one, two = w.asserted[b, row, part], w.asserted[b, other, part]
            w.asserted[b, row, part], w.asserted[b, other, part] = two, one


@inner_kernel
def write_phrase(line: NDArray[np.int32], at: int, phrase: NDArray[np.int32]) -> int:
    """Write a phrase from a column on; returns the next free column."""
    for word in range(phrase.shape[0]):
        if phrase[word] != 0:
            line[at] = phrase[word]
            at += 1
    return at


@inner_kernel
def write_form(
    w: Worlds, b: int, line: NDArray[np.int32], entity: int, role: int, movement: int, words: int, t: Tables
) -> int:
    """Write a sentence of our own; returns the next free column."""
    kind = 1 if movement == UNSTATED else 0
    form = t.forms[words, kind, below(w, b, t.num_forms[words, kind])]
    name = t.entities[words, entity, below(w, b, t.entities.shape[2])]
    called = t.roles[words, role, below(w, b, t.roles.shape[2])]
    moves = t.movements[words, movement % UNSTATED, below(w, b, t.movements.shape[2])]
    at = 0
    for column in range(form.shape[0]):
        part = form[column]
        if part == 0:
            break
        if part == ENTITY_SLOT:
            at = write_phrase(line, at, name)
        elif part == ROLE_SLOT:
            at = write_phrase(line, at, called)
        elif part == MOVEMENT_SLOT:
            at = write_phrase(line, at, moves)
        else:
            line[at] = part
            at += 1
    return at


@inner_kernel
def write_manual(w: Worlds, b: int, r: Rules, t: Tables, s: Seen) -> None:
    """Draw what the manual of an episode tells and in which words, and write it."""
    split = split_of(w.game[b])
    choose_statements(w, b, split, r, t)
    for row in range(w.about.shape[1]):
        line = s.manual[b, row]
        entity, role, movement = w.asserted[b, row, 0], w.asserted[b, row, 1], w.asserted[b, row, 2]
        at = 0
        if t.sentences.shape[0] > 0:
            drawn = below(w, b, t.counts[split, entity, role, movement])
            at = write_phrase(line, at, t.sentences[t.first[split, entity, role, movement] + drawn])
        else:
            at = write_form(w, b, line, entity, role, movement, r.words[split], t)
        for column in range(at, line.shape[0]):
            line[column] = 0
