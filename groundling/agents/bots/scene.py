"""What an expert knows of one environment: the world, as far as it has seen it, and the goal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.engine.constants import (
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    HELD,
    HOLDS,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    PORTABLE_BIT,
    VIEW_SIZE,
    WALKABLE_BIT,
)
from groundling.envs.engine.dynamics import stride_of
from groundling.envs.engine.kernels import GOLDEN
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.views import LIT_AT_FIRST, MIDDLE, sight_of_row

HANDS_AND_GOAL = 70  # stands for them in a signature, where objects stand for themselves: there are no more than 64


class Scene(NamedTuple):
    """One environment with O objects and a goal of C clauses; positions are indices into the cells of its map."""

    cells: NDArray[np.uint8]  # [cells] as all arrays: views of one environment's row of Worlds
    looks: NDArray[np.int32]  # [O + 2]
    contents: NDArray[np.uint8]  # [O]
    positions: NDArray[np.int16]  # [O]
    marks: NDArray[np.uint8]  # [cells]
    programs: NDArray[np.uint64]  # [C, 4]
    carried_before: NDArray[np.uint8]  # [C]
    seen: NDArray[np.bool_]  # [cells] not read where all is known
    knows_all: bool
    width: int  # of the map
    position: int  # of the agent
    direction: int
    carried: int
    current_step: int
    done: int
    signature: np.uint64  # of all that a plan depends on, the pose apart
    floors: NDArray[np.uint8]  # [cells]; [0] where all are plain


@inlined_kernel
def as_int(number: int | np.integer[Any]) -> int:
    """As ``int``, which in Numba leaves an array's number of the array's type: each type would be compiled apart."""
    return int(np.int64(number))


@inner_kernel
def scene_of(w: Worlds, b: int, width: int, seen: NDArray[np.bool_], knows_all: bool) -> Scene:
    """Environment ``b`` as it is now."""
    return Scene(
        w.cells[b],
        w.looks[b],
        w.contents[b],
        w.positions[b],
        w.marks[b],
        w.programs[b],
        w.carried_before[b],
        seen,
        knows_all,
        width,
        as_int(w.position[b]),
        as_int(w.direction[b]),
        as_int(w.carried[b]),
        as_int(w.current_step[b]),
        as_int(w.done[b]),
        _signature(w, b),
        w.floors[b],
    )


@inner_kernel
def scene_without_load(s: Scene, position: int, direction: int) -> Scene:
    """The scene with empty hands and the agent in another pose."""
    return Scene(
        s.cells,
        s.looks,
        s.contents,
        s.positions,
        s.marks,
        s.programs,
        s.carried_before,
        s.seen,
        s.knows_all,
        s.width,
        position,
        direction,
        NOTHING_CODE,
        s.current_step,
        s.done,
        s.signature,
        s.floors,
    )


@inlined_kernel
def mix(first: int, second: int) -> np.uint64:
    """A hash of two numbers."""
    z = np.uint64(first) * GOLDEN + np.uint64(second + 1) * np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return z ^ (z >> np.uint64(31))


@inner_kernel
def mix_object(k: int, place: int, state: int) -> np.uint64:
    """What object ``k`` adds to a signature."""
    return mix(place << 8 | state, k)


@inner_kernel
def mix_hands_and_goal(carried: int, current_step: int, done: int) -> np.uint64:
    """What the hands and the progress of the goal add to a signature."""
    return mix(carried << 16 | current_step << 8 | done, HANDS_AND_GOAL)


@inner_kernel
def signature_without_load(s: Scene, place: int) -> np.uint64:
    """The signature once what is carried has been left at a place."""
    k, state = s.carried - FIRST_OBJECT, state_of(s.looks[s.carried])
    full = mix_hands_and_goal(s.carried, s.current_step, s.done)
    empty = mix_hands_and_goal(NOTHING_CODE, s.current_step, s.done)
    return s.signature ^ full ^ empty ^ mix_object(k, NOWHERE, state) ^ mix_object(k, place, state)


@inner_kernel
def _signature(w: Worlds, b: int) -> np.uint64:
    h = mix(w.episode_number[b], w.episode[b])
    h ^= mix_hands_and_goal(as_int(w.carried[b]), as_int(w.current_step[b]), as_int(w.done[b]))
    for k in range(w.positions.shape[1]):
        h ^= mix_object(
            k, _place_in(w.cells[b], w.contents[b], w.positions[b], k), state_of(w.looks[b, k + FIRST_OBJECT])
        )
    return h


@inlined_kernel
def _place_in(cells: NDArray[np.uint8], contents: NDArray[np.uint8], positions: NDArray[np.int16], k: int) -> int:
    place = as_int(positions[k])
    if place == NOWHERE:
        return NOWHERE
    code = as_int(cells[place])
    if code == k + FIRST_OBJECT:
        return place
    # what stands on a thing has its place; a box that was opened keeps the place where it was, which is no more its own
    held = as_int(contents[code - FIRST_OBJECT]) if code >= FIRST_OBJECT else NOTHING_CODE
    return place if held >= HOLDS and held & HELD == k + FIRST_OBJECT else NOWHERE


@inlined_kernel
def place_of(s: Scene, k: int) -> int:
    """Where object ``k`` stands, NOWHERE if it is carried, inside what is shut, or a box that was opened."""
    return _place_in(s.cells, s.contents, s.positions, k)


@inlined_kernel
def type_of(look: int) -> int:
    """MiniGrid's type of a look."""
    return look & 0xFF


