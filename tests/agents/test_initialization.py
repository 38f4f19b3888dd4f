"""An agent that begins as a smaller one acts as that one does, and can learn with all of its parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_actor_critic import make_agent

from groundling.agents.initialization import differences, initialize_from_smaller
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.embodiment import GRID

B = 6


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    bank = EpisodeBank.of_seeds("BabyAI-PutNextLocal-v0", range(B))
    envs = make_vec(bank=bank, num_envs=B, shuffle=False, explored_radius=5)
    envs.reset()
    for actions in np.random.default_rng(0).integers(0, 3, (5, B)):
        seen, *_ = envs.step(actions)
    return seen


def logits(agent: Any, observation: dict[str, Any]) -> torch.Tensor:
    first = torch.ones(1, B, dtype=torch.bool)
    return agent(agent.prepare(observation), agent.initial_state(B), first).logits


@pytest.mark.parametrize(
    "changes",
    [
        {"map_radius": 5},
        {"language": "contextual"},
        {"memory_reads": True},
        {"memory_reads": True, "predicts_subgoal": True},
        {"map_radius": 5, "map_ways": True},
        {"map_radius": 5, "map_ways": True, "memory_finds": True},
        {"language": "contextual", "map_radius": 5},
    ],
)
def test_an_agent_made_from_a_smaller_one_acts_as_it_and_has_gradients_everywhere(
    observation: dict[str, Any], changes: dict[str, Any]
) -> None:
    smaller = make_agent(memory="gru")
    larger = replace(smaller.config, **changes)
    assert differences(smaller.config, larger) == []
    agent = initialize_from_smaller(smaller, larger, GRID.changed(**larger.senses).spec(CLAUSE_TOKENS))
    torch.testing.assert_close(logits(agent, observation), logits(smaller, observation), rtol=1e-4, atol=1e-5)
    logits(agent, observation).square().sum().backward()
    new = {name: p.grad for name, p in agent.named_parameters() if name not in dict(smaller.named_parameters())}
    assert any(gradient is not None and gradient.abs().max() > 0 for gradient in new.values())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hidden_dim": 12}, "hidden_dim 11"),
        ({"language": "bigru"}, "language positional"),
        ({"memory": "lstm"}, "memory gru"),
    ],
)
def test_what_cannot_begin_as_the_smaller_agent_is_named(changes: dict[str, Any], told: str) -> None:
    smaller = make_agent(memory="gru")
    assert differences(smaller.config, replace(smaller.config, **changes)) == [told]


def test_an_agent_does_not_shrink() -> None:
    smaller = make_agent(map_radius=5, language="contextual")
    assert differences(smaller.config, replace(smaller.config, map_radius=0, language="positional")) == [
        "language contextual",
        "map_radius 5",
    ]
