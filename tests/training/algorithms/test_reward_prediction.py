"""Reward prediction: which observations it is about, that features learn from it, and that runs resume with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.agents import ActorCritic
from groundling.errors import ConfigurationError
from groundling.training import TrainConfig, Trainer, train
from groundling.training.algorithms.ppo import PPOConfig
from groundling.training.algorithms.reward_prediction import RewardPrediction


def config_of(**changes: Any) -> TrainConfig:
    config = make_config()
    ppo = replace(config.settings_of(PPOConfig), **changes)
    return replace(config, settings=(ppo,))


def test_an_observation_is_labelled_by_the_step_that_led_to_it_in_the_same_episode() -> None:
    rollout: Any = SimpleNamespace(
        reward=torch.tensor([[0.0, 2.0], [0.5, -1.0], [0.0, 0.1], [9.0, 9.0]]),
        is_first=torch.tensor([[False, True], [False, False], [False, True], [True, False]]),
    )
    labels = RewardPrediction.labels(rollout).squeeze(-1)
    assert labels.tolist() == [[-1, -1], [0, 1], [1, -1], [-1, 1]]


def test_loss_is_a_mean_over_what_is_known() -> None:
    prediction = RewardPrediction(ActorCritic())
    torch.nn.init.zeros_(prediction.head.weight)
    torch.nn.init.zeros_(prediction.head.bias)
    features = torch.zeros(2, 2, prediction.head.in_features)
    labels = torch.tensor([[[-1.0], [1.0]], [[0.0], [-1.0]]])
    assert float(prediction.loss(features, labels).detach()) == pytest.approx(0.6931, abs=1e-3)
    assert float(prediction.loss(features, torch.full_like(labels, -1)).detach()) == 0.0


def test_a_run_learns_with_it_and_resumes_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    config = config_of(reward_coef=0.5)
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    Trainer(config, tmp_path / "parts", resume=True).run()
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    assert_same(whole.agent, parts.agent)
    assert_same(whole.algorithm["prediction"], parts.algorithm["prediction"])
    assert metrics_of(tmp_path / "whole")[-1]["reward_prediction_loss"] > 0
    train(config_of(), tmp_path / "without")
    without = checkpoint_of(tmp_path / "without")
    assert "prediction" not in without.algorithm
    assert any(not torch.equal(without.agent[name], whole.agent[name]) for name in whole.agent)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="reward_coef must be at least 0"):
        PPOConfig(reward_coef=-0.1)
