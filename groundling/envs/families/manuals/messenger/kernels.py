"""The compiled rules: one scalar function begins, another steps an environment; thin loops run them over a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import compiler, inlined_kernel, inner_kernel
from groundling.envs.engine.state import Outcomes
from groundling.envs.families.manuals.messenger import starting, writing
from groundling.envs.families.manuals.messenger.names import CARRIED_ID, FIRST_ENTITY, FLOOR_ID, SELF_ID, SIZE
from groundling.envs.families.manuals.messenger.starting import begin_world
from groundling.envs.families.manuals.messenger.state import (
    AGENT,
    CHASER,
    ENDINGS,
    ENEMY,
    FALSE_GOAL,
    FALSE_MESSAGE,
    GOAL,
    GONE,
    HIGHEST,
    IMMOVABLE,
    MESSAGE,
    NO_ENDING,
    NONE,
    NUM_THINGS,
    Rules,
    Seen,
    Worlds,
)
from groundling.envs.families.manuals.messenger.texts import Tables
from groundling.envs.families.manuals.messenger.writing import write_manual
from groundling.envs.games.dice import below

SOURCES = (__file__, *starting.SOURCES, *writing.SOURCES)
kernel = compiler(*SOURCES)

WIN, LOSS, TAKEN = 1.0, -1.0, 0.5
NUM_MOVES = 5  # up, down, left, right, stay
NUM_DIRECTIONS = 4
GOES_ON, HAS_TAKEN, WON, LOST = 0, 1, 2, 3


@inlined_kernel
def step_x(direction: int) -> int:
    """How x changes by a step in a direction: up, down, left, right."""
    return (direction == 3) - (direction == 2)


@inlined_kernel
def step_y(direction: int) -> int:
    """How y changes."""
    return (direction == 1) - (direction == 0)


@inlined_kernel
def is_inside(x: int, y: int) -> bool:
    """Whether a thing at (x, y) is in the room."""
    return 0 <= x <= HIGHEST and 0 <= y <= HIGHEST


@inlined_kernel
def touches(x: int, y: int, other_x: int, other_y: int) -> bool:
    """Whether two things overlap, as far as the second one is in the room: half cells count."""
    return other_x != GONE and abs(x - other_x) < 2 and abs(y - other_y) < 2


@inlined_kernel
def is_chosen(movement: int, x: int, y: int, agent_x: int, agent_y: int, direction: int) -> bool:
    """Whether a direction is one of those that an entity chooses among, if there is any.

    A chaser lowers its distance to the agent (the sum of both coordinates' differences), one that flees raises it, even
    where that would lead out of the room.
    """
    now = abs(x - agent_x) + abs(y - agent_y)
    then = abs(x + step_x(direction) - agent_x) + abs(y + step_y(direction) - agent_y)
    return then < now if movement == CHASER else then > now


@inner_kernel
def entity_direction(w: Worlds, b: int, thing: int) -> int:
    """Where an entity that moves goes, from where everything is."""
    movement, x, y = w.movement[b, thing], w.x[b, thing], w.y[b, thing]
    count = 0
    for direction in range(NUM_DIRECTIONS):
        count += is_chosen(movement, x, y, w.x[b, AGENT], w.y[b, AGENT], direction)
    drawn = below(w, b, count if count > 0 else NUM_DIRECTIONS)
    if count == 0:
        return drawn
    for direction in range(NUM_DIRECTIONS):
        if is_chosen(movement, x, y, w.x[b, AGENT], w.y[b, AGENT], direction):
            if drawn == 0:
                return direction
            drawn -= 1
    return 0


@inlined_kernel
def go(w: Worlds, b: int, thing: int, direction: int, length: int) -> None:
    """A thing goes so many half cells; a step out of the room is undone."""
    x, y = w.x[b, thing] + length * step_x(direction), w.y[b, thing] + length * step_y(direction)
    if not is_inside(x, y):
        return
    if x // 2 != w.x[b, thing] // 2 or y // 2 != w.y[b, thing] // 2:
        w.heading[b, thing] = direction + 1
    w.x[b, thing] = x
    w.y[b, thing] = y


@inlined_kernel
def meets(w: Worlds, b: int, thing: int) -> bool:
    """Whether the agent touches a thing; if so, it is noted."""
    if not touches(w.x[b, AGENT], w.y[b, AGENT], w.x[b, thing], w.y[b, thing]):
        return False
    if w.met[b] == NONE:
        w.met[b] = thing
    w.ending[b] = ENDINGS * w.met[b] + thing
    return True


@inner_kernel
def take_turn(w: Worlds, b: int, move: int, r: Rules) -> int:
    """All go, the entities as they choose from where everything was; then what touches the agent has its effect."""
    if r.stage > 1:
        for thing in range(ENEMY, NUM_THINGS):
            if w.x[b, thing] != GONE and w.movement[b, thing] != IMMOVABLE:
                go(w, b, thing, entity_direction(w, b, thing), 1)
    if move < NUM_DIRECTIONS:
        go(w, b, AGENT, move, 2)
    if meets(w, b, ENEMY) or meets(w, b, FALSE_MESSAGE) or meets(w, b, FALSE_GOAL):
        return LOST
    if not w.has_message[b] and meets(w, b, GOAL):
        return LOST
    if meets(w, b, MESSAGE):
        if r.stage == 1:
            return LOST if w.has_message[b] else WON
        w.has_message[b] = True
        w.x[b, MESSAGE] = GONE
        return HAS_TAKEN
    return WON if meets(w, b, GOAL) else GOES_ON


@inlined_kernel
def put(s: Seen, b: int, x: int, y: int, ground: int, name: int, heading: int) -> None:
    """Write all of a cell."""
    s.image[b, 0, y // 2, x // 2, 0] = ground
    s.image[b, 0, y // 2, x // 2, 1] = name
    s.image[b, 0, y // 2, x // 2, 2] = heading


@inner_kernel
def erase_things(w: Worlds, b: int, s: Seen) -> None:
    """Write floor where things are."""
    for thing in range(NUM_THINGS):
        if w.x[b, thing] != GONE:
            put(s, b, w.x[b, thing], w.y[b, thing], FLOOR_ID, 0, 0)


@inner_kernel
def draw_things(w: Worlds, b: int, s: Seen) -> None:
    """Draw all things; and what the agent carries, and where it can go.

    Of two entities in a cell the first has the lower number, of the same kind the lower heading: what is seen must not
    tell which one is false. Further ones are not seen.
    """
    for thing in range(ENEMY, NUM_THINGS):
        x, y = w.x[b, thing], w.y[b, thing]
        if x == GONE:
            continue
        name, heading = FIRST_ENTITY + w.entity[b, thing], int(w.heading[b, thing])
        cell = s.image[b, 0, y // 2, x // 2]
        if cell[1] == 0:
            put(s, b, x, y, FLOOR_ID, name, heading)
        elif name * 8 + heading < 8 * cell[1] + cell[2]:
            put(s, b, x, y, cell[1], name, heading)
        elif cell[0] == FLOOR_ID or name < cell[0]:
            cell[0] = name
    cell = s.image[b, 0, w.y[b, AGENT] // 2, w.x[b, AGENT] // 2]
    cell[0] = SELF_ID
    s.carried[b] = CARRIED_ID if w.has_message[b] else 0
    for direction in range(NUM_DIRECTIONS):
        x, y = w.x[b, AGENT] + 2 * step_x(direction), w.y[b, AGENT] + 2 * step_y(direction)
        s.valid[b, direction] = is_inside(x, y)
    s.valid[b, NUM_DIRECTIONS] = True


@inner_kernel
def copy_frame(s: Seen, b: int, source: int, target: int) -> None:
    """Copy a frame of the image, number by number: assigning arrays would allocate memory."""
    for row in range(SIZE):
        for column in range(SIZE):
            for part in range(3):
                s.image[b, target, row, column, part] = s.image[b, source, row, column, part]


@inner_kernel
def begin(w: Worlds, b: int, r: Rules, t: Tables, s: Seen) -> None:
    """Begin the next episode of environment ``b`` and write all that its agent sees."""
    begin_world(w, b, r)
    write_manual(w, b, r, t, s)
    for row in range(SIZE):
        for column in range(SIZE):
            s.image[b, 0, row, column, 0] = FLOOR_ID
            s.image[b, 0, row, column, 1] = 0
            s.image[b, 0, row, column, 2] = 0
    draw_things(w, b, s)
    for frame in range(1, s.image.shape[1]):  # nothing was seen before: the first frame stands for it
        copy_frame(s, b, 0, frame)


@inner_kernel
def step_one(w: Worlds, b: int, move: int, r: Rules, s: Seen, out: Outcomes) -> None:
    """One step of environment ``b`` as far as it does not begin the next episode."""
    out.episode_return[b] = 0.0
    out.episode_length[b] = 0
    out.success[b] = False
    if w.over[b]:  # it stays as it ended until it is reset
        out.reward[b] = 0.0
        return
    for frame in range(s.image.shape[1] - 1, 0, -1):
        copy_frame(s, b, frame - 1, frame)
    erase_things(w, b, s)
    result = take_turn(w, b, move, r)
    w.steps[b] += 1
    goes_on = result in (GOES_ON, HAS_TAKEN)
    is_late = goes_on and w.steps[b] >= r.max_steps
    if is_late:
        w.ending[b] = NO_ENDING
    reward = 0.0
    if result == WON:
        reward = WIN
    elif result == LOST or is_late:
        reward = LOSS
    elif result == HAS_TAKEN:
        reward = TAKEN
    w.total_reward[b] += reward
    out.reward[b] = reward
    out.terminated[b] = not goes_on
    out.truncated[b] = is_late
    out.ended[b] = not goes_on or is_late
    draw_things(w, b, s)
    if out.ended[b]:
        w.over[b] = True
        out.episode_return[b] = w.total_reward[b]
        out.episode_length[b] = w.steps[b]
        out.success[b] = result == WON


@kernel
def begin_batch(w: Worlds, chosen: NDArray[np.bool_], r: Rules, t: Tables, s: Seen) -> None:
    """Begin the next episode where ``chosen`` [B] says so."""
    for b in range(chosen.shape[0]):
        if chosen[b]:
            begin(w, b, r, t, s)


@inner_kernel
def keep_last(b: int, s: Seen, last: Seen) -> None:
    """Copy what the agent of environment ``b`` sees, number by number: assigning arrays would allocate memory."""
    for frame in range(s.image.shape[1]):
        for row in range(SIZE):
            for column in range(SIZE):
                for part in range(3):
                    last.image[b, frame, row, column, part] = s.image[b, frame, row, column, part]
    for row in range(s.manual.shape[1]):
        for column in range(s.manual.shape[2]):
            last.manual[b, row, column] = s.manual[b, row, column]
    for column in range(s.instruction.shape[1]):
        last.instruction[b, column] = s.instruction[b, column]
    last.carried[b] = s.carried[b]
    for move in range(NUM_MOVES):
        last.valid[b, move] = s.valid[b, move]


@kernel
def step_batch(
    w: Worlds, actions: NDArray[np.int64], autoreset: bool, r: Rules, t: Tables, s: Seen, last: Seen, out: Outcomes
) -> None:
    """Step every environment; where an episode ends its last observation goes to ``last`` and the next one begins."""
    for b in range(actions.shape[0]):
        step_one(w, b, actions[b], r, s, out)
        if out.ended[b] and autoreset:
            keep_last(b, s, last)
            begin(w, b, r, t, s)
