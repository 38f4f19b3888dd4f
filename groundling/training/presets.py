"""Presets: tested defaults, by what an agent sees and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, get_args

from groundling.agents.config import AgentConfig
from groundling.agents.encoders.pixels import CNNConfig
from groundling.agents.encoders.symbolic import SymbolicConfig
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.ppo import PPOConfig
from groundling.training.config import TrainConfig

Preset = Literal["symbols", "mazes", "pixels", "chaplot", "doom"]

_PIXELS = PPOConfig(
    num_steps=16,
    minibatch_size=512,
    num_epochs=1,  # new frames are cheap: two passes learn more from each, and take twice as long to be as good
    learning_rate=1e-3,
    entropy_coef=0.003,  # of 30 actions one cannot waste many
    value_coef=1.0,
    max_grad_norm=1.0,
    # Wrong objects are met four times as often as right ones, and an agent that has come to avoid all of them has
    # advantages of nothing but noise: normalized, they would drive it wherever they point.
    normalize_advantage=False,
    bootstrap_truncated=False,  # an object that is not reached in time is not found
)

# first person, in rooms of our own, with a wide and low picture: far keycards have to be some pixels large
_ROOMS = TrainConfig(
    task="groundling/GroundedRoom-Easy-v0",
    total_frames=1_000_000,
    num_envs=256,
    bank_size=262_144,
    body="rover",
    camera=Camera(width=256, height=56, fov_degrees=106.26),
    agent=AgentConfig(vision="cnn", memory="gru", hidden_dim=128, settings=(CNNConfig(readout_dim=16),)),
    settings=(_PIXELS,),
)

PRESETS: Final[dict[Preset, TrainConfig]] = {
    # a room or two, seen as symbols
    "symbols": TrainConfig(),
    # many rooms, long instructions: a map with the ways on it, a memory that predicts the subgoal, an expert to begin
    # with, and PPO from there (algorithm "ppo", init)
    "mazes": TrainConfig(
        algorithm="dagger",
        task="BabyAI-GoTo-v0",
        total_frames=13_000_000,
        bank_size=16384,
        agent=AgentConfig(
            language="contextual",
            memory="gru",
            memory_dim=256,
            memory_reads=True,
            memory_finds=True,
            predicts_subgoal=True,
            hidden_dim=128,
            # a map of all of a level, wherever the agent stands in it
            settings=(SymbolicConfig(readout_dim=16, map_radius=22, map_ways=True),),
        ),
        settings=(
            # The expert keeps a share of the actions: agents that are stuck would fill the rollouts.
            ImitationConfig(num_steps=40, minibatch_size=1280, mixing=0.3, kept_share=0.3, subgoal_coef=0.1),
            PPOConfig(num_steps=40, minibatch_size=2560, learning_rate=3e-4, num_epochs=2, subgoal_coef=0.1),
        ),
    ),
    "pixels": _ROOMS,
    # the same with the network of Chaplot et al. 2018
    "chaplot": replace(_ROOMS, agent=AgentConfig.chaplot(), total_frames=2_000_000),
    # first person, in ViZDoom: engines are slow and few, so rollouts are long; a picture as wide as the engine's frame,
    # less its top and its bottom
    "doom": TrainConfig(
        task="groundling/GroundedDoom-Easy-v0",
        total_frames=1_500_000,
        num_envs=32,
        camera=Camera(width=200, height=72, fov_degrees=106.0, horizon=0.36),
        agent=_ROOMS.agent,
        settings=(replace(_PIXELS, num_steps=64),),
    ),
}


def find_preset(name: str) -> TrainConfig:
    """The settings of this name.

    Raises:
        ConfigurationError: if there are none.
    """
    for preset, config in PRESETS.items():
        if preset == name:
            return config
    raise ConfigurationError(f"there is no preset {name!r}: choose one of {', '.join(get_args(Preset))}")
