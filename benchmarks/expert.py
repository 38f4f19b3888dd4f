"""Our experts beside MiniGrid's own bot: success, steps, and actions a second on one core, level by level.

    python benchmarks/expert.py [--levels BabyAI-GoTo-v0 ...] [--seeds 1000] [--bot-seeds 20] [--output FILE.json]

Both experts play every seed of every BabyAI level; MiniGrid's bot plays the first few of them. Steps are compared on
the seeds that both have solved. Speed is that of choosing actions: the bot's ``replan`` and the expert's ``actions`` on
a batch, the steps of the environments left out on both sides, on one core, one after the other for each level. An
episode that an expert loses is counted apart where ``brute_force.py`` proves that nobody can win it, by a search
through every state or a look at what can be reached. The last line is a JSON object: for each expert ``ratio`` (median
over levels of its actions a second, over the bot's), ``success`` (the lowest of the levels' rates, unwinnable episodes
left out) and ``steps_ratio`` (mean over levels).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import gymnasium
import numpy as np
from brute_force import is_unwinnable
from launch import launch
from numpy.typing import NDArray

from groundling.agents.bots import Expert, Sight
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.babyai.known import minigrid_levels
from groundling.envs.parity import MiniGridBot
from groundling.files import write_text


@dataclass(frozen=True)
class Options:
    """Measure the experts.

    Attributes:
        levels: ids of BabyAI levels; all of them unless told.
        seeds: episodes of each level.
        bot_seeds: of these, how many MiniGrid's bot plays as well.
        output: JSON file for the results.
    """

    levels: tuple[str, ...] = ()
    seeds: int = 1000
    bot_seeds: int = 20
    output: Path | None = None


@dataclass
class Record:
    """What became of the episodes of a level."""

    steps: NDArray[np.int64]  # [E]
    success: NDArray[np.bool_]  # [E]
    actions_per_second: float = field(default=0.0)


def play_expert(bank: EpisodeBank, sees: Sight) -> Record:
    """Play every episode of a bank once, side by side."""
    count = len(bank)
    worlds = WorldBatch(bank, count, shuffle=False)
    worlds.reset()
    expert = Expert(worlds, sees=sees)
    steps, success = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_)
    going = np.ones(count, dtype=np.bool_)
    chosen, seconds = 0, 0.0
    while going.any():
        start = time.perf_counter()
        actions = expert.actions()
        seconds += time.perf_counter() - start
        chosen += count
        worlds.step(actions)  # the next episode begins where one ends, so the batch stays full
        ended = worlds.outcomes.ended & going
        steps += going
        success[ended] = worlds.outcomes.success[ended]
        going &= ~ended
    return Record(steps, success, chosen / seconds)


def play_bot(level: str, seeds: range) -> Record:
    """Play MiniGrid's bot; where it gives up, fails or plans in circles the episode counts as lost."""
    steps, success = np.zeros(len(seeds), dtype=np.int64), np.zeros(len(seeds), dtype=np.bool_)
    chosen, seconds = 0, 0.0
    for row, seed in enumerate(seeds):
        with contextlib.redirect_stdout(io.StringIO()):
            env: Any = gymnasium.make(level).unwrapped
            env.reset(seed=seed)
        bot, ended, taken, reward = MiniGridBot(env), False, None, 0.0
        while not ended:
            start = time.perf_counter()
            taken = bot.next_action(taken)
            seconds += time.perf_counter() - start
            chosen += 1
            if taken is None:
                break
            _, reward, terminated, truncated, _ = env.step(taken)
            ended = terminated or truncated
            steps[row] += 1
        success[row] = ended and reward > 0
    return Record(steps, success, chosen / seconds)


def measure(level: str, options: Options) -> dict[str, Any]:
    """The figures of one level."""
    bank = EpisodeBank.of_seeds(level, range(options.seeds))
    bot = play_bot(level, range(options.bot_seeds))
    few = options.bot_seeds
    figures: dict[str, Any] = {
        "level": level,
        "bot": {"success": float(bot.success.mean()), "actions_per_second": bot.actions_per_second},
    }
    for sees in get_args(Sight):
        own = play_expert(bank, sees)
        lost = np.flatnonzero(~own.success)
        hopeless = {int(bank.seeds[row]) for row in lost.tolist() if is_unwinnable(bank, row)}
        both = own.success[:few] & bot.success
        figures[sees] = {
            "success": float(own.success.sum() / max(1, len(bank) - len(hopeless))),
            "lost_seeds": [int(seed) for seed in bank.seeds[lost] if int(seed) not in hopeless],
            "unwinnable_seeds": sorted(hopeless),
            "steps": float(own.steps[own.success].mean()),
            "steps_ratio": float(own.steps[:few][both].mean() / bot.steps[both].mean()) if both.any() else None,
            "actions_per_second": own.actions_per_second,
            "ratio": own.actions_per_second / bot.actions_per_second,
        }
    return figures


def main(options: Options) -> None:
    """Print a line a level, and the JSON object."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    levels = options.levels or [level for level in minigrid_levels() if level.startswith("BabyAI-")]
    play_expert(EpisodeBank.of_seeds("BabyAI-GoToObj-v0", range(2)), "world")  # compile
    rows = []
    print(
        f"{'level':<36} {'bot':>7} {'a/s':>7}"
        + f" {'sees':>8} {'success':>7} {'steps':>6} {'ratio':>6} {'a/s':>10}" * 2
    )
    for level in levels:
        rows.append(row := measure(level, options))
        line = f"{level:<36} {row['bot']['success']:7.3f} {row['bot']['actions_per_second']:7,.0f}"
        for sees in get_args(Sight):
            own = row[sees]
            steps_ratio = float("nan") if own["steps_ratio"] is None else own["steps_ratio"]
            line += f" {sees:>8} {own['success']:7.4f} {own['steps']:6.1f} {steps_ratio:6.3f}"
            line += f" {own['actions_per_second']:10,.0f}"
        print(line, flush=True)
        for sees in get_args(Sight):
            if row[sees]["lost_seeds"] or row[sees]["unwinnable_seeds"]:
                print(f"    {sees}: lost {row[sees]['lost_seeds'][:8]}, unwinnable {row[sees]['unwinnable_seeds'][:8]}")
    summary: dict[str, Any] = {}
    for sees in get_args(Sight):
        ratios = [row[sees]["steps_ratio"] for row in rows if row[sees]["steps_ratio"] is not None]
        summary[sees] = {
            "ratio": statistics.median(row[sees]["ratio"] for row in rows),
            "lowest_ratio": min(row[sees]["ratio"] for row in rows),
            "success": min(row[sees]["success"] for row in rows),
            "steps_ratio": statistics.mean(ratios),
            "highest_steps_ratio": max(ratios),
        }
    result = {**summary, "seeds": options.seeds, "bot_seeds": options.bot_seeds, "levels": rows}
    if options.output:
        write_text(options.output, json.dumps(result, indent=1) + "\n")
    print(json.dumps(summary))


if __name__ == "__main__":
    launch(main, Options, __doc__)
