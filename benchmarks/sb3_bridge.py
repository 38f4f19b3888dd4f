"""Stable-Baselines3 over our VecEnv: its speed beside MiniGrid's own environments, and its algorithms beside ours.

    python benchmarks/sb3_bridge.py [--rows speed learning] [--tasks BabyAI-GoToObj-v0 BabyAI-GoToLocal-v0]
        [--algorithms ppo sb3:PPO sb3:DQN sb3contrib:TRPO] [--frames 200000] [--seeds 1] [--episodes 500]
        [--output benchmarks/results/simulators.json]

Row ``sb3_speed``: frames a second of SB3's PPO over ``groundling.sb3.make_vec_env``, over those of the same PPO with
the same network and settings over a ``DummyVecEnv`` of MiniGrid's environments of the same level, in alternating
rounds on the same cores, updates included; mean, lowest and highest round. ``steps`` is the same of stepping alone.

Rows ``sb3_ppo``, ``sb3_dqn``, ``sb3_trpo`` and ``sb3_ours`` (``--algorithm ppo``): success on unseen layouts of
GoToLocal after as many frames with the same agent and 64 environments, by our own suites; with ``_gotoobj`` of GoToObj.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from launch import launch
from runs import finish_timed, keep_rows, report_of
from sb3_peer import TokenizedMission
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from groundling.sb3 import CachedCollection, make_vec_env, policy_kwargs
from groundling.training import PPOConfig, TrainConfig

ENVS = 64  # of a training
SPEED_ENVS = 256
ROUNDS = 4
SETTINGS: dict[str, Any] = {"n_steps": 16, "batch_size": 2048, "n_epochs": 4, "learning_rate": 1e-3, "ent_coef": 0.01}
LEVEL = "BabyAI-GoToLocal-v0"
NAMES = {"ppo": "ours", "sb3:PPO": "ppo", "sb3:A2C": "a2c", "sb3:DQN": "dqn", "sb3contrib:TRPO": "trpo"}
COMMAND = "python benchmarks/sb3_bridge.py"


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        rows: which kinds of rows.
        tasks: of the trainings.
        algorithms: of the trainings.
        frames: of each training.
        seeds: of the trainings.
        episodes: of each evaluation.
        runs: folder of the trainings; one that was finished is not trained again.
        output: file of the rows; those of other keys that it holds are kept.
    """

    rows: tuple[Literal["speed", "learning"], ...] = ("speed", "learning")
    tasks: tuple[str, ...] = ("BabyAI-GoToObj-v0", LEVEL)
    algorithms: tuple[str, ...] = ("ppo", "sb3:PPO", "sb3:DQN", "sb3contrib:TRPO")
    frames: int = 200_000
    seeds: tuple[int, ...] = (1,)
    episodes: int = 500
    runs: Path = Path("runs/sb3_bridge")
    output: Path | None = None


