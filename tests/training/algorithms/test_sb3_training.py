"""Algorithms of Stable-Baselines3 in our runs: they train the agent that everything else knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("stable_baselines3")
pytest.importorskip("sb3_contrib")

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError
from groundling.sb3.models import NamedParameters, make_model, policy_class
from groundling.sb3.options import LINEAR, defaults, read_options
from groundling.sb3.trunk import trunk_of
from groundling.sb3.vec_env import GroundlingVecEnv
from groundling.sb3.weights import adopt, publish
from groundling.training import TrainConfig, Trainer
from groundling.training.algorithms import find_algorithm
from groundling.training.algorithms.sb3 import SB3Config
from groundling.training.checkpoint import load_agent

LEVEL = "BabyAI-GoToObjS4-v0"
NAMES = ("sb3:PPO", "sb3:A2C", "sb3:DQN", "sb3contrib:TRPO", "sb3contrib:QRDQN", "sb3contrib:RecurrentPPO")
OFF_POLICY = ("learning_starts=20", "batch_size=16", "buffer_size=400", "target_update_interval=40")


def config_of(name: str, updates: int = 4, **changes: Any) -> TrainConfig:
    memory = "lstm" if name.endswith("RecurrentPPO") else "none"
    options = OFF_POLICY if "DQN" in name else ("n_steps=8",)
    settings = SB3Config(options=options, steps_per_update=8)
    return TrainConfig(
        **{
            "algorithm": name,
            "task": LEVEL,
            "num_envs": 6,
            "bank_size": 16,
            "total_frames": 48 * updates,
            "agent": AgentConfig(memory=memory, memory_dim=16, hidden_dim=16),
            "settings": (settings,),
            **changes,
        }
    )


def parameters(agent: ActorCritic) -> dict[str, torch.Tensor]:
    return {name: array.clone() for name, array in agent.state_dict().items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_resumed_ends_as_one_that_was_not(name: str, tmp_path: Path) -> None:
    config = config_of(name)
    trainer = Trainer(config, tmp_path / "run")
    before = parameters(trainer.agent)
    trainer.run(stop_after_updates=2)
    changed = {key for key, array in trainer.agent.state_dict().items() if not torch.equal(array, before[key])}
    heads = {"value.weight", "value.bias"} if "DQN" in name else set()
    assert changed >= {key for key, _ in trainer.agent.named_parameters()} - heads
    assert trainer.frames == trainer.algorithm.model.num_timesteps == 96  # type: ignore[attr-defined]
    saved = load_agent(tmp_path / "run")
    assert all(torch.equal(a, b) for a, b in zip(saved.parameters(), trainer.agent.parameters(), strict=True))
    resumed = Trainer(config, tmp_path / "run", resume=True).run()
    whole = Trainer(config, tmp_path / "whole").run()
    assert resumed.frames == whole.frames == 192
    assert all(torch.equal(a, b) for a, b in zip(resumed.agent.parameters(), whole.agent.parameters(), strict=True))
    assert whole.metrics["loss" if name != "sb3:A2C" and "TRPO" not in name else "value_loss"] != 0


def model_of(name: str, agent: ActorCritic, envs: GroundlingVecEnv) -> Any:
    from groundling.sb3.models import find_model_class

    options = {"learning_starts": 20} if "DQN" in name else {"n_steps": 8}
    options |= {} if "DQN" in name or "A2C" in name else {"batch_size": 16}
    return make_model(find_model_class(name), envs, agent, options, frames=1000, seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_agent_and_model_choose_the_same_actions_both_ways(name: str) -> None:
    envs = GroundlingVecEnv(make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(8)), num_envs=8))
    torch.manual_seed(1)
    agent, fresh = (ActorCritic(config_of(name).agent, envs.agent_spec) for _ in range(2))
    torch.nn.init.normal_(agent.policy.weight, std=5.0)
    torch.nn.init.normal_(agent.policy.bias, std=0.01)
    model = model_of(name, agent, envs)
    adopt(model, agent, 0.01)
    observation, first = envs.reset(), np.ones(8, dtype=np.bool_)
    wanted, state = agent.act(observation, agent.initial_state(8), first, greedy=True)
    acted, memory = model.policy.predict(observation, episode_start=first, deterministic=True)
    assert acted.tolist() == wanted.tolist()
    assert len(set(wanted.tolist())) > 1 or memory is not None  # one step of an LSTM says little
    if memory is not None:
        np.testing.assert_allclose(np.concatenate([part[0] for part in memory], axis=1), state.numpy(), atol=1e-5)
    fresh.value.load_state_dict(agent.value.state_dict())  # of no use to action values
    publish(model, fresh, 0.01)
    for key, array in agent.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[key], array, rtol=1e-4, atol=1e-4)


def test_logits_of_action_values_are_these_over_the_temperature() -> None:
    envs = GroundlingVecEnv(make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(8)), num_envs=8))
    agent = ActorCritic(config_of("sb3:DQN").agent, envs.agent_spec)
    model = model_of("sb3:DQN", agent, envs)
    torch.nn.init.normal_(model.q_net.q_net[-1].weight)
    publish(model, agent, 0.1)
    observation = envs.reset()
    tensors, _ = model.policy.obs_to_tensor(observation)
    logits, _ = agent.logits(observation, agent.initial_state(8), np.ones(8, dtype=np.bool_))
    with torch.no_grad():
        torch.testing.assert_close(logits, model.q_net(tensors) * 10)


def test_a_new_replay_buffer_is_filled_before_anything_is_learned(tmp_path: Path) -> None:
    small = SB3Config(options=OFF_POLICY, steps_per_update=8, replay_megabytes=0)
    config = config_of("sb3:DQN", settings=(small,))
    Trainer(config, tmp_path / "run").run(stop_after_updates=2)
    trainer = Trainer(config, tmp_path / "run", resume=True)
    model = trainer.algorithm.model  # type: ignore[attr-defined]
    assert model.replay_buffer.size() == 0
    assert model.learning_starts == 20 + 96
    trainer.run()
    assert model.replay_buffer.size() == 16


def test_schedules_run_over_the_whole_run(tmp_path: Path) -> None:
    trainer = Trainer(
        config_of("sb3:A2C", settings=(SB3Config(("n_steps=8", f"learning_rate={LINEAR}0.4")),)), tmp_path
    )
    rates = [trainer.train_once()["learning_rate"] for _ in range(4)]
    assert rates == pytest.approx([0.3, 0.2, 0.1, 0.0])
    trainer.envs.close()


def test_random_streams_of_others_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    wanted = torch.rand(2).tolist(), np.random.rand(2).tolist()
    torch.manual_seed(3)
    np.random.seed(3)
    trainer = Trainer(config_of("sb3:PPO"), tmp_path)
    trainer.train_once()
    assert (torch.rand(2).tolist(), np.random.rand(2).tolist()) == wanted
    trainer.envs.close()


def test_trpo_s_step_takes_every_parameter_of_the_trunk() -> None:
    """TRPO leaves out parameters with "value" in their names, which encoders have as well."""
    from sb3_contrib import TRPO

    envs = GroundlingVecEnv(make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(8)), num_envs=4))
    model = model_of("sb3contrib:TRPO", ActorCritic(AgentConfig(), envs.agent_spec), envs)
    trunk_of(model.policy).value_projection = torch.nn.Linear(2, 2)
    left_out = {name for name, _ in model.policy.named_parameters() if "value" in name}
    assert left_out == {"value_net.weight", "value_net.bias"}
    assert issubclass(policy_class(TRPO), NamedParameters)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sb3:PPP", "there are sb3:PPO"),
        ("sb3:ppo", "did you mean sb3:PPO"),
        ("sb3:TRPO", "did you mean sb3contrib:TRPO"),
        ("sb3:SAC", "continuous actions"),
        ("sb3contrib:ARS", "without gradients"),
        ("sb3contrib:MaskablePPO", "masks"),
    ],
)
def test_what_cannot_train_an_agent_is_refused(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        find_algorithm(name)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"settings": (SB3Config(("learning_rat=1",)),)}, "did you mean learning_rate"),
        ({"settings": (SB3Config(("policy_kwargs={}",)),)}, "no setting 'policy_kwargs'"),
        ({"settings": (SB3Config(("n_steps=many",)),)}, "n_steps is an integer"),
        ({"reward": ("environment", "distance")}, "paid by the environment alone"),
        ({"reward_weights": (2.0,)}, "paid by the environment alone"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        config_of("sb3:PPO", **changes)


@pytest.mark.parametrize("text", ["learning_rate", "=3", "learning_rate=", "a b=1"])
def test_options_are_names_and_values(text: str) -> None:
    with pytest.raises(ConfigurationError, match="NAME=VALUE"):
        SB3Config(options=(text,))
    assert read_options(("n-steps=16", "learning_rate=linear:1e-3")) == {"n_steps": 16, "learning_rate": "linear:1e-3"}


@pytest.mark.parametrize(
    ("name", "agent", "told"),
    [
        ("sb3:PPO", AgentConfig(memory="gru"), "--agent.memory none"),
        ("sb3contrib:RecurrentPPO", AgentConfig(), "--agent.memory lstm"),
        ("sb3:A2C", AgentConfig(time_dim=4), "--agent.time-dim"),
        ("sb3:PPO", AgentConfig(predicts_subgoal=True), "--agent.predicts-subgoal"),
    ],
)
def test_agents_that_a_model_cannot_be_are_refused(name: str, agent: AgentConfig, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Trainer(config_of(name, agent=agent), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_options_that_the_class_refuses_are_told_in_its_words(tmp_path: Path) -> None:
    config = config_of("sb3:PPO", settings=(SB3Config(("n_steps=8", "batch_size=1")),))
    with pytest.raises(ConfigurationError, match=r"PPO refuses its options: .*batch_size"):
        Trainer(config, tmp_path / "run")


def test_values_that_begin_too_high_have_fallen_within_a_short_run() -> None:
    """An action that changes nothing is worth gamma times its place, so values fall by gamma with each renewal."""
    found = defaults("DQN", num_envs=64)
    renewals = 50_000 // found["target_update_interval"]
    assert found["gamma"] ** renewals < 0.01


@pytest.mark.slow
def test_dqn_learns_to_go_to_an_object_with_the_usual_options(tmp_path: Path) -> None:
    config = TrainConfig(
        algorithm="sb3:DQN", task=LEVEL, num_envs=64, bank_size=1024, total_frames=30_000, evaluate_every=0
    )
    Trainer(config, tmp_path / "run").run()
    told = [json.loads(line)["success"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert told[0] < 0.6
    assert told[-1] > 0.9


def test_configuration_is_read_back() -> None:
    config = config_of("sb3contrib:TRPO")
    assert TrainConfig.from_json(config.to_json()) == config
