"""The compiled rules: one scalar function steps, judges or draws one environment; thin loops run them over a batch.

MiniGrid's rules bit for bit: movement and objects (``minigrid_env.step``), the clauses of BabyAI's verifier, and the
7x7x3 egocentric view with occlusion (``Grid.process_vis``). Nothing here allocates, raises or knows of Python
objects, so the same functions can be called from a CUDA kernel. All kernels stand in this one file because Numba's
cache notices a change of the file it compiled, not of the files that one imports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from groundling.envs.constants import (
    BORDER,
    BOX,
    DOOR,
    FIRST_OBJECT,
    KEY,
    LOCKED,
    NOTHING_CODE,
    NOWHERE,
    OPEN,
    VIEW_SIZE,
    Action,
    Verb,
)

LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
PICKUP, DROP, TOGGLE = int(Action.PICKUP), int(Action.DROP), int(Action.TOGGLE)
GO_TO, PICK_UP, OPEN_DOOR = int(Verb.GO_TO), int(Verb.PICK_UP), int(Verb.OPEN)
GOING_ON, SUCCESS, FAILURE = 0, 1, 2
MEANT, FIXED = 1, 2  # marks of the first and of the second set of objects of a goal program
MIDDLE = VIEW_SIZE // 2
OPAQUE_BIT = 24


class Episodes(NamedTuple):
    """A bank as the kernels read it: E episodes, at most O objects each, S distinct sentences of L tokens."""

    cells: NDArray[np.uint8]  # [E, H, W] cell codes
    looks: NDArray[np.int32]  # [E, O + 2] look of each cell code
    contents: NDArray[np.uint8]  # [E, O] cell code inside a box
    positions: NDArray[np.int16]  # [E, O] y * W + x, or NOWHERE
    poses: NDArray[np.int16]  # [E, 3] x, y, direction
    carried: NDArray[np.uint8]  # [E] cell code
    programs: NDArray[np.uint64]  # [E, 4]
    max_steps: NDArray[np.int32]  # [E]
    sentences: NDArray[np.int32]  # [E] row of tokens
    tokens: NDArray[np.int32]  # [S, L]


class Worlds(NamedTuple):
    """The state of B environments. Positions are indices into a map's flat cells, border of walls included."""

    cells: NDArray[np.uint8]  # [B, (H + 2 * BORDER) * (W + 2 * BORDER)]
    looks: NDArray[np.int32]  # [B, O + 2]
    contents: NDArray[np.uint8]  # [B, O]
    positions: NDArray[np.int16]  # [B, O] where each object is, or NOWHERE
    marks: NDArray[np.uint8]  # as cells: MEANT and FIXED where the verifier last saw the goal's objects
    position: NDArray[np.int16]  # [B] of the agent
    direction: NDArray[np.int64]  # [B] 0 right, 1 down, 2 left, 3 up
    carried: NDArray[np.uint8]  # [B] cell code
    carried_before: NDArray[np.uint8]  # [B] cell code carried at the end of the step before, as the verifier saw it
    programs: NDArray[np.uint64]  # [B, 4]
    step_count: NDArray[np.int32]  # [B]
    max_steps: NDArray[np.int32]  # [B]
    episode_return: NDArray[np.float64]  # [B]
    episode: NDArray[np.int64]  # [B] row of the bank
    sentence: NDArray[np.int32]  # [B] row of the bank's sentences
    episode_number: NDArray[np.int64]  # [B] episodes begun since the seed was set


class Observations(NamedTuple):
    """What B agents see."""

    image: NDArray[np.uint8]  # [B, 147]: column, row, (type, color, state)
    direction: NDArray[np.int64]  # [B]
    instruction: NDArray[np.int32]  # [B, L]


class Outcomes(NamedTuple):
    """What a step returns beside the observations; the last three are of the episodes that ended in it, else zero."""

    reward: NDArray[np.float64]  # [B]
    terminated: NDArray[np.bool_]  # [B]
    truncated: NDArray[np.bool_]  # [B]
    ended: NDArray[np.bool_]  # [B] terminated or truncated
    episode_return: NDArray[np.float64]  # [B]
    episode_length: NDArray[np.int32]  # [B]
    success: NDArray[np.bool_]  # [B]