@inlined_kernel
def color_of(look: int) -> int:
    """MiniGrid's color of a look."""
    return (look >> 8) & 0xFF


@inlined_kernel
def state_of(look: int) -> int:
    """MiniGrid's state of a look: for doors OPEN, CLOSED or LOCKED."""
    return (look >> 16) & 0xFF


@inlined_kernel
def lock_color(s: Scene, code: int) -> int:
    """The color of the keys that open a door."""
    key = as_int(s.contents[code - FIRST_OBJECT])
    return color_of(s.looks[code if key == NOTHING_CODE else key])


@inlined_kernel
def is_walkable(look: int) -> bool:
    """Whether one can walk onto it."""
    return (look >> WALKABLE_BIT) & 1 != 0


@inlined_kernel
def is_portable(look: int) -> bool:
    """Whether it can be carried."""
    return (look >> PORTABLE_BIT) & 1 != 0


@inlined_kernel
def shown_on(s: Scene, code: int) -> int:
    """The cell code of what stands on a thing or lies in it while it is open; NOTHING_CODE if nothing shows."""
    if code < FIRST_OBJECT:
        return NOTHING_CODE
    return held_by(s, code) if state_of(s.looks[code]) != CLOSED else NOTHING_CODE


@inlined_kernel
def held_by(s: Scene, code: int) -> int:
    """As :func:`shown_on`, or the cell code of what lies in it while it is closed."""
    held = as_int(s.contents[code - FIRST_OBJECT])
    return held & HELD if held >= HOLDS else NOTHING_CODE


@inlined_kernel
def inside_of(s: Scene, k: int) -> int:
    """The cell code of what opening object ``k`` leaves in its place, or of the key of a lock; NOTHING_CODE if none."""
    code = as_int(s.contents[k])
    return NOTHING_CODE if code >= HOLDS else code


@inlined_kernel
def is_among(code: int, objects: np.uint64) -> bool:
    """Whether a cell code is that of an object of a set."""
    return code >= FIRST_OBJECT and (objects >> np.uint64(code - FIRST_OBJECT)) & np.uint64(1) != 0


@inlined_kernel
def set_of(code: int) -> np.uint64:
    """The set of one object, given by its cell code."""
    return np.uint64(1) << np.uint64(code - FIRST_OBJECT)


@inlined_kernel
def is_known(s: Scene, place: int) -> bool:
    """Whether the expert knows what is there."""
    return s.knows_all or s.seen[place]


@inlined_kernel
def is_found(s: Scene, k: int) -> bool:
    """Whether the expert knows where object ``k`` is."""
    place = place_of(s, k)
    return s.carried == k + FIRST_OBJECT or (place != NOWHERE and is_known(s, place))


@inlined_kernel
def is_free(s: Scene, place: int) -> bool:
    """Whether one can walk there as far as is known, doors that are not open included."""
    if not is_known(s, place):
        return False
    look = s.looks[s.cells[place]]
    return is_walkable(look) or type_of(look) == DOOR


@inner_kernel
def is_due(s: Scene, c: int) -> bool:
    """Whether a clause of the current step is still to be done."""
    return not s.done >> c & 1


@inner_kernel
def is_clause(s: Scene, c: int) -> bool:
    """Whether the goal has a clause ``c``."""
    return c < s.programs.shape[0] and as_int(s.programs[c, 0]) != NO_CLAUSE


@inner_kernel
def look_around(s: Scene) -> tuple[int, int]:
    """Mark the tiles that the agent sees now, as ``envs.views.draw`` does.

    Returns:
        How many tiles, and how many objects (doors apart), it has not seen before.
    """
    ahead, right = stride_of(s.direction, s.width), stride_of((s.direction + 1) & 3, s.width)
    row = s.position - MIDDLE * right
    lit = LIT_AT_FIRST
    new_tiles, new_objects = 0, 0
    for _ in range(VIEW_SIZE):
        in_view = sight_of_row(s.cells, s.looks, row, right, lit)
        for i in range(VIEW_SIZE):
            place = row + i * right
            if in_view >> i & 1 and not s.seen[place]:
                s.seen[place] = True
                code = s.cells[place]
                new_tiles += 1
                new_objects += code >= FIRST_OBJECT and type_of(s.looks[code]) != DOOR
        lit = in_view >> VIEW_SIZE
        if lit == 0:
            break
        row += ahead
    return new_tiles, new_objects
