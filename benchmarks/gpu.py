"""What a GPU brings, in under eight minutes: the rows of benchmarks/results/gpu.json.

    benchmarks/gpu.sh [--rows ppo_symbols ...] [--seconds 420]
    benchmarks/gpu.sh --rehearse        the same on the CPU in small sizes, to see that it runs; writes no results

Speeds are frames a second of whole steps, updates and copies included where there are any: mean, lowest and highest of
three windows after a first one that compiles and fills caches. Rows are written one by one, so that those which were
measured stay where time runs out. ``seconds_to_99`` is the wall-clock time until 99 % of the last training episodes on
GoToLocal succeeded.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from launch import launch
from runs import keep_rows

from groundling.agents import AgentConfig
from groundling.envs import make_vec
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, GroundlingError
from groundling.training import PPOConfig, TrainConfig
from groundling.training.loop import Trainer

COMMAND = "benchmarks/gpu.sh"
LEVEL = "BabyAI-GoToLocal-v0"
WINDOWS = 3
GOAL = 0.99


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        rows: keys of the rows, or their beginnings; all of them where none is named.
        seconds: after so many no further row is begun.
        rehearse: measure little, on the CPU, and write nothing.
        output: file of the rows; those of other keys that it holds are kept.
    """

    rows: tuple[str, ...] = ()
    seconds: float = 420.0
    rehearse: bool = False
    output: Path = Path(__file__).with_name("results") / "gpu.json"


@dataclass(frozen=True)
class Sizes:
    """How large what is measured is.

    Attributes:
        envs: with symbols on a GPU; a quarter of them with pictures.
        cpu_envs: with symbols on the CPU, as by default; an eighth of them with pictures.
        steps: of a rollout.
        minibatches: of a pass over a rollout.
        device_envs: of environments that are on the GPU themselves.
        window: seconds.
    """

    envs: int = 4096
    cpu_envs: int = 512
    steps: int = 16
    minibatches: int = 4
    device_envs: int = 65536
    window: float = 2.0


SMALL = Sizes(envs=16, cpu_envs=16, steps=4, minibatches=2, device_envs=16, window=0.05)
Row = dict[str, Any]


