"""EnvPool's C++ environments of BabyAI and MiniGrid, for ``environment_speed.py`` to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.families.babyai.known import level_of

BATCH_SIZES = (32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class PoolSettings:
    """How a pool is made.

    Attributes:
        batch_size: environments that one call steps.
        num_envs: environments in the pool. More than ``batch_size``: asynchronous, a call returns those done first.
        num_threads: threads that step them.
    """

    batch_size: int
    num_envs: int
    num_threads: int

    @property
    def label(self) -> str:
        envs = f"{self.batch_size} of {self.num_envs}" if self.num_envs > self.batch_size else f"{self.batch_size}"
        return f"envpool, {envs}, {self.num_threads} thread(s)"


ALL_SETTINGS = tuple(
    PoolSettings(batch_size, factor * batch_size, num_threads)
    for batch_size in BATCH_SIZES
    for factor in (1, 2)
    for num_threads in (1, 2)
)


def why_left_out(task: str) -> str:
    """Why EnvPool cannot be measured on a level, in one line; empty if it can be."""
    try:
        import envpool
    except ModuleNotFoundError as error:
        return f"the package {error.name} is not installed: pip install -c constraints.txt envpool"
    return "" if level_of(task) in envpool.list_all_envs() else f"it has no {level_of(task)}"


def make_pool(task: str, settings: PoolSettings) -> Any:
    """A pool with Gymnasium's interface. Its threads may run on the cores that the caller is bound to."""
    import envpool

    return envpool.make_gymnasium(
        level_of(task),
        num_envs=settings.num_envs,
        batch_size=settings.batch_size,
        num_threads=settings.num_threads,
        seed=0,
    )


def pool_step(pool: Any, batch_size: int) -> Callable[[], int]:
    """Start the pool's episodes; the function steps a batch and returns how many environments took a step.

    After the end of an episode, EnvPool's next step ignores the action and only resets: it takes its time, but is not
    counted.
    """
    actions = np.random.default_rng(0).integers(0, NUM_ACTIONS, (64, batch_size), dtype=np.int32)
    pool.async_reset()
    *_, info = pool.recv()
    count = 0

    def step() -> int:
        nonlocal count, info
        pool.send(actions[count % len(actions)], info["env_id"])
        *_, info = pool.recv()
        count += 1
        return int(np.count_nonzero(info["elapsed_step"]))

    return step
