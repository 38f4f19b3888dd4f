"""The planner and controller train, go on, load and are measured through the loop that all agents have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs.first_person import Camera
from groundling.eval.facts import run_facts
from groundling.training import Checkpoint, ImitationConfig, PPOConfig, TrainConfig, Trainer, train
from groundling.training.checkpoint import load_agent
from groundling.training.tasks import evaluation_options, families

STEPS, B = 8, 8
AGENT = AgentConfig(vision="pacman", planner_dim=16, controller_dim=8)
CLONING = TrainConfig(
    task="groundling/Questions-Near-v0",
    body="rover",
    camera=Camera(width=16, height=16),
    num_envs=B,
    bank_size=32,
    total_frames=2 * STEPS * B,
    algorithm="bc",
    agent=AGENT,
    settings=(ImitationConfig(num_steps=STEPS, minibatch_size=STEPS * B // 2),),
)
SURE = AgentConfig(vision="pacman", planner_dim=16, controller_dim=8, dropout=0.0)
PPO = replace(
    CLONING,
    algorithm="ppo",
    agent=SURE,
    settings=(PPOConfig(num_steps=STEPS, minibatch_size=STEPS * B, num_epochs=1, learning_rate=1e-3),),
)


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cloned")
    train(CLONING, folder)
    return folder


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {".".join(name.split(".")[:2]) for name, array in after.items() if not torch.equal(array, before[name])}


def test_cloning_trains_every_part_and_is_resumed_bit_by_bit(cloned: Path, tmp_path: Path) -> None:
    trainer = Trainer(CLONING, tmp_path / "parts")
    before = {name: array.clone() for name, array in trainer.agent.state_dict().items()}
    trainer.run(stop_after_updates=1)
    train(CLONING, tmp_path / "parts", resume=True)
    whole, parts = (Checkpoint.load(folder / "checkpoint.pt").agent for folder in (cloned, tmp_path / "parts"))
    assert moved(whole, parts) == set()
    assert moved(before, whole) >= {
        *("encoder.cnn", "encoder.image", "encoder.frame", "encoder.planned", "encoder.asked"),
        *("core.action", "core.planner", "core.plan", "core.controller", "core.frames", "core.value"),
    }


def test_saved_agent_comes_back_by_its_configuration(cloned: Path) -> None:
    agent = load_agent(cloned)
    assert agent.config == AGENT
    checkpoint = Checkpoint.load(cloned / "checkpoint.pt")
    torch.testing.assert_close(dict(agent.named_parameters())["core.plan.weight"], checkpoint.agent["core.plan.weight"])
    facts = run_facts(checkpoint, agent, families(checkpoint.config))
    assert facts["agent"] == "pacman vision, with memory and heads of its own"


def test_saved_agent_plays_the_episodes_of_a_suite_within_the_mask(cloned: Path) -> None:
    agent = load_agent(cloned)
    (family,) = families(CLONING)
    envs: Any = family.make_vec(family.split("train", None), 4, 0, world=evaluation_options(CLONING))
    observation, _ = envs.reset(seed=0)
    state, first = agent.initial_state(4), np.ones(4, dtype=np.bool_)
    for _ in range(12):
        action, state = agent.act(observation, state, first)
        assert (observation["action_mask"][np.arange(4), action] == 1).all()
        observation, _, terminated, truncated, _ = envs.step(action)
        first = terminated | truncated


def test_ppo_goes_on_from_cloning_and_learns_as_the_agent_that_acted(cloned: Path, tmp_path: Path) -> None:
    trainer = Trainer(replace(PPO, init=str(cloned)), tmp_path / "run")
    before = {name: array.clone() for name, array in trainer.agent.state_dict().items()}
    metrics = trainer.train_once()
    assert moved(before, Checkpoint.load(cloned / "checkpoint.pt").agent) == set()
    assert metrics["approximate_kl"] < 1e-8  # one minibatch, before its step
    trainer.train_once()
    assert moved(before, trainer.agent.state_dict()) >= {"encoder.cnn", "core.planner", "core.controller"}
    trainer.envs.close()


def test_a_core_of_ones_own_trains(tmp_path: Path) -> None:
    (tmp_path / "own_core.py").write_text(OWN)
    place = f"{tmp_path / 'own_core.py'}:Counting"
    config = TrainConfig(
        task="BabyAI-GoToObjS4-v0",
        num_envs=4,
        bank_size=16,
        total_frames=64,
        agent=AgentConfig(vision=place, ignores=("direction",)),
        ppo=PPOConfig(num_steps=8, minibatch_size=16),
    )
    train(config, tmp_path / "run")
    agent = load_agent(tmp_path / "run")
    assert isinstance(agent, ActorCritic)
    assert type(agent.core).__name__ == "CountingCore"
    assert agent.state_dim == 1


OWN = """
import torch
from torch import nn
from groundling.agents.core import Core, Decision
from groundling.agents.encoders.base import ObservationEncoder


class CountingCore(Core):
    state_dim = out_dim = 1

    def __init__(self, actions):
        super().__init__()
        self.policy, self.value = nn.Linear(1, actions), nn.Linear(1, 1)

    def forward(self, features, prepared, state, is_first):
        counts = []
        for first in is_first:
            state = state.masked_fill(first.unsqueeze(1), 0) + 1
            counts.append(state)
        known = torch.stack(counts) + features
        return Decision(self.policy(known), self.value(known).squeeze(-1), state, known)


class Counting(ObservationEncoder):
    kinds = ("symbols",)

    def __init__(self, config, spec, keys, language=None):
        super().__init__(config, spec, keys, language)
        self.layer = nn.Linear(147, 1)

    def make_core(self):
        return CountingCore(self.spec.num_actions)

    def forward(self, prepared):
        return self.layer(prepared.fields[self.keys[0]].flatten(1).float())
"""
