"""What is not finite ends a run before it is saved, and is named."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import After, checkpoint_of, small_config

from groundling.errors import ConfigurationError, DivergenceError
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.divergence import check_metrics, check_parameters


def spoil(trainer: Trainer, value: float) -> None:
    with torch.no_grad():
        trainer.agent.policy.weight[0, 0] = value


def test_loss_that_is_not_finite_ends_the_run_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    Trainer(small_config(), tmp_path).run(stop_after_updates=1)
    before = (tmp_path / CHECKPOINT_NAME).read_bytes()
    trainer = Trainer(small_config(checkpoint_seconds=1e-9), tmp_path, resume=True)
    learn = trainer.algorithm.learn

    def broken(rollout: Any) -> dict[str, float]:
        rollout.reward[0, 0] = math.nan
        return learn(rollout)

    trainer.algorithm.learn = broken
    with pytest.raises(
        DivergenceError, match=r"in update 2, .*policy_loss is nan.* the last checkpoint of .* unchanged"
    ):
        trainer.run()
    assert (tmp_path / CHECKPOINT_NAME).read_bytes() == before
    assert checkpoint_of(tmp_path).updates == 1


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_parameter_that_is_not_finite_is_not_saved(value: float, tmp_path: Path) -> None:
    trainer = Trainer(small_config(checkpoint_seconds=1e-9), tmp_path)
    with pytest.raises(DivergenceError, match=r"in update 2, the parameter policy\.weight is not finite; the last"):
        trainer.run(After(2, lambda: spoil(trainer, value)))
    assert all(array.isfinite().all() for array in checkpoint_of(tmp_path).agent.values())


def test_what_pytorch_refuses_because_of_a_parameter_is_told_as_that(tmp_path: Path) -> None:
    trainer = Trainer(small_config(), tmp_path)
    spoil(trainer, math.nan)
    trainer.algorithm.collect = lambda: torch.multinomial(torch.tensor([math.nan]), 1)
    with pytest.raises(
        DivergenceError, match=r"in update 1, the parameter policy\.weight is not finite; no checkpoint"
    ):
        trainer.run()


def test_other_errors_of_an_update_stay_what_they_are(tmp_path: Path) -> None:
    trainer = Trainer(small_config(), tmp_path)
    trainer.algorithm.collect = lambda: [].index(0)
    with pytest.raises(ValueError, match="not in list"):
        trainer.run()


def test_algorithm_of_stable_baselines3_names_its_parameter(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    trainer = Trainer(small_config(algorithm="sb3:PPO"), tmp_path)
    trainer.train_once()
    with torch.no_grad():
        next(trainer.algorithm.model.policy.action_net.parameters()).fill_(math.nan)
    with pytest.raises(DivergenceError, match=r"in update 2, the parameter action_net\.weight is not finite"):
        trainer.run()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_metrics_are_finite_but_for_those_that_may_be_undefined(value: float) -> None:
    check_metrics({"explained_variance": value, "loss": 1.0}, {"explained_variance"})
    with pytest.raises(DivergenceError, match=r"^loss is -?(nan|inf), norm is -?(nan|inf)$"):
        check_metrics({"loss": value, "entropy": 0.0, "norm": value}, {"explained_variance"})


def test_large_parameters_are_finite() -> None:
    check_parameters({"weight": torch.full((4,), 3e38), "count": torch.tensor(3), "none": torch.zeros(0)})
    check_parameters({"half": torch.full((4,), 300.0, dtype=torch.bfloat16)})
    check_parameters({})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["learning_rate", "entropy_coef", "max_grad_norm", "gamma"])
def test_setting_that_is_not_finite_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        small_config(ppo=PPOConfig(**{"num_steps": 12, "minibatch_size": 48, name: value}))


@pytest.mark.parametrize("changes", [{"checkpoint_seconds": math.inf}, {"reward_weights": (math.nan,)}])
def test_setting_of_the_run_that_is_not_finite_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(changes))):
        TrainConfig(**changes)
