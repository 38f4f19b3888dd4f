"""Which episodes nobody can win: a search through every state of a world, and a look at what can be reached at all.

It knows nothing of how the experts plan: it judges them, in ``expert.py`` and in their tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import (
    DOOR,
    FIRST_OBJECT,
    KEY,
    LOCKED,
    NO_CLAUSE,
    NOTHING_CODE,
    NUM_ACTIONS,
    PORTABLE_BIT,
    WALKABLE_BIT,
    Verb,
)
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.worlds import WorldBatch

MAX_STATES = 100_000


class TooManyStatesError(Exception):
    """A search was given up."""


def is_unwinnable(bank: EpisodeBank, row: int) -> bool:
    """Whether it is proved that nobody can bring an episode to success."""
    if is_out_of_reach(bank, row):
        return True
    try:
        return fewest_steps(bank, row) is None
    except TooManyStatesError:
        return False


def fewest_steps(
    bank: EpisodeBank, row: int, *, max_steps: int | None = None, max_states: int = MAX_STATES
) -> int | None:
    """The length of the shortest sequence of actions that brings an episode to success, None if there is none.

    Every action is tried in every state with the real kernels; a state that recurs is tried once.

    Args:
        bank: the episodes.
        row: of the episode in the bank.
        max_steps: longest sequence that is tried; the episode's time limit unless told.
        max_states: of the search.

    Raises:
        TooManyStatesError: if ``max_states`` do not suffice.
    """
    own = bank.take(np.array([row]))
    start = WorldBatch(own, 1, shuffle=False)
    start.reset()
    states = _parts_of(start.state)
    known = set(_keys_of(states))
    for step in range(1, 1 + (int(bank.max_steps[row]) if max_steps is None else max_steps)):
        count = len(states["position"])
        batch = WorldBatch(own, count * NUM_ACTIONS, shuffle=False)
        after = _parts_of(batch.state)
        for name, array in after.items():
            array[...] = np.repeat(states[name], NUM_ACTIONS, axis=0)
        batch.step(np.tile(np.arange(NUM_ACTIONS), count), autoreset=False)
        if batch.outcomes.success.any():
            return step
        keys = _keys_of(after)
        fresh = {keys[b]: b for b in np.flatnonzero(~batch.outcomes.ended).tolist() if keys[b] not in known}
        known.update(fresh)
        if not fresh:
            return None
        if len(known) > max_states:
            raise TooManyStatesError(f"more than {max_states:,} states within {step} steps")
        states = {name: array[list(fresh.values())] for name, array in after.items()}
    return None


def _parts_of(state: Worlds) -> dict[str, NDArray[Any]]:
    return state._asdict()


def _keys_of(states: dict[str, NDArray[Any]]) -> list[bytes]:
    """What tells each of B states from others, however many steps have led to it."""
    parts = [array for name, array in states.items() if name != "step_count"]
    rows = np.concatenate([part.reshape(len(part), -1).astype(np.int64) for part in parts], axis=1)
    return [row.tobytes() for row in rows]


def is_out_of_reach(bank: EpisodeBank, row: int) -> bool:
    """Whether a clause asks for what nobody comes to, whatever is moved away, with every key that can be reached.

    Of places nothing is said.
    """
    looks = bank.looks[row].tolist()
    colors: set[int] = set()  # of the keys
    while True:
        touched = _touched(bank, row, colors)
        found = {looks[code] >> 8 & 0xFF for code in touched if looks[code] & 0xFF == KEY}
        if found == colors:
            break
        colors = found
    shut = {code for code in touched if _is_locked(looks[code], colors)}
    for verb, _, first, second in bank.programs[row].tolist():
        if verb == NO_CLAUSE:
            break
        masks = [first, second] if verb == Verb.PUT_NEXT_TO else [first] if verb < Verb.ANNOUNCE else []
        usable = touched - shut if verb == Verb.OPEN else touched
        if not all(any(mask >> code - FIRST_OBJECT & 1 for code in usable if code >= FIRST_OBJECT) for mask in masks):
            return True
    return False


def _touched(bank: EpisodeBank, row: int, colors: set[int]) -> set[int]:
    """The codes of what is carried or lies beside where one can walk with keys of these colors, and what is inside."""
    cells, looks, width = bank.cells[row].ravel().tolist(), bank.looks[row].tolist(), bank.cells.shape[2]
    x, y, _ = bank.poses[row].tolist()
    waiting = [y * width + x]
    reached, touched = set(waiting), {int(bank.carried[row])}
    while waiting:
        tile = waiting.pop()
        for near in (tile - 1, tile + 1, tile - width, tile + width):
            touched.add(cells[near])
            if near not in reached and _lets_through(cells[near], looks[cells[near]], colors):
                reached.add(near)
                waiting.append(near)
    inside = {code: int(bank.contents[row, code - FIRST_OBJECT]) for code in range(FIRST_OBJECT, len(looks))}
    while not (more := {inside[code] for code in touched if code in inside}) <= touched | {NOTHING_CODE}:
        touched |= more
    return touched


def _is_locked(look: int, colors: set[int]) -> bool:
    return look & 0xFF == DOOR and look >> 16 & 0xFF == LOCKED and look >> 8 & 0xFF not in colors


def _lets_through(code: int, look: int, colors: set[int]) -> bool:
    """Whether one gets to a tile that holds this, once it is unlocked or moved away."""
    is_free = code == NOTHING_CODE or look >> WALKABLE_BIT & 1 or look >> PORTABLE_BIT & 1
    return bool(is_free) or (look & 0xFF == DOOR and not _is_locked(look, colors))
