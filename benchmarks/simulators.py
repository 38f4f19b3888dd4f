"""Environments of other packages: the speed of their sources, and short trainings in each package.

    python benchmarks/simulators.py [--rows pool_speed minigrid envpool minihack keyroom ...] [--frames 600000]
        [--seeds 1] [--episodes 1000] [--nethack-python PATH] [--miniworld-python PATH]
        [--output benchmarks/results/simulators.json]

Rows ``pool_speed_NAME``: steps a second of our worker pool over those of Gymnasium's ``AsyncVectorEnv`` (autoreset mode
SAME_STEP, in shared memory where it can) on as many environments of the same id, with random actions, in alternating
rounds on the same cores; mean, lowest and highest round. Ours has one process a core, ``AsyncVectorEnv`` one an
environment. Of ``envpool``, ours is EnvPool behind the adapter, the other MiniGrid's environments of that level. What
is not installed is left out with a line. Where others use the machine, more processes get more of its time, so
``by_processor_time`` is the same ratio of steps a second of processor time.

Rows ``minigrid_compiled``, ``minigrid_adapted`` and ``envpool``: success on unseen seeds of BabyAI-GoToLocal after as
many frames of PPO with the same settings, in MiniGrid's own environments (gym:BabyAI-GoToLocal-v0), in the compiled
level, and in EnvPool's. Rows ``minihack``, ``minihack_keyroom``, ``miniworld`` and ``atari``: success on unseen seeds
after the few frames of ``simulator_trainings.TRAININGS``; ``floor`` is a random policy's, ``blind`` that of an agent
that was trained in the same way and sees nothing.

NetHack and MiniWorld may be in other Pythons, whose paths are given by ``--nethack-python`` and ``--miniworld-python``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from async_peer import speeds
from launch import launch
from runs import finish_timed, keep_rows, report_of
from simulator_trainings import TRAININGS

from groundling.envs.catalog import find_family
from groundling.errors import GroundlingError
from groundling.training import TrainConfig

ENVS = 16
ROUNDS = 5
STEPS = {"minigrid": 1500, "cartpole": 6000, "atari": 250, "miniworld": 100, "minihack": 150, "envpool": 3000}
IDS = {
    "minigrid": "gym:BabyAI-GoToLocal-v0",
    "cartpole": "gym:CartPole-v1",
    "atari": "gym:ALE/Breakout-v5?size=210x160",  # as AsyncVectorEnv gives the pictures, not made smaller
    "miniworld": "gym:MiniWorld-OneRoom-v0",
    "minihack": "gym:MiniHack-Room-5x5-v0",
    "envpool": "envpool:BabyAI-GoToLocal-v0",
}
IMPORTS = {
    "minigrid": "minigrid",
    "atari": "ale_py",
    "miniworld": "miniworld",
    "minihack": "nle,minihack",
    "envpool": "minigrid",
}


ROWS = {"minigrid": ("minigrid_compiled", "minigrid_adapted"), "keyroom": ("minihack_keyroom",)}


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

    rows: tuple[Literal["pool_speed", "minigrid", "envpool", "minihack", "keyroom", "miniworld", "atari"], ...] = (
        "pool_speed",
        "minigrid",
        "envpool",
        "minihack",
        "keyroom",
        "miniworld",
        "atari",
    )
    names: tuple[str, ...] = tuple(IDS)
    frames: int = 600_000
    seeds: tuple[int, ...] = (1,)
    episodes: int = 1000
    nethack_python: str = ""
    miniworld_python: str = ""
    runs: Path = Path("runs/simulators")
    output: Path | None = None

    def python_of(self, name: str) -> str:
        """The Python that has a simulator; empty: this one."""
        return {"minihack": self.nethack_python, "miniworld": self.miniworld_python}.get(name.partition("_")[0], "")


def measure(options: Options) -> None:
    """Measure, print and keep the rows."""
    if "pool_speed" in options.rows:
        for name in options.names:
            attempt(name, options, pool_speed)
    for row in options.rows:
        if row != "pool_speed":
            for name in ROWS.get(row, (row,)):
                attempt(name, options, trained)


def attempt(name: str, options: Options, measured: Callable[[str, Options], dict[str, Any]]) -> None:
    """Keep a row, or say why it is left out."""
    try:
        row = measured(name, options)
    except (GroundlingError, ImportError, OSError, RuntimeError) as error:
        print(f"{name} is left out: {str(error).splitlines()[0]}")
    else:
        keep_rows([row], options.output)


def pool_speed(name: str, options: Options) -> dict[str, Any]:
    """The row of a simulator: our source against AsyncVectorEnv, round by round."""
    python = options.python_of(name)
    family = find_family(f"{IDS[name]}?python={python}" if python else IDS[name])
    ours = family.open("train", ENVS, 0)
    ours_made, theirs_made = [], []
    try:
        ours.reset(seed=0)
        with Peer(name, python) as theirs:
            for _ in range(ROUNDS):
                ours_made.append(speeds(ours, STEPS[name]))
                theirs_made.append(theirs.round())
    finally:
        ours.close()
    ratios, ratios_of_time = (np.array(ours_made) / np.array(theirs_made)).T.tolist()
    what = "EnvPool behind the adapter" if name == "envpool" else "worker pool"
    row = {
        "key": f"pool_speed_{name}",
        "row": f"{what} / AsyncVectorEnv, steps a second, {ENVS} environments of {IDS[name]}",
        "mean": float(np.mean(ratios)),
        "low": min(ratios),
        "high": max(ratios),
        "seeds": None,
        "frames": ENVS * STEPS[name] * ROUNDS,
        "minutes": None,
        "floor": None,
        "ceiling": None,
        "command": f"python benchmarks/simulators.py --rows pool_speed --names {name}",
        "steps_per_second": float(np.mean([wall for wall, _ in ours_made])),
        "by_processor_time": float(np.mean(ratios_of_time)),
    }
    print(f"{name}: {row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}], ours {row['steps_per_second']:,.0f}/s")
    print(f"{name}: {row['by_processor_time']:.2f} by processor time")
    return row


class Peer:
    """AsyncVectorEnv in a process of its own, see ``async_peer``."""

    def __init__(self, name: str, python: str) -> None:
        id = IDS[name].partition(":")[2].partition("?")[0]
        peer = Path(__file__).with_name("async_peer.py")
        command = [
            python or sys.executable,
            "-W",
            "ignore",
            str(peer),
            IMPORTS.get(name, ""),
            id,
            str(ENVS),
            str(STEPS[name]),
        ]
        self._name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYGLET_HEADLESS": "1", **os.environ},
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def round(self) -> tuple[float, float]:
        """The speeds of one round."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("speeds "):
                wall, processor = map(float, line.split()[1:])
                return wall, processor
        raise RuntimeError(f"AsyncVectorEnv of {self._name} ended")


