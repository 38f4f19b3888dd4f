"""Floors and ceilings of Messenger: chance and the expert, by simulation.

    python benchmarks/messenger_floors.py [--episodes 20000] [--texts FOLDER] [--only s1 s2 ...] [--output FILE.json]
        [--report benchmarks/results/manuals.json]

Each policy plays the first episodes of as many environments. Beside the success with its 95 % interval stands what
another simulation of the published rules (3,000 episodes) gave, and the last column says whether chance is within four
standard errors of it. Of the expert that one is a greedy walk that knows the roles (in stage 3 also the movements) and
does not look ahead.

``--report`` keeps the row ``messenger_random_s2`` there.

Prints a table and, as the last line, a JSON object with its ``rows``; beside the usual ones they have ``episodes``,
``steps`` (mean of an episode), ``dead`` and ``late`` (shares of the episodes) and ``before``.
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
from groundling.eval.statistics import wilson_interval
from groundling.files import write_text

EPISODES_BEFORE = 3000
PLACES = {  # by key: task, split, what chance and a greedy walk reached before
    "s1": ("groundling/Messenger-S1-v0", "unseen", 0.081, None),
    "s2": ("groundling/Messenger-S2-v0", "unseen", 0.022, 0.954),
    "s2_moves": ("groundling/Messenger-S2-v0", "moves", 0.051, 0.935),
    "s2_states": ("groundling/Messenger-S2-v0", "states", None, None),
    "s3": ("groundling/Messenger-S3-v0", "unseen", 0.018, 0.748),
    "s3_states": ("groundling/Messenger-S3-v0", "states", None, None),
}
REPORTED = "messenger_random_s2"
WORDS = {"random": "random actions", "oracle": "the expert, which knows roles and movements"}


@dataclass(frozen=True)
class Options:
    """Measure floors and ceilings of Messenger.

    Attributes:
        episodes: of each policy in each task.
        texts: folder of the original's sentences, which change no figure; empty for our own.
        only: keys of the places to measure.
        output: a file for the rows.
        report: a file of rows that keeps that of random actions in the second stage.
    """

    episodes: int = 20_000
    texts: str = ""
    only: tuple[str, ...] = tuple(PLACES)
    output: Path | None = None
    report: Path | None = None

    def run(self) -> None:
        rows = []
        for key, (task, split, *before) in ((key, PLACES[key]) for key in self.only):
            for policy, known in zip(WORDS, before, strict=True):
                row = {**self.measure(f"messenger_{policy}_{key}", task, split, policy), "before": known}
                rows.append(row)
                told = "" if known is None else f"before {known:.3f}"
                if known is not None and policy == "random":
                    error = (known * (1 - known) * (1 / EPISODES_BEFORE + 1 / self.episodes)) ** 0.5
                    told += " agrees" if abs(row["mean"] - known) <= 4 * error else " differs"
                shares = f"dead {row['dead']:.3f} late {row['late']:.3f}"
                interval = f"[{row['low']:.4f}, {row['high']:.4f}]"
                print(f"{row['key']:<28} {row['mean']:.4f} {interval}  {shares}  {told}", flush=True)
        keep_rows([row for row in rows if row["key"] == REPORTED], self.report)
        told = json.dumps({"rows": rows})
        if self.output is not None:
            write_text(self.output, told + "\n")
        print(told)

    def measure(self, key: str, task: str, split: str, policy: str) -> dict[str, Any]:
        """The success of "random" actions or of the "oracle"."""
        family = find_family(f"{task}?texts={self.texts}" if self.texts else task)
        envs = family.make_vec(split, self.episodes, 0, copy=False, autoreset=False)
        envs.reset(seed=0)
        expert = family.expert(envs)
        assert expert is not None
        rng = np.random.default_rng(0)
        over = np.zeros(self.episodes, dtype=np.bool_)
        won, dead, steps = over.copy(), over.copy(), 0
        while not over.all():
            steps += int((~over).sum())
            actions = rng.integers(5, size=self.episodes) if policy == "random" else expert.actions()
            _, _, terminated, truncated, info = envs.step(actions)
            over |= terminated | truncated
            won |= info.get("success", False)
            dead |= terminated
        low, high = wilson_interval(int(won.sum()), self.episodes)
        return {
            "key": key,
            "row": f"{task}, split {split}, {WORDS[policy]}: success",
            "mean": float(won.mean()),
            "low": low,
            "high": high,
            "seeds": 1,
            "frames": steps,
            "minutes": None,
            "floor": None,
            "ceiling": None,
            "command": "python benchmarks/messenger_floors.py" + f" --texts {self.texts}" * bool(self.texts),
            "episodes": self.episodes,
            "steps": steps / self.episodes,
            "dead": float((dead & ~won).mean()),
            "late": float((over & ~dead).mean()),
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