def measure(options: Options) -> list[Row]:
    """Measure rows one by one, as long as there is time."""
    if not options.rehearse and not torch.cuda.is_available():
        raise ConfigurationError("there is no GPU here that PyTorch can use: --rehearse runs the script on the CPU")
    device = "cpu" if options.rehearse else "cuda"
    sizes = SMALL if options.rehearse else Sizes()
    every = measurements(device, sizes)
    chosen = [key for key in every if not options.rows or key.startswith(options.rows)]
    if not chosen:
        raise ConfigurationError(f"there is no row {', '.join(options.rows)}: there are {', '.join(every)}")
    start, rows = time.perf_counter(), list[Row]()
    about = place(device)
    for key in chosen:
        if time.perf_counter() - start > options.seconds:
            print(f"no time is left for {', '.join(chosen[chosen.index(key) :])}")
            break
        told, run = every[key]
        begun = time.perf_counter()
        try:
            values = run()
        except (GroundlingError, RuntimeError) as error:  # one that fails is not to cost the others
            print(f"{key}: not measured, {type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        finally:
            gc.collect()
        row: Row = {
            "key": key,
            "row": f"{told} ({about})",
            "mean": float(np.mean(values)),
            "low": min(values),
            "high": max(values),
            **{"seeds": 1, "frames": None, "floor": None, "ceiling": None},
            "minutes": (time.perf_counter() - begun) / 60,
            "command": f"{COMMAND} --rows {key}",
        }
        rows.append(row)
        print(f"{key}: {row['mean']:,.0f} [{row['low']:,.0f}, {row['high']:,.0f}], {row['minutes'] * 60:.0f} s")
        if not options.rehearse:
            keep_rows([row], options.output)
    return rows


def place(device: str) -> str:
    """What it was measured on."""
    cores = f"{len(os.sched_getaffinity(0))} CPU cores"
    return f"rehearsed on {cores}" if device == "cpu" else f"{torch.cuda.get_device_name()}, {cores}"


def measurements(device: str, sizes: Sizes) -> dict[str, tuple[str, Callable[[], list[float]]]]:
    """By key: in words, and what measures it, the most telling ones first."""
    found: dict[str, tuple[str, Callable[[], list[float]]]] = {}
    threads = len(os.sched_getaffinity(0))

    def training(key: str, told: str, config: TrainConfig) -> None:
        found[f"ppo_{key}"] = (f"PPO with language, {told}", lambda: frames_per_second(config, sizes, learns=True))

    def acting(key: str, told: str, config: TrainConfig) -> None:
        found[f"acting_{key}"] = (f"collecting, {told}", lambda: frames_per_second(config, sizes, learns=False))

    symbols, pictures = config_of("symbols", device, sizes), config_of("pictures", device, sizes)
    plain_symbols, plain_pictures = config_of("symbols", "cpu", sizes), config_of("pictures", "cpu", sizes)
    training("symbols", "symbols", symbols)
    training("pictures", "first person 64 x 64", pictures)
    training("symbols_cpu", "symbols, on the CPU", plain_symbols)
    training("pictures_cpu", "first person 64 x 64, on the CPU", plain_pictures)
    acting("symbols", "symbols", symbols)
    acting("pictures", "first person 64 x 64", pictures)
    found["environment"] = ("environment steps, symbols, CPU", lambda: env_steps(sizes, threads, device="cpu"))
    found["environment_pictures"] = (
        "environment steps, first person 64 x 64, CPU",
        lambda: env_steps(sizes, threads, device="cpu", body="rover"),
    )
    found["environment_device"] = (
        "environment steps, symbols, on the device",
        lambda: env_steps(sizes, 1, device=device),
    )
    if device != "cpu":
        there = replace(symbols, env_device=device, num_envs=sizes.device_envs // 4)
        training("symbols_env_device", "symbols, environments on the device", with_minibatches(there, sizes))
    found["seconds_to_99"] = (
        f"seconds until {GOAL:.0%} of training episodes on {LEVEL} succeed",
        lambda: seconds_to(symbols, sizes),
    )
    found["seconds_to_99_cpu"] = (
        f"seconds until {GOAL:.0%} of training episodes on {LEVEL} succeed, on the CPU",
        lambda: seconds_to(plain_symbols, sizes),
    )
    training("symbols_halves", "symbols, half batches", replace(symbols, half_batches=True))
    training("pictures_halves", "first person 64 x 64, half batches", replace(pictures, half_batches=True))
    acting("pictures_halves", "first person 64 x 64, half batches", replace(pictures, half_batches=True))
    training("symbols_bfloat16", "symbols, bfloat16", replace(symbols, precision="bfloat16"))
    training("pictures_bfloat16", "first person 64 x 64, bfloat16", replace(pictures, precision="bfloat16"))
    if device != "cpu":
        training("symbols_graphs", "symbols, CUDA graphs", replace(symbols, compile="cuda-graphs"))
        training("symbols_compiled", "symbols, compiled", replace(symbols, compile="default"))
    return found


def config_of(kind: str, device: str, sizes: Sizes) -> TrainConfig:
    """A run with PPO, on symbols or on pictures in first person."""
    is_small = sizes is SMALL
    envs = sizes.envs if device != "cpu" else sizes.cpu_envs
    shared: dict[str, Any] = {"task": LEVEL, "device": device, "total_frames": 10**9, "evaluate_every": 0}
    shared["torch_threads"] = len(os.sched_getaffinity(0)) if device == "cpu" and not is_small else 1
    shared["env_threads"] = 1 if is_small else len(os.sched_getaffinity(0))
    shared["bank_size"] = 64 if is_small else 8192
    shared["ppo"] = PPOConfig(num_steps=sizes.steps, minibatch_size=1)
    if kind == "symbols":
        return with_minibatches(TrainConfig(**shared, num_envs=envs), sizes)
    agent = AgentConfig(vision="cnn")
    envs //= 4 if device != "cpu" else 8
    rover: dict[str, Any] = {"body": "rover", "camera": Camera(), "agent": agent, "num_envs": max(4, envs)}
    return with_minibatches(TrainConfig(**shared, **rover), sizes)


def with_minibatches(config: TrainConfig, sizes: Sizes) -> TrainConfig:
    """The same with so many minibatches of a pass."""
    size = config.rollout_frames // sizes.minibatches
    return replace(config, settings=(replace(config.algorithm_settings, minibatch_size=size),))


def windows(run: Callable[[], int], sizes: Sizes, device: str) -> list[float]:
    """Frames a second of what returns how many it made, in windows."""

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    for _ in range(2):
        run()
    found = []
    for _ in range(WINDOWS):
        wait()
        start, frames = time.perf_counter(), 0
        while time.perf_counter() - start < sizes.window:
            frames += run()
        wait()
        found.append(frames / (time.perf_counter() - start))
    return found


def frames_per_second(config: TrainConfig, sizes: Sizes, *, learns: bool) -> list[float]:
    """Of a run, with updates or only collecting."""
    with tempfile.TemporaryDirectory() as folder, closing(Trainer(config, Path(folder) / "run")) as trainer:

        def run() -> int:
            if learns:
                trainer.train_once()
            else:
                trainer.algorithm.collect()
            return config.rollout_frames

        return windows(run, sizes, config.device)


def env_steps(sizes: Sizes, threads: int, *, device: str, body: str = "grid") -> list[float]:
    """Of environments alone, with actions that were drawn before."""
    is_on_device = device != "cpu"
    count = sizes.device_envs if is_on_device else sizes.envs // (4 if body == "rover" else 1)
    options: dict[str, Any] = {"env_device": device} if is_on_device else {"num_threads": threads}
    options["body"] = body
    bank = 64 if sizes is SMALL else 8192
    envs = make_vec(LEVEL, num_envs=count, seed=1, bank_size=bank, copy=False, **options)
    with closing(envs):
        envs.reset(seed=0)
        space: Any = envs.single_action_space
        drawn = np.random.default_rng(0).integers(0, space.n, (32, count))
        actions: Any = torch.from_numpy(drawn).to(device) if is_on_device else drawn

        def run() -> int:
            for row in actions:
                envs.step(row)
            return len(actions) * count

        return windows(run, sizes, device)


def seconds_to(config: TrainConfig, sizes: Sizes) -> list[float]:
    """Seconds of training until as many of the last episodes succeed; of a rehearsal, of one update."""
    most = 0.0 if sizes is SMALL else 90.0
    config = replace(config, total_frames=20_000_000)
    with tempfile.TemporaryDirectory() as folder, closing(Trainer(config, Path(folder) / "run")) as trainer:
        start = time.perf_counter()
        while True:
            success = trainer.train_once()["success"]
            seconds = time.perf_counter() - start
            if success >= GOAL or sizes is SMALL:
                return [seconds]
            if seconds > most or trainer.updates >= config.num_updates:
                raise ConfigurationError(f"{success:.3f} of the last episodes succeed after {seconds:.0f} s")


if __name__ == "__main__":
    launch(measure, Options, __doc__)
