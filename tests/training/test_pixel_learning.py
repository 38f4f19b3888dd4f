"""Agents that see pixels learn what words mean, by either algorithm; one that does not see stays at chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pixel_choice import PixelChoice

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.config import Precision
from groundling.agents.explanation import word_strength
from groundling.training import A2CConfig, PPOConfig, TrainConfig, train

SMALL: dict[str, Any] = {"instruction_dim": 32, "word_dim": 16, "hidden_dim": 64, "conv_channels": (16, 16, 32)}
PAPER: dict[str, Any] = {**SMALL, "memory_dim": 32, "time_dim": 4}
AGENTS = {
    "cnn": AgentConfig(vision="cnn", **SMALL),
    "cnn concat": AgentConfig(vision="cnn", fusion="concat", **SMALL),
    "chaplot": AgentConfig.chaplot(**PAPER),
    "chaplot concat": AgentConfig.chaplot(fusion="concat", **PAPER),
    "blind": AgentConfig(vision="cnn", blind=True, **SMALL),
}
PPO = PPOConfig(num_steps=8, minibatch_size=64, learning_rate=3e-3)
A2C = A2CConfig(num_steps=1, learning_rate=3e-3, normalize_advantage=True)
EPISODES = 1000


def success(agent: ActorCritic) -> float:
    """How often the likeliest action is right; chance is 0.5, with a standard deviation of 0.016."""
    envs = PixelChoice(EPISODES)
    observation, _ = envs.reset(seed=99)
    actions, _ = agent.act(observation, agent.initial_state(EPISODES), np.ones(EPISODES, dtype=np.bool_), greedy=True)
    return float((actions == envs.side).mean())


def trained(kind: str, algorithm: Any, frames: int, folder: Path, precision: Precision = "float32") -> ActorCritic:
    config = TrainConfig(
        algorithm=algorithm,
        total_frames=frames,
        num_envs=32,
        agent=AGENTS[kind],
        ppo=PPO,
        a2c=A2C,
        torch_threads=1,
        precision=precision,
    )
    return train(config, folder, make_envs=lambda config: PixelChoice(config.num_envs)).agent


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> ActorCritic:
    """An agent that was trained by PPO, for the tests that only ask it."""
    return trained("cnn", "ppo", 6_144, tmp_path_factory.mktemp("seeing"))


def test_agent_learns_by_ppo(seeing: ActorCritic) -> None:
    assert success(seeing) > 0.9


@pytest.mark.parametrize(
    ("kind", "algorithm", "frames"),
    [
        ("cnn", "a2c", 16_384),
        pytest.param("cnn concat", "ppo", 8_192, marks=pytest.mark.slow),
        pytest.param("cnn concat", "a2c", 24_576, marks=pytest.mark.slow),
        pytest.param("chaplot", "ppo", 12_288, marks=pytest.mark.slow),
        pytest.param("chaplot", "a2c", 49_152, marks=pytest.mark.slow),
        pytest.param("chaplot concat", "ppo", 8_192, marks=pytest.mark.slow),
        pytest.param("chaplot concat", "a2c", 24_576, marks=pytest.mark.slow),
    ],
)
def test_agent_learns_to_choose_what_is_named(kind: str, algorithm: str, frames: int, tmp_path: Path) -> None:
    assert success(trained(kind, algorithm, frames, tmp_path)) > 0.9


def test_agent_learns_in_bfloat16_too(tmp_path: Path) -> None:
    agent = trained("cnn", "ppo", 6_144, tmp_path, "bfloat16")
    agent.encoder.precision = "float32"  # as agents of checkpoints see
    assert success(agent) > 0.9


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_blind_agent_stays_at_chance(algorithm: str, tmp_path: Path) -> None:
    """The same task with the same words and rewards: nothing but the image tells the side."""
    assert abs(success(trained("blind", algorithm, 6_144, tmp_path)) - 0.5) < 0.07


def test_trained_agent_hears_the_color_and_not_the_article(seeing: ActorCritic) -> None:
    article, color, padding = word_strength(seeing, torch.tensor([[1, 2, 0], [1, 4, 0]])).T
    assert (color > article).all()
    assert not padding.any()
