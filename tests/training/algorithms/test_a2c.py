"""A2C: the policy gradient by hand, and PPO's first step with nothing clipped."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from parts import make_algorithm
from pixel_choice import PixelChoice
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.training import A2C, PPO, A2CConfig, PPOConfig, TrainConfig, Trainer, gae
from groundling.training.collector import Collector
from groundling.training.rollout import Rollout

T, B = 5, 8
SETTINGS = A2CConfig(num_steps=T, entropy_coef=0.02, max_grad_norm=1e9)


def play(memory: str, seed: int = 0) -> tuple[ActorCritic, Rollout]:
    """A rollout of an agent whose policy is not flat."""
    torch.manual_seed(seed)
    config = AgentConfig(
        vision="cnn",
        memory=memory,  # type: ignore[arg-type]
        conv_channels=(4, 4, 8),
        word_dim=4,
        instruction_dim=8,
        readout_dim=2,
        hidden_dim=8,
        memory_dim=8,
        time_dim=2 if memory != "none" else 0,
    )
    envs = PixelChoice(B)
    agent = ActorCritic(config, spec_of(envs))
    torch.nn.init.normal_(agent.policy.weight)
    collector = Collector(envs, agent, T, torch.Generator().manual_seed(seed))
    collector.start(seed)
    rollout = collector.collect()
    rollout.terminated[:-1, : B // 2] = False  # longer episodes for half of the environments, so that advantages spread
    rollout.is_first[1:, : B // 2] = False
    return agent, replayed(agent, rollout)


def replayed(agent: ActorCritic, rollout: Rollout) -> Rollout:
    """The rollout with what the agent makes of its observations now."""
    decision = decide(agent, rollout)
    rollout.value = decision.value.detach()
    rollout.next_value = torch.cat([rollout.value[1:], rollout.value[-1:]])
    log_probs = decision.logits.detach().log_softmax(dim=-1)
    rollout.log_prob = log_probs.gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
    return rollout


def algorithm_of(kind: type[PPO], agent: ActorCritic, settings: Any, seed: int = 0) -> PPO:
    return make_algorithm(kind, copy.deepcopy(agent), settings, envs=PixelChoice(B), seed=seed)


def decide(agent: ActorCritic, rollout: Rollout) -> Any:
    prepared = agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    return agent(prepared, rollout.initial_state, rollout.is_first)


def gradients(agent: ActorCritic) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in agent.named_parameters() if p.grad is not None}


def updated(algorithm: PPO, rollout: Rollout) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    algorithm.learn(rollout)
    return gradients(algorithm.agent), {name: p.detach().clone() for name, p in algorithm.agent.named_parameters()}


def assert_close(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("memory", ["none", "lstm"])
def test_gradient_is_that_of_the_policy_gradient_formula(memory: str, normalize: bool) -> None:
    """-E[log pi(a) A] + c_v E[(v - R)^2] / 2 - c_e H, the advantages held fixed."""
    agent, rollout = play(memory)
    config = dataclasses.replace(SETTINGS, normalize_advantage=normalize)
    computed, _ = updated(algorithm_of(A2C, agent, config), rollout)
    advantage = gae(
        rollout.reward,
        rollout.value,
        rollout.next_value,
        rollout.terminated,
        rollout.truncated,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
    )
    target = advantage + rollout.value
    if normalize:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    decision = decide(agent, rollout)
    log_probs = decision.logits.log_softmax(dim=-1)
    policy = -(log_probs.gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1) * advantage).mean()
    value = 0.5 * (decision.value - target).square().mean()
    entropy = -(log_probs.exp() * log_probs).sum(dim=-1).mean()
    (policy + config.value_coef * value - config.entropy_coef * entropy).backward()
    expected = gradients(agent)
    assert all(gradient.abs().max() > 1e-6 for gradient in expected.values())
    assert_close(computed, expected)


@pytest.mark.parametrize("memory", ["none", "lstm"])
def test_first_step_is_that_of_ppo_with_one_epoch_and_one_minibatch(memory: str) -> None:
    agent, rollout = play(memory)
    shared = dataclasses.asdict(SETTINGS)
    ppo = algorithm_of(PPO, agent, PPOConfig(**shared, num_epochs=1, minibatch_size=T * B, clip=0.2), seed=5)
    a2c = algorithm_of(A2C, agent, SETTINGS)
    (clipped, after), (free, after_free) = updated(ppo, rollout), updated(a2c, rollout)
    assert_close(free, clipped)
    for name in after:
        torch.testing.assert_close(after[name], after_free[name], rtol=1e-2, atol=1e-5)


def test_nothing_is_clipped_and_every_frame_is_used_once() -> None:
    """Even where the policy that acted was another one, so that PPO would clip every action."""
    agent, rollout = play("none")
    rollout.log_prob -= 1.0
    a2c = algorithm_of(A2C, agent, SETTINGS)
    assert [rows.numel() for rows, _ in a2c._minibatches(T, B)] == [T * B]
    metrics = a2c.learn(rollout)
    assert metrics["clip_fraction"] == 0
    clipped = algorithm_of(PPO, agent, dataclasses.replace(a2c.ppo, clip=0.2)).learn(rollout)
    assert clipped["clip_fraction"] == 1
    assert clipped["policy_loss"] != pytest.approx(metrics["policy_loss"], rel=1e-3)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("num_steps", 0), ("learning_rate", 0.0), ("gamma", 1.1), ("gae_lambda", -0.1), ("max_grad_norm", math.nan)],
)
def test_impossible_setting_is_refused_and_named(setting: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        A2CConfig(**{setting: value})


def test_configuration_comes_back_from_json_and_ppo_s_settings_do_not_matter() -> None:
    config = TrainConfig(algorithm="a2c", num_envs=4, a2c=A2CConfig(num_steps=3), total_frames=25)
    assert TrainConfig.from_json(config.to_json()) == config
    assert config.settings_of(PPOConfig).minibatch_size > config.rollout_frames == 12
    assert config.num_updates == 3


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(memory: Any, tmp_path: Path) -> None:
    sizes = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8, "memory_dim": 9}
    config = TrainConfig(
        algorithm="a2c",
        task="BabyAI-GoToObjS4-v0",
        total_frames=8 * 12 * 3,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(memory=memory, **sizes),
        a2c=A2CConfig(num_steps=12),
    )
    whole = Trainer(config, tmp_path / "whole").run().agent.state_dict()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    parts = Trainer(config, tmp_path / "parts", resume=True).run().agent.state_dict()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not np.allclose(whole["policy.weight"], Trainer(config, tmp_path / "new").agent.policy.weight.detach())
