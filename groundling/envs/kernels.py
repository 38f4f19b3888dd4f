"""The compiled rules: one scalar function steps, judges or draws one environment; thin loops run them over a batch.

MiniGrid's rules bit for bit: movement and objects (``minigrid_env.step``), the clauses of BabyAI's verifier, and the
7x7x3 egocentric view with occlusion (``Grid.process_vis``). Nothing here allocates, raises or knows of Python
objects, so the same functions can be called from a CUDA kernel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs import constants
from groundling.envs.compiling import compiler
from groundling.envs.constants import (
    BORDER,
    BOX,
    DOOR,
    FIRST_OBJECT,
    JOINED,
    KEY,
    LOCKED,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    OPAQUE_BIT,
    OPEN,
    ORDERED,
    PORTABLE_BIT,
    STRICT,
    VIEW_SIZE,
    WALKABLE_BIT,
    WALL_CODE,
    Action,
    Verb,
)

LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
PICKUP, DROP, TOGGLE, DONE = int(Action.PICKUP), int(Action.DROP), int(Action.TOGGLE), int(Action.DONE)
GO_TO, PICK_UP, OPEN_DOOR = int(Verb.GO_TO), int(Verb.PICK_UP), int(Verb.OPEN)
PUT_NEXT_TO, PUT_NEAR = int(Verb.PUT_NEXT_TO), int(Verb.PUT_NEAR)
ANNOUNCE, STEP_ON = int(Verb.ANNOUNCE), int(Verb.STEP_ON)
GOING_ON, SUCCESS, FAILURE = 0, 1, 2
MEANT, FIXED = 1, 2  # marks of a clause's first and second set of objects, two bits a clause
MIDDLE = VIEW_SIZE // 2
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment of splitmix64


class Episodes(NamedTuple):
    """A bank as the kernels read it: E episodes, at most O objects each, S distinct sentences of L tokens."""

    cells: NDArray[np.uint8]  # [E, H, W] cell codes
    looks: NDArray[np.int32]  # [E, O + 2] look of each cell code
    contents: NDArray[np.uint8]  # [E, O] cell code inside a box
    positions: NDArray[np.int16]  # [E, O] y * W + x, or NOWHERE
    poses: NDArray[np.int16]  # [E, 3] x, y, direction
    carried: NDArray[np.uint8]  # [E] cell code
    programs: NDArray[np.uint64]  # [E, C, 4] clauses in the order in which they are to be done
    max_steps: NDArray[np.int32]  # [E]
    sentences: NDArray[np.int32]  # [E] row of tokens
    tokens: NDArray[np.int32]  # [S, L] token ids


class Tasks(NamedTuple):
    """The tasks of a bank, K of them one after the other, and how often each is drawn."""

    starts: NDArray[np.int64]  # [K + 1] the first row of each task, and the end of the last one
    limits: NDArray[np.float64]  # [K] running sum of the tasks' shares, so the last one is 1


class Worlds(NamedTuple):
    """The state of B environments. Positions are indices into a map's flat cells, border of walls included."""

    cells: NDArray[np.uint8]  # [B, (H + 2 * BORDER) * (W + 2 * BORDER)]
    looks: NDArray[np.int32]  # [B, O + 2]
    contents: NDArray[np.uint8]  # [B, O]
    positions: NDArray[np.int16]  # [B, O] where each object is, or NOWHERE
    marks: NDArray[np.uint8]  # as cells: MEANT and FIXED of each clause where the verifier last saw the goal's objects
    position: NDArray[np.int16]  # [B] of the agent
    direction: NDArray[np.int64]  # [B] 0 right, 1 down, 2 left, 3 up
    carried: NDArray[np.uint8]  # [B] cell code
    carried_before: NDArray[np.uint8]  # [B, C] cell code carried when each clause was judged last
    programs: NDArray[np.uint64]  # [B, C, 4]; places are positions
    stage: NDArray[np.uint8]  # [B] first clause of the step of the goal that is due
    done: NDArray[np.uint8]  # [B] bit mask of the clauses that are done
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
    """What a step returns beside the observations; those marked * are of the episodes that ended in it, else zero."""

    reward: NDArray[np.float64]  # [B]
    terminated: NDArray[np.bool_]  # [B]
    truncated: NDArray[np.bool_]  # [B]
    ended: NDArray[np.bool_]  # [B] terminated or truncated
    episode_return: NDArray[np.float64]  # [B] *
    episode_length: NDArray[np.int32]  # [B] *
    success: NDArray[np.bool_]  # [B] *
    episode: NDArray[np.int64]  # [B] row of the bank of an episode that ended; elsewhere an earlier one's


