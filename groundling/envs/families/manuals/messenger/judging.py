"""What a manual asks for in a room, be it true there or not: for the control that gives agents another manual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.messenger.names import ROLES
from groundling.envs.families.manuals.messenger.state import (
    ENDINGS,
    ENEMY,
    GONE,
    MESSAGE,
    NO_ENDING,
    NONE,
    NUM_THINGS,
    UNSTATED,
    Worlds,
)
from groundling.envs.families.manuals.messenger.texts import (
    ENTITY_SLOT,
    MOVEMENT_SLOT,
    ROLE_SLOT,
    SENTENCE_TOKENS,
    SHAPE,
    Tables,
)

Assertion = tuple[int, int, int]  # numbers of entity, role and movement
SAYS_MESSAGE, SAYS_GOAL = ROLES.index("message"), ROLES.index("goal")


class Judge:
    """Reads sentences exactly, as the inverse of what writes them.

    Args:
        tables: of the sentences.
    """

    def __init__(self, tables: Tables) -> None:
        self._said: dict[bytes, set[Assertion]] = defaultdict(set)
        for line, assertion in _given(tables) if len(tables.sentences) else _own(tables):
            self._said[line.tobytes()].add(assertion)

    def asserted(self, document: NDArray[Any]) -> list[Assertion]:
        """What the sentences of a document [S, L] assert; of one that was written for several things, nothing."""
        lines = [np.asarray(line, dtype=np.int32).tobytes() for line in document if line[0]]
        said = [self._said.get(line, set()) for line in lines]
        return [next(iter(one)) for one in said if len(one) == 1]

    def asked_ending(self, worlds: Worlds, document: NDArray[Any], row: int, is_first_stage: bool) -> int:
        """The way to end the episode of an environment that has just begun, as ``Worlds.ending`` numbers them.

        An agent that believes the document meets what it says has the message; if that is so, it goes on to what it
        says is the goal, else that meeting is the end. Who has the message goes to the goal at once.

        Returns:
            ``NO_ENDING`` where the document does not say it of just one thing of the room.
        """
        said = self.asserted(document)
        message, goal = (_told_of(worlds, row, said, role) for role in (SAYS_MESSAGE, SAYS_GOAL))
        if worlds.has_message[row]:
            message = goal
        if message == NONE:
            return NO_ENDING
        if worlds.has_message[row] or is_first_stage or message != MESSAGE:
            return ENDINGS * message + message
        return NO_ENDING if goal in (NONE, MESSAGE) else ENDINGS * MESSAGE + goal


def _told_of(worlds: Worlds, row: int, said: list[Assertion], role: int) -> int:
    """The one thing of a room that assertions give a role; of several that which moves as they say."""
    found, moving = set(), set()
    for thing in range(ENEMY, NUM_THINGS):
        if worlds.x[row, thing] == GONE:
            continue
        for entity, its_role, movement in said:
            if its_role == role and worlds.entity[row, thing] == entity:
                found.add(thing)
                if worlds.movement[row, thing] == movement:
                    moving.add(thing)
    chosen = moving if len(found) > 1 else found
    return chosen.pop() if len(chosen) == 1 else NONE


def _given(tables: Tables) -> Iterator[tuple[NDArray[np.int32], Assertion]]:
    """Every sentence of the files."""
    for split, entity, role, movement in np.ndindex(SHAPE):
        first = tables.first[split, entity, role, movement]
        for line in tables.sentences[first : first + tables.counts[split, entity, role, movement]]:
            yield line, (entity, role, movement)


def _own(tables: Tables) -> Iterator[tuple[NDArray[np.int32], Assertion]]:
    """Every sentence that our own forms can become."""
    sets, entities, roles, told = SHAPE
    for words, entity, role, movement in product(range(sets), range(entities), range(roles), range(told)):
        kind = 1 if movement == UNSTATED else 0
        forms = tables.forms[words, kind, : tables.num_forms[words, kind]]
        moves = tables.movements[words, movement % UNSTATED][: 1 if kind else None]
        fillings = product(tables.entities[words, entity], tables.roles[words, role], moves)
        for form, (name, called, moving) in product(forms, list(fillings)):
            parts = {ENTITY_SLOT: name, ROLE_SLOT: called, MOVEMENT_SLOT: moving}
            line = np.zeros(SENTENCE_TOKENS, dtype=np.int32)
            tokens = [token for part in form if part for token in parts.get(int(part), (part,)) if token]
            line[: len(tokens)] = tokens
            yield line, (entity, role, movement)
