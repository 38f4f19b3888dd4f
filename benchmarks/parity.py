"""Parity with MiniGrid: every supported level, 200 seeds, the same random actions, until each episode ends.

    python benchmarks/parity.py [--seeds 200] [--processes 2]

Prints a table and, as its last line, a JSON object: levels, episodes, steps, mismatches.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import tyro

from groundling.envs.levels import minigrid_levels
from groundling.envs.parity import compare_with_minigrid


@dataclass(frozen=True)
class Options:
    """Compare every supported level with MiniGrid.

    Attributes:
        seeds: episodes of each level.
        processes: levels compared at a time.
    """

    seeds: int = 200
    processes: int = os.cpu_count() or 1


def main(options: Options) -> None:
    levels = minigrid_levels()
    compare = partial(compare_with_minigrid, seeds=range(options.seeds))
    steps = mismatches = 0
    print(f"{'level':<34} {'episodes':>8} {'steps':>9} {'mismatches':>10}")
    with ProcessPoolExecutor(options.processes) as pool:
        for result in pool.map(compare, levels):
            steps += result.steps
            mismatches += len(result.mismatches)
            print(
                f"{result.level:<34} {result.episodes:>8} {result.steps:>9,} {len(result.mismatches):>10}", flush=True
            )
            for line in result.mismatches[:3]:
                print(f"    {line}")
    figures = {"levels": len(levels), "episodes": len(levels) * options.seeds, "steps": steps, "mismatches": mismatches}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(tyro.cli(Options))
