"""PPO with a KL penalty: nothing is clipped, the penalty holds the policy back, and its weight adapts."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from test_a2c import algorithm_of, assert_close, gradients, play, updated
from test_episodic import SIZES

from groundling.agents import AgentConfig
from groundling.errors import ConfigurationError
from groundling.training import A2C, A2CConfig, TrainConfig, Trainer
from groundling.training.algorithms.ppo_kl import OLD, PPOKL, PPOKLConfig, adapted

T, B = 5, 8
SHARED: dict[str, Any] = {"num_steps": T, "entropy_coef": 0.02, "max_grad_norm": 1e9, "normalize_advantage": False}
ONCE = PPOKLConfig(**SHARED, num_epochs=1, minibatch_size=T * B)


@pytest.mark.parametrize("memory", ["none", "lstm"])
def test_first_step_is_the_policy_gradient_since_the_penalty_has_no_gradient_at_the_old_policy(memory: str) -> None:
    agent, rollout = play(memory)
    a2c = algorithm_of(A2C, agent, A2CConfig(**SHARED, gae_lambda=ONCE.gae_lambda))
    for beta in (0.1, 100.0):
        own = algorithm_of(PPOKL, agent, dataclasses.replace(ONCE, beta=beta))
        assert_close(updated(own, rollout)[0], updated(a2c, rollout)[0])
        a2c = algorithm_of(A2C, agent, A2CConfig(**SHARED, gae_lambda=ONCE.gae_lambda))


def test_objective_equals_hand_computed_numbers() -> None:
    """Old (.5, .5), new (.8, .2), action 0 with advantage 2: -(1.6 * 2) + 3 KL(old || new)."""
    agent, _ = play("none")
    own = algorithm_of(PPOKL, agent, dataclasses.replace(ONCE, beta=3.0))
    new, old = torch.tensor([[0.8, 0.2]]).log(), torch.tensor([[0.5, 0.5]]).log()
    loss = own.policy_loss(new, torch.tensor([math.log(1.6)]), torch.tensor([2.0]), {OLD: old})
    kl = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    assert float(loss) == pytest.approx(-3.2 + 3 * kl, rel=1e-5)


def test_weight_adapts_to_the_target() -> None:
    assert [adapted(1.0, kl, 0.01) for kl in (0.006, 0.008, 0.014, 0.016)] == [0.5, 1.0, 1.0, 2.0]


@pytest.mark.parametrize("kl", [0.0, 1.0])
def test_weight_stays_where_it_can_come_back_from(kl: float) -> None:
    """After two thousand updates on one side of the target, forty on the other one are enough to turn it."""
    weight = 1.0
    for _ in range(2000):
        weight = adapted(weight, kl, 0.01)
    assert 0 < weight < math.inf
    for _ in range(40):
        weight = adapted(weight, 1.0 - kl, 0.01)
    assert weight > 1 if kl == 0 else weight < 1


def test_larger_weight_keeps_the_policy_nearer_and_what_was_reached_is_told() -> None:
    agent, rollout = play("none")
    found = {}
    for beta in (1e-3, 30.0):
        settings = dataclasses.replace(ONCE, beta=beta, num_epochs=20, learning_rate=3e-3, kl_target=1e-3)
        own = algorithm_of(PPOKL, agent, settings)
        found[beta] = own.learn(rollout)
        assert own.beta == found[beta]["beta"] == adapted(beta, found[beta]["kl"], 1e-3)
        assert found[beta]["clip_fraction"] == 0
    assert 0 < found[30.0]["kl"] < 0.3 * found[1e-3]["kl"]


def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(tmp_path: Path) -> None:
    config = TrainConfig(
        algorithm="ppo_kl",
        task="BabyAI-GoToObjS4-v0",
        total_frames=8 * 12 * 4,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(**SIZES),
        settings=(PPOKLConfig(num_steps=12, minibatch_size=32),),
    )
    whole = Trainer(config, tmp_path / "whole").run()
    assert whole.metrics["beta"] < 1  # it has adapted, and what it was is needed
    Trainer(config, tmp_path / "parts").run(stop_after_updates=2)
    parts = Trainer(config, tmp_path / "parts", resume=True).run().agent.state_dict()
    assert all(torch.equal(array, parts[name]) for name, array in whole.agent.state_dict().items())


def test_value_head_is_trained_as_by_ppo() -> None:
    agent, rollout = play("none")
    own = algorithm_of(PPOKL, agent, ONCE)
    own.learn(rollout)
    assert float(gradients(own.agent)["value.weight"].abs().max()) > 0


@pytest.mark.parametrize("values", [{"kl_target": 0.0}, {"beta": -1.0}, {"gamma": 2.0}, {"num_epochs": 0}])
def test_impossible_setting_is_refused_and_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        PPOKLConfig(**values)
