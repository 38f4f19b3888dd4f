"""Gymnasium's AsyncVectorEnv in a Python of its own, for ``simulators.py`` to measure; needs Gymnasium and NumPy only.

    PYTHON benchmarks/async_peer.py MODULES ID ENVS STEPS      # MODULES, with commas, register the id

Every line on its input is answered by the steps a second of one round of random actions, of all environments together,
and the steps a second of processor time, of this process and its children.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode


def make(modules: str, id: str) -> gymnasium.Env[Any, Any]:
    """One environment, in a process of AsyncVectorEnv."""
    for module in filter(None, modules.split(",")):
        importlib.import_module(module)
    return gymnasium.make(id, disable_env_checker=True)


def speeds(envs: Any, steps: int) -> tuple[float, float]:
    """Of all environments together: steps a second, and a second of processor time (Linux)."""
    draw = np.random.default_rng(0)
    begun, spent = time.perf_counter(), processor_seconds()
    for _ in range(steps):
        envs.step(draw.integers(0, envs.single_action_space.n, envs.num_envs))
    count = envs.num_envs * steps
    return count / (time.perf_counter() - begun), count / max(processor_seconds() - spent, 1e-9)


def processor_seconds() -> float:
    """Of this process and its living children."""
    spent, own = time.process_time(), os.getpid()
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = place.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(parts[1]) == own:
            spent += (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def main() -> None:
    """Answer until the input ends."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("modules", help="that register the id, with commas between")
    told.add_argument("id", help="of the environment")
    told.add_argument("count", type=int, help="number of environments")
    told.add_argument("steps", type=int, help="of each environment in a round")
    asked = told.parse_args()
    steps = asked.steps
    makers = [partial(make, asked.modules, asked.id)] * asked.count
    try:
        envs = AsyncVectorEnv(makers, shared_memory=True, autoreset_mode=AutoresetMode.SAME_STEP)
    except ValueError:  # MiniGrid's space of missions cannot be shared
        envs = AsyncVectorEnv(makers, shared_memory=False, autoreset_mode=AutoresetMode.SAME_STEP)
    envs.reset(seed=0)
    for _ in sys.stdin:
        print("speeds", *speeds(envs, steps), flush=True)
    envs.close()


if __name__ == "__main__":
    main()
