"""Training runs of benchmarks: trained to the end or gone on with, measured, and their curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundling.eval.runs import evaluate_run
from groundling.training import TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics


def finish(config: TrainConfig, folder: Path, frames: int | None = None) -> float:
    """Train to the end or for so many frames, from the checkpoint if there is one; the seconds of training in all."""
    trainer = Trainer(config, folder, resume=(folder / CHECKPOINT_NAME).exists())
    updates = config.num_updates if frames is None else round(frames / config.rollout_frames)
    trainer.run(stop_after_updates=max(0, updates - trainer.updates))
    return sum(config.rollout_frames / row["frames_per_second"] for row in read_metrics(folder))


def report_of(folder: Path, suites: Sequence[str], episodes: int) -> dict[str, Any]:
    """Every suite of a run's agent and its controls."""
    report = evaluate_run(folder, suites, episodes=episodes, progress=False)
    return {s: {agent: e.to_dict() for agent, e in row.items()} for s, row in report.results.items()}


def curve_of(folder: Path, points: int = 100) -> list[dict[str, float]]:
    """Success in training against frames and minutes, means over as many stretches.

    With the teacher's share of the actions and, where there is one, how often the agent's likeliest action is its.
    """
    rows = read_metrics(folder)
    frames = np.array([row["frames"] for row in rows])
    steps = np.diff(frames, prepend=0)
    minutes = np.cumsum(steps / np.array([row["frames_per_second"] for row in rows])) / 60
    curve = []
    for part in np.array_split(np.arange(len(rows)), min(points, len(rows))):
        known = [rows[i] for i in part if "success" in rows[i]]
        episodes = sum(row["episodes"] for row in known)
        if episodes:
            point = {
                "frames": int(frames[part[-1]]),
                "minutes": round(float(minutes[part[-1]]), 2),
                "success": sum(row["success"] * row["episodes"] for row in known) / episodes,
                "teacher_share": float(np.mean([row.get("teacher_share", 0.0) for row in known])),
            }
            if "accuracy" in rows[0]:
                point["accuracy"] = float(np.mean([row["accuracy"] for row in known]))
            curve.append(point)
    return curve
