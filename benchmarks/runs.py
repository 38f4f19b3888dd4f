"""Training runs of benchmarks: trained to the end or gone on with, measured, and their curves."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundling.agents import RandomPolicy
from groundling.eval.evaluation import Evaluation
from groundling.eval.runs import evaluate_run, evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.files import write_text
from groundling.interfaces import Policy
from groundling.training import TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.logs import read_metrics

TIME_NAME = "processor_seconds.json"


def finish(config: TrainConfig, folder: Path, frames: int | None = None) -> float:
    """Train to the end or for so many frames, from the checkpoint if there is one; the seconds of training in all."""
    trainer = Trainer(config, folder, resume=(folder / CHECKPOINT_NAME).exists())
    updates = config.num_updates if frames is None else round(frames / config.rollout_frames)
    trainer.run(stop_after_updates=max(0, updates - trainer.updates))
    return sum(config.rollout_frames / row["frames_per_second"] for row in read_metrics(folder))


def finish_timed(config: TrainConfig, folder: Path, frames: int | None = None) -> float:
    """Train to the end or for so many frames, unless that was done; the processor seconds of training in all, kept in
    the folder.
    """
    place, saved, spent = folder / TIME_NAME, folder / CHECKPOINT_NAME, 0.0
    updates = config.num_updates if frames is None else round(frames / config.rollout_frames)
    if place.exists():
        spent = float(json.loads(place.read_text()))
    if not saved.exists() or Checkpoint.load(saved).updates < updates:
        begun = time.process_time()
        finish(config, folder, frames)
        spent += time.process_time() - begun
        write_text(place, json.dumps(spent))
    return spent


def keep_rows(rows: Sequence[dict[str, Any]], path: Path | None) -> None:
    """Write rows into a file, those of other keys that it holds before them; None writes nothing."""
    if path is None:
        return
    kept = json.loads(path.read_text())["rows"] if path.exists() else []
    found = {one["key"]: one for one in [*kept, *rows]}
    write_text(path, json.dumps({"rows": list(found.values())}, indent=1) + "\n")


def tested_reader(
    config: TrainConfig, folder: Path, suite: str, more: Sequence[str], episodes: int
) -> tuple[dict[str, float], Evaluation]:
    """A run's agent on one suite with its controls, and on more suites by itself; actions are drawn.

    Returns:
        success by agent and control: "trained", "random", the controls of instruction and document, "swap_follow" (how
        often the agent does what another's document says, where that is known), "greedy" (likeliest actions) and
        "suite NAME"; and the evaluation of the trained agent.
    """
    trained = Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
    suites, _ = suite_rows(config, (suite, *more), episodes=episodes, progress=False)
    main = {suite: suites.pop(suite)}
    policies: dict[str, Policy] = {"trained": trained, "random": RandomPolicy(trained.num_actions)}
    tested = {who: found for _, who, found in evaluate_suites(policies, main)}
    agents = {who: found.success for who, found in tested.items()}
    misled = tested.get("other_doc")  # none beside an agent that reads no document
    followed = None if misled is None else misled.followed
    if followed is not None:
        agents["swap_follow"] = followed[0] / followed[1]
    for _, _, found in evaluate_suites({"greedy": trained}, main, greedy=True):
        agents["greedy"] = found.success
    for name, _, found in evaluate_suites({"agent": trained}, suites):
        agents[f"suite {name}"] = found.success
    return agents, tested["trained"]


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
