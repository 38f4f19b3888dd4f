"""Environments of other packages: the speed of the worker pool, and the same agent on adapted and compiled levels.

    python benchmarks/simulators.py [--rows pool_speed minigrid] [--frames 600000] [--seeds 1] [--episodes 1000]
        [--output benchmarks/results/simulators.json]

Rows ``pool_speed_NAME``: steps a second of our worker pool over those of Gymnasium's ``AsyncVectorEnv`` (autoreset mode
SAME_STEP, shared memory) on as many environments of the same id, with random actions, in alternating rounds on the same
cores; mean, lowest and highest round. Ours has one process a core, ``AsyncVectorEnv`` one an environment. What is not
installed is left out with a line.

Rows ``minigrid_adapted`` and ``minigrid_compiled``: success on unseen seeds of BabyAI-GoToLocal after as many frames of
PPO with the same settings, in MiniGrid's own environments (gym:BabyAI-GoToLocal-v0) and in the compiled level.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from launch import launch
from runs import finish_timed, keep_rows, report_of

from groundling.envs.catalog import find_family
from groundling.errors import GroundlingError
from groundling.training import PPOConfig, TrainConfig

ENVS = 16
ROUNDS = 5
STEPS = {"minigrid": 1500, "cartpole": 6000, "atari": 600, "miniworld": 150, "minihack": 600}
IDS = {
    "minigrid": "gym:BabyAI-GoToLocal-v0",
    "cartpole": "gym:CartPole-v1",
    "atari": "gym:ALE/Breakout-v5",
    "miniworld": "gym:MiniWorld-OneRoom-v0",
    "minihack": "gym:MiniHack-Room-5x5-v0",
}
IMPORTS = {"minigrid": "minigrid", "atari": "ale_py", "miniworld": "miniworld", "minihack": "minihack"}


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        rows: which kinds of rows.
        names: of the simulators whose pools are measured.
        frames: of each training.
        seeds: of the trainings.
        episodes: of each evaluation.
        runs: folder of the trainings; one that was finished is not trained again.
        output: file of the rows; those of other keys that it holds are kept.
    """

    rows: tuple[Literal["pool_speed", "minigrid"], ...] = ("pool_speed", "minigrid")
    names: tuple[str, ...] = tuple(IDS)
    frames: int = 600_000
    seeds: tuple[int, ...] = (1,)
    episodes: int = 1000
    runs: Path = Path("runs/simulators")
    output: Path | None = None


def measure(options: Options) -> None:
    """Measure, print and keep the rows."""
    command = "python benchmarks/simulators.py"
    if "pool_speed" in options.rows:
        for name in options.names:
            try:
                row = pool_speed(name, command)
            except (GroundlingError, ImportError, gymnasium.error.Error) as error:
                print(f"{name} is left out: {str(error).splitlines()[0]}")
                continue
            keep_rows([row], options.output)
    if "minigrid" in options.rows:
        for name in ("compiled", "adapted"):
            keep_rows([trained(name, options, command)], options.output)


def pool_speed(name: str, command: str) -> dict[str, Any]:
    """The row of a simulator: our pool against AsyncVectorEnv, round by round."""
    family = find_family(IDS[name])
    ours = family.open("train", ENVS, 0)
    theirs = AsyncVectorEnv(
        [partial(make, name) for _ in range(ENVS)], shared_memory=True, autoreset_mode=AutoresetMode.SAME_STEP
    )
    ratios, speeds = [], []
    try:
        for envs in (ours, theirs):
            envs.reset(seed=0)
        for _ in range(ROUNDS):
            pair = [steps_a_second(envs, STEPS[name]) for envs in (ours, theirs)]
            ratios.append(pair[0] / pair[1])
            speeds.append(pair[0])
    finally:
        ours.close()
        theirs.close()
    row = {
        "key": f"pool_speed_{name}",
        "row": f"worker pool / AsyncVectorEnv, steps a second, {ENVS} environments of {IDS[name]}",
        "mean": float(np.mean(ratios)),
        "low": min(ratios),
        "high": max(ratios),
        "seeds": None,
        "frames": ENVS * STEPS[name] * ROUNDS,
        "minutes": None,
        "floor": None,
        "ceiling": None,
        "command": command,
        "steps_per_second": float(np.mean(speeds)),
    }
    print(f"{name}: {row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}], ours {row['steps_per_second']:,.0f}/s")
    return row


def make(name: str) -> gymnasium.Env[Any, Any]:
    """One environment, in a process of AsyncVectorEnv."""
    if name in IMPORTS:
        __import__(IMPORTS[name])
    return gymnasium.make(IDS[name].removeprefix("gym:"), disable_env_checker=True)


def steps_a_second(envs: Any, steps: int) -> float:
    """Of all environments together."""
    draw: Callable[[], Any] = partial(np.random.default_rng(0).integers, envs.single_action_space.n, size=ENVS)
    begun = time.perf_counter()
    for _ in range(steps):
        envs.step(draw())
    return ENVS * steps / (time.perf_counter() - begun)


def trained(name: str, options: Options, command: str) -> dict[str, Any]:
    """The row of an agent that is trained on GoToLocal, compiled or as MiniGrid has it."""
    task = "BabyAI-GoToLocal-v0" if name == "compiled" else "gym:BabyAI-GoToLocal-v0"
    found, minutes = [], []
    for seed in options.seeds:
        config = TrainConfig(
            task=task,
            total_frames=options.frames,
            num_envs=128,
            seed=seed,
            evaluate_every=0,
            settings=(PPOConfig(minibatch_size=1024),),
        )
        folder = options.runs / f"{name}-{options.frames}-seed{seed}"
        minutes.append(finish_timed(config, folder) / 60)
        found.append(report_of(folder, ("layout",), options.episodes)["layout"])
    trained_one = [one["trained"] for one in found]
    row = {
        "key": f"minigrid_{name}",
        "row": f"success on unseen seeds, {task}, PPO",
        "mean": float(np.mean([one["success"] for one in trained_one])),
        "low": min(one["low"] for one in trained_one),
        "high": max(one["high"] for one in trained_one),
        "seeds": len(options.seeds),
        "frames": options.frames,
        "minutes": round(float(np.mean(minutes)), 1),
        "floor": float(np.mean([one["random"]["success"] for one in found])),
        "ceiling": None,
        "command": f"{command} --rows minigrid",
        "shuffled": float(np.mean([one["shuffled"]["success"] for one in found])),
    }
    print(f"{name}: {row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}], random {row['floor']:.3f}")
    return row


if __name__ == "__main__":
    launch(measure, Options, __doc__)
