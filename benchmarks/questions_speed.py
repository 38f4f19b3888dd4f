"""Steps a second of questions about houses of six rooms, on one core, with views and questions in every observation.

    python benchmarks/questions_speed.py [--rounds 7] [--seconds 0.5] [--output benchmarks/results/questions.json]

Agents move at random and never answer, so that episodes last; resets are included. ``speed_grid`` is the body that
walks the grid (the 7 x 7 view, what stands on things, the question and the mask), ``speed_first_person`` the rover with
a picture of 64 x 64. Observations are rewritten in place (``copy=False``). The process is bound to one core; medians of
the rounds by processor time are printed, and as the last line a JSON object with its ``rows``.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from launch import launch
from runs import keep_rows

from groundling import make_vec
from groundling.envs.first_person import Camera

TASK = "groundling/Questions-v0"
MOVES = {"speed_grid": (0, 1, 2, 5), "speed_first_person": (0, 1, 2, 5)}  # left, right, forward, toggle
GOALS = {"speed_grid": 1_000_000, "speed_first_person": 25_000}
DRAWN = 64  # batches of actions that are drawn beforehand and taken in turn


@dataclass(frozen=True)
class Options:
    """Measure the speed of questions about houses.

    Attributes:
        num_envs: walkers side by side.
        num_rovers: rovers side by side.
        bank_size: distinct episodes.
        seconds: that each measurement takes.
        rounds: measurements of each body.
        output: a file for the rows.
    """

    num_envs: int = 1024
    num_rovers: int = 64
    bank_size: int = 256
    seconds: float = 0.5
    rounds: int = 7
    output: Path | None = None

    def run(self) -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        rows = []
        for key in MOVES:
            speeds = self.speeds(key)
            rows.append(self.row(key, speeds))
            print(f"{key:<20} {statistics.median(speeds):>12,.0f} steps/s ({min(speeds):,.0f} to {max(speeds):,.0f})")
        keep_rows(rows, self.output)
        print(json.dumps({"rows": rows}))

    def speeds(self, key: str) -> list[float]:
        """Steps of one environment a second, in each round."""
        is_grid = key == "speed_grid"
        count = self.num_envs if is_grid else self.num_rovers
        senses: dict[str, Any] = {} if is_grid else {"body": "rover", "camera": Camera(width=64, height=64)}
        envs = make_vec(TASK, count, seed=1, copy=False, bank_size=self.bank_size, progress=False, **senses)
        actions = np.random.default_rng(0).choice(MOVES[key], size=(DRAWN, count))
        envs.reset(seed=0)
        for row in actions:
            envs.step(row)
        return [self.round(envs, actions) for _ in range(self.rounds)]

    def round(self, envs: VectorEnv, actions: np.ndarray) -> float:
        """One measurement, by the processor time of this process."""
        steps, begun = 0, time.process_time()
        while time.process_time() - begun < self.seconds:
            for row in actions:
                envs.step(row)
            steps += actions.size
        return steps / (time.process_time() - begun)

    def row(self, key: str, speeds: list[float]) -> dict[str, Any]:
        """One of the results: the median of the rounds, the slowest and the fastest."""
        return {
            "key": key,
            "row": f"{TASK}: steps a second of processor time with views and questions, one core; goal {GOALS[key]:,}",
            "mean": statistics.median(speeds),
            "low": min(speeds),
            "high": max(speeds),
            **dict.fromkeys(("seeds", "frames", "minutes", "floor", "ceiling")),
            "command": "python benchmarks/questions_speed.py",
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
