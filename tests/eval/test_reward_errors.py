"""Evaluation tells how often the rewards of a run are wrong about its episodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from groundling.agents import AgentConfig
from groundling.eval.evaluating import report_run
from groundling.training import PPOConfig, TrainConfig, train

REWARD = '''
import numpy as np

from groundling.training.rewards.base import RewardTerm


class Hopeful(RewardTerm):
    """Takes the episodes in three of four environments for solved, and remembers for how many steps it was asked."""

    def __init__(self, config, envs):
        super().__init__(config, envs)
        self.memory = np.zeros(envs.num_envs)
        self.is_told = False

    def begin(self):
        self.is_told = True

    def __call__(self, transition):
        assert self.is_told and len(transition.texts) == len(transition.reward) == len(self.memory)
        assert transition.observation["image"].shape == transition.next_observation["image"].shape
        self.memory += 1
        return transition.reward

    def verdicts(self, transition):
        assert self.is_frozen == (len(self.memory) > 8)
        return np.arange(len(self.memory)) % 4 != 0

    def state_dict(self):
        return {"memory": self.memory.tolist()}

    def load_learned(self, saved):
        assert len(saved["memory"]) == 8
'''


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "hopeful.py").write_text(REWARD)
    config = TrainConfig(
        task="BabyAI-GoToObjS4-v0",
        total_frames=96,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(hidden_dim=8),
        settings=(PPOConfig(num_steps=12, minibatch_size=48),),
        reward=("environment", f"{tmp_path / 'hopeful.py'}:Hopeful"),
    )
    train(config, tmp_path / "run")
    return tmp_path / "run"


def test_false_positives_and_negatives_stand_in_the_table_of_each_suite(run: Path) -> None:
    console = Console(record=True, width=200)
    report = report_run(run, suites=["layout"], episodes=60, video=False, console=console)
    (table,) = report.measures["layout"]
    ((name, episodes, (positives, negatives)),) = table.rows
    assert (name, episodes) == (f"{run.parent / 'hopeful.py'}:Hopeful", 60)
    assert 0.55 < positives < 0.95
    assert 0.05 < negatives < 0.45
    told = json.loads((run / "evaluation.json").read_text())["measures"]["layout"]
    assert told[0]["rows"][0]["false_positives"] == positives
    shown = console.export_text()
    assert "layout: the trained agent by reward" in shown
    assert "false_negatives: share of successful episodes that the reward does not take for solved" in shown