class PlainLevel(TokenizedMission):
    """MiniGrid's observation in the fields of ours, so that the same network reads both."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        own: Any = self.observation_space
        self.observation_space = spaces.Dict({**own.spaces, "direction": spaces.Discrete(4)})

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        return super().observation(observation) | {"direction": observation["direction"]}


def measure(options: Options) -> None:
    """Measure, print and keep the rows."""
    if "speed" in options.rows:
        keep_rows([speed()], options.output)
    if "learning" in options.rows:
        for task in options.tasks:
            for algorithm in options.algorithms:
                keep_rows([learned(task, algorithm, options)], options.output)


def speed() -> dict[str, Any]:
    """The row of SB3's PPO over both kinds of environments, round by round."""
    ours = make_vec_env(LEVEL, SPEED_ENVS, seed=1)
    theirs = DummyVecEnv([make_level] * SPEED_ENVS)
    models = [
        PPO("MultiInputPolicy", envs, policy_kwargs=policy_kwargs(ours), device="cpu", seed=1, **SETTINGS)
        for envs in (ours, theirs)
    ]
    ratios, speeds, steps = [], [], []
    for model in models:
        model.learn(SPEED_ENVS * int(SETTINGS["n_steps"]))  # what is compiled or made at the start is not measured
    for _ in range(ROUNDS):
        pair = [frames_a_second(model) for model in models]
        ratios.append(pair[0] / pair[1])
        speeds.append(pair)
        alone = [steps_a_second(envs) for envs in (ours, theirs)]
        steps.append(alone[0] / alone[1])
    mean = np.mean(speeds, axis=0)
    row = {
        "key": "sb3_speed",
        "row": f"SB3's PPO over our VecEnv / over DummyVecEnv of MiniGrid, frames a second, {SPEED_ENVS} x {LEVEL}",
        "mean": float(np.mean(ratios)),
        "low": min(ratios),
        "high": max(ratios),
        "seeds": None,
        "frames": ROUNDS * SPEED_ENVS * int(SETTINGS["n_steps"]),
        "minutes": None,
        "floor": None,
        "ceiling": None,
        "command": f"{COMMAND} --rows speed",
        "frames_per_second": [round(float(one)) for one in mean],
        "steps": [min(steps), float(np.mean(steps)), max(steps)],
    }
    print(f"speed: {row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}], {mean.round()} frames/s, steps {steps}")
    return row


def make_level() -> gymnasium.Env:
    """MiniGrid's environment of the level."""
    import minigrid  # noqa: F401 - registers its levels

    return PlainLevel(gymnasium.make(LEVEL, disable_env_checker=True).unwrapped)


def frames_a_second(model: Any) -> float:
    """Of one rollout and the update on it."""
    frames = SPEED_ENVS * int(SETTINGS["n_steps"])
    begun = time.perf_counter()
    model.learn(frames, CachedCollection(), reset_num_timesteps=False)
    return frames / (time.perf_counter() - begun)


def steps_a_second(envs: Any, count: int = 40) -> float:
    """Of the environments alone."""
    draw: Callable[..., Any] = np.random.default_rng(0).integers
    begun = time.perf_counter()
    for _ in range(count):
        envs.step(draw(7, size=SPEED_ENVS))
    return SPEED_ENVS * count / (time.perf_counter() - begun)


def learned(task: str, algorithm: str, options: Options) -> dict[str, Any]:
    """The row of an agent that an algorithm trained on a task."""
    found, minutes = [], []
    for seed in options.seeds:
        config = TrainConfig(
            algorithm=algorithm,
            task=task,
            total_frames=options.frames,
            num_envs=ENVS,
            seed=seed,
            evaluate_every=0,
            settings=(PPOConfig(minibatch_size=256),) if algorithm == "ppo" else (),
        )
        folder = options.runs / f"{task}-{algorithm.replace(':', '-')}-{options.frames}-seed{seed}"
        minutes.append(finish_timed(config, folder) / 60)
        found.append(report_of(folder, ("layout",), options.episodes)["layout"])
    trained = [one["trained"] for one in found]
    row = {
        "key": f"sb3_{NAMES[algorithm]}" + ("" if task == LEVEL else f"_{task.split('-')[1].lower()}"),
        "row": f"success on unseen layouts, {task}, {algorithm}",
        "mean": float(np.mean([one["success"] for one in trained])),
        "low": min(one["low"] for one in trained),
        "high": max(one["high"] for one in trained),
        "seeds": len(options.seeds),
        "frames": options.frames,
        "minutes": round(float(np.mean(minutes)), 1),
        "floor": float(np.mean([one["random"]["success"] for one in found])),
        "ceiling": None,
        "command": f"{COMMAND} --rows learning --tasks {task} --algorithms {algorithm} --frames {options.frames}",
        "shuffled": float(np.mean([one["shuffled"]["success"] for one in found if "shuffled" in one] or [np.nan])),
    }
    print(
        f"{row['row']}: {row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}], random {row['floor']:.3f}, "
        f"{row['minutes']} min"
    )
    return row


if __name__ == "__main__":
    launch(measure, Options, __doc__)
