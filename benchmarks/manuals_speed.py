"""Steps a second of the worlds with a manual (and of GridLU), on one core, with document and mask in every observation.

    python benchmarks/manuals_speed.py [--num-envs 1024] [--seconds 0.5] [--rounds 5] [--contains TEXT]
        [--output FILE.json] [--report benchmarks/results/manuals.json]

Every environment takes uniformly random actions that are drawn beforehand; resets and the writing of new manuals are
included. Observations are either copied at each step, as by default, or rewritten in place (``copy=False``): documents
are written only where an episode begins. ``--report`` keeps the slowest variant of RTFM 6x6 and Messenger's second
stage, copied, as the rows ``rtfm_speed`` and ``messenger_speed``, as far as they are measured.

The process is bound to one core; medians of the rounds are printed, and as
the last line a JSON object with its ``rows``, which ``--output`` also writes.
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

from groundling.envs.catalog import find_family
from groundling.envs.families.gridlu.group import GROUP as GRIDLU
from groundling.envs.families.manuals.group import GROUP
from groundling.files import write_text

REPORTED = {"rtfm_speed": ("RTFM-", "6x6-v0/copied"), "messenger_speed": ("Messenger-S2-", "/copied")}
USUAL = "6x6"  # tasks that are measured where nobody asks for others
DRAWN = 64  # batches of actions that are drawn beforehand and taken in turn


@dataclass(frozen=True)
class Options:
    """Measure the speed of the worlds with a manual.

    Attributes:
        num_envs: environments side by side.
        seconds: that each measurement takes.
        rounds: measurements of each task.
        contains: only of tasks whose id contains this.
        output: a file for the rows.
        report: a file of rows that keeps the two that stand for the games.
    """

    num_envs: int = 1024
    seconds: float = 0.5
    rounds: int = 5
    contains: str = USUAL
    output: Path | None = None
    report: Path | None = None

    def run(self) -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        rows = []
        for id in (*GROUP.ids(), *GRIDLU.ids()):
            if self.contains in id:
                measured = {name: self.speed(id, name == "copied") for name in ("copied", "in_place")}
                told = "   ".join(f"{name} {statistics.median(found) / 1e6:.2f} M" for name, found in measured.items())
                print(f"{id:<45} {told} steps/s")
                rows += [self.row(id, name, found) for name, found in measured.items()]
        for key, (begun, ended) in REPORTED.items():
            found = [row for row in rows if begun in row["key"] and row["key"].endswith(ended)]
            if found:
                keep_rows([{**min(found, key=lambda row: row["mean"]), "key": key}], self.report)
        told = json.dumps({"rows": rows})
        if self.output is not None:
            write_text(self.output, told + "\n")
        print(told)

    def row(self, id: str, name: str, speeds: list[float]) -> dict[str, Any]:
        """One of the results: the median of the rounds, the slowest and the fastest."""
        return {
            "key": f"{id}/{name}",
            "row": f"{id}, observations {name.replace('_', ' ')}: steps a second of processor time, one core",
            "mean": statistics.median(speeds),
            "low": min(speeds),
            "high": max(speeds),
            **dict.fromkeys(("seeds", "frames", "minutes", "floor", "ceiling")),
            "command": "python benchmarks/manuals_speed.py" + f" --contains {self.contains}" * (self.contains != USUAL),
        }

    def speed(self, id: str, copy: bool) -> list[float]:
        """Steps of one environment a second, in each round."""
        envs = find_family(id).make_vec("train", self.num_envs, 0, copy=copy)
        actions = np.random.default_rng(0).integers(len(find_family(id).spec.actions), size=(DRAWN, self.num_envs))
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
            steps += len(actions)
        return steps * self.num_envs / (time.process_time() - begun)


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
