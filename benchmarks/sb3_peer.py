"""Stable-Baselines3's PPO with Groundling's own network, for ``training_speed.py`` to measure."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.embodiment import GRID
from groundling.envs.families.chaplot.room import EMBODIMENT, ROOMS
from groundling.envs.first_person import Camera
from groundling.envs.simulators.doom import ChaplotDoomEnv
from groundling.interfaces import Spec
from groundling.language import VOCABULARY
from groundling.training import PPOConfig, TrainConfig

VEC_ENVS = {kind.__name__: kind for kind in (DummyVecEnv, SubprocVecEnv)}


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

    def __init__(self, env: ChaplotDoomEnv) -> None:
        super().__init__(env)
        width, height = env.image_size
        image = spaces.Box(0, 254, (height, width, 3), np.uint8)
        own: Any = env.observation_space
        self.observation_space = spaces.Dict({**own.spaces, "image": image})

    def observation(self, observation: dict[str, Any]) -> dict[str, Any]:
        return observation


class SameNetwork(BaseFeaturesExtractor):
    """Groundling's network up to the heads, which SB3 adds."""

    def __init__(self, space: spaces.Dict, config: AgentConfig, spec: Spec) -> None:
        super().__init__(space, config.hidden_dim)
        self.agent = ActorCritic(config, spec)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        taken = {"image": observations["image"].to(torch.uint8), "instruction": observations["instruction"].int()}
        if "direction" in observations:
            taken["direction"] = observations["direction"].squeeze(1).long()
        return self.agent.features(self.agent.prepare(taken))


class Clock(BaseCallback):
    """Notes when the first rollout has been trained on, so that start-up is not measured."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float]] = []

    def _on_rollout_start(self) -> None:
        self.marks.append((self.num_timesteps, time.perf_counter()))

    def _on_step(self) -> bool:
        return True


def make_level(task: str, image_size: tuple[int, int]) -> Callable[[], gymnasium.Env]:
    """An environment of MiniGrid's, or of ViZDoom beside a grounded room."""

    def make() -> gymnasium.Env:
        if task in ROOMS:
            return PlainDoom(ChaplotDoomEnv(ROOMS[task].difficulty, image_size=image_size))
        import minigrid  # noqa: F401 - registers its levels

        return TokenizedMission(gymnasium.make(task, disable_env_checker=True).unwrapped)

    return make


def peer_speed(config: TrainConfig, num_envs: int, frames: int, vec_env: Callable[..., Any], threads: int) -> float:
    """Frames a second of SB3's PPO on the task of a configuration, with its settings and network."""
    torch.set_num_threads(threads)
    task, ppo = config.task, config.settings_of(PPOConfig)
    width, height = config.camera.width, config.camera.height
    envs = vec_env([make_level(task, (width, height))] * num_envs)
    embodiment = EMBODIMENT.changed(camera=Camera(width, height)) if task in ROOMS else GRID
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
            "features_extractor_kwargs": {"config": config.agent, "spec": embodiment.spec(CLAUSE_TOKENS)},
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
