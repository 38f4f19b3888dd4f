"""LEARN on Montezuma's Revenge: successful episodes with a sentence, without, and with a wrong one.

    python benchmarks/learn.py [--tasks 1 2 3 4 5] [--rows language none wrong] [--seeds 1 2 3] [--frames 500000]
        [--output benchmarks/results/rewards.json]

What is counted is the paper's measure: episodes that end at the goal during the training of one task, 500,000 steps of
PPO with 64 steps a rollout. "language" is told what the task asks for, "wrong" a description of another way, "none" is
paid for the goal only. All share one model of relatedness, trained on scripted clips (the play and the words of the
paper's people cannot be had). Needs ``pip install 'groundling[atari]'``. Finished runs are kept in ``--runs`` and not
trained again; rows of an output that is there are kept, if they are not measured again.

The gain of a row is its successes over those of "none"; ``low`` and ``high`` are of the seeds, each the sum over tasks.
``--loiter`` tells instead what a policy earns that only presses what its sentence mentions. The last line is a JSON
object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from launch import launch
from runs import finish_timed, keep_rows

from groundling.agents import AgentConfig
from groundling.envs.catalog import find_family
from groundling.training import PPOConfig, TrainConfig
from groundling.training.logs import read_metrics
from groundling.training.rewards.learn.fitting import FitConfig
from groundling.training.rewards.learn.model import Relatedness
from groundling.training.rewards.learn.reward import LearnConfig
from groundling.training.rewards.learn.sources import model_of

RowName = Literal["language", "none", "wrong"]
# Of each task one whose way goes elsewhere: left and jump against down, down against right, and so on.
WRONG: Final = (14, 15, 12, 15, 15, 15, 9, 12, 14, 15, 9, 14, 14, 15, 14)
TASK: Final = "groundling/Montezuma-{}-v0"
PPO: Final = PPOConfig(num_steps=64, minibatch_size=64, learning_rate=7e-4, gae_lambda=1.0)


@dataclass(frozen=True)
class Options:
    """Train with the three rewards and count what succeeded.

    Attributes:
        tasks: numbers, 1 to 15.
        rows: which to measure.
        seeds: training runs of each.
        frames: steps of each run.
        num_envs: emulators of a run; the paper has one. A rollout is 64 steps of each.
        scale: lambda, the weight of the language reward.
        zero_terminal: let the potential be zero at the end; the paper does not.
        clips: that the model of relatedness is trained on.
        fit: how it is trained.
        loiter: only tell what a policy earns that presses what it is told.
        runs: folder of the runs.
        output: a file for the rows.
    """

    tasks: tuple[int, ...] = tuple(range(1, 16))
    rows: tuple[RowName, ...] = ("none", "language", "wrong")
    seeds: tuple[int, ...] = (1, 2, 3)
    frames: int = 500_000
    num_envs: int = 8
    scale: float = 1.0
    zero_terminal: bool = True
    clips: int = 4000
    fit: FitConfig = field(default_factory=FitConfig)
    loiter: bool = False
    runs: Path = Path("runs/learn")
    output: Path | None = None

    def run(self) -> None:
        """Train, print a line for each run, write the rows."""
        if self.loiter:
            print(json.dumps({"loiter": loiterers(self.model())}))
            return
        counted: dict[RowName, list[dict[str, Any]]] = {name: [] for name in self.rows}
        for seed in self.seeds:
            for task in self.tasks:
                for name in self.rows:
                    counted[name].append(self.measure(name, task, seed))
                    print(json.dumps(counted[name][-1]), flush=True)
        none = counted.get("none")
        rows = [self.summary(name, found, none) for name, found in counted.items()]
        keep_rows(rows, self.output)
        print(json.dumps({"rows": rows}))

    def model(self) -> Relatedness:
        """The model of relatedness that all runs share."""
        config = self.config("none", self.tasks[0], 1)
        return model_of(config, "", self.clips, self.fit)

    def config(self, name: RowName, task: int, seed: int) -> TrainConfig:
        """The training run of a row."""
        told = WRONG[task - 1] if name == "wrong" else task
        texts = find_family(TASK.format(told)).texts_of_split("all", None, 0, 0)  # type: ignore[arg-type]
        learn = LearnConfig(
            scale=self.scale,
            zero_terminal=self.zero_terminal,
            sentence=texts[0],
            clips=self.clips,
            fit=self.fit,
        )
        ppo = replace(PPO, minibatch_size=8 * self.num_envs)  # eight of a rollout
        return TrainConfig(
            task=TASK.format(task),
            total_frames=self.frames,
            num_envs=self.num_envs,
            evaluate_every=0,
            seed=seed,
            agent=AgentConfig(vision="cnn"),
            reward=("environment",) if name == "none" else ("environment", "learn"),
            settings=(ppo,) if name == "none" else (ppo, learn),
        )

    def measure(self, name: RowName, task: int, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and count its successes and the area under their curve."""
        config = self.config(name, task, seed)
        folder = self.runs / f"{name}-{task}-{config.total_frames}-{self.scale:g}-{self.zero_terminal}-seed{seed}"
        seconds = finish_timed(config, folder)
        rows = read_metrics(folder)
        ended = np.array([row.get("episodes", 0) for row in rows])
        won = np.nan_to_num([row.get("success", 0.0) for row in rows]) * ended
        return {
            "row": name,
            "task": task,
            "seed": seed,
            "successes": round(float(won.sum())),
            "episodes": int(ended.sum()),
            "area": float(np.cumsum(won).mean()),
            "minutes": seconds / 60,
            "told": "" if name == "none" else config.settings_of(LearnConfig).sentence,
        }

    def summary(self, name: RowName, found: list[dict[str, Any]], none: list[dict[str, Any]] | None) -> dict[str, Any]:
        """The row of all tasks and seeds."""
        scores = [sum(one["successes"] for one in found if one["seed"] == seed) for seed in self.seeds]
        by_task = {task: [one["successes"] for one in found if one["task"] == task] for task in self.tasks}
        areas = [sum(one["area"] for one in found if one["seed"] == seed) for seed in self.seeds]
        base = sum(one["successes"] for one in none) / len(self.seeds) if none else None
        plain = f"--tasks {' '.join(map(str, self.tasks))} --seeds {' '.join(map(str, self.seeds))}"
        return {
            "key": f"learn_{name}",
            "row": f"LEARN, Montezuma's Revenge, {len(self.tasks)} of 15 tasks, {self.frames} steps each: {name}",
            "mean": float(np.mean(scores)),
            "low": min(scores),
            "high": max(scores),
            "seeds": len(scores),
            "frames": self.frames,
            "minutes": float(np.sum([one["minutes"] for one in found])) / len(scores),
            "floor": None,
            "ceiling": None,
            "gain": float(np.mean(scores)) / base - 1 if base else None,
            "area": float(np.mean(areas)),
            "by_task": by_task,
            "command": f"python benchmarks/learn.py {plain} --frames {self.frames} --num-envs {self.num_envs} "
            f"--scale {self.scale:g}{'' if self.zero_terminal else ' --no-zero-terminal'} --clips {self.clips} "
            f"--fit.pairs {self.fit.pairs} --fit.epochs {self.fit.epochs} --fit.batch-size {self.fit.batch_size} "
            f"--fit.learning-rate {self.fit.learning_rate:g}",
            "goal": "language 60 % above none, wrong not above it, 15 tasks of 500,000 steps",
        }


def loiterers(model: Relatedness, steps: int = 100, gamma: float = 0.99) -> dict[str, dict[str, float]]:
    """The discounted shaped return of who only presses what a sentence mentions, with its end zeroed and not."""
    mentioned = {"go left": "left", "climb down the ladder": "down", "go right": "right", "jump": "fire"}
    found = {}
    for sentence, action in mentioned.items():
        memory, vector = model.first(1), model.read(sentence).unsqueeze(0)
        for _ in range(steps):
            memory = model.advance(memory, torch.tensor([model.actions.index(action)]))
        last = float(model.potentials(memory, vector)[0])
        found[sentence] = {"potential": last, "zero_terminal": 0.0, "original": gamma**steps * last}
    return found


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
