"""Environment speed: steps a second of Groundling, MiniGrid, Gymnasium's vector environments over it, and EnvPool.

    python benchmarks/environment_speed.py [--rounds 15] [--seconds 0.5] [--output FILE.json] [--rows FILE.json]

Every environment takes uniformly random actions; resets and goal checks are included. In each round the peers are
measured one after the other, and ratios are taken within the round, because machines are noisy; medians are reported.
The one-core figures are measured with the process bound to one core.

EnvPool (pip install -c constraints.txt envpool) has C++ environments of the same levels. Batch sizes, one and two
threads, synchronous and asynchronous, are all tried on the one core before the rounds; the rounds measure the three
fastest of these, and the one with the highest median is compared. Groundling's batch size is found in the same way.
EnvPool resets in a step of its own, which takes its time but is not counted. All this is by the processor time of the
process, its threads included, so that other work on the core does not enter. Without the package EnvPool is left out,
with a note.

Prints a table and, as its last line, a JSON object with ``ratio`` (Groundling on one core against MiniGrid's own
environment), ``ratio_envpool`` (against EnvPool, each with its best settings; null without it) and ``two_cores``
(against one core).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from envpool_peer import ALL_SETTINGS, make_pool, pool_step, why_left_out
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from launch import launch

from groundling.envs.banks.bank_building import available_cores
from groundling.eval.speed import groundling_speed, minigrid_speed, steps_per_second
from groundling.files import write_text

Measure = Callable[[], float]
OWN_BATCHES = (1024, 2048, 4096, 8192, 16384, 32768)
SEARCH_ROUNDS = 3
FINALISTS = 3
MINIGRID = "minigrid, one environment"


@dataclass(frozen=True)
class Options:
    """Measure environment speed.

    Attributes:
        task: id of the level.
        num_envs: environments side by side on each core, of Groundling.
        peer_envs: environments of Gymnasium's vector environments.
        rounds: how often everything is measured.
        seconds: of each measurement.
        output: JSON file for the results.
        rows: JSON file for the rows of the comparison with EnvPool; those of other levels stay.
    """

    task: str = "BabyAI-GoToLocal-v0"
    num_envs: int = 32768
    peer_envs: int = 16
    rounds: int = 15
    seconds: float = 0.5
    output: Path | None = None
    rows: Path | None = None


@contextlib.contextmanager
def bound_to_cores(count: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def gymnasium_speed(kind: Callable[..., Any], options: Options) -> float:
    make = partial(gymnasium.make, options.task, disable_env_checker=True)
    with contextlib.redirect_stdout(io.StringIO()):
        extra = {"shared_memory": False} if kind is AsyncVectorEnv else {}  # a Text space is stale in shared memory
        envs = kind([make] * options.peer_envs, **extra)
        envs.reset(seed=0)
        actions = np.random.default_rng(0).integers(0, 7, (64, options.peer_envs))
        count = 0

        def step() -> int:
            nonlocal count
            envs.step(actions[count % 64])
            count += 1
            return options.peer_envs

        speed = steps_per_second(step, seconds=options.seconds)
        envs.close()
    return speed


def measure_by_turns(measures: Mapping[str, tuple[int, Measure]], rounds: int) -> dict[str, list[float]]:
    """Steps a second of each measure in each round, on as many cores as it is named with."""
    speeds: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, (cores, measure) in measures.items():
            with bound_to_cores(cores):
                speeds[name].append(measure())
    return speeds


def medians(speeds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in speeds.items()}


def fastest(speeds: Mapping[str, list[float]], count: int) -> list[str]:
    """The names with the highest medians, the first one first."""
    return sorted(speeds, key=lambda name: statistics.median(speeds[name]), reverse=True)[:count]


def find_finalists(measures: Mapping[str, Measure]) -> dict[str, tuple[int, Measure]]:
    """The measures that are fastest on one core, to be told apart by more rounds."""
    on_one_core = {name: (1, measure) for name, measure in measures.items()}
    names = fastest(measure_by_turns(on_one_core, SEARCH_ROUNDS), FINALISTS)
    return {name: on_one_core[name] for name in names}


def envpool_measures(options: Options) -> dict[str, Measure]:
    """EnvPool's speed with each of its settings, by processor time.

    All pools play on between the measurements, so that their episodes differ in age and some of them end in every step.
    """
    measures: dict[str, Measure] = {}
    with bound_to_cores(1):  # a pool's threads stay on the cores that they were started on
        for settings in ALL_SETTINGS:
            step = pool_step(make_pool(options.task, settings), settings.batch_size)
            measures[settings.label] = partial(steps_per_second, step, seconds=options.seconds, clock=time.process_time)
    return measures


def ratios(some: Iterable[float], others: Iterable[float]) -> list[float]:
    """One number's ratio to another's within each round."""
    return [a / b for a, b in zip(some, others, strict=True)]


def print_table(title: str, measures: Mapping[str, tuple[int, Measure]], speeds: dict[str, list[float]]) -> None:
    """Medians of the speeds, and of their ratios to the first."""
    first = next(iter(speeds.values()))
    print(f"{title}, median (lowest to highest)")
    print(f"{'environment':<40} {'cores':>5} {'steps a second':>34} {'ratio':>8}")
    for name, (cores, _) in measures.items():
        values = speeds[name]
        told = f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"
        print(f"{name:<40} {cores:>5} {told:>34} {statistics.median(ratios(values, first)):>8,.1f}")


def envpool_rows(options: Options, ours: str, peer: str, speeds: dict[str, list[float]]) -> list[dict[str, Any]]:
    """The comparison with EnvPool as rows of results: means over the rounds, with the lowest and the highest.

    Args:
        options: of the benchmark.
        ours: the name of our speeds.
        peer: the name of EnvPool's.
        speeds: steps a second of processor time in each round.
    """
    command = f"python benchmarks/environment_speed.py --task {options.task} --rounds {options.rounds}"
    figures = {
        "ratio": (f"{ours} against {peer}, one core", ratios(speeds[ours], speeds[peer]), (ours, peer)),
        "envpool": (f"{peer}: steps a second of processor time, one core", speeds[peer], (peer,)),
        "groundling": (f"{ours}: steps a second of processor time, one core", speeds[ours], (ours,)),
    }
    return [
        {
            "key": f"envpool/{options.task}/{key}",
            "row": f"{options.task}: {row}",
            "mean": statistics.fmean(values),
            "median": statistics.median(values),
            "low": min(values),
            "high": max(values),
            "seeds": 1,
            "frames": round(sum(sum(speeds[name]) for name in names) * options.seconds),
            "minutes": round(len(names) * options.rounds * options.seconds / 60, 3),
            "floor": None,
            "ceiling": None,
            "command": command,
        }
        for key, (row, values, names) in figures.items()
    ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put rows into a file of results, in the place of those with the same keys."""
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    keys = {row["key"] for row in rows}
    kept = [row for row in before if row["key"] not in keys]
    write_text(path, json.dumps({"rows": [*kept, *rows]}, indent=1) + "\n")


