"""The algorithms of the house beside each other, on equal frames: success, and frames and seconds to 99 %.

    python benchmarks/algorithms.py [--rows ppo_gotolocal grpo_gotolocal ... exact_seconds] [--seeds 1 2 3]
        [--share 1.0] [--output benchmarks/results/algorithms.json]

Rows are ALGORITHM_TASK. Algorithms: reinforce_none, reinforce_average, reinforce_learned, a2c, ppo, ppo_kl, grpo,
dr_grpo (GRPO that does not divide by the spread, and counts each step alike), rloo, vtrace, and by the bridge to
Stable-Baselines3 dqn and trpo. Tasks: gotolocal (from nothing), putnextlocal (all from the agent of one run of behavior
cloning, which the first of these rows trains; row ``bc_putnextlocal``) and room (the easy rooms in first person). Every
algorithm has its tested defaults (on PutNextLocal, one learning rate for all), and the same frames, agent and
environments.

``ppo_worst_task``, ``grpo_worst_task`` and ``drpo_worst_task`` train on six levels whose shares are 40, 25, 15, 10, 6
and 4 %, and tell the success on the level on which it is lowest. ``exact_seconds`` is the longest time that one episode
of GoToObj, GoToLocalS5N2 and UnlockLocal (a key and a door) takes to be enumerated and solved.

Success is that in unseen layouts, actions drawn; low and high are the lowest and highest seed, or of one seed its 95 %
interval. ``to_99`` tells of each seed the frames and seconds until the mean over the latest episodes in training first
was .99, null where it never was. ``--share`` trains on this share of the frames. Minutes are processor time of
training. A finished run is kept in ``--runs`` and not trained again; rows of an output that are not measured again are
kept.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows

from groundling.agents import RandomPolicy
from groundling.envs import EpisodeBank
from groundling.errors import ConfigurationError
from groundling.eval.evaluation import Evaluation
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.exact import enumerate_episode, value_iteration
from groundling.interfaces import Policy
from groundling.training import CurriculumConfig, TrainConfig
from groundling.training.algorithms import find_algorithm
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.algorithms.reinforce import ReinforceConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS

GOAL: Final = 0.99
EXACT: Final = ("BabyAI-GoToObj-v0", "BabyAI-GoToLocalS5N2-v0", "BabyAI-UnlockLocal-v0")
EXACT_EPISODES: Final = 50
GAMMA: Final = 0.95

# name -> the algorithm, its settings, and how it is called in the table
ALGORITHMS: Final[dict[str, tuple[str, tuple[Any, ...], str]]] = {
    "reinforce_none": ("reinforce", (ReinforceConfig(baseline="none"),), "REINFORCE, no baseline"),
    "reinforce_average": ("reinforce", (ReinforceConfig(baseline="average"),), "REINFORCE, moving average"),
    "reinforce_learned": ("reinforce", (ReinforceConfig(baseline="learned"),), "REINFORCE, learned baseline"),
    "a2c": ("a2c", (), "A2C"),
    "ppo": ("ppo", (), "PPO"),
    "ppo_kl": ("ppo_kl", (), "PPO with a KL penalty"),
    "grpo": ("grpo", (), "GRPO"),
    "dr_grpo": ("grpo", (GRPOConfig(divide_by_spread=False, normalize_by="step"),), "Dr. GRPO"),
    "rloo": ("rloo", (), "RLOO"),
    "drpo": ("drpo", (), "DRPO"),
    "vtrace": ("vtrace", (), "V-trace, actor up to 3 updates old"),
    "dqn": ("sb3:DQN", (), "DQN (Stable-Baselines3)"),
    "trpo": ("sb3contrib:TRPO", (), "TRPO (Stable-Baselines3)"),
}
BRIDGE: Final = ("dqn", "trpo")

MIXTURE: Final = {
    "BabyAI-GoToObj-v0": 40,
    "BabyAI-GoToRedBall-v0": 25,
    "BabyAI-GoToLocal-v0": 15,
    "BabyAI-PickupDist-v0": 10,
    "BabyAI-OneRoomS8-v0": 6,
    "BabyAI-PutNextLocalS5N3-v0": 4,
}

TASKS: Final[dict[str, TrainConfig]] = {
    "gotolocal": TrainConfig(task="BabyAI-GoToLocal-v0", total_frames=1_500_000),
    "putnextlocal": TrainConfig(task="BabyAI-PutNextLocal-v0", total_frames=1_500_000),
    "room": replace(PRESETS["pixels"], total_frames=500_000, settings=()),
    "worst_task": TrainConfig(
        tasks=tuple(MIXTURE),
        curriculum=CurriculumConfig(kind="fixed", shares=tuple(map(float, MIXTURE.values()))),
        total_frames=1_500_000,
    ),
}
START: Final = replace(TASKS["putnextlocal"], algorithm="bc", total_frames=600_000, evaluate_every=0)
START_RATE: Final = 3e-4  # learning rate from there on: with those of the defaults agents forget what they cloned


@dataclass(frozen=True)
class Options:
    """Train by the algorithms and test what was learned.

    Attributes:
        rows: which to measure.
        seeds: training runs of each.
        share: of each task's frames that are trained on.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the rows.
    """

    rows: tuple[str, ...] = ("ppo_gotolocal", "grpo_gotolocal")
    seeds: tuple[int, ...] = (1,)
    share: float = 1.0
    episodes: int = 1000
    runs: Path = Path("runs/algorithms")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the rows."""
        for name in self.rows:
            if name == "exact_seconds":
                keep_rows([exact_seconds()], self.output)
            elif name == "bc_putnextlocal":
                keep_rows([self.row_of_start()], self.output)
            else:
                keep_rows([self.row(name)], self.output)

    def row(self, name: str) -> dict[str, Any]:
        """Train and test the seeds of one row."""
        algorithm, task = parts_of(name)
        results = [self.measure(algorithm, task, seed) for seed in self.seeds]
        for seed, result in zip(self.seeds, results, strict=True):
            print(f"{name} seed {seed}: {told(result)}", flush=True)
        successes = [result["success"] for result in results]
        low, high = results[0]["interval"] if len(results) == 1 else (min(successes), max(successes))
        what = "success on the worst of six levels" if task == "worst_task" else f"success, {TASKS[task].task}"
        return {
            "key": name,
            "row": f"{ALGORITHMS[algorithm][2]}, {what}{self._share_told}",
            "mean": float(np.mean(successes)),
            "low": low,
            "high": high,
            "seeds": len(results),
            "frames": results[0]["frames"],
            "minutes": float(np.mean([result["minutes"] for result in results])),
            "floor": float(np.mean([result["random"] for result in results])),
            "ceiling": 1.0,
            "command": self._command(name),
            "scores": successes,
            "to_99": [result["to_99"] for result in results],
            "by_task": [result["by_task"] for result in results],
        }

    def row_of_start(self) -> dict[str, Any]:
        """The row of the agent that all algorithms start from on PutNextLocal."""
        folder = self.start()
        tested = self.test(START, folder)
        found, floor = tested["trained"][START.task], tested["random"][START.task]
        low, high = found.interval
        return {
            "key": "bc_putnextlocal",
            "row": f"behavior cloning, from which the others start, success, {START.task}",
            "mean": found.success,
            "low": low,
            "high": high,
            "seeds": 1,
            "frames": START.num_updates * START.rollout_frames,
            "minutes": finish_timed(START, folder) / 60,
            "floor": floor.success,
            "ceiling": 1.0,
            "command": self._command("bc_putnextlocal", seeds=False),
        }

    def config(self, algorithm: str, task: str, seed: int) -> TrainConfig:
        """The training run of a row."""
        name, settings, _ = ALGORITHMS[algorithm]
        config = TASKS[task]
        kept = config.settings if name == "ppo" else ()
        if task == "putnextlocal" and algorithm not in BRIDGE:
            settings = (self.fine_tuning(name, settings),)
        return replace(
            config,
            algorithm=name,
            settings=(*kept, *settings),
            seed=seed,
            num_envs=64 if algorithm in BRIDGE else config.num_envs,  # whose rollouts would else be few and long
            total_frames=int(self.share * config.total_frames),
            evaluate_every=0,
            init=str(self.start()) if task == "putnextlocal" else "",
        )

    def fine_tuning(self, name: str, settings: tuple[Any, ...]) -> Any:
        """The settings of an algorithm that goes on from a cloned agent."""
        own = find_algorithm(name).Config
        given = next((found for found in settings if isinstance(found, own)), own())
        return replace(given, learning_rate=START_RATE)

    def start(self) -> Path:
        """The folder of the agent that all start from on PutNextLocal; it is trained where it is not there."""
        folder = self.runs / "bc_putnextlocal"
        finish_timed(START, folder)
        return folder

    def measure(self, algorithm: str, task: str, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it."""
        config = self.config(algorithm, task, seed)
        folder = self.runs / f"{algorithm}-{task}-{config.total_frames}-seed{seed}"
        seconds = finish_timed(config, folder)
        tested = self.test(config, folder)
        worst = min(tested["trained"], key=lambda one: tested["trained"][one].success)
        return {
            "success": tested["trained"][worst].success,
            "interval": tested["trained"][worst].interval,
            "random": tested["random"][worst].success,
            "by_task": {one: found.success for one, found in tested["trained"].items()},
            "frames": config.num_updates * config.rollout_frames,
            "minutes": seconds / 60,
            "to_99": first_at(GOAL, folder, config.rollout_frames),
        }

    def test(self, config: TrainConfig, folder: Path) -> dict[str, dict[str, Evaluation]]:
        """What the agent and the random one reach in unseen layouts of each task."""
        agent = Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
        policies: dict[str, Policy] = {"trained": agent, "random": RandomPolicy(agent.num_actions)}
        rows, _ = suite_rows(config, ("layout",), episodes=self.episodes, progress=False)
        found: dict[str, dict[str, Evaluation]] = {who: {} for who in policies}
        for row, who, evaluation in evaluate_suites(policies, rows):
            if who in found:
                found[who][row if len(rows) > 1 else config.task] = evaluation
        return found

    @property
    def _share_told(self) -> str:
        return "" if self.share == 1 else f", {self.share:g} of the frames"

    def _command(self, name: str, *, seeds: bool = True) -> str:
        command = f"python benchmarks/algorithms.py --rows {name}"
        command += f" --seeds {' '.join(map(str, self.seeds))}" if seeds else ""
        return command + (f" --share {self.share:g}" if seeds and self.share != 1 else "")


def parts_of(name: str) -> tuple[str, str]:
    """Algorithm and task of a row.

    Raises:
        ConfigurationError: if there is no such row.
    """
    for task in TASKS:
        algorithm = name.removesuffix(f"_{task}")
        if algorithm != name and algorithm in ALGORITHMS:
            return algorithm, task
    raise ConfigurationError(
        f"there is no row {name!r}: a row is exact_seconds, bc_putnextlocal or one of {', '.join(ALGORITHMS)}, an "
        f"underscore, and one of {', '.join(TASKS)}"
    )


def first_at(goal: float, folder: Path, rollout_frames: int) -> dict[str, float] | None:
    """Frames and seconds until the success in training first was so high; None if it never was."""
    seconds = 0.0
    for row in read_metrics(folder):
        seconds += rollout_frames / row["frames_per_second"]
        if row.get("success", 0.0) >= goal:
            return {"frames": row["frames"], "seconds": round(seconds, 1)}
    return None


def told(result: dict[str, Any]) -> str:
    """A line of a run."""
    by_task = {one: round(success, 3) for one, success in result["by_task"].items()}
    return f"{by_task}, {result['minutes']:.1f} minutes, to {GOAL}: {json.dumps(result['to_99'])}"


def exact_seconds() -> dict[str, Any]:
    """How long the exact solution of one episode takes, once compiled."""
    longest, sizes = [], {}
    for task in EXACT:
        bank = EpisodeBank.of_seeds(task, range(EXACT_EPISODES))
        value_iteration(enumerate_episode(bank), GAMMA)  # what is compiled is not measured
        seconds, states = [], []
        for row in range(EXACT_EPISODES):
            begun = time.perf_counter()
            mdp = enumerate_episode(bank, row)
            value_iteration(mdp, GAMMA)
            seconds.append(time.perf_counter() - begun)
            states.append(len(mdp))
        longest.append(max(seconds))
        sizes[task] = {"states": [min(states), max(states)], "seconds": [min(seconds), max(seconds)]}
        print(f"exact {task}: {sizes[task]}", flush=True)
    return {
        "key": "exact_seconds",
        "row": f"exact solution of an episode, seconds, the longest of {EXACT_EPISODES} in each of three levels",
        "mean": max(longest),
        "low": min(longest),
        "high": max(longest),
        "seeds": None,
        "frames": None,
        "minutes": None,
        "floor": None,
        "ceiling": None,
        "command": "python benchmarks/algorithms.py --rows exact_seconds",
        "sizes": sizes,
    }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
