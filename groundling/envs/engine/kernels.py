"""The compiled rules: one scalar function steps, judges or draws one environment; thin loops run them over a batch.

MiniGrid's rules bit for bit: movement and objects (``dynamics``), the clauses of BabyAI's verifier (``goal_check``),
and the egocentric view (``views``); here they are put together. Nothing in them allocates, raises or knows of Python
objects, so the same functions can be called from a CUDA kernel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import dynamics, goal_check, views
from groundling.envs.engine.compiling import compiler, inlined_kernel
from groundling.envs.engine.constants import ANSWER, BORDER, FIRST_OBJECT, NOTHING_CODE, NOWHERE, STOP
from groundling.envs.engine.dynamics import TOGGLE, act, turn_key
from groundling.envs.engine.goal_check import (
    ANNOUNCE,
    GOING_ON,
    PUT_NEAR,
    STEP_ON,
    SUCCESS,
    judge,
    judge_answer,
    judge_traps,
    mark_object,
)
from groundling.envs.engine.state import Episodes, Observations, Outcomes, Tasks, Worlds
from groundling.envs.engine.views import draw, show_floors

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment of splitmix64

SOURCES = (__file__, goal_check.__file__, views.__file__, *dynamics.SOURCES)
kernel = compiler(*SOURCES)


@kernel
def position_of(operand: np.uint64, width: int) -> int:
    """A place of a goal program as a position on a map ``width`` tiles wide (border included)."""
    # a place has its row above bit 16 and its column below
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
    if w.floors.shape[1] > 0:
        for y in range(height):
            start = (y + BORDER) * width + BORDER
            for x in range(bank_width):
                w.floors[b, start + x] = e.floors[episode, y, x]
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
    w.current_step[b] = 0
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
    tasks, the next output of the same stream draws one by its share, and the first one the episode within it. An
    episode that was planned is begun once, instead of the one that would be drawn.
    """
    number = w.episode_number[b]
    w.episode_number[b] = number + 1
    planned = tasks.planned[b]
    if planned >= 0:
        tasks.planned[b] = -1
        return planned
    batch = w.episode_number.shape[0]
    last = tasks.limits.shape[0] - 1
    if not shuffle:
        return (b + number * batch) % tasks.starts[last + 1]
    # b + 1 and the number make one counter of the stream, so that no two episodes of a run share a draw
    z = scrambled(np.uint64(order_seed) + np.uint64(number * batch + b + 1) * GOLDEN)
    task = 0
    if last > 0:
        share = np.float64(scrambled(z + GOLDEN) >> np.uint64(11)) * 2.0**-53  # in [0, 1), every 53-bit fraction alike
        while task < last and share >= tasks.limits[task]:
            task += 1
    start = tasks.starts[task]
    # the remainder favors low rows by at most (number of rows) / 2^64, far below what could be seen
    return start + np.int64(z % np.uint64(tasks.starts[task + 1] - start))


@kernel
def observe(w: Worlds, b: int, width: int, e: Episodes, o: Observations) -> None:
    """Write the observation of environment ``b``."""
    draw(w.cells[b], w.looks[b], width, int(w.position[b]), w.direction[b], w.carried[b], o.image[b])
    if w.floors.shape[1] > 0:
        show_floors(w.floors[b], width, int(w.position[b]), w.direction[b], o.image[b])
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


@inlined_kernel
def step_one(
    w: Worlds,
    b: int,
    width: int,
    e: Episodes,
    o: Observations,
    final: Observations,
    out: Outcomes,
    action: int,
    tasks: Tasks,
    order_seed: int,
    shuffle: bool,
    autoreset: bool,
) -> None:
    """Step environment ``b``; where its episode ends, keep its last observation and begin the next."""
    w.step_count[b] += 1
    front = act(w, b, width, action)
    if action == TOGGLE:
        turn_key(w, b, front)
    if ANSWER <= int(w.programs[b, 0, 0]) <= STOP:
        verdict = judge_answer(w, b, action)
    else:
        verdict = judge(w, b, width, action, front, False)
    if action == TOGGLE and verdict == GOING_ON:
        verdict = judge_traps(w, b)
    # MiniGrid's reward, with the step just made counted
    reward = 1.0 - 0.9 * (w.step_count[b] / w.max_steps[b]) if verdict == SUCCESS else 0.0
    ended = settle(w, b, out, verdict, reward)
    if ended and autoreset:
        # before the next episode is written over the world that it shows
        observe(w, b, width, e, final)
        begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
        observe_first(w, b, width, e, o)
    else:
        observe(w, b, width, e, o)


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
    """Step environments ``start`` to ``stop``, one after the other."""
    width = e.cells.shape[2] + 2 * BORDER
    for b in range(start, stop):
        step_one(w, b, width, e, o, final, out, actions[b], tasks, order_seed, shuffle, autoreset)