kernel = compiler(__file__, constants.__file__)


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
    if action == FORWARD:
        if (w.looks[b, w.cells[b, front]] >> WALKABLE_BIT) & 1:
            w.position[b] = front
            front += stride
    else:
        handle(w, b, action, front)
    return front


@kernel
def handle(w: Worlds, b: int, action: int, place: int) -> None:
    """Pick up, drop or toggle at a tile, as far as what is there and what is carried allow it."""
    code = int(w.cells[b, place])
    seen = w.looks[b, code]
    kind = seen & 0xFF
    if action == PICKUP:
        if (seen >> PORTABLE_BIT) & 1 and w.carried[b] == NOTHING_CODE:
            w.carried[b] = code
            w.cells[b, place] = NOTHING_CODE
            w.positions[b, code - FIRST_OBJECT] = NOWHERE
    elif action == DROP:
        if code == NOTHING_CODE and w.carried[b] != NOTHING_CODE:
            w.cells[b, place] = w.carried[b]
            w.positions[b, w.carried[b] - FIRST_OBJECT] = place
            w.carried[b] = NOTHING_CODE
    elif action == TOGGLE and code >= FIRST_OBJECT:
        if kind == DOOR:
            toggle_door(w, b, code)
        elif kind == BOX:
            open_box(w, b, code, place)


@kernel
def toggle_door(w: Worlds, b: int, code: int) -> None:
    """Open a closed door, close an open one, unlock a locked one if the key of its color is carried."""
    seen = w.looks[b, code]
    state = (seen >> 16) & 0xFF
    base = seen & 0xFFFF
    if state == LOCKED:
        held = w.looks[b, w.carried[b]]
        if held & 0xFF == KEY and (held >> 8) & 0xFF == (seen >> 8) & 0xFF:
            w.looks[b, code] = base | 1 << WALKABLE_BIT
    elif state == OPEN:
        # where walls can be seen through, so can doors
        w.looks[b, code] = base | 1 << 16 | (w.looks[b, WALL_CODE] & (1 << OPAQUE_BIT))
    else:
        w.looks[b, code] = base | 1 << WALKABLE_BIT


@kernel
def open_box(w: Worlds, b: int, code: int, front: int) -> None:
    """Replace a box by what it contains."""
    inside = w.contents[b, code - FIRST_OBJECT]
    w.cells[b, front] = inside
    if inside >= FIRST_OBJECT:
        w.positions[b, inside - FIRST_OBJECT] = front


@kernel
def has_object(mask: np.uint64, code: int) -> bool:
    """Whether the object of this cell code is in a set."""
    return (mask >> np.uint64(code - FIRST_OBJECT)) & np.uint64(1) != 0


@kernel
def mark_object(w: Worlds, b: int, code: int, position: int) -> None:
    """Mark where the object of this code stands, for each clause that speaks of it."""
    for c in range(w.programs.shape[1]):
        verb = int(w.programs[b, c, 0])
        if verb == NO_CLAUSE:
            return
        if verb <= PUT_NEXT_TO:
            if has_object(w.programs[b, c, 2], code):
                w.marks[b, position] |= MEANT << 2 * c
            if has_object(w.programs[b, c, 3], code):
                w.marks[b, position] |= FIXED << 2 * c


@kernel
def renew_marks(w: Worlds, b: int) -> None:
    """Let the verifier see where the goal's objects stand now; one that stands nowhere has no mark."""
    w.marks[b, :] = 0
    for k in range(w.positions.shape[1]):
        position = w.positions[b, k]
        code = k + FIRST_OBJECT
        if position != NOWHERE and w.cells[b, position] == code:
            mark_object(w, b, code, position)


