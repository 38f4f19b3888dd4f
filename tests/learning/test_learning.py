"""An agent really learns: a short training beats chance by far, and only for an agent that sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundling.agents import ActorCritic, AgentConfig, RandomPolicy
from groundling.envs import EpisodeBank, HeldOut, build_bank
from groundling.eval import evaluate
from groundling.training import PPOConfig, TrainConfig, train

LEVEL = "BabyAI-GoToObjS4-v0"  # one object in a room of 2 x 2: a few seconds teach it
pytestmark = pytest.mark.slow


def trained(folder: Path, *, blind: bool) -> ActorCritic:
    config = TrainConfig(
        task=LEVEL,
        held_out=HeldOut(factors=()),
        total_frames=50_000,
        num_envs=64,
        bank_size=512,
        agent=AgentConfig(blind=blind),
        ppo=PPOConfig(num_steps=32, minibatch_size=512, num_epochs=4, learning_rate=1e-3),
    )
    return train(config, folder).agent


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    """Episodes that nobody trained on."""
    return build_bank(LEVEL, 400, split="seen", seed=7, progress=False)


def test_short_training_beats_chance_and_blindness_by_far(tmp_path: Path, bank: EpisodeBank) -> None:
    seeing, blind = (trained(tmp_path / str(blind), blind=blind) for blind in (False, True))
    sight, darkness, chance = (evaluate(policy, bank) for policy in (seeing, blind, RandomPolicy()))
    assert sight.success > 0.95
    assert sight.success > darkness.interval[1] > chance.interval[1]
    assert sight.mean_return > darkness.mean_return + 0.2
    assert chance.success < 0.5
