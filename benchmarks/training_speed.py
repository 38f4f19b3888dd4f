"""Training speed: end-to-end PPO frames a second of Groundling and of Stable-Baselines3.

    python benchmarks/training_speed.py [--frames 131072] [--output benchmarks/results/training_speed.json]
    python benchmarks/training_speed.py --task groundling/GroundedRoom-Easy-v0 --frames 16384 --peer-frames 8192
        [--output benchmarks/results/first_person_speed.json]

SB3 plays the same level of MiniGrid's or, beside a grounded room, the same task in ViZDoom; there Groundling's trainer
is measured on ViZDoom as well, and with ``precision`` "bfloat16" on its own rooms (``ratio_bfloat16``: to itself in
float32). Both train the same network (SB3's policy wraps Groundling's own ``ActorCritic``, its
evaluation of distinct cells and sentences included), without a memory, which SB3's PPO has not, with the same number of
epochs, the same minibatch and the same frames in a rollout, on the same cores. SB3 runs 16 environments in a
DummyVecEnv and in a SubprocVecEnv, each with 1 and with 2 PyTorch threads; its fastest is what Groundling is compared
with. Prints a table and, as its last line, a JSON object with ``ratio``.
Needs ``pip install groundling[benchmarks]``, for ViZDoom ``groundling[doom]``.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from launch import launch

from groundling.envs.families.chaplot.room import EMBODIMENT, ROOMS
from groundling.envs.first_person import Camera
from groundling.files import write_text
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.presets import PRESETS

PEER_ENVS = 16  # SB3's, and Groundling's on ViZDoom
CAMERA = (EMBODIMENT.camera.width, EMBODIMENT.camera.height)


@dataclass(frozen=True)
class Options:
    """Measure training speed.

    Attributes:
        task: id of the level, or of a grounded room.
        frames: that Groundling is measured on, after a warm-up of one rollout.
        peer_frames: that each setting of SB3 is measured on, likewise.
        rounds: how often everything is measured; medians are reported.
        output: where the JSON object goes as well.
    """

    task: str = "BabyAI-GoToLocal-v0"
    frames: int = 131_072
    peer_frames: int = 8_192
    rounds: int = 2
    output: Path | None = None


def own_speed(config: TrainConfig, frames: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, folder)
    trainer.train_once()
    start = time.perf_counter()
    updates = max(1, frames // config.rollout_frames)
    for _ in range(updates):
        trainer.train_once()
    speed = updates * config.rollout_frames / (time.perf_counter() - start)
    trainer.envs.close()
    return speed


def base_config(task: str) -> TrainConfig:
    """What is trained; in a grounded room with the settings of the preset "pixels", but without a memory."""
    if task not in ROOMS:
        return TrainConfig(task=task)
    pixels = PRESETS["pixels"]
    camera = replace(pixels.camera, width=CAMERA[0], height=CAMERA[1])  # the peer's pictures are as large
    return replace(pixels, task=task, camera=camera, agent=replace(pixels.agent, memory="none"))


def main(options: Options) -> None:
    from sb3_peer import VEC_ENVS, peer_speed  # here, so that without SB3 --help is told all the same

    base = base_config(options.task)
    ppo = base.settings_of(PPOConfig)
    measures: dict[str, Callable[[], float]] = {}
    for threads in (1, 2):
        config = replace(base, torch_threads=threads)
        measures[f"groundling, {threads} torch thread(s)"] = partial(own_speed, config, options.frames)
        if options.task in ROOMS:
            doom = replace(
                config,
                task=options.task.replace("GroundedRoom", "GroundedDoom"),
                camera=Camera(*CAMERA),
                num_envs=PEER_ENVS,
                settings=(replace(ppo, num_steps=base.rollout_frames // PEER_ENVS),),
            )
            name = f"ViZDoom in groundling's trainer, {threads} torch thread(s)"
            measures[name] = partial(own_speed, doom, options.peer_frames)
            halved = replace(config, precision="bfloat16")
            measures[f"bfloat16, {threads} torch thread(s)"] = partial(own_speed, halved, options.frames)
    for kind, vec_env in VEC_ENVS.items():
        for threads in (1, 2):
            name = f"SB3, {kind}, {threads} torch thread(s)"
            measures[name] = partial(peer_speed, base, PEER_ENVS, options.peer_frames, vec_env, threads)
    speeds: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(options.rounds):
        for name, measure in measures.items():
            speeds[name].append(measure())
            print(f"round {number + 1}: {name}: {speeds[name][-1]:,.0f} frames a second", flush=True)
    medians = {name: float(np.median(values)) for name, values in speeds.items()}
    best = {
        who: max((v for name, v in medians.items() if name.startswith(who)), default=float("nan"))
        for who in ("groundling", "bfloat16", "SB3", "ViZDoom")
    }
    print(
        f"{options.task}: {ppo.num_epochs} epochs, minibatch {ppo.minibatch_size}, rollout {base.rollout_frames}; "
        f"SB3 with {PEER_ENVS} environments, Groundling with {base.num_envs}; median of {options.rounds} rounds"
    )
    for name, value in medians.items():
        print(f"{name:<48} {value:>10,.0f} frames a second")
    found = {"task": options.task, "ratio": best["groundling"] / best["SB3"], "frames_per_second": medians}
    if options.task in ROOMS:
        found["ratio_same_simulator"] = best["ViZDoom"] / best["SB3"]
        found["ratio_bfloat16"] = best["bfloat16"] / best["groundling"]
    if options.output is not None:
        write_text(options.output, json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    launch(main, Options, __doc__)