@kernel
def judge_clause(w: Worlds, b: int, c: int, width: int, action: int, front: int) -> int:
    """The verdict of one clause on the step just made: GOING_ON, SUCCESS or FAILURE.

    BabyAI's verifier (``verify_action`` of GoToInstr, PickupInstr, OpenInstr and PutNextInstr) and the ``step`` of
    MiniGrid's own levels.
    """
    verb = int(w.programs[b, c, 0])
    strict = int(w.programs[b, c, 1]) & STRICT != 0
    meant = w.programs[b, c, 2]
    before, now = w.carried_before[b, c], w.carried[b]
    w.carried_before[b, c] = now
    if verb == GO_TO:
        if (w.marks[b, front] >> 2 * c) & MEANT:
            return SUCCESS
        return FAILURE if strict and w.cells[b, front] >= FIRST_OBJECT else GOING_ON
    if verb == PICK_UP:
        if action != PICKUP or now == NOTHING_CODE:
            return GOING_ON
        if before == NOTHING_CODE and has_object(meant, now):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    if verb == OPEN_DOOR:
        if action != TOGGLE:
            return GOING_ON
        code = w.cells[b, front]
        seen = w.looks[b, code]
        if seen & 0xFF != DOOR:
            return GOING_ON
        if (seen >> 16) & 0xFF == OPEN and has_object(meant, code):
            return SUCCESS
        return FAILURE if strict else GOING_ON
    if verb == PUT_NEXT_TO:
        if strict and action == PICKUP and now != NOTHING_CODE:
            return FAILURE
        if action != DROP or before == NOTHING_CODE or not has_object(meant, before):
            return GOING_ON
        position = w.positions[b, before - FIRST_OBJECT]
        if position != NOWHERE:
            beside = w.marks[b, position - 1] | w.marks[b, position + 1]
            beside |= w.marks[b, position - width] | w.marks[b, position + width]
            if (beside >> 2 * c) & FIXED:
                return SUCCESS
        return GOING_ON
    if verb == PUT_NEAR:
        if action == PICKUP and now != NOTHING_CODE:
            return GOING_ON if has_object(meant, now) else FAILURE
        if action != DROP or before == NOTHING_CODE:
            return GOING_ON
        goal = int(w.programs[b, c, 3])
        near = abs(front % width - goal % width) <= 1 and abs(front // width - goal // width) <= 1
        return SUCCESS if now == NOTHING_CODE and near else FAILURE
    goal = int(meant)
    if verb == ANNOUNCE:
        if action == DONE:
            away = abs(w.position[b] - goal)
            return SUCCESS if away == 1 or away == width else FAILURE
        return FAILURE if action == TOGGLE else GOING_ON
    # step on
    if w.position[b] == goal:
        return SUCCESS
    return FAILURE if w.position[b] == int(w.programs[b, c, 3]) else GOING_ON


@kernel
def end_of_step(w: Worlds, b: int, start: int) -> int:
    """The clause after the step of the goal that begins with this one."""
    end = start + 1
    while (
        end < w.programs.shape[1]
        and int(w.programs[b, end, 0]) != NO_CLAUSE
        and int(w.programs[b, end, 1]) & JOINED != 0
    ):
        end += 1
    return end


@kernel
def judge_step(w: Worlds, b: int, start: int, end: int, width: int, action: int, front: int) -> int:
    """The verdict of the clauses ``start`` to ``end``, which may be done in any order.

    As in BabyAI's AndInstr a failure of one of several clauses does not count.
    """
    is_complete = True
    for c in range(start, end):
        if w.done[b] >> c & 1:
            continue
        verdict = judge_clause(w, b, c, width, action, front)
        if verdict == SUCCESS:
            w.done[b] |= 1 << c
        else:
            is_complete = False
            if verdict == FAILURE and end == start + 1:
                return FAILURE
    return SUCCESS if is_complete else GOING_ON


@kernel
def judge(w: Worlds, b: int, width: int, action: int, front: int) -> int:
    """The verdict of the goal program on the action just taken: GOING_ON, SUCCESS or FAILURE.

    The steps are judged one after the other, the next one at once with the action that completed the one before, as
    by BabyAI's BeforeInstr and AfterInstr.
    """
    if action == DROP:
        renew_marks(w, b)
    clauses = w.programs.shape[1]
    while True:
        start = int(w.stage[b])
        end = end_of_step(w, b, start)
        is_last = end == clauses or int(w.programs[b, end, 0]) == NO_CLAUSE
        verdict = judge_step(w, b, start, end, width, action, front)
        if verdict == FAILURE or (verdict == SUCCESS and is_last):
            return verdict
        if verdict == GOING_ON:
            if not is_last and int(w.programs[b, end, 1]) & ORDERED != 0:
                ahead = judge_step(w, b, end, end_of_step(w, b, end), width, action, front)
                return FAILURE if ahead == SUCCESS else GOING_ON
            return GOING_ON
        w.stage[b] = end


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
def position_of(operand: np.uint64, width: int) -> int:
    """A place of a goal program as a position on a map ``width`` tiles wide (border included)."""
    return (int(operand >> np.uint64(16)) + BORDER) * width + int(operand & np.uint64(0xFFFF)) + BORDER


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
    for c in range(e.programs.shape[1]):
        for i in range(e.programs.shape[2]):
            w.programs[b, c, i] = e.programs[episode, c, i]
        w.carried_before[b, c] = NOTHING_CODE
        verb = int(w.programs[b, c, 0])
        if verb in (ANNOUNCE, STEP_ON):
            w.programs[b, c, 2] = position_of(w.programs[b, c, 2], width)
        if verb in (PUT_NEAR, STEP_ON):
            w.programs[b, c, 3] = position_of(w.programs[b, c, 3], width)
    w.stage[b] = 0
    w.done[b] = 0
    w.marks[b, :] = 0
    for k in range(e.positions.shape[1]):
        w.contents[b, k] = e.contents[episode, k]
        position = int(e.positions[episode, k])
        if position != NOWHERE:
            position = (position // bank_width + BORDER) * width + position % bank_width + BORDER
            mark_object(w, b, k + FIRST_OBJECT, position)
        w.positions[b, k] = position
    w.position[b] = (e.poses[episode, 1] + BORDER) * width + e.poses[episode, 0] + BORDER
    w.direction[b] = e.poses[episode, 2]
    w.carried[b] = e.carried[episode]
    w.step_count[b] = 0
    w.max_steps[b] = e.max_steps[episode]
    w.episode_return[b] = 0.0
    w.episode[b] = episode
    w.sentence[b] = e.sentences[episode]


@kernel
def scrambled(z: np.uint64) -> np.uint64:
    """The output function of splitmix64: every bit of the result depends on every bit of ``z``."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def next_episode(w: Worlds, b: int, tasks: Tasks, order_seed: int, shuffle: bool) -> int:
    """Which episode environment ``b`` begins next: a counter-based draw, or the bank's own order.

    In the bank's order environment b plays episodes b, b + B, b + 2B ... The draw is splitmix64 of
    (seed, environment, number of the episode), so it depends on no history but that number. Where there are several
    tasks, the next output of the same stream draws one by its share, and the first one the episode within it.
    """
    number = w.episode_number[b]
    w.episode_number[b] = number + 1
    batch = w.episode_number.shape[0]
    last = tasks.limits.shape[0] - 1
    if not shuffle:
        return (b + number * batch) % tasks.starts[last + 1]
    z = scrambled(np.uint64(order_seed) + np.uint64(number * batch + b + 1) * GOLDEN)
    task = 0
    if last > 0:
        share = np.float64(scrambled(z + GOLDEN) >> np.uint64(11)) * 2.0**-53  # in [0, 1), every 53-bit fraction alike
        while task < last and share >= tasks.limits[task]:
            task += 1
    start = tasks.starts[task]
    return start + np.int64(z % np.uint64(tasks.starts[task + 1] - start))


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
    w: Worlds, e: Episodes, o: Observations, tasks: Tasks, order_seed: int, shuffle: bool, mask: NDArray[np.bool_]
) -> None:
    """Begin the next episode in every environment of the mask [B]."""
    width = e.cells.shape[2] + 2 * BORDER
    for b in range(mask.shape[0]):
        if mask[b]:
            begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
            observe_first(w, b, width, e, o)


@kernel
def settle(w: Worlds, b: int, out: Outcomes, verdict: int, reward: float) -> bool:
    """Note what a step returns for environment ``b``; whether the episode ended."""
    steps = w.step_count[b]
    terminated = verdict != GOING_ON
    truncated = steps >= w.max_steps[b]
    ended = terminated or truncated
    w.episode_return[b] += reward
    out.reward[b] = reward
    out.terminated[b] = terminated
    out.truncated[b] = truncated
    out.ended[b] = ended
    out.episode_return[b] = w.episode_return[b] if ended else 0.0
    out.episode_length[b] = steps if ended else 0
    out.success[b] = verdict == SUCCESS
    if ended:
        out.episode[b] = w.episode[b]
    return ended


@kernel
def step_batch(
    w: Worlds,
    e: Episodes,
    o: Observations,
    final: Observations,
    out: Outcomes,
    actions: NDArray[np.int64],
    tasks: Tasks,
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
        reward = 1.0 - 0.9 * (w.step_count[b] / w.max_steps[b]) if verdict == SUCCESS else 0.0
        ended = settle(w, b, out, verdict, reward)
        if ended and autoreset:
            observe(w, b, width, e, final)
            begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
            observe_first(w, b, width, e, o)
        else:
            observe(w, b, width, e, o)