_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile a function without the interpreter's lock and without Numba's memory manager.

    The memory manager counts references with locked instructions at every use of an array: switched off, a step is four
    times as fast, and a kernel that allocates does not compile.
    """
    compiled: _Function = numba.njit(cache=True, nogil=True, _nrt=False)(function)  # type: ignore[call-overload]
    return compiled


def _visibility_table() -> NDArray[np.int16]:
    """Occlusion of one view row for every (seen from the row below, see-through) pair of 7-bit masks.

    Low 7 bits: the cells of the row that are seen. High 7 bits: the cells that it lights in the row above.
    The two sweeps are those of MiniGrid's ``Grid.process_vis``.
    """
    table = np.zeros(1 << (2 * VIEW_SIZE), dtype=np.int16)
    for index in range(len(table)):
        seen, clear = index >> VIEW_SIZE, index & ((1 << VIEW_SIZE) - 1)
        above = 0
        for i in range(VIEW_SIZE - 1):
            if seen >> i & clear >> i & 1:
                seen |= 1 << (i + 1)
                above |= 3 << i
        for i in range(VIEW_SIZE - 1, 0, -1):
            if seen >> i & clear >> i & 1:
                seen |= 1 << (i - 1)
                above |= 3 << (i - 1)
        table[index] = seen | above << VIEW_SIZE
    return table


VISIBILITY = _visibility_table()


@kernel
def stride_of(direction: int, width: int) -> int:
    """Index step from a tile to the one ahead, on a map ``width`` tiles wide (border included)."""
    if direction == 0:
        return 1
    if direction == 1:
        return width
    return -1 if direction == 2 else -width


@kernel
def act(w: Worlds, b: int, width: int, action: int) -> int:
    """Move the body and the objects of environment ``b``; returns the index of the tile then in front."""
    if action == LEFT:
        w.direction[b] = (w.direction[b] + 3) & 3
    elif action == RIGHT:
        w.direction[b] = (w.direction[b] + 1) & 3
    stride = stride_of(w.direction[b], width)
    front = int(w.position[b]) + stride
    code = int(w.cells[b, front])
    seen = w.looks[b, code]
    kind = seen & 0xFF
    if action == FORWARD:
        if code == NOTHING_CODE or (kind == DOOR and (seen >> 16) & 0xFF == OPEN):
            w.position[b] = front
            front += stride
    elif action == PICKUP:
        if code >= FIRST_OBJECT and kind != DOOR and w.carried[b] == NOTHING_CODE:
            w.carried[b] = code
            w.cells[b, front] = NOTHING_CODE
            w.positions[b, code - FIRST_OBJECT] = NOWHERE
    elif action == DROP:
        if code == NOTHING_CODE and w.carried[b] != NOTHING_CODE:
            w.cells[b, front] = w.carried[b]
            w.positions[b, w.carried[b] - FIRST_OBJECT] = front
            w.carried[b] = NOTHING_CODE
    elif action == TOGGLE and code >= FIRST_OBJECT:
        if kind == DOOR:
            toggle_door(w, b, code)
        elif kind == BOX:
            open_box(w, b, code, front)
    return front


@kernel
def toggle_door(w: Worlds, b: int, code: int) -> None:
    """Open a closed door, close an open one, unlock a locked one if the key of its color is carried."""
    seen = w.looks[b, code]
    state = (seen >> 16) & 0xFF
    base = seen & 0xFFFF
    if state == LOCKED:
        held = w.looks[b, w.carried[b]]
        if held & 0xFF == KEY and (held >> 8) & 0xFF == (seen >> 8) & 0xFF:
            w.looks[b, code] = base
    elif state == OPEN:
        w.looks[b, code] = base | 1 << 16 | 1 << OPAQUE_BIT
    else:
        w.looks[b, code] = base


@kernel
def open_box(w: Worlds, b: int, code: int, front: int) -> None:
    """Replace a box by what it contains."""
    inside = w.contents[b, code - FIRST_OBJECT]
    w.cells[b, front] = inside
    if inside >= FIRST_OBJECT:
        w.positions[b, inside - FIRST_OBJECT] = front


@kernel
def mark_object(w: Worlds, b: int, code: int, place: int) -> None:
    """Mark where the object of this code stands, if the goal speaks of it."""
    bit = np.uint64(code - FIRST_OBJECT)
    meant = (w.programs[b, 2] >> bit) & np.uint64(1) | ((w.programs[b, 3] >> bit) & np.uint64(1)) << np.uint64(1)
    if meant:
        w.marks[b, place] |= np.uint8(meant)


@kernel
def renew_marks(w: Worlds, b: int) -> None:
    """Let the verifier see where the goal's objects stand now; one that stands nowhere has no mark."""
    w.marks[b, :] = 0
    for k in range(w.positions.shape[1]):
        place = w.positions[b, k]
        code = k + FIRST_OBJECT
        if place != NOWHERE and w.cells[b, place] == code:
            mark_object(w, b, code, place)


