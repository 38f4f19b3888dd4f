"""Frozen rewards: what another run learned, paid again and learned no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_loop import checkpoint_of, make_config

from groundling.errors import CheckpointError, ConfigurationError
from groundling.training import Trainer, train

LEARNED = '''
import numpy as np

from groundling.training.rewards.base import RewardTerm


class Learned(RewardTerm):
    """Pays the number of rollouts that it learned from."""

    rollouts = 0

    def __call__(self, transition):
        return np.full(len(transition.reward), float(self.rollouts))

    def update(self, rollout):
        self.rollouts += not self.is_frozen
        return {"rollouts": float(self.rollouts)}

    def verdicts(self, transition):
        return transition.terminated

    def state_dict(self):
        return {"rollouts": self.rollouts}

    def load_state_dict(self, saved):
        self.rollouts = saved["rollouts"]


class Late(Learned):
    """The same, decided after the rollout."""

    def __call__(self, transition):
        return np.zeros(len(transition.reward))

    def repaid(self, rollout):
        return np.full(rollout.reward.shape, float(self.rollouts))
'''


@pytest.fixture
def place(tmp_path: Path) -> str:
    file = tmp_path / "learned.py"
    file.write_text(LEARNED)
    return str(file)


@pytest.mark.parametrize("kind", ["Learned", "Late"])
def test_frozen_reward_pays_what_was_learned_and_learns_no_more(kind: str, place: str, tmp_path: Path) -> None:
    learned = make_config(reward=("environment", f"{place}:{kind}"), reward_weights=(1.0, 3.0))
    train(learned, tmp_path / "learned")
    assert checkpoint_of(tmp_path / "learned").rewards[f"{place}:{kind}"] == {"rollouts": 4}
    name = f"frozen:{tmp_path / 'learned'}"
    trainer = Trainer(make_config(reward=(name,), reward_weights=(2.0,)), tmp_path / "run")
    for _ in range(2):
        metrics = trainer.train_once()
        assert metrics[f"reward/{name}"] == 3.0 * 4
        assert metrics[f"reward/{name}/{place}:{kind}/rollouts"] == 4.0
    assert trainer.algorithm.collector.rollout.reward.unique().tolist() == [24.0]
    trainer.save()
    trainer.close()
    resumed = Trainer(make_config(reward=(name,), reward_weights=(2.0,)), tmp_path / "run", resume=True)
    assert resumed.train_once()[f"reward/{name}"] == 12.0


def test_what_cannot_be_frozen_is_refused_in_a_line_that_says_why(place: str, tmp_path: Path) -> None:
    train(make_config(), tmp_path / "plain")
    with pytest.raises(ConfigurationError, match="was paid by the environment only"):
        Trainer(make_config(reward=(f"frozen:{tmp_path / 'plain'}",)), tmp_path / "one")
    with pytest.raises(CheckpointError, match="there is no checkpoint at"):
        Trainer(make_config(reward=("frozen:nowhere",)), tmp_path / "two")
    with pytest.raises(ConfigurationError, match="name the folder of the run"):
        make_config(reward=("frozen:",))
    assert not (tmp_path / "one").exists()


def test_reward_of_another_vocabulary_is_refused(place: str, tmp_path: Path) -> None:
    other: dict[str, Any] = {"task": "groundling/RTFM-Simple-6x6-v0"}
    train(make_config(reward=(f"{place}:Learned",)), tmp_path / "learned")
    config = make_config(reward=(f"frozen:{tmp_path / 'learned'}",), **other)
    with pytest.raises(ConfigurationError, match="were learned with another vocabulary"):
        Trainer(config, tmp_path / "run")
