"""Rewards: a weighted sum of terms, what is logged of them, what they keep, and what they may not change."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.errors import ConfigurationError, DivergenceError, ExtensionError
from groundling.interfaces import Transition
from groundling.training import TrainConfig, Trainer, train
from groundling.training.rewards.environment import EnvironmentReward
from groundling.training.rewards.stage import RewardStage

OWN = '''
from dataclasses import dataclass

import numpy as np


class Opposite:
    """Pays less the more the environments pay."""

    def __init__(self, config, envs):
        pass

    def __call__(self, transition):
        return -transition.reward

    def update(self, batch):
        return {}

    def state_dict(self):
        return {}

    def load_state_dict(self, saved):
        pass


@dataclass(frozen=True)
class CountedConfig:
    """Settings.

    Attributes:
        bonus: of a step.
    """

    bonus: float = 0.5


class Counted(Opposite):
    """Pays more the longer the run is, and remembers for how long it paid."""

    Config = CountedConfig
    section = "counted"

    def __init__(self, config, envs):
        self.settings = config.settings_of(CountedConfig)
        self.steps = self.rollouts = 0

    def __call__(self, transition):
        self.steps += 1
        assert len(transition.texts) == len(transition.reward)
        return np.full(len(transition.reward), self.settings.bonus * self.steps)

    def update(self, batch):
        self.rollouts += 1
        return {"rollouts": float(self.rollouts)}

    def state_dict(self):
        return {"steps": self.steps, "rollouts": self.rollouts}

    def load_state_dict(self, saved):
        self.steps, self.rollouts = saved["steps"], saved["rollouts"]


class Short(Opposite):
    def __call__(self, transition):
        return transition.reward[:-1]


class Broken(Opposite):
    def __call__(self, transition):
        return transition.reward + np.nan
'''


class Fixed:
    """Pays what it is told, whatever happens."""

    def __init__(self, *paid: Any) -> None:
        self.paid = paid

    def __call__(self, transition: Transition) -> Any:
        return np.array(self.paid)

    def update(self, batch: Any) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        pass


def transition_of(*reward: float) -> Transition:
    no = np.zeros(len(reward), dtype=np.bool_)
    paid = np.array(reward, dtype=np.float64)
    return Transition({}, np.zeros(len(reward), dtype=np.int64), {}, paid, no, no, {})


def play(stage: RewardStage, *transitions: Transition) -> torch.Tensor:
    """The rewards [T, B] of a rollout of these steps, as they are settled."""
    reward = torch.tensor(np.stack([stage(step) for step in transitions]), dtype=torch.float32)
    rollout = SimpleNamespace(reward=reward, on_host=SimpleNamespace(reward=reward))
    stage.settle(rollout)  # type: ignore[arg-type]
    return rollout.reward


def means_of(stage: RewardStage) -> dict[str, float]:
    """The mean of each term."""
    return {name: value for name, value in stage.take_metrics().items() if name.removeprefix("reward/") in stage.terms}


@pytest.fixture
def place(tmp_path: Path) -> str:
    file = tmp_path / "own_rewards.py"
    file.write_text(OWN)
    return str(file)


# The stage


def test_sum_is_weighted_term_by_term() -> None:
    terms: dict[str, Any] = {"environment": EnvironmentReward(), "fixed": Fixed(1.0, -2.0), "other": Fixed(4, 4)}
    stage = RewardStage(terms, (2.0, 0.5, -0.25))
    assert stage(transition_of(10.0, 0.0)).tolist() == [20 + 0.5 - 1, -1 - 1]


def test_each_term_is_logged_as_a_mean_over_steps_and_environments_without_its_weight() -> None:
    terms: dict[str, Any] = {"environment": EnvironmentReward(), "fixed": Fixed(1.0, -2.0)}
    stage = RewardStage(terms, (1.0, 100.0))
    play(stage, transition_of(1.0, 0.0), transition_of(3.0, 0.0))
    assert means_of(stage) == {"reward/environment": 1.0, "reward/fixed": -0.5}
    play(stage, transition_of(8.0, 0.0))
    assert means_of(stage) == {"reward/environment": 4.0, "reward/fixed": -0.5}
    assert means_of(stage) == {}


def test_environments_reward_alone_is_passed_on_untouched_and_not_logged_twice() -> None:
    assert RewardStage.of_environment().is_plain
    assert not RewardStage({"environment": EnvironmentReward()}, (0.5,)).is_plain
    assert not RewardStage({"fixed": Fixed(1.0)}, (1.0,)).is_plain
    stage = RewardStage.of_environment()
    assert stage.take_metrics() == {}
    assert stage.texts_of(SimpleNamespace(unwrapped=SimpleNamespace(instructions=("a",)))) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("paid", [(1.0,), (1.0, 2.0, 3.0), ((1.0, 2.0),), (), (np.nan, 0.0), (0.0, np.inf)])
def test_term_that_pays_something_else_than_a_number_for_each_environment_is_refused(paid: Any) -> None:
    stage = RewardStage({"environment": EnvironmentReward(), "mine": Fixed(*paid)}, (1.0, 1.0))
    with pytest.raises((ConfigurationError, DivergenceError), match=r"'mine' gave .* is to give \[2\] finite numbers"):
        stage(transition_of(1.0, 0.0))


# Runs


def test_weight_of_one_is_bit_equal_to_no_weights(tmp_path: Path) -> None:
    plain = train(make_config(), tmp_path / "plain")
    weighted = train(make_config(reward_weights=(1.0,)), tmp_path / "weighted")
    assert_same(weighted.agent.state_dict(), plain.agent.state_dict())
    assert not [name for name in plain.metrics if name.startswith("reward")]
    doubled = train(make_config(reward_weights=(2.0,)), tmp_path / "doubled")
    assert not torch.equal(doubled.agent.policy.weight, plain.agent.policy.weight)


def test_rewards_that_pay_the_environments_in_two_halves_train_as_the_environments_do(tmp_path: Path) -> None:
    """Through the stage, not around it."""
    plain, halves = (Trainer(make_config(), tmp_path / name) for name in ("plain", "halves"))
    terms: dict[str, Any] = {"one": EnvironmentReward(), "other": EnvironmentReward()}
    halves.state.rewards = halves.algorithm.collector.rewards = RewardStage(terms, (0.5, 0.5))
    ours, theirs = halves.run(), plain.run()
    assert_same(ours.agent.state_dict(), theirs.agent.state_dict())
    rows = metrics_of(tmp_path / "halves")
    assert all(row["reward/one"] == row["reward/other"] for row in rows)
    assert any(row["reward/one"] > 0 for row in rows)


def test_success_and_return_are_not_touched_by_a_reward_that_pays_the_opposite(place: str, tmp_path: Path) -> None:
    opposite = Trainer(make_config(reward=(f"{place}:Opposite",)), tmp_path / "opposite")
    plain = Trainer(make_config(), tmp_path / "plain")
    rollouts = [trainer.algorithm.collect() for trainer in (opposite, plain)]
    assert torch.equal(rollouts[0].action, rollouts[1].action)
    assert torch.equal(rollouts[0].reward, -rollouts[1].reward)
    assert rollouts[1].reward.any()
    ours, theirs = (trainer.statistics.take() for trainer in (opposite, plain))
    assert np.array_equal(list(ours.values()), list(theirs.values()), equal_nan=True)
    assert theirs["success"] > 0
    metrics = opposite.rewards.take_metrics()
    assert metrics[f"reward/{place}:Opposite"] == pytest.approx(float(rollouts[0].reward.mean()))


def test_resumed_run_goes_on_with_what_its_rewards_remember(place: str, tmp_path: Path) -> None:
    config = make_config(reward=("environment", f"{place}:Counted"), reward_weights=(1.0, 0.01))
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    assert checkpoint_of(tmp_path / "parts").rewards[f"{place}:Counted"] == {"steps": 12, "rollouts": 1}
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(whole):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")
    rows = metrics_of(tmp_path / "whole")
    assert [row[f"reward/{place}:Counted/rollouts"] for row in rows] == [1, 2, 3, 4]
    assert [row[f"reward/{place}:Counted"] for row in rows] == [
        0.5 * np.mean(range(n, n + 12)) for n in (1, 13, 25, 37)
    ]


def test_settings_of_a_reward_are_those_of_the_run(place: str, tmp_path: Path) -> None:
    name = f"{place}:Counted"
    config = make_config(reward=(name,))
    values = {**config.to_dict(), "counted": {"bonus": 2.0}}
    changed = type(config).from_dict(values)
    assert changed.to_dict()["counted"] == {"bonus": 2.0}
    metrics = Trainer(changed, tmp_path / "run").train_once()
    assert metrics[f"reward/{name}"] == 2.0 * np.mean(range(1, 13))
    with pytest.raises(ConfigurationError, match="CountedConfig has no setting 'bonsu'; did you mean bonus"):
        type(config).from_dict({**values, "counted": {"bonsu": 2.0}})


@pytest.mark.parametrize("kind", ["Short", "Broken"])
def test_run_whose_reward_is_wrong_is_refused_in_one_line_that_names_it(kind: str, place: str, tmp_path: Path) -> None:
    trainer = Trainer(make_config(reward=(f"{place}:{kind}",)), tmp_path / "run")
    with pytest.raises((ConfigurationError, DivergenceError), match=rf"own_rewards\.py:{kind}' gave .* \[8\] finite"):
        trainer.run()


def test_reward_that_there_is_not_is_refused_and_leaves_no_folder(place: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no reward 'environement'; did you mean 'environment'"):
        Trainer(make_config(reward=("environement",)), tmp_path / "run")
    with pytest.raises(ExtensionError, match="has no 'Countd'; it has Counted"):
        Trainer(make_config(reward=(f"{place}:Countd",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_reward_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="named twice: environment, environment"):
        TrainConfig(reward=("environment", "environment"), reward_weights=(1.0, 2.0))
