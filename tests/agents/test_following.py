"""Asking an agent for one action, and having it follow a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import groundling
from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import InstructionError, ObservationError

LEVEL = "BabyAI-GoToLocal-v0"


@pytest.fixture
def agent() -> ActorCritic:
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(memory="gru"))
    for parameter in agent.parameters():  # so that words change the likeliest action
        torch.nn.init.normal_(parameter, std=0.5)
    return agent


def test_prediction_on_one_observation_is_that_on_a_batch(agent: ActorCritic) -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(4)), num_envs=4, shuffle=False)
    observation, _ = envs.reset()
    actions, memory = agent.predict(observation, deterministic=True)
    for row in range(4):
        one = {key: array[row] for key, array in observation.items()}
        action, state = agent.predict(one, deterministic=True)
        assert action == actions[row]
        torch.testing.assert_close(state[0], memory[row], rtol=1e-4, atol=1e-5)


def test_sentence_stands_for_its_token_ids(agent: ActorCritic) -> None:
    env = groundling.make(LEVEL)
    observation, info = env.reset(seed=3)
    state = agent.predict(observation)[1]
    assert torch.equal(agent.predict({**observation, "instruction": info["instruction_text"]})[1], state)
    assert not torch.equal(agent.predict({**observation, "instruction": "go to the grey box"})[1], state)
    with pytest.raises(InstructionError, match="'zebra'"):
        agent.predict({**observation, "instruction": "go to the zebra ball"})
    with pytest.raises(ObservationError, match="no direction"):
        agent.predict({key: array for key, array in observation.items() if key != "direction"})


def test_episode_is_followed_to_its_end_and_success_is_the_environment_s(agent: ActorCritic) -> None:
    env = groundling.make(LEVEL)
    followed = agent.follow(env, "go to the grey box", seed=3)
    assert followed.instruction == "go to the grey box"
    assert followed.own_instruction == env.reset(seed=3)[1]["instruction_text"]
    assert followed.success in (False, True)
    assert 0 < len(followed.actions) <= 64
    own = agent.follow(env, seed=3)
    assert own.instruction == own.own_instruction
    assert own.actions == agent.follow(env, own.own_instruction, seed=3).actions
    assert any(
        agent.follow(env, f"go to the {color} {kind}", seed=3).actions != own.actions
        for color in ("red", "blue", "grey")
        for kind in ("ball", "box", "key")
    )
    assert np.isfinite(followed.episode_return)