def trained(name: str, options: Options) -> dict[str, Any]:
    """The row of a training."""
    training = TRAININGS[name]
    frames = training.frames or options.frames
    episodes = min(options.episodes, training.episodes)
    found, blind, minutes = [], [], []
    for seed in options.seeds:
        config = config_of(name, seed, frames, options)
        folder = options.runs / f"{name}-{frames}-seed{seed}"
        minutes.append(finish_timed(config, folder) / 60)
        found.append(report_of(folder, ("layout",), episodes)["layout"])
        if training.has_blind:
            control = options.runs / f"{name}-blind-{frames}-seed{seed}"
            finish_timed(replace(config, agent=replace(config.agent, blind=True)), control)
            blind.append(report_of(control, ("layout",), episodes)["layout"])
    trained_one = [one["trained"] for one in found]
    row = {
        "key": name,
        "row": f"success on unseen seeds, {training.task}, PPO",
        "mean": mean_of(found, "trained"),
        "low": min(one["low"] for one in trained_one),
        "high": max(one["high"] for one in trained_one),
        "seeds": len(options.seeds),
        "frames": frames,
        "minutes": round(float(np.mean(minutes)), 1),
        "floor": mean_of(found, "random"),
        "ceiling": None,
        "command": f"python benchmarks/simulators.py --rows {row_of(name)}"
        + (f" --frames {frames}" if not training.frames else ""),
        "shuffled": mean_of(found, "shuffled"),
        "episodes": episodes,
    } | ({"blind": mean_of(blind, "trained")} if blind else {})
    print(f"{name}: {row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}], random {row['floor']:.3f}")
    return row


def row_of(name: str) -> str:
    """The kind of rows that a training belongs to."""
    return next((row for row, names in ROWS.items() if name in names), name)


def config_of(name: str, seed: int, frames: int, options: Options) -> TrainConfig:
    """The configuration of a training."""
    training = TRAININGS[name]
    return TrainConfig(
        task=training.task,
        simulator_python=options.python_of(name),
        total_frames=frames,
        num_envs=training.num_envs,
        seed=seed,
        evaluate_every=0,
        agent=training.agent,
        reward=("environment",),
        reward_weights=(training.reward_weight,),
        settings=(training.ppo,),
    )


def mean_of(found: Sequence[dict[str, Any]], agent: str) -> float | None:
    """The mean success of an agent or control; None where it makes no sense, as a shuffled text where there is one."""
    told = [one[agent]["success"] for one in found if agent in one]
    return float(np.mean(told)) if told else None


if __name__ == "__main__":
    launch(measure, Options, __doc__)
