"""The grounded rooms in ViZDoom: steps a second of our vector environment and of Gymnasium's over the same ones.

    python benchmarks/doom_speed.py [--difficulty easy] [--num-envs 16] [--rounds 5] [--seconds 5] [--output FILE.json]

Every environment is a :class:`ChaplotDoomEnv` with an engine of its own and takes random actions, three of five
forward; resets are included. In each round the peers are measured one after the other, and ratios are taken within the
round; medians are reported. Needs the extra ``groundling[doom]``. The last line is a JSON object: ``ratio`` (to
AsyncVectorEnv) and ``ratio_sync``.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from launch import launch

from groundling.envs.banks.bank_building import available_cores
from groundling.envs.families.chaplot import Difficulty
from groundling.envs.simulators.doom import ChaplotDoomEnv
from groundling.envs.simulators.doom_vector import ChaplotDoomVectorEnv
from groundling.eval.speed import steps_per_second
from groundling.files import write_text

ACTIONS = np.random.default_rng(0).choice(3, p=[0.2, 0.2, 0.6], size=(256, 1024))


@dataclass(frozen=True)
class Options:
    """Measure the vector environments of ViZDoom.

    Attributes:
        difficulty: of the rooms.
        num_envs: engines.
        image_size: (width, height) of what is seen.
        rounds: how often everything is measured.
        seconds: of each measurement.
        output: JSON file for the results.
    """

    difficulty: Difficulty = Difficulty.EASY
    num_envs: int = 16
    image_size: tuple[int, int] = (200, 72)
    rounds: int = 5
    seconds: float = 5.0
    output: Path | None = None


def speed(kind: Callable[..., VectorEnv], options: Options) -> float:
    """Steps a second."""
    make = partial(ChaplotDoomEnv, options.difficulty, image_size=options.image_size)
    envs: Any = kind([make] * options.num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    try:
        envs.reset(seed=0)
        count = 0

        def step() -> int:
            nonlocal count
            envs.step(ACTIONS[count % len(ACTIONS), : options.num_envs])
            count += 1
            return options.num_envs

        return steps_per_second(step, seconds=options.seconds)
    finally:
        envs.close()


def main(options: Options) -> None:
    kinds: tuple[Callable[..., VectorEnv], ...] = (ChaplotDoomVectorEnv, AsyncVectorEnv, SyncVectorEnv)
    speeds: dict[str, list[float]] = {kind.__name__: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            speeds[kind.__name__].append(speed(kind, options))
    own, parallel, serial = speeds.values()
    width, height = options.image_size
    print(f"{options.difficulty} rooms, {options.num_envs} engines, {width} x {height}, {available_cores()} cores")
    for name, values in speeds.items():
        told = f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"
        print(f"{name:<24}{told:>30} steps a second")
    found = {
        "ratio": statistics.median(a / b for a, b in zip(own, parallel, strict=True)),
        "ratio_sync": statistics.median(a / b for a, b in zip(own, serial, strict=True)),
        "steps_per_second": {name: statistics.median(values) for name, values in speeds.items()},
        "num_envs": options.num_envs,
        "cores": available_cores(),
    }
    if options.output is not None:
        write_text(options.output, json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    launch(main, Options, __doc__)
