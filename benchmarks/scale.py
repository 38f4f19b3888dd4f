"""What several cores, processes and a device bring: the rows of benchmarks/results/scale.json.

    python benchmarks/scale.py [--rows half_batches_gain syncs_per_rollout ...] [--rounds 8]
        [--output benchmarks/results/scale.json]

Gains are ratios of the same work done both ways in turn, in the same process on the same cores: mean, lowest and
highest round. A row is a function below, registered by its key; the file keeps rows that are not measured now.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from launch import launch
from runs import keep_rows
from simulated_device import SimulatedDevice, waits

from groundling.agents import AgentConfig
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.training import PPOConfig, TrainConfig
from groundling.training.loop import Trainer

COMMAND = "python benchmarks/scale.py"
LEVEL = "BabyAI-GoToLocal-v0"


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        rows: keys of the rows; all of them where none is named.
        rounds: of each pair that is compared.
        small: measure little of everything, to see that it runs; nothing is written.
        output: file of the rows; those of other keys that it holds are kept.
    """

    rows: tuple[str, ...] = ()
    rounds: int = 8
    small: bool = False
    output: Path = Path(__file__).with_name("results") / "scale.json"


Row = dict[str, Any]
Measure = Callable[[Options], Row]
ROWS: dict[str, Measure] = {}
M = TypeVar("M", bound=Measure)


def row(key: str) -> Callable[[M], M]:
    """Register what measures the row of a key."""

    def register(measure: M) -> M:
        ROWS[key] = measure
        return measure

    return register


def measure(options: Options) -> list[Row]:
    """Measure rows, and write them into the file."""
    unknown = [key for key in options.rows if key not in ROWS]
    if unknown:
        raise ConfigurationError(f"there is no row {', '.join(unknown)}: there are {', '.join(ROWS)}")
    rows = []
    for key in options.rows or ROWS:
        found = {"key": key, **row_defaults(key), **ROWS[key](options)}
        print(f"{found['row']}: {found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]")
        rows.append(found)
    if not options.small:
        keep_rows(rows, options.output)
    return rows


def row_defaults(key: str) -> Row:
    """What every row says beside its numbers."""
    empty = {"seeds": None, "frames": None, "minutes": None, "floor": None, "ceiling": None}
    return {**empty, "command": f"{COMMAND} --rows {key}"}


def ratio_row(told: str, ratios: list[float]) -> Row:
    """The row of a ratio that was measured in rounds."""
    return {"row": told, "mean": float(np.mean(ratios)), "low": min(ratios), "high": max(ratios)}


def in_pairs(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> list[float]:
    """How many times as long the one takes as the other, in rounds that begin with either in turn."""

    def seconds(run: Callable[[], Any]) -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    one(), other()  # compile, and fill the caches
    ratios = []
    for number in range(rounds):
        pair = (one, other) if number % 2 == 0 else (other, one)
        first, second = (seconds(run) for run in pair)
        ratios.append(first / second if number % 2 == 0 else second / first)
    return ratios


def config_of(kind: str, *, small: bool, **changes: Any) -> TrainConfig:
    """A run with PPO on symbols or on pictures of 64 x 64 pixels in first person."""
    envs, steps = (8, 4) if small else (512, 16)
    sizes: dict[str, Any] = {"num_envs": envs, "total_frames": 10**9, "evaluate_every": 0}
    if small:
        sizes |= {"bank_size": 64}
    if kind == "symbols":
        sizes["ppo"] = PPOConfig(num_steps=steps, minibatch_size=32 if small else 2048)
        return TrainConfig(task=LEVEL, **{**sizes, **changes})
    sizes |= {"num_envs": 8 if small else 64, "body": "rover", "camera": Camera(), "agent": AgentConfig(vision="cnn")}
    sizes["ppo"] = PPOConfig(num_steps=steps, minibatch_size=32 if small else 256)
    return TrainConfig(task=LEVEL, **{**sizes, **changes})


def half_batches(kind: str, options: Options) -> Row:
    """Seconds of collecting rollouts at once over those in halves, on as many cores as there are."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trainers = [
            stack.enter_context(
                closing(Trainer(config_of(kind, small=options.small, half_batches=half), folder / name))
            )
            for name, half in (("whole", False), ("halves", True))
        ]
        count = 1 if options.small else (16 if kind == "symbols" else 4)

        def collect(trainer: Trainer) -> None:
            for _ in range(count):
                trainer.algorithm.collect()

        whole, halves = trainers
        ratios = in_pairs(lambda: collect(whole), lambda: collect(halves), 1 if options.small else options.rounds)
    told = "symbols" if kind == "symbols" else "first person, 64 x 64"
    return ratio_row(f"collecting in half batches over at once, {LEVEL}, {told}, CPU", ratios)


@row("half_batches_gain")
def half_batches_gain(options: Options) -> Row:
    """The environments draw pictures meanwhile."""
    return half_batches("pictures", options)


@row("half_batches_gain_symbols")
def half_batches_gain_symbols(options: Options) -> Row:
    """There is little to do meanwhile."""
    return half_batches("symbols", options)


def counted(options: Options) -> tuple[Counter[str], Counter[str], int]:
    """What a rollout and an update of PPO wait for on a device, and the steps of a rollout."""
    with tempfile.TemporaryDirectory() as folder, SimulatedDevice() as device:
        # the numbers are those of runs of any size; a device that is simulated is slow
        ppo = PPOConfig(num_steps=4 if options.small else PPOConfig().num_steps, minibatch_size=32)
        config = config_of("symbols", small=True, ppo=ppo, device="simulated")
        trainer = Trainer(config, Path(folder) / "run")
        with closing(trainer):
            trainer.train_once()
            with device.counted() as collecting:
                rollout = trainer.algorithm.collect()
            with device.counted() as learning:
                trainer.algorithm.update(rollout, 0.5)
        return waits(collecting), waits(learning), len(rollout.action)


def count_row(told: str, found: Counter[str], steps: int) -> Row:
    """The row of a count, which is exact."""
    number = found.total()
    named = ", ".join(f"{count} x {name}" for name, count in sorted(found.items()))
    return {"row": f"{told} of {steps} steps ({named})", "mean": number, "low": number, "high": number}


@row("syncs_per_rollout")
def syncs_per_rollout(options: Options) -> Row:
    """How often the host waits for the device while it collects."""
    collecting, _, steps = counted(options)
    return count_row("times that the host waits for the device in a rollout", collecting, steps)


@row("syncs_per_update")
def syncs_per_update(options: Options) -> Row:
    """How often the host waits for the device in an update."""
    _, learning, steps = counted(options)
    return count_row("times that the host waits for the device in an update on a rollout", learning, steps)


if __name__ == "__main__":
    launch(measure, Options, __doc__)
