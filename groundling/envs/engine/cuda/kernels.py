"""What a GPU runs, one thread an environment: the loops of the engine's kernels taken apart, over the same functions.

They are plain Python functions, so that a test can compile them for a GPU that is not there; ``launching`` compiles
them for the one that is. A kernel returns at once in the threads that are more than the environments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba.cuda

from groundling.envs.engine import explored, kernels, on_top
from groundling.envs.engine.constants import BORDER, Action
from groundling.envs.engine.cuda.building import device_function
from groundling.envs.engine.cuda.camera import cast_rays, draw_rows
from groundling.envs.engine.cuda.driving import begin_rovers, step_rovers

cuda: Any = numba.cuda  # by this name Numba's simulator finds it
DONE = int(Action.DONE)

begin, next_episode = device_function(kernels.begin), device_function(kernels.next_episode)
observe, observe_first = device_function(kernels.observe), device_function(kernels.observe_first)
step_one = device_function(kernels.step_one)
look_around, show_on_top = device_function(explored.look_around), device_function(on_top.show_on_top)


def reset(w: Any, e: Any, o: Any, tasks: Any, order_seed: int, shuffle: bool, mask: Any) -> None:
    """Begin the next episode in every environment of the mask [B]."""
    b = cuda.grid(1)
    if b < mask.shape[0] and mask[b]:
        begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
        observe_first(w, b, e.cells.shape[2] + 2 * BORDER, e, o)


def step(
    w: Any,
    e: Any,
    o: Any,
    final: Any,
    out: Any,
    actions: Any,
    tasks: Any,
    order_seed: int,
    shuffle: bool,
    autoreset: bool,
    num_actions: int,
    is_wrong: Any,
) -> None:
    """Step every environment; where an action is none of the A, nothing is done, which is noted in ``is_wrong`` [B]."""
    b = cuda.grid(1)
    if b < actions.shape[0]:
        action = actions[b]
        if action < 0 or action >= num_actions:
            is_wrong[b] = True
            action = DONE
        width = e.cells.shape[2] + 2 * BORDER
        step_one(w, b, width, e, o, final, out, action, tasks, order_seed, shuffle, autoreset)


def go_on(w: Any, e: Any, o: Any, final: Any, out: Any, tasks: Any, order_seed: int, shuffle: bool) -> None:
    """Where an episode ended in a step without autoreset, keep its last observation and begin the next."""
    b = cuda.grid(1)
    if b < out.ended.shape[0] and out.ended[b]:
        width = e.cells.shape[2] + 2 * BORDER
        observe(w, b, width, e, final)
        begin(w, b, e, next_episode(w, b, tasks, order_seed, shuffle))
        observe_first(w, b, width, e, o)


def draw_explored(w: Any, width: int, seen: Any, maps: Any, mask: Any) -> None:
    """Have the agents of the mask [B] look around, and draw what they know into ``maps`` [B, M, M, 3]."""
    b = cuda.grid(1)
    if b < mask.shape[0] and mask[b]:
        look_around(w, b, width, seen, maps)


def draw_on_top(w: Any, width: int, out: Any, mask: Any) -> None:
    """Draw what stands on the things in view, in the environments of the mask [B], into ``out`` [B, 7, 7, 3]."""
    b = cuda.grid(1)
    if b < mask.shape[0] and mask[b]:
        show_on_top(w, b, width, out)


def note_stopped(w: Any, actions: Any, had_stopped: Any) -> None:
    """Before a step: whether each agent has stopped, or stops with it, [B]."""
    b = cuda.grid(1)
    if b < actions.shape[0]:
        had_stopped[b] = w.current_step[b] > 0 or actions[b] == DONE


def show_masks(w: Any, moving: Any, answering: Any, stops_first: bool, out: Any) -> None:
    """The action masks [B, A] of the present sentences, as ``ActionMasks.of`` has them."""
    b = cuda.grid(1)
    if b < out.shape[0]:
        sentence = w.sentence[b]
        for action in range(out.shape[1]):
            if stops_first and w.current_step[b] > 0:
                out[b, action] = answering[sentence, action]
            else:
                out[b, action] = moving[sentence, action]


def show_last_masks(
    e: Any, episode: Any, had_stopped: Any, moving: Any, answering: Any, stops_first: bool, out: Any
) -> None:
    """The action masks [B, A] of the episodes [B] that ended last."""
    b = cuda.grid(1)
    if b < out.shape[0]:
        sentence = e.sentences[episode[b]]
        for action in range(out.shape[1]):
            if stops_first and had_stopped[b]:
                out[b, action] = answering[sentence, action]
            else:
                out[b, action] = moving[sentence, action]


def show_manuals(episode: Any, rows: Any, tokens: Any, out: Any) -> None:
    """The manuals [B, S, L] of episodes [B], a thread for each of their B * S sentences."""
    i = cuda.grid(1)
    if i < out.shape[0] * out.shape[1]:
        b, s = i // out.shape[1], i % out.shape[1]
        row = rows[episode[b], s]
        for k in range(out.shape[2]):
            out[b, s, k] = tokens[row, k]


def note_actions(actions: Any, ended: Any, autoreset: bool, none: int, now: Any, last: Any) -> None:
    """After a step: the actions [B] as those taken last, ``none`` where the next episode has begun."""
    b = cuda.grid(1)
    if b < actions.shape[0]:
        last[b] = actions[b]
        now[b] = none if ended[b] and autoreset else actions[b]


def forget_actions(mask: Any, none: int, now: Any) -> None:
    """Note that no action was taken yet in the environments of the mask [B]."""
    b = cuda.grid(1)
    if b < mask.shape[0] and mask[b]:
        now[b] = none


class Kernels(NamedTuple):
    """What can be launched."""

    reset: Any
    step: Any
    go_on: Any
    draw_explored: Any
    draw_on_top: Any
    note_stopped: Any
    show_masks: Any
    show_last_masks: Any
    show_manuals: Any
    note_actions: Any
    forget_actions: Any
    begin_rovers: Any
    step_rovers: Any
    cast_rays: Any
    draw_rows: Any


PYTHON_KERNELS: Kernels = Kernels(
    reset,
    step,
    go_on,
    draw_explored,
    draw_on_top,
    note_stopped,
    show_masks,
    show_last_masks,
    show_manuals,
    note_actions,
    forget_actions,
    begin_rovers,
    step_rovers,
    cast_rays,
    draw_rows,
)