def compare_with_envpool(options: Options, own: Callable[..., float]) -> dict[str, Any]:
    """Search the best settings of both sides, measure and print the comparison, and return its figures."""
    timed = partial(own, clock=time.process_time)
    pools = find_finalists(envpool_measures(options))
    batches = find_finalists({f"groundling, {count}": partial(timed, num_envs=count) for count in OWN_BATCHES})
    minigrid = partial(minigrid_speed, options.task, seconds=options.seconds, clock=time.process_time)
    measures: dict[str, tuple[int, Measure]] = {MINIGRID: (1, minigrid), **pools, **batches}
    speeds = measure_by_turns(measures, options.rounds)
    print_table(f"{options.task}, by processor time: {options.rounds} rounds", measures, speeds)
    (peer,) = fastest({name: speeds[name] for name in pools}, 1)
    (ours,) = fastest({name: speeds[name] for name in batches}, 1)
    within = ratios(speeds[ours], speeds[peer])
    told = f"{statistics.median(within):.1f} ({min(within):.1f} to {max(within):.1f})"
    print(f"{ours}, against {peer}: {told}")
    if options.rows is not None:
        write_rows(options.rows, envpool_rows(options, ours, peer, speeds))
    return {
        "ratio": statistics.median(within),
        "best": [ours, peer],
        "steps_per_processor_second": medians(speeds),
        "version": version("envpool"),
    }


def main(options: Options) -> None:
    own = partial(groundling_speed, options.task, num_envs=options.num_envs, seconds=options.seconds)
    one, two = f"groundling, {options.num_envs}", f"groundling, {2 * options.num_envs}, two threads"
    measures: dict[str, tuple[int, Measure]] = {
        MINIGRID: (1, partial(minigrid_speed, options.task, seconds=options.seconds)),
        f"SyncVectorEnv over minigrid, {options.peer_envs}": (1, partial(gymnasium_speed, SyncVectorEnv, options)),
        f"AsyncVectorEnv over minigrid, {options.peer_envs}": (2, partial(gymnasium_speed, AsyncVectorEnv, options)),
        one: (1, own),
        two: (2, partial(own, num_envs=2 * options.num_envs, num_threads=2)),
    }
    own()  # builds the bank and compiles
    speeds = measure_by_turns(measures, options.rounds)
    print_table(f"{options.task}: {options.rounds} rounds", measures, speeds)
    if reason := why_left_out(options.task):
        print(f"envpool is left out: {reason}", file=sys.stderr)
    envpool = None if reason else compare_with_envpool(options, own)
    figures = {
        "task": options.task,
        "ratio": statistics.median(ratios(speeds[one], speeds[MINIGRID])),
        "ratio_envpool": envpool and envpool["ratio"],
        "two_cores": statistics.median(ratios(speeds[two], speeds[one])),
        "steps_per_second": medians(speeds),
        "cores": available_cores(),
        "envpool": envpool,
    }
    if options.output is not None:
        write_text(options.output, json.dumps(figures) + "\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    launch(main, Options, __doc__)
