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

import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
import tyro
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.space import AgentSpace
from groundling.envs.bank import CLAUSE_TOKENS
from groundling.envs.first_person import Camera
from groundling.envs.grounded.room import EMBODIMENT, ROOMS
from groundling.envs.simulators.doom import GroundedDoomEnv
from groundling.files import write_text
from groundling.language import VOCABULARY
from groundling.language.grounded import GROUNDED_VOCABULARY
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.presets import PRESETS

PEER_ENVS = 16
CAMERA = (EMBODIMENT.camera.width, EMBODIMENT.camera.height)
ROOM_SPACE = AgentSpace((CAMERA[1], CAMERA[0], 3), EMBODIMENT.num_actions, len(GROUNDED_VOCABULARY))


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


class TokenizedMission(gymnasium.ObservationWrapper):
    """MiniGrid's observation with the mission as token ids, since SB3 refuses text."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 10, (7, 7, 3), np.uint8),  # a bound of 255 would have SB3 transpose it
                "direction": spaces.Box(0, 3, (1,), np.int64),
                "instruction": spaces.Box(0, len(VOCABULARY) - 1, (CLAUSE_TOKENS,), np.int32),
            }
        )
        self._tokens: dict[str, np.ndarray] = {}

    def reset(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()):  # the generator prints each layout that it rejects
            return super().reset(**kwargs)

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        mission = observation["mission"]
        if mission not in self._tokens:
            self._tokens[mission] = VOCABULARY.encode(mission, length=CLAUSE_TOKENS)
        return {
            "image": observation["image"],
            "direction": np.array([observation["direction"]]),
            "instruction": self._tokens[mission],
        }


class PlainDoom(gymnasium.ObservationWrapper):
    """ViZDoom's frame as an image that SB3 neither transposes nor divides: the network does what it needs itself."""

    def __init__(self, env: GroundedDoomEnv) -> None:
        super().__init__(env)
        width, height = env.image_size
        image = spaces.Box(0, 254, (height, width, 3), np.uint8)
        own: Any = env.observation_space
        self.observation_space = spaces.Dict({**own.spaces, "image": image})

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        return observation


class SameNetwork(BaseFeaturesExtractor):
    """Groundling's network up to the heads, which SB3 adds."""

    def __init__(self, space: spaces.Dict, config: AgentConfig, agent_space: AgentSpace) -> None:
        super().__init__(space, config.hidden_dim)
        self.agent = ActorCritic(config, agent_space)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        taken = {"image": observations["image"].to(torch.uint8), "instruction": observations["instruction"].int()}
        if "direction" in observations:
            taken["direction"] = observations["direction"].squeeze(1).long()
        return self.agent.features(self.agent.perceive(taken))


class Clock(BaseCallback):
    """Notes when the first rollout has been trained on, so that start-up is not measured."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float]] = []

    def _on_rollout_start(self) -> None:
        self.marks.append((self.num_timesteps, time.perf_counter()))

    def _on_step(self) -> bool:
        return True


def make_level(task: str) -> Callable[[], gymnasium.Env]:
    def make() -> gymnasium.Env:
        if task in ROOMS:
            return PlainDoom(GroundedDoomEnv(ROOMS[task].difficulty, image_size=CAMERA))
        import minigrid  # noqa: F401 - registers its levels

        return TokenizedMission(gymnasium.make(task, disable_env_checker=True).unwrapped)

    return make


def peer_speed(task: str, config: TrainConfig, frames: int, vec_env: Callable[..., Any], threads: int) -> float:
    torch.set_num_threads(threads)
    ppo, num_envs = config.ppo, PEER_ENVS
    envs = vec_env([make_level(task)] * num_envs)
    agent_space = ROOM_SPACE if task in ROOMS else AgentSpace()
    model = PPO(
        "MultiInputPolicy",
        envs,
        learning_rate=ppo.learning_rate,
        n_steps=config.rollout_frames // num_envs,
        batch_size=ppo.minibatch_size,
        n_epochs=ppo.num_epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip,
        ent_coef=ppo.entropy_coef,
        policy_kwargs={
            "features_extractor_class": SameNetwork,
            "features_extractor_kwargs": {"config": config.agent, "agent_space": agent_space},
            "net_arch": {"pi": [], "vf": []},
            "ortho_init": False,
        },
        device="cpu",
        seed=1,
    )
    clock = Clock()
    model.learn(config.rollout_frames + frames, callback=clock)
    end = (model.num_timesteps, time.perf_counter())
    envs.close()
    first = clock.marks[1]
    return (end[0] - first[0]) / (end[1] - first[1])


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
    base = base_config(options.task)
    ppo: PPOConfig = base.ppo
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
                ppo=replace(ppo, num_steps=base.rollout_frames // PEER_ENVS),
            )
            name = f"ViZDoom in groundling's trainer, {threads} torch thread(s)"
            measures[name] = partial(own_speed, doom, options.peer_frames)
            halved = replace(config, precision="bfloat16")
            measures[f"bfloat16, {threads} torch thread(s)"] = partial(own_speed, halved, options.frames)
    for vec_env in (DummyVecEnv, SubprocVecEnv):
        for threads in (1, 2):
            name = f"SB3, {vec_env.__name__}, {threads} torch thread(s)"
            measures[name] = partial(peer_speed, options.task, base, options.peer_frames, vec_env, threads)
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
    main(tyro.cli(Options))
