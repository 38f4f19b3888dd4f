"""Parity with MiniGrid: every level, the same seeds and actions in both worlds, step by step until each episode ends.

    python benchmarks/parity.py [--seeds 200] [--processes 2] [--actors random bot] [--output FILE.json]

Random actions and Groundling's expert, which explores, play every level, MiniGrid's bot BabyAI's levels. MiniGrid's own
levels, which its bot does not know, are played by actions that handle objects often as well. Prints a line for each
level as it is done and a table of the actors; the last line is a JSON object. Ends with status 1 if anything differed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from launch import launch

from groundling.agents.bots import Expert
from groundling.envs.families.babyai.known import minigrid_levels
from groundling.envs.parity import Actor, compare_with_minigrid
from groundling.files import write_text

COUNTS = ("episodes", "steps", "successes", "failures", "finished")


@dataclass(frozen=True)
class Options:
    """Compare every level with MiniGrid.

    Attributes:
        seeds: episodes of each level.
        first_seed: of them.
        actors: who play; see ``groundling.envs.parity``.
        levels: only levels whose id contains this.
        noise: share of random actions among those of bot and expert.
        processes: levels compared at a time.
        output: JSON file for the results.
    """

    seeds: int = 200
    first_seed: int = 0
    actors: tuple[Actor, ...] = get_args(Actor)
    levels: str = ""
    noise: float = 0.0
    processes: int = os.cpu_count() or 1
    output: Path | None = None


def plays(actor: Actor, level: str) -> bool:
    """Whether an actor plays a level here."""
    return actor in ("random", "expert") or (actor == "bot") == level.startswith("BabyAI-")


def compare(level: str, actor: Actor, options: Options) -> dict[str, Any]:
    """What the comparison of one level found, and the seconds that it took."""
    start = time.perf_counter()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    result = compare_with_minigrid(level, seeds, actor=actor, make_expert=Expert, noise=options.noise)
    return {**asdict(result), "seconds": round(time.perf_counter() - start, 1)}


def summary(results: list[dict[str, Any]]) -> dict[str, int]:
    counts = {name: sum(result[name] for result in results) for name in COUNTS}
    mismatches = sum(len(result["mismatches"]) for result in results)
    return {"levels": len({result["level"] for result in results}), **counts, "mismatches": mismatches}


def main(options: Options) -> None:
    levels = [level for level in minigrid_levels() if options.levels in level]
    jobs = [(level, actor) for actor in options.actors for level in levels if plays(actor, level)]
    results = []
    columns = f"{'episodes':>8} {'steps':>9} {'successes':>9} {'mismatches':>10} {'s':>6}"
    print(f"{'':>9} {'level':<32} {'actor':<9} {columns}")
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [pool.submit(compare, level, actor, options) for level, actor in jobs]
        for number, done in enumerate(as_completed(waiting), start=1):
            result = done.result()
            results.append(result)
            counts = f"{result['episodes']:>8} {result['steps']:>9,} {result['successes']:>9}"
            name = f"{number:>4}/{len(jobs):<4} {result['level']:<32} {result['actor']:<9}"
            print(f"{name} {counts} {len(result['mismatches']):>10} {result['seconds']:>6}", flush=True)
            for line in result["mismatches"][:3]:
                print(f"    {line}")
    results.sort(key=lambda result: jobs.index((result["level"], result["actor"])))
    actors: dict[str, dict[str, int]] = {
        actor: summary([r for r in results if r["actor"] == actor]) for actor in options.actors
    }
    print("\n" + " ".join((f"{'actor':<9}", *(f"{name:>10}" for name in summary([])))))
    for who, row in [*actors.items(), ("all", summary(results))]:
        print(" ".join((f"{who:<9}", *(f"{count:>10,}" for count in row.values()))))
    versions = {name: version(name) for name in ("minigrid", "gymnasium", "numpy")}
    figures = {**summary(results), "actors": actors, "noise": options.noise, "versions": versions}
    if options.output is not None:
        write_text(options.output, json.dumps({**figures, "results": results}, indent=1) + "\n")
    print(json.dumps(figures))
    sys.exit(1 if figures["mismatches"] else 0)


if __name__ == "__main__":
    launch(main, Options, __doc__)
