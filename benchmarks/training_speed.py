"""Training speed: end-to-end PPO frames a second of Groundling and of Stable-Baselines3 over MiniGrid's environment.

    python benchmarks/training_speed.py [--frames 65536]

Both train the same network (SB3's policy wraps Groundling's own ``ActorCritic``, its evaluation of distinct cells and
sentences included), with the same number of epochs, the same minibatch and the same frames in a rollout, on the same
level and cores. SB3 runs 16 environments in a DummyVecEnv and in a SubprocVecEnv, each with 1 and with 2 PyTorch
threads; its fastest is what Groundling is compared with. Prints a table and, as its last line, a JSON object with
``ratio``.
Needs ``pip install groundling[benchmarks]``.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from groundling.envs.bank import CLAUSE_TOKENS
from groundling.language import VOCABULARY
from groundling.training import PPOConfig, TrainConfig, Trainer


@dataclass(frozen=True)
class Options:
    """Measure training speed.

    Attributes:
        task: id of the level.
        frames: that Groundling is measured on, after a warm-up of one rollout.
        peer_frames: that each setting of SB3 is measured on, likewise.
        rounds: how often everything is measured; medians are reported.
    """

    task: str = "BabyAI-GoToLocal-v0"
    frames: int = 131_072
    peer_frames: int = 8_192
    rounds: int = 2


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


class SameNetwork(BaseFeaturesExtractor):
    """Groundling's network up to the heads, which SB3 adds."""

    def __init__(self, space: spaces.Dict, config: AgentConfig) -> None:
        super().__init__(space, config.hidden_dim)
        self.agent = ActorCritic(config)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        percepts = self.agent.perceive(
            {
                "image": observations["image"].to(torch.uint8),
                "direction": observations["direction"].squeeze(1).long(),
                "instruction": observations["instruction"].int(),
            }
        )
        return self.agent.features(percepts)


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
        import minigrid  # noqa: F401 - registers its levels

        return TokenizedMission(gymnasium.make(task, disable_env_checker=True).unwrapped)

    return make


def peer_speed(task: str, config: TrainConfig, frames: int, vec_env: Callable[..., Any], threads: int) -> float:
    torch.set_num_threads(threads)
    ppo, num_envs = config.ppo, 16
    envs = vec_env([make_level(task)] * num_envs)
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
            "features_extractor_kwargs": {"config": config.agent},
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
        trainer.run(stop_after_updates=1)
    start = time.perf_counter()
    updates = max(1, frames // config.rollout_frames)
    for _ in range(updates):
        trainer.train_once()
    return updates * config.rollout_frames / (time.perf_counter() - start)


def main(options: Options) -> None:
    base = TrainConfig(task=options.task, split="all")
    ppo: PPOConfig = base.ppo
    measures: dict[str, Callable[[], float]] = {}
    for threads in (1, 2):
        config = TrainConfig(task=options.task, split="all", torch_threads=threads)
        measures[f"groundling, {threads} torch thread(s)"] = lambda config=config: own_speed(config, options.frames)
    for vec_env in (DummyVecEnv, SubprocVecEnv):
        for threads in (1, 2):
            measures[f"SB3, {vec_env.__name__}, {threads} torch thread(s)"] = lambda vec_env=vec_env, threads=threads: (
                peer_speed(options.task, base, options.peer_frames, vec_env, threads)
            )
    speeds: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(options.rounds):
        for name, measure in measures.items():
            speeds[name].append(measure())
            print(f"round {number + 1}: {name}: {speeds[name][-1]:,.0f} frames a second", flush=True)
    medians = {name: float(np.median(values)) for name, values in speeds.items()}
    best = {who: max(v for name, v in medians.items() if name.startswith(who)) for who in ("groundling", "SB3")}
    print(
        f"{options.task}: {ppo.num_epochs} epochs, minibatch {ppo.minibatch_size}, rollout {base.rollout_frames}; "
        f"SB3 with 16 environments, Groundling with {base.num_envs}; median of {options.rounds} rounds"
    )
    for name, value in medians.items():
        print(f"{name:<42} {value:>10,.0f} frames a second")
    print(json.dumps({"task": options.task, "ratio": best["groundling"] / best["SB3"], "frames_per_second": medians}))


if __name__ == "__main__":
    main(tyro.cli(Options))
