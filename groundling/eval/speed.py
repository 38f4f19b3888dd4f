"""Environment speed: steps a second of our vector environment and of its peers, on the same random actions."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable

import gymnasium
import numpy as np

from groundling.envs import make_vec
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.families.babyai.known import level_of

WARMUP_STEPS = 8


def steps_per_second(
    step: Callable[[], int], *, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> float:
    """How often the unit that ``step`` counts (it returns how many) happens in a second of wall clock.

    Args:
        step: does some steps and returns their number.
        seconds: how long to measure, on that clock.
        clock: ``time.process_time`` counts this process's own processor time, summed over its threads. On one core,
            that leaves out what other programs take of it.
    """
    for _ in range(WARMUP_STEPS):
        step()
    done = 0
    start = clock()
    while (elapsed := clock() - start) < seconds:
        done += step()
    return done / elapsed


def groundling_speed(
    task: str,
    *,
    num_envs: int = 4096,
    num_threads: int = 1,
    seconds: float = 2.0,
    bank_size: int = 2048,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Environment steps a second through ``VectorEnv.step``, copies of the observations included."""
    envs = make_vec(task, num_envs, bank_size=bank_size, num_threads=num_threads)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, NUM_ACTIONS, (64, num_envs))
    count = 0

    def step() -> int:
        nonlocal count
        envs.step(actions[count % len(actions)])
        count += 1
        return num_envs

    speed = steps_per_second(step, seconds=seconds, clock=clock)
    envs.close()
    return speed


def minigrid_speed(task: str, *, seconds: float = 2.0, clock: Callable[[], float] = time.perf_counter) -> float:
    """Environment steps a second of MiniGrid's own environment, reset where an episode ends."""
    env = gymnasium.make(level_of(task), disable_env_checker=True).unwrapped
    actions = np.random.default_rng(0).integers(0, NUM_ACTIONS, 4096)
    count = 0

    def step() -> int:
        nonlocal count
        _, _, terminated, truncated, _ = env.step(int(actions[count % len(actions)]))
        count += 1
        if terminated or truncated:
            env.reset()
        return 1

    with contextlib.redirect_stdout(io.StringIO()):
        env.reset(seed=0)
        return steps_per_second(step, seconds=seconds, clock=clock)
