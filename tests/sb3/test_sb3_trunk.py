"""An agent's trunk as a features extractor: the agent's own features, whatever SB3 does to observations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("stable_baselines3")
from stable_baselines3 import A2C, DQN, PPO
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.core import Core
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.sb3 import AgentTrunk, CachedCollection, GroundlingVecEnv, make_vec_env, policy_kwargs
from groundling.sb3.trunk import trunk_of

LEVEL = "BabyAI-GoToObjS4-v0"


def envs_of(**options: Any) -> GroundlingVecEnv:
    return make_vec_env(LEVEL, 6, bank_size=16, progress=False, **options)


def features(model: Any, observation: Any) -> Tensor:
    """What the model's trunk makes of an observation on SB3's own way to it."""
    tensors, _ = model.policy.obs_to_tensor(observation)
    policy = getattr(model.policy, "q_net", model.policy)
    with torch.no_grad():
        return policy.extract_features(tensors, policy.features_extractor)


def agents_features(trunk: AgentTrunk, config: AgentConfig, observation: Any) -> Tensor:
    """What an agent with the same parameters makes of the observation as the environments gave it."""
    agent = ActorCritic(config, trunk.agent.spec)
    missing, unexpected = agent.load_state_dict(trunk.agent.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith(("policy", "value")) for name in missing)
    with torch.no_grad():
        return agent.features(agent.prepare(observation))


@pytest.mark.parametrize("kind", [PPO, DQN])
@pytest.mark.parametrize("senses", [{}, {"previous_action": True, "explored_radius": 3}])
def test_features_are_the_agent_s(kind: Any, senses: dict[str, Any]) -> None:
    envs = envs_of(**senses)
    config = AgentConfig(map_radius=3) if senses else AgentConfig()
    model = kind("MultiInputPolicy", envs, policy_kwargs=policy_kwargs(envs, config), device="cpu", seed=0)
    observation = envs.reset()
    for _ in range(3):
        observation, *_ = envs.step(np.arange(6) % 3)
    found = features(model, observation)
    trunk = trunk_of(model.policy)
    torch.testing.assert_close(found, agents_features(trunk, config, envs.observation), rtol=0, atol=0)
    assert found.std(dim=0).max() > 0


def test_pictures_come_through_sb3_s_transposition() -> None:
    envs = envs_of(body="rover", camera=Camera(width=24, height=20))
    config = AgentConfig(vision="cnn")
    model = PPO("MultiInputPolicy", envs, policy_kwargs=policy_kwargs(envs, config), device="cpu", seed=0)
    assert model.observation_space["image"].shape == (3, 20, 24)
    found = features(model, model.env.reset())
    torch.testing.assert_close(found, agents_features(trunk_of(model.policy), config, envs.observation))


def test_layers_keep_the_draw_of_the_agent() -> None:
    """SB3's ``ortho_init`` would draw all layers under the heads anew, with a scale of sqrt(2)."""
    envs = envs_of()
    drawn = []
    for is_orthogonal in (True, False):
        kwargs = policy_kwargs(envs, ortho_init=is_orthogonal)
        model = A2C("MultiInputPolicy", envs, policy_kwargs=kwargs, device="cpu", seed=1)
        drawn.append(trunk_of(model.policy).state_dict())
    assert all(torch.equal(array, drawn[1][name]) for name, array in drawn[0].items())


def test_gated_attention_learns_under_ppo_and_is_saved(tmp_path: Any) -> None:
    envs = envs_of()
    options: Any = {"n_steps": 16, "batch_size": 48, "n_epochs": 1, "device": "cpu", "seed": 0}
    model = PPO("MultiInputPolicy", envs, policy_kwargs=policy_kwargs(envs, AgentConfig(fusion="gated")), **options)
    before = {name: array.clone() for name, array in trunk_of(model.policy).named_parameters()}
    model.learn(96, callback=CachedCollection())
    after = dict(trunk_of(model.policy).named_parameters())
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(before)
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip")
    torch.testing.assert_close(features(loaded, envs.reset()), features(model, envs.observation))


class OwnHeads(Core):
    """Memory and heads that an encoder brings."""

    state_dim, out_dim = 0, 4


def test_agents_with_memory_and_heads_of_their_own_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    envs = envs_of()
    monkeypatch.setattr(SymbolicEncoder, "make_core", lambda encoder: OwnHeads())
    with pytest.raises(ConfigurationError, match="memory and heads of its own"):
        AgentTrunk(envs.observation_space, envs.agent_spec)
