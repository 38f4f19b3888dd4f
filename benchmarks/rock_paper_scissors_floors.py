"""Floors and ceilings of rock-paper-scissors: chance, walkers that do not read, and the expert, by simulation.

    python benchmarks/rock_paper_scissors_floors.py [--episodes 5000] [--max-steps 1000] [--output FILE.json]

Each policy plays the first episodes of as many environments, by rules that are kept from training. Prints a table of
success with its 95 % interval and, as the last line, a JSON object with its ``rows``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.rock_paper_scissors.names import VARIANTS
from groundling.envs.families.manuals.rock_paper_scissors.walker import CHOICES, Walker
from groundling.eval.statistics import wilson_interval
from groundling.files import write_text

WORDS = {
    "random": "random actions",
    "nothing": "takes any item to the monster",
    "letters": "takes any item but that of the monster's letter",
    "all": "the expert, which knows all",
}


@dataclass(frozen=True)
class Options:
    """Measure floors and ceilings of rock-paper-scissors.

    Attributes:
        episodes: of each policy in each room.
        max_steps: of an episode, where the environments have 100 by default.
        output: a file for the rows.
    """

    episodes: int = 5000
    max_steps: int = 1000
    output: Path | None = None

    def run(self) -> None:
        rows = []
        for task in VARIANTS:
            for policy in WORDS:
                row = self.measure(task, policy)
                rows.append(row)
                told = f"{row['mean']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
                print(f"{task:<45} {policy:<8} {told}  {row['steps']:.1f} steps", flush=True)
        told = json.dumps({"rows": rows})
        if self.output is not None:
            write_text(self.output, told + "\n")
        print(told)

    def measure(self, task: str, policy: str) -> dict[str, Any]:
        """The success of a policy, "random" or what a walker knows."""
        envs = find_family(task).make_vec(
            "unseen", self.episodes, 0, copy=False, autoreset=False, max_steps=self.max_steps
        )
        envs.reset(seed=0)
        walkers = {knows: Walker(envs, knows) for knows in CHOICES if knows == policy}
        rng = np.random.default_rng(0)
        over = np.zeros(self.episodes, dtype=np.bool_)
        won, steps = over.copy(), 0
        while not over.all():
            steps += int((~over).sum())
            actions = rng.integers(5, size=self.episodes)
            for walker in walkers.values():
                actions = walker.actions()
            _, _, terminated, truncated, info = envs.step(actions)
            over |= terminated | truncated
            won |= info.get("success", False)
        low, high = wilson_interval(int(won.sum()), self.episodes)
        return {
            "key": f"{task}/{policy}",
            "row": f"{task}, {WORDS[policy]}: success by rules kept from training",
            "mean": float(won.mean()),
            "low": low,
            "high": high,
            "seeds": 1,
            "frames": steps,
            **dict.fromkeys(("minutes", "floor", "ceiling")),
            "command": "python benchmarks/rock_paper_scissors_floors.py",
            "episodes": self.episodes,
            "steps": steps / self.episodes,
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
