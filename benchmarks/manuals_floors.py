"""Floors and ceilings of RTFM: chance, walkers that read nothing or half of the manual, and the expert, by simulation.

    python benchmarks/manuals_floors.py [--episodes 20000] [--max-steps 1000] [--only ROOM] [--output FILE.json]
        [--report benchmarks/results/manuals.json]

Each policy plays the first episodes of as many environments in the dynamics that are kept from training. Beside the
success with its 95 % interval stands what another simulation of the published rules (3,000 episodes) gave, and the last
column says whether it is within four standard errors. The walkers keep off monsters that move, which those of the
other simulation do less, so that they do better where monsters move.

``--report`` keeps random actions in the first room as the row ``rtfm_random_6x6``.

Prints a table and, as the last line, a JSON object with its ``rows``; beside the usual ones they have ``episodes``,
``steps`` (mean of an episode) and ``before``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from runs import keep_rows

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.rtfm.vector import RTFMVectorEnv
from groundling.envs.families.manuals.rtfm.walker import KNOWLEDGE, Walker
from groundling.eval.statistics import wilson_interval
from groundling.files import write_text

BEFORE = {  # by policy: 6x6 still, 6x6 moving, 10x10 still, 10x10 moving
    "random": (0.117, 0.047, 0.116, 0.038),
    "nothing": (0.247, 0.231, 0.250, 0.246),
    "team": (0.480, 0.397, 0.499, 0.479),
    "all": (0.994, 0.739, 1.00, 0.937),
}
WORDS = {
    "random": "random actions",
    "nothing": "goes to any item, then to any monster",
    "team": "knows the monster, not the item",
    "all": "the expert, which knows all",
}
EPISODES_BEFORE = 3000
ROOMS = ("6x6", "Moving-6x6", "10x10", "Moving-10x10")
REPORTED = ("groundling/RTFM-Simple-6x6-v0/random", "rtfm_random_6x6")  # a row, and its key in the report


@dataclass(frozen=True)
class Options:
    """Measure floors and ceilings of RTFM.

    Attributes:
        episodes: of each policy in each task.
        max_steps: of an episode; 1,000 as in the other simulation, where the environments have 100 by default.
        groups: in the variants of nine kinds instead of three: the rules of who wins are the same.
        only: of the rooms; empty for all.
        output: a file for the rows.
        report: a file of rows that keeps that of random actions.
    """

    episodes: int = 20_000
    max_steps: int = 1000
    groups: bool = False
    only: str = ""
    output: Path | None = None
    report: Path | None = None

    def run(self) -> None:
        rows = []
        for place, room in enumerate(ROOMS):
            if self.only not in ("", room):
                continue
            for policy, before in BEFORE.items():
                task = f"groundling/RTFM-{'Groups' if self.groups else 'Simple'}-{room}-v0"
                row = {**self.measure(task, policy), "before": before[place]}
                rows.append(row)
                low, high, rate = row["low"], row["high"], before[place]
                error = (rate * (1 - rate) * (1 / EPISODES_BEFORE + 1 / self.episodes)) ** 0.5
                agrees = "agrees" if abs(row["mean"] - rate) <= 4 * max(error, 1e-3) else "differs"
                print(f"{task:<40} {policy:<8} {row['mean']:.4f} [{low:.4f}, {high:.4f}]  before {rate:.3f} {agrees}")
        key, reported = REPORTED
        keep_rows([{**row, "key": reported} for row in rows if row["key"] == key], self.report)
        told = json.dumps({"rows": rows})
        if self.output is not None:
            write_text(self.output, told + "\n")
        print(told)

    def measure(self, task: str, policy: str) -> dict[str, Any]:
        """The success of a policy, "random" or what a walker knows."""
        envs = find_family(task).make_vec(
            "unseen", self.episodes, 0, copy=False, autoreset=False, max_steps=self.max_steps
        )
        assert isinstance(envs, RTFMVectorEnv)
        envs.reset(seed=0)
        walkers = {knows: Walker(envs, knows) for knows in KNOWLEDGE}
        rng = np.random.default_rng(0)
        over = np.zeros(self.episodes, dtype=np.bool_)
        won, steps = over.copy(), 0
        while not over.all():
            steps += int((~over).sum())
            actions = rng.integers(5, size=self.episodes) if policy == "random" else walkers[policy].actions()  # type: ignore[index]
            _, _, terminated, truncated, info = envs.step(actions)
            over |= terminated | truncated
            won |= info.get("success", False)
        low, high = wilson_interval(int(won.sum()), self.episodes)
        return {
            "key": f"{task}/{policy}",
            "row": f"{task}, {WORDS[policy]}: success in dynamics kept from training",
            "mean": float(won.mean()),
            "low": low,
            "high": high,
            "seeds": 1,
            "frames": steps,
            "minutes": None,
            "floor": None,
            "ceiling": None,
            "command": "python benchmarks/manuals_floors.py"
            + f" --max-steps {self.max_steps}" * (self.max_steps != 1000)
            + " --groups" * self.groups
            + f" --only {self.only}" * bool(self.only),
            "episodes": self.episodes,
            "steps": steps / self.episodes,
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