@kernel
def judge(w: Worlds, b: int, width: int, action: int, front: int) -> int:
    """The verdict of the goal program on the step just made: GOING_ON, SUCCESS or FAILURE.

    BabyAI's verifier, ``verify_action`` of GoToInstr, PickupInstr, OpenInstr and PutNextInstr.
    """
    program = w.programs[b]
    verb = program[0]
    strict = program[1] != 0
    mask = program[2]
    before, now = w.carried_before[b], w.carried[b]
    w.carried_before[b] = now
    if action == DROP:
        renew_marks(w, b)
    if verb == GO_TO:
        return SUCCESS if w.marks[b, front] & MEANT else GOING_ON
    if verb == PICK_UP:
        if action != PICKUP or now == NOTHING_CODE:
            return GOING_ON
        if before == NOTHING_CODE and (mask >> np.uint64(now - FIRST_OBJECT)) & np.uint64(1):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    if verb == OPEN_DOOR:
        if action != TOGGLE:
            return GOING_ON
        code = w.cells[b, front]
        seen = w.looks[b, code]
        if seen & 0xFF != DOOR:
            return GOING_ON
        if (seen >> 16) & 0xFF == OPEN and (mask >> np.uint64(code - FIRST_OBJECT)) & np.uint64(1):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    # put next to
    if strict and action == PICKUP and now != NOTHING_CODE:
        return FAILURE
    if action != DROP or before == NOTHING_CODE or not (mask >> np.uint64(before - FIRST_OBJECT)) & np.uint64(1):
        return GOING_ON
    place = w.positions[b, before - FIRST_OBJECT]
    if place != NOWHERE:
        beside = w.marks[b, place - 1] | w.marks[b, place + 1] | w.marks[b, place - width] | w.marks[b, place + width]
        if beside & FIXED:
            return SUCCESS
    return GOING_ON


@kernel
def draw(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    position: int,
    direction: int,
    carried: int,
    image: NDArray[np.uint8],
) -> None:
    """MiniGrid's symbolic view into ``image`` [147]: column, row, (type, color, state), the agent at [3, 6]."""
    image[:] = 0
    ahead = stride_of(direction, width)
    right = stride_of((direction + 1) & 3, width)
    row = position - MIDDLE * right
    seen = 1 << MIDDLE
    for distance in range(VIEW_SIZE):
        clear = 0
        place = row
        for i in range(VIEW_SIZE):
            clear |= (1 - (looks[cells[np.uintp(place)]] >> OPAQUE_BIT)) << i
            place += right
        lit = VISIBILITY[seen << VIEW_SIZE | clear]
        out = (VIEW_SIZE - 1 - distance) * 3
        place = row
        for i in range(VIEW_SIZE):  # unsigned indices and no branch: this loop is most of a step
            thing = looks[cells[np.uintp(place)]] & -(lit >> i & 1)
            image[np.uintp(out)] = thing & 0xFF
            image[np.uintp(out + 1)] = (thing >> 8) & 0xFF
            image[np.uintp(out + 2)] = (thing >> 16) & 0xFF
            out += VIEW_SIZE * 3
            place += right
        seen = lit >> VIEW_SIZE
        if seen == 0:
            break
        row += ahead
    # the agent sees what it carries at its own place
    own = (MIDDLE * VIEW_SIZE + VIEW_SIZE - 1) * 3
    thing = looks[carried]
    image[own] = thing & 0xFF
    image[own + 1] = (thing >> 8) & 0xFF
    image[own + 2] = (thing >> 16) & 0xFF


