"""Kills: a run is killed (kill -9) at any moment and resumed; what comes out is bit by bit what it would have been.

Runs of several algorithms, in turn. Each is killed once or more often, also before its first checkpoint, when it begins
anew in the same folder. Compared are the whole checkpoints, the metrics, and what TensorBoard shows of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from reliability_kinds import Grade, Kind, Outcome
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from groundling.agents import AgentConfig
from groundling.eval.periodic import PeriodicEvaluation
from groundling.run_lock import LOCK_NAME
from groundling.training import Checkpoint, CurriculumConfig, ImitationConfig, PPOConfig, TrainConfig, Trainer
from groundling.training.best import BEST_NAME
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import TENSORBOARD_NAME, read_metrics, tag_of

TRIALS: Final = 40
MOST_KILLS: Final = 3  # of one run
TASK: Final = "BabyAI-GoToObjS4-v0"
LONGEST_S: Final = 120.0
TIMES: Final = ("frames_per_second",)  # metrics that are another one each time


def configurations() -> dict[str, TrainConfig]:
    """What is trained."""
    sizes: Any = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}
    small = AgentConfig(**sizes)
    ppo = PPOConfig(num_steps=12, minibatch_size=48, num_epochs=2)
    imitation = ImitationConfig(num_steps=12, minibatch_size=48)
    base = TrainConfig(
        task=TASK,
        total_frames=8 * 12 * 16,
        num_envs=8,
        bank_size=64,
        agent=small,
        checkpoint_seconds=0.05,
        settings=(ppo, imitation),
    )
    memory = dataclasses.replace(small, memory="gru", memory_dim=8)
    tasks = (TASK, "BabyAI-GoToObj-v0")
    return {
        "ppo": base,
        "ppo with a memory": dataclasses.replace(base, agent=memory),
        "ppo, evaluated": dataclasses.replace(base, evaluate_every=384, evaluation_episodes=4),
        "a2c": dataclasses.replace(base, algorithm="a2c"),
        "dagger": dataclasses.replace(base, algorithm="dagger"),
        "two tasks in stages": dataclasses.replace(base, tasks=tasks, curriculum=CurriculumConfig("stages")),
    }


def train(config: TrainConfig, folder: Path) -> None:
    """Begin a run, or go on with it where it has a checkpoint."""
    resume = (folder / CHECKPOINT_NAME).exists()
    Trainer(config, folder, resume=resume, evaluator=PeriodicEvaluation.of(config)).run()


def killed_after(seconds: float, config: TrainConfig, folder: Path) -> bool:
    """Train in a process of its own and kill it after a while; returns whether it was still at work."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            train(config, folder)
            code = 0
        os._exit(code)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def difference(ours: Any, theirs: Any, where: str = "") -> str:
    """Where two values differ, through mappings and sequences down to the bits; empty if they do not."""
    if isinstance(ours, torch.Tensor):
        return "" if torch.equal(ours, theirs) else where
    if isinstance(ours, Mapping):
        if ours.keys() != theirs.keys():
            return where
        found = (difference(ours[key], theirs[key], f"{where}.{key}") for key in ours)
    elif isinstance(ours, list | tuple):
        if len(ours) != len(theirs):
            return where
        found = (difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(ours, theirs, strict=True)))
    else:
        return "" if ours == theirs else where
    return next(filter(None, found), "")


def contents(folder: Path) -> dict[str, Any]:
    """All that must be as if nothing had happened."""
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    rows = [{k: v for k, v in row.items() if k not in TIMES} for row in read_metrics(folder)]
    best = folder / BEST_NAME
    return {
        "checkpoint": {field.name: getattr(checkpoint, field.name) for field in dataclasses.fields(Checkpoint)},
        "best": Checkpoint.load(best).fingerprint if best.exists() else None,
        "metrics": rows,
    }


def board_differs(folder: Path) -> str:
    """The first number that TensorBoard shows otherwise than metrics.jsonl has it; empty if there is none."""
    events = EventAccumulator(str(folder / TENSORBOARD_NAME))
    events.Reload()
    shown = {tag: {e.step: np.float32(e.value) for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
    known: dict[str, dict[int, Any]] = {}
    for row in read_metrics(folder):
        for name, value in row.items():
            if (tag := tag_of(name)) is not None:
                known.setdefault(tag, {})[row["frames"]] = np.float32(value)
    return next((tag for tag in {**shown, **known} if shown.get(tag) != known.get(tag)), "")


def one_trial(
    name: str, config: TrainConfig, whole: dict[str, Any], seconds: float, folder: Path, draws: Any
) -> Outcome:
    """Kill a run at random moments, let it go on to its end, and compare."""
    kills = sum(
        killed_after(float(draws.uniform(0, seconds)), config, folder) for _ in range(draws.integers(1, MOST_KILLS + 1))
    )
    had = (folder / CHECKPOINT_NAME).exists()
    try:
        train(config, folder)
    except Exception as error:
        return Outcome(Grade.LOST, f"{name}: killed {kills} times, then {type(error).__name__}: {error}")
    if where := difference(contents(folder), whole, name):
        return Outcome(Grade.WRONG_RESULT, f"killed {kills} times, then another one in {where}")
    if tag := board_differs(folder):
        return Outcome(Grade.WRONG_RESULT, f"{name}: killed {kills} times, then TensorBoard has another {tag}")
    leftover = [path.name for path in folder.iterdir() if path.name == LOCK_NAME or path.name.endswith(".tmp")]
    if leftover:
        return Outcome(Grade.WRONG_RESULT, f"{name}: {leftover} is left")
    return Outcome(Grade.UNCHANGED, "as if it had never been killed" if had else "begun anew, the same run")


def try_kills(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """See the module."""
    draws = np.random.default_rng(seed)
    wholes: dict[str, tuple[TrainConfig, dict[str, Any], float]] = {}
    logging.getLogger("groundling").setLevel(logging.ERROR)
    for name, config in configurations().items():
        place = folder / f"whole-{len(wholes)}"
        train(config, place)  # compiles and builds what is cached
        shutil.rmtree(place)
        begun = time.perf_counter()
        train(config, place)
        wholes[name] = config, contents(place), time.perf_counter() - begun
    for number in range(trials):
        name = list(wholes)[number % len(wholes)]
        config, whole, seconds = wholes[name]
        place = folder / f"killed-{number}"
        yield one_trial(name, config, whole, seconds, place, draws)
        shutil.rmtree(place, ignore_errors=True)


KINDS = (Kind("kills", "runs killed (kill -9) one to three times and resumed", TRIALS, try_kills),)
