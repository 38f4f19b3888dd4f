"""Every kind of encoder in a whole agent: one update moves it, and a run repeats bit by bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
import torch

from groundling.agents import AgentConfig
from groundling.agents.actor_critic import ActorCritic
from groundling.agents.explanation import attention
from groundling.language.encoders import LanguageKind, pretrained
from groundling.training import PPOConfig, TrainConfig, Trainer, train
from groundling.training.checkpoint import CHECKPOINT_NAME

if TYPE_CHECKING:
    from conftest import Loader

UPDATES = 3


@pytest.fixture(autouse=True)
def small_model(loader: Loader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model is the packaged one."""
    monkeypatch.setattr(pretrained, "find_model", lambda model: folder)


def make_config(language: Any, updates: int = UPDATES) -> TrainConfig:
    sizes = {"cell_dim": 6, "word_dim": 8, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}
    return TrainConfig(
        task="BabyAI-GoToLocal-v0",
        total_frames=8 * 12 * updates,
        num_envs=8,
        bank_size=64,
        agent=AgentConfig(fusion="gated", language=language, **sizes),
        ppo=PPOConfig(num_steps=12, minibatch_size=48, num_epochs=2),
    )


@pytest.mark.parametrize("kind", get_args(LanguageKind))
def test_one_update_trains_every_parameter_of_an_encoder(kind: str, tmp_path: Path) -> None:
    trainer = Trainer(make_config(kind, updates=1), tmp_path / "run")
    before = {name: p.detach().clone() for name, p in trainer.agent.encoder.language.named_parameters()}
    result = trainer.run()
    assert all(math.isfinite(value) for name, value in result.metrics.items() if name.endswith("loss"))
    still = [name for name, p in trainer.agent.encoder.language.named_parameters() if torch.equal(p, before[name])]
    assert still == []


@pytest.mark.parametrize("kind", get_args(LanguageKind))
def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(kind: str, tmp_path: Path) -> None:
    config = make_config(kind)
    whole = train(config, tmp_path / "whole").agent.state_dict()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    parts = train(config, tmp_path / "parts", resume=True).agent.state_dict()
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_checkpoint_of_a_frozen_sentence_model_holds_only_its_projection(tmp_path: Path) -> None:
    train(make_config("sentence", updates=1), tmp_path / "run")
    agent = torch.load(tmp_path / "run" / CHECKPOINT_NAME, weights_only=True)["agent"]
    assert [name for name in agent if name.startswith("encoder.language.")] == [
        "encoder.language.project.weight",
        "encoder.language.project.bias",
    ]


def test_agents_of_one_process_share_what_was_embedded(loader: Loader) -> None:
    agents = [ActorCritic(AgentConfig(language="sentence")) for _ in range(3)]
    for agent in agents:
        attention(agent, torch.tensor([[2, 3, 4]]))
    assert len(loader.loaded) == 1
    assert len(loader.heard) == 2  # the empty sentence, of which the size is learned, and this one
