"""Environment speed: steps a second of Groundling, MiniGrid, and Gymnasium's vector environments over MiniGrid.

    python benchmarks/environment_speed.py [--rounds 15] [--seconds 0.5]

Every environment takes uniformly random actions; resets and goal checks are included. In each round the peers are
measured one after the other, and ratios are taken within the round, because machines are noisy; medians are reported.
The one-core figures are measured with the process bound to one core. Prints a table and, as its last line, a JSON
object with ``ratio`` (Groundling on one core against MiniGrid's own environment) and ``two_cores`` (against one core).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from launch import launch

from groundling.envs.building import available_cores
from groundling.eval.speed import groundling_speed, minigrid_speed, steps_per_second


@dataclass(frozen=True)
class Options:
    """Measure environment speed.

    Attributes:
        task: id of the level.
        num_envs: environments side by side on each core, of Groundling.
        peer_envs: environments of Gymnasium's vector environments.
        rounds: how often everything is measured.
        seconds: of each measurement.
    """

    task: str = "BabyAI-GoToLocal-v0"
    num_envs: int = 32768
    peer_envs: int = 16
    rounds: int = 15
    seconds: float = 0.5


@contextlib.contextmanager
def bound_to_cores(count: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def gymnasium_speed(kind: Callable[..., Any], options: Options) -> float:
    make = partial(gymnasium.make, options.task, disable_env_checker=True)
    with contextlib.redirect_stdout(io.StringIO()):
        extra = {"shared_memory": False} if kind is AsyncVectorEnv else {}  # a Text space is stale in shared memory
        envs = kind([make] * options.peer_envs, **extra)
        envs.reset(seed=0)
        actions = np.random.default_rng(0).integers(0, 7, (64, options.peer_envs))
        count = 0

        def step() -> int:
            nonlocal count
            envs.step(actions[count % 64])
            count += 1
            return options.peer_envs

        speed = steps_per_second(step, seconds=options.seconds)
        envs.close()
    return speed


def main(options: Options) -> None:
    own = partial(groundling_speed, options.task, num_envs=options.num_envs, seconds=options.seconds)
    measures: dict[str, tuple[int, Callable[[], float]]] = {
        "minigrid, one environment": (1, partial(minigrid_speed, options.task, seconds=options.seconds)),
        f"SyncVectorEnv over minigrid, {options.peer_envs}": (1, partial(gymnasium_speed, SyncVectorEnv, options)),
        f"AsyncVectorEnv over minigrid, {options.peer_envs}": (2, partial(gymnasium_speed, AsyncVectorEnv, options)),
        f"groundling, {options.num_envs}": (1, own),
        f"groundling, {2 * options.num_envs}, two threads": (
            2,
            partial(own, num_envs=2 * options.num_envs, num_threads=2),
        ),
    }
    own()  # builds the bank and compiles
    speeds: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(options.rounds):
        for name, (cores, measure) in measures.items():
            with bound_to_cores(cores):
                speeds[name].append(measure())
    peer, one, two = (speeds[name] for name in (*list(measures)[:1], *list(measures)[-2:]))
    print(f"{options.task}: {options.rounds} rounds, median (lowest to highest)")
    print(f"{'environment':<40} {'cores':>5} {'steps a second':>34} {'ratio':>8}")
    for name, (cores, _) in measures.items():
        values = speeds[name]
        ratio = statistics.median(a / b for a, b in zip(values, peer, strict=True))
        told = f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"
        print(f"{name:<40} {cores:>5} {told:>34} {ratio:>8,.1f}")
    figures = {
        "task": options.task,
        "ratio": statistics.median(a / b for a, b in zip(one, peer, strict=True)),
        "two_cores": statistics.median(a / b for a, b in zip(two, one, strict=True)),
        "steps_per_second": {name: statistics.median(values) for name, values in speeds.items()},
        "cores": available_cores(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    launch(main, Options, __doc__)
