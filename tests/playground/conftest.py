"""Runs that the tests of the playground look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundling.agents import AgentConfig
from groundling.eval.recording import save_video
from groundling.eval.runs import evaluate_run
from groundling.training import PPOConfig, TrainConfig, Trainer


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of hardly any training, evaluated, and a video of one; beside their folder a run that is outside."""
    folder = tmp_path_factory.mktemp("playground")
    for seed in (1, 2):
        config = TrainConfig(
            task="BabyAI-GoToObjS4-v0",
            seed=seed,
            agent=AgentConfig(word_dim=8, instruction_dim=8, hidden_dim=16),
            num_envs=32,
            bank_size=64,
            total_frames=4096,
            settings=(PPOConfig(num_steps=8, minibatch_size=256, learning_rate=1e-5),),
        )
        run = folder / "runs" / f"seed{seed}"
        Trainer(config, run).run()
        evaluate_run(run, ("layout",), episodes=50, progress=False, allow_unseen_words=True).save(run)
    frames = [np.full((64, 64, 3), shade, np.uint8) for shade in range(0, 250, 25)]
    (folder / "outside").mkdir()
    (folder / "outside" / "metrics.jsonl").write_bytes((folder / "runs" / "seed1" / "metrics.jsonl").read_bytes())
    for name in ("runs/seed1", "outside"):
        save_video(frames, folder / name / "watch.mp4")
    return folder / "runs"