@kernel
def begin(w: Worlds, b: int, e: Episodes, episode: int) -> None:
    """Copy an episode of the bank into environment ``b``; the border of walls stays as it is."""
    height, bank_width = e.cells.shape[1], e.cells.shape[2]
    width = bank_width + 2 * BORDER
    for y in range(height):
        start = (y + BORDER) * width + BORDER
        for x in range(bank_width):
            w.cells[b, start + x] = e.cells[episode, y, x]
    for code in range(e.looks.shape[1]):
        w.looks[b, code] = e.looks[episode, code]
    for i in range(e.programs.shape[1]):
        w.programs[b, i] = e.programs[episode, i]
    w.marks[b, :] = 0
    for k in range(e.positions.shape[1]):
        w.contents[b, k] = e.contents[episode, k]
        place = int(e.positions[episode, k])
        if place != NOWHERE:
            place = (place // bank_width + BORDER) * width + place % bank_width + BORDER
            mark_object(w, b, k + FIRST_OBJECT, place)
        w.positions[b, k] = place
    w.position[b] = (e.poses[episode, 1] + BORDER) * width + e.poses[episode, 0] + BORDER
    w.direction[b] = e.poses[episode, 2]
    w.carried[b] = e.carried[episode]
    w.carried_before[b] = NOTHING_CODE
    w.step_count[b] = 0
    w.max_steps[b] = e.max_steps[episode]
    w.episode_return[b] = 0.0
    w.episode[b] = episode
    w.sentence[b] = e.sentences[episode]


@kernel
def next_episode(w: Worlds, b: int, num_episodes: int, order_seed: int, shuffle: bool) -> int:
    """Which episode environment ``b`` begins next: a counter-based draw, or the bank's own order.

    In the bank's order environment b plays episodes b, b + B, b + 2B ... The draw is splitmix64 of
    (seed, environment, number of the episode), so it depends on no history but that number.
    """
    number = w.episode_number[b]
    w.episode_number[b] = number + 1
    batch = w.episode_number.shape[0]
    if not shuffle:
        return (b + number * batch) % num_episodes
    z = np.uint64(order_seed) + np.uint64(number * batch + b + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64(z % np.uint64(num_episodes))  # type: ignore[return-value]


@kernel
def observe(w: Worlds, b: int, width: int, e: Episodes, o: Observations) -> None:
    """Write the observation of environment ``b``."""
    draw(w.cells[b], w.looks[b], width, int(w.position[b]), w.direction[b], w.carried[b], o.image[b])
    o.direction[b] = w.direction[b]
    sentence = w.sentence[b]
    for i in range(e.tokens.shape[1]):
        o.instruction[b, i] = e.tokens[sentence, i]


@kernel
def observe_first(w: Worlds, b: int, width: int, e: Episodes, o: Observations) -> None:
    """Write the first observation of an episode.

    Where the agent starts with an object in its hands, MiniGrid takes this observation before it picks the object up.
    """
    held = w.carried[b]
    if held == NOTHING_CODE:
        observe(w, b, width, e, o)
        return
    place = w.positions[b, held - FIRST_OBJECT]
    w.cells[b, place], w.carried[b] = held, NOTHING_CODE
    observe(w, b, width, e, o)
    w.cells[b, place], w.carried[b] = NOTHING_CODE, held


@kernel
def reset_batch(
    w: Worlds, e: Episodes, o: Observations, order_seed: int, shuffle: bool, mask: NDArray[np.bool_]
) -> None:
    """Begin the next episode in every environment of the mask [B]."""
    width = e.cells.shape[2] + 2 * BORDER
    for b in range(mask.shape[0]):
        if mask[b]:
            begin(w, b, e, next_episode(w, b, e.cells.shape[0], order_seed, shuffle))
            observe_first(w, b, width, e, o)


@kernel
def step_batch(
    w: Worlds,
    e: Episodes,
    o: Observations,
    final: Observations,
    out: Outcomes,
    actions: NDArray[np.int64],
    order_seed: int,
    shuffle: bool,
    autoreset: bool,
    start: int,
    stop: int,
) -> None:
    """Step environments ``start`` to ``stop``; where an episode ends, keep its last observation and begin the next."""
    width = e.cells.shape[2] + 2 * BORDER
    for b in range(start, stop):
        action = actions[b]
        w.step_count[b] += 1
        front = act(w, b, width, action)
        verdict = judge(w, b, width, action, front)
        steps, limit = w.step_count[b], w.max_steps[b]
        reward = 1.0 - 0.9 * (steps / limit) if verdict == SUCCESS else 0.0
        terminated = verdict != GOING_ON
        truncated = steps >= limit
        w.episode_return[b] += reward
        out.reward[b] = reward
        out.terminated[b] = terminated
        out.truncated[b] = truncated
        ended = terminated or truncated
        out.ended[b] = ended
        out.episode_return[b] = w.episode_return[b] if ended else 0.0
        out.episode_length[b] = steps if ended else 0
        out.success[b] = verdict == SUCCESS
        if ended and autoreset:
            observe(w, b, width, e, final)
            begin(w, b, e, next_episode(w, b, e.cells.shape[0], order_seed, shuffle))
            observe_first(w, b, width, e, o)
        else:
            observe(w, b, width, e, o)
