"""Test-time compute as an axis: success of one agent against simulations of a tree search at each step.

    python benchmarks/tree_search.py [--output benchmarks/results/algorithms.json]

An agent of ``--preset mazes`` is trained on GoToSeq by DAgger for too few frames to be good at it, and plays the same
new episodes alone and with a search in copies of the true world; rows ``mcts_0`` ... ``mcts_256``. What the search
brings without the agent's prior or value is printed as well. The last line is a JSON object.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from launch import launch
from runs import finish, keep_rows

from groundling.agents import RandomPolicy
from groundling.agents.bots import expert_steps
from groundling.agents.planning import make_planner
from groundling.envs import EpisodeBank, HeldOut
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.families.banked import bank_episodes
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.eval.suites import suite_bank
from groundling.interfaces import Policy
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.presets import PRESETS


@dataclass(frozen=True)
class Options:
    """Measure tree search.

    Attributes:
        task: that the agent is trained on and plays.
        frames: that it is trained on.
        seed: of its run.
        simulations: of each step, one row each.
        variants: other settings of the search, measured at the most simulations of --variant-simulations.
        variant_simulations: of these.
        episodes: new ones, to measure with.
        time_share: of their time limit: agents that are lost would use nearly all of the search's time.
        greedy: the most visited action; otherwise actions are drawn by visits.
        settings: of the planner, as NAME=VALUE.
        runs: folder of the run; it goes on if it is there.
        output: where the rows go; nothing is written without it.
    """

    task: str = "BabyAI-GoToSeq-v0"
    frames: int = 1_000_000
    seed: int = 1
    simulations: tuple[int, ...] = (0, 16, 64, 256)
    variants: tuple[str, ...] = ()
    variant_simulations: int = 16
    episodes: int = 64
    time_share: float = 0.25
    greedy: bool = False
    settings: tuple[str, ...] = ()
    runs: Path = Path("runs")
    output: Path | None = None


def configuration(options: Options) -> TrainConfig:
    """The run of the agent."""
    return replace(
        PRESETS["mazes"],
        task=options.task,
        held_out=HeldOut(factors=()),
        total_frames=options.frames,
        seed=options.seed,
        evaluate_every=0,
        torch_threads=1,
    )


def measure(policy: Policy, bank: EpisodeBank, config: TrainConfig, options: Options) -> tuple[Evaluation, float]:
    """What a policy reaches on every episode of a bank, and the processor seconds that it took."""
    begun = time.process_time()
    with PlayedSet(bank_episodes(bank, config.embodiment())) as played:
        found = played.by(policy, greedy=options.greedy, seed=options.seed, expert_steps=expert_steps(bank))
    return found, time.process_time() - begun


def planner_of(options: Options, simulations: int, settings: tuple[str, ...]) -> str:
    """The text that names a planner."""
    return f"mcts:{simulations}" + (f"?{'&'.join(settings)}" if settings else "")


def command_of(options: Options) -> str:
    """The command that writes the rows."""
    named = ("task", "frames", "episodes", "time_share")
    given = [name for name in named if getattr(options, name) != getattr(Options, name)]
    told = "".join(f" --{name.replace('_', '-')} {getattr(options, name)}" for name in given)
    settings = f" --settings {' '.join(options.settings)}" if options.settings else ""
    return f"python benchmarks/tree_search.py{told}{settings} --output benchmarks/results/algorithms.json"


def main(options: Options) -> None:
    folder = options.runs / f"tree-search-{options.task.split('-')[1].lower()}-{options.frames}-seed{options.seed}"
    config = configuration(options)
    finish(config, folder)
    agent = Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
    bank = suite_bank(config, "layout", episodes=options.episodes, progress=False)
    bank = TaskMixture.of([bank]).with_time_limit_scale(options.time_share).bank
    floor, _ = measure(RandomPolicy(agent.num_actions), bank, config, options)
    rows: list[dict[str, Any]] = []
    prefix = "mcts" if options.task == Options.task else f"mcts_{options.task.split('-')[1].lower()}"
    plans = [(f"{prefix}_{n}", planner_of(options, n, options.settings)) for n in options.simulations]
    plans += [
        (
            f"{prefix}_{options.variant_simulations}_{v}",
            planner_of(options, options.variant_simulations, tuple(v.split("&"))),
        )
        for v in options.variants
    ]
    for key, planner in plans:
        found, seconds = measure(make_planner(planner, agent), bank, config, options)
        low, high = found.interval
        print(
            f"{planner}: {found.success:.3f} [{low:.3f}, {high:.3f}], {found.mean_length:.1f} steps, {seconds:.0f} s",
            flush=True,
        )
        rows.append(
            {
                "key": key,
                "row": f"{options.task} at {options.time_share:g} of its time limit, {options.episodes} new episodes, "
                f"agent of {options.frames:,} frames of DAgger: {planner}{', greedy' if options.greedy else ''}",
                "mean": found.success,
                "low": low,
                "high": high,
                "seeds": 1,
                "frames": options.frames,
                "minutes": seconds / 60,
                "steps": found.mean_length,
                "steps_ratio": found.steps_ratio,
                "seconds_per_decision": seconds / (found.mean_length * options.episodes),
                "floor": floor.success,
                "ceiling": 1.0,
                "command": command_of(options),
            }
        )
        keep_rows(rows, options.output)
    print(json.dumps({row["key"]: row["mean"] for row in rows}))


if __name__ == "__main__":
    launch(main, Options, __doc__)
