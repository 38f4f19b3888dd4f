"""Configurations: checked when made, the same after a round trip, and nothing unknown is let through."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from groundling.agents import AgentConfig
from groundling.envs import HeldOut, Split
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.training import PPOConfig, TrainConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.ppo_kl import PPOKLConfig


def small(**changes: Any) -> TrainConfig:
    return TrainConfig(**{"num_envs": 8, "ppo": PPOConfig(num_steps=4, minibatch_size=16), **changes})


def test_configuration_comes_back_from_json() -> None:
    held_out = HeldOut(factors=("location", "synonym"), locations=("ball left",), synonyms=("orb",), varied=True)
    config = small(held_out=held_out, seed=5, agent=AgentConfig(memory="lstm", blind=True, cell_dim=3))
    imitation = ImitationConfig(expert="world", demonstrations="set.demos", minibatch_size=64)
    near = PPOConfig(num_steps=4, minibatch_size=16, kl_coef=0.5)
    taught = small(algorithm="bc", imitation=imitation), small(init="runs/bc", ppo=near)
    for whole in (config, small(), small(held_out=HeldOut(factors=())), *taught):
        again = TrainConfig.from_json(whole.to_json())
        assert again == whole
        assert again.to_json() == whole.to_json()


def test_training_bank_is_that_of_what_is_held_out() -> None:
    config = small(task="BabyAI-GoToObjS4-v0", bank_size=40, held_out=HeldOut(combinations=("red ball",)))
    bank = config.training_bank(progress=False)
    assert len(bank) == 40
    assert Split.from_dict(json.loads(bank.split)).held_out == config.held_out
    assert not any("red ball" in text for text in bank.instructions)
    other = dataclasses.replace(config, seed=9).training_bank(progress=False)
    assert not set(bank.seeds) & set(other.seeds)


def test_defaults_can_be_trained() -> None:
    assert TrainConfig().num_updates >= 1


@pytest.mark.parametrize(("frames", "updates"), [(1, 1), (31, 1), (32, 1), (33, 2), (320, 10)])
def test_frames_are_rounded_up_to_whole_rollouts(frames: int, updates: int) -> None:
    config = small(total_frames=frames)
    assert config.rollout_frames == 32
    assert config.num_updates == updates


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("total_frames", 0),
        ("num_envs", 0),
        ("bank_size", -1),
        ("torch_threads", 0),
        ("seed", -1),
        ("checkpoint_seconds", 0),
        ("evaluate_every", -1),
        ("evaluation_episodes", 0),
        ("time_share", 0.0),
        ("time_share", 1.01),
        ("precision", "float16"),
        ("compile", "yes"),
        ("env_threads", 0),
    ],
)
def test_impossible_run_is_refused_and_the_setting_named(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        small(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("num_steps", 0),
        ("num_epochs", 0),
        ("minibatch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("clip", -0.1),
        ("max_grad_norm", 0.0),
        ("gamma", 1.1),
        ("gamma", -0.1),
        ("gae_lambda", 2.0),
        ("kl_coef", -0.1),
        ("kl_coef", float("nan")),
    ],
)
def test_impossible_algorithm_is_refused_and_the_setting_named(setting: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        PPOConfig(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("expert", "everything"),
        ("mixing", -0.1),
        ("mixing", 1.5),
        ("kept_share", -0.1),
        ("kept_share", 1.1),
        ("num_steps", 0),
        ("num_epochs", 0),
        ("minibatch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("max_grad_norm", 0.0),
        ("gamma", 1.1),
        ("gae_lambda", -0.1),
    ],
)
def test_impossible_imitation_is_refused_and_the_setting_named(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        ImitationConfig(**{setting: value})


@pytest.mark.parametrize("algorithm", ["ppo", "bc", "dagger"])
def test_rollouts_are_as_long_as_the_algorithm_says(algorithm: Any) -> None:
    config = small(algorithm=algorithm, imitation=ImitationConfig(num_steps=5, minibatch_size=40), total_frames=81)
    expected = 4 if algorithm == "ppo" else 5
    assert config.algorithm_settings.num_steps == expected
    assert config.rollout_frames == 8 * expected
    assert config.num_updates == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "sac"}, "there is no algorithm 'sac'; did you mean 'a2c'"),
        ({"algorithm": "bc"}, "minibatch_size 1280 is larger than a rollout of 160"),
        ({"algorithm": "dagger", "demonstrations": "set.demos"}, "teach algorithm 'bc' only"),
        ({"algorithm": "bc", "demonstrations": "set.demos", "tasks": ("A", "B")}, "give --task, not --tasks"),
        ({"kl_coef": 0.1}, "kl_coef keeps PPO near the policy that it starts from: it needs an init"),
        (
            {"time_share": 0.5, "task": "groundling/GroundedDoom-Easy-v0"},
            "time limit of groundling/GroundedDoom-Easy-v0",
        ),
        ({"camera": Camera(width=32)}, "give --body rover with it"),
        ({"camera": Camera(width=32), "task": "groundling/GroundedRoom-Easy-v0"}, "give --body rover with it"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes: dict[str, Any], message: str) -> None:
    settings = dict(changes)
    size = 1280 if message.startswith("minibatch") else 16
    imitation = ImitationConfig(demonstrations=settings.pop("demonstrations", ""), minibatch_size=size)
    ppo = PPOConfig(num_steps=4, minibatch_size=16, kl_coef=settings.pop("kl_coef", 0.0))
    with pytest.raises(ConfigurationError, match=message):
        small(imitation=imitation, ppo=ppo, **settings)


def test_settings_of_another_algorithm_wait_unread() -> None:
    near = PPOConfig(num_steps=4, minibatch_size=16, kl_coef=0.1)
    taught = small(algorithm="bc", ppo=near, imitation=ImitationConfig(minibatch_size=16))
    assert taught.settings_of(PPOConfig) == near
    assert small(imitation=ImitationConfig(demonstrations="set.demos")).algorithm == "ppo"


def test_settings_are_the_same_in_whatever_order_they_are_given() -> None:
    ppo, imitation = PPOConfig(num_steps=4, minibatch_size=16), ImitationConfig(minibatch_size=16)
    first, second = (small(settings=given) for given in ((ppo, imitation), (imitation, ppo)))
    assert first == second == small(imitation=imitation)
    assert first.to_json() == second.to_json()


def test_settings_of_an_algorithm_are_its_defaults_where_none_are_given() -> None:
    config = TrainConfig(algorithm="bc", num_envs=16)
    assert config.algorithm_settings == config.settings_of(ImitationConfig) == ImitationConfig()
    assert config.settings == (ImitationConfig(),)
    assert config.settings_of(PPOConfig) == PPOConfig()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warp_factor": 9}, "no setting 'warp_factor'"),
        ({"ppo": ImitationConfig()}, "ppo is a PPOConfig, not Imitation"),
        ({"reward": ()}, "at least one reward"),
        ({"reward_weights": (0.5, 0.5)}, "1 rewards have as many reward_weights, or none, got 2"),
    ],
)
def test_settings_of_no_part_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TrainConfig(**changes)


def test_minibatch_is_checked_of_the_algorithm_that_runs_only() -> None:
    assert small().settings_of(ImitationConfig).minibatch_size > small().rollout_frames
    large = PPOConfig(num_steps=4, minibatch_size=10_000)
    assert small(algorithm="bc", ppo=large, imitation=ImitationConfig(minibatch_size=16)).num_updates >= 1


@pytest.mark.parametrize("name", ["cell_dim", "word_dim", "instruction_dim", "readout_dim", "hidden_dim", "memory_dim"])
def test_agent_of_no_size_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        AgentConfig(**{name: 0})


def test_minibatch_larger_than_a_rollout_is_refused() -> None:
    told = r"33 is larger than a rollout of 32 .*use --num-envs 9 or a smaller --ppo.minibatch-size, at most 32"
    with pytest.raises(ConfigurationError, match=told):
        small(ppo=PPOConfig(num_steps=4, minibatch_size=33))
    with pytest.raises(ConfigurationError, match=r"--ppo-kl\.minibatch-size"):  # as --help writes it
        small(algorithm="ppo_kl", settings=(PPOKLConfig(num_steps=4, minibatch_size=33),))


def changed_json(**changes: Any) -> str:
    return json.dumps({**json.loads(small().to_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "3",
        "null",
        changed_json(warp_factor=9),
        changed_json(agent={"no_such_part": 1}),
        changed_json(ppo=None),
        changed_json(algorithm="sac"),
        *(changed_json(imitation=value) for value in (None, 3, {"teacher": "me"}, {"expert": "everything"})),
        *(changed_json(held_out=value) for value in (None, 3, "all", {"warp": 1}, {"factors": ["colour"]})),
        changed_json(held_out={"combinations": [3]}),
        changed_json(split="train"),
        changed_json(num_envs="many"),
        changed_json(num_envs=0),
        "{}",
    ],
)
def test_text_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        TrainConfig.from_json(text)
