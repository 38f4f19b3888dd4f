"""Rovers on a GPU, one thread an environment: beginning their episodes and stepping them; ``camera`` draws."""

from __future__ import annotations

from typing import Any

import numba.cuda

from groundling.envs.engine import rover_kernels
from groundling.envs.engine.constants import BORDER, Action
from groundling.envs.engine.cuda.building import device_function

cuda: Any = numba.cuda  # by this name Numba's simulator finds it
DONE = int(Action.DONE)

begin_rover, step_rover = device_function(rover_kernels.begin_rover), device_function(rover_kernels.step_rover)
show_sentence = device_function(rover_kernels.show_sentence)


def begin_rovers(
    w: Any,
    poses: Any,
    styles: Any,
    e: Any,
    tasks: Any,
    instruction: Any,
    time_scale: int,
    order_seed: int,
    shuffle: bool,
    mask: Any,
) -> None:
    """Begin the next episode in every environment of the mask [B], and write its sentence; nothing is drawn."""
    b = cuda.grid(1)
    if b < mask.shape[0] and mask[b]:
        width = e.cells.shape[2] + 2 * BORDER
        begin_rover(w, b, width, e, poses, styles, tasks, time_scale, order_seed, shuffle)
        show_sentence(w, b, e, instruction)


def step_rovers(
    w: Any,
    poses: Any,
    motion: Any,
    scoring: Any,
    e: Any,
    out: Any,
    last_instruction: Any,
    actions: Any,
    num_actions: int,
    is_wrong: Any,
) -> None:
    """Step every rover, and keep the sentence of an episode that ends; an action that is none of the A does nothing,
    which is noted in ``is_wrong`` [B].
    """
    b = cuda.grid(1)
    if b < actions.shape[0]:
        action = actions[b]
        if action < 0 or action >= num_actions:
            is_wrong[b] = True
            action = DONE
        step_rover(w, b, e.cells.shape[2] + 2 * BORDER, poses, motion, scoring, out, action)
        if out.ended[b]:
            show_sentence(w, b, e, last_instruction)
