"""The facts of a run at the head of its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundling.eval.facts import run_facts
from groundling.training import TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.tasks import families


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("BabyAI-GoToObj-v0", "combination (purple key, green box, yellow ball, grey key)"),
        ("groundling/Questions-Near-v0", "what the task fixes"),  # its held-out colors are no setting of a run
    ],
)
def test_held_out_is_told_of_tasks_whose_training_depends_on_it(task: str, told: str, tmp_path: Path) -> None:
    config = TrainConfig(task=task, num_envs=128, bank_size=128)
    trainer = Trainer(config, tmp_path / "run")
    trainer.run(stop_after_updates=0)
    checkpoint = Checkpoint.load(tmp_path / "run" / CHECKPOINT_NAME)
    facts = run_facts(checkpoint, checkpoint.make_agent(), families(config))
    assert facts["held out"] == told
