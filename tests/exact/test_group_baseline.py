"""Groups against exact values: with more and more roll-outs the group's mean becomes the value of the first state."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.exact import Mdp, enumerate_episode, finite_horizon
from groundling.training.collector import Collector
from groundling.training.episodes import Episodes, EpisodeStore
from groundling.training.groups import Groups, group_advantages

B, T = 512, 36  # T is more than the time limit
SIZES: dict[str, Any] = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}


@pytest.fixture(scope="module")
def group() -> tuple[ActorCritic, Mdp, Episodes]:
    """Roll-outs of one episode by an agent whose policy is not flat; the first one of each environment."""
    bank = EpisodeBank.of_seeds("BabyAI-GoToObjS6-v1", [1])
    envs = make_vec(bank=bank, num_envs=B)
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(**SIZES), envs.agent_spec)
    torch.nn.init.normal_(agent.policy.weight, generator=torch.Generator().manual_seed(1))
    groups = Groups(envs, B, 0, "grpo")
    collector = Collector(envs, agent, T, torch.Generator().manual_seed(2), recorders=[groups])
    groups.begin()
    collector.start(0)
    store = EpisodeStore(B, B)
    episodes = store.add(collector.collect())
    while not len(episodes):
        episodes = store.add(collector.collect())
    return agent, enumerate_episode(bank), episodes


def exact_value(agent: ActorCritic, mdp: Mdp) -> float:
    """V of the agent's policy in the first state: what the environments pay it on average until the time limit."""
    worlds = mdp.worlds(np.arange(len(mdp)))
    with torch.no_grad():
        logits, _ = agent.logits(worlds.seen(), agent.initial_state(len(mdp)), np.ones(len(mdp), dtype=np.bool_))
    return float(finite_horizon(mdp, logits.double().softmax(dim=-1).numpy())[0])


def gradient(agent: ActorCritic, episodes: Episodes, advantage: Tensor) -> Tensor:
    """-grad of the mean over steps of A log pi(a)."""
    agent.zero_grad(set_to_none=True)
    count = len(episodes.action)
    decision = agent(
        agent.prepare(episodes.observation), agent.initial_state(count), torch.ones(1, count, dtype=torch.bool)
    )
    log_prob = decision.logits[0].log_softmax(dim=-1).gather(1, episodes.action.unsqueeze(1)).squeeze(1)
    (-(advantage[episodes.episode] * log_prob).mean()).backward()
    return torch.cat([p.grad.flatten() for p in agent.parameters() if p.grad is not None])


def test_mean_return_of_a_group_is_the_exact_value_of_the_policy(group: tuple[ActorCritic, Mdp, Episodes]) -> None:
    agent, mdp, episodes = group
    returns = episodes.returns()
    assert len(returns) == B
    error = float(returns.std()) / B**0.5
    assert float(returns.std()) > 0.05
    assert float(returns.mean()) == pytest.approx(exact_value(agent, mdp), abs=4 * error)


def test_gradient_of_a_large_group_is_that_with_the_value_as_the_baseline(
    group: tuple[ActorCritic, Mdp, Episodes],
) -> None:
    """And the more the roll-outs, the nearer: the same roll-outs in groups of two are far from it."""
    agent, mdp, episodes = group
    exact = gradient(agent, episodes, episodes.returns() - exact_value(agent, mdp))

    def distance(size: int) -> float:
        parts = dataclasses.replace(episodes, group=torch.arange(B) // size)
        gain, _ = group_advantages(parts.returns(), parts.group)
        return float((gradient(agent, parts, gain) - exact).norm() / exact.norm())

    found = [distance(size) for size in (2, 16, B)]
    assert found[2] < 0.1
    assert found[0] > 0.3
    assert found[0] > found[1] > found[2]
