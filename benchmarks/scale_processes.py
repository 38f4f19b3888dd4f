"""Two cores: stepping environments, PPO against Stable-Baselines3's, and two processes of ``torchrun`` against one.

    python benchmarks/scale_processes.py [--only environment ppo torchrun] [--rounds 7]
        [--output benchmarks/results/scale.json]

Run it on a machine of two cores that has nothing else to do. All that is compared is measured by turns within a round
and compared within it; medians over the rounds are reported, with the lowest and the highest.

- ``two_cores_environment``: steps a second of one thread and of two, each with the number of environments that is
  fastest for it. Beside it what bounds it: ``two_cores_copy`` (how much faster two threads copy memory than one, the
  roofline of work that waits for memory), ``two_cores_processor_time`` (processor time of a step by two threads, of
  that by one: what more the step itself costs where two cores share caches and memory) and ``two_cores_waiting`` (the
  share of both cores' time in which one has nothing to do: the interpreter between steps, and threads that wake up).
- ``ppo_over_sb3``: PPO end to end on GoToLocal with default settings, the fastest of one thread, two torch threads and
  two update threads, against the fastest setting of Stable-Baselines3's on the same cores (``training_speed.py``).
- ``update_threads_gain``: two update threads against the same run on one thread; and on pixels, ``.../pixels``.
- ``torchrun_two_over_one``: a job of two processes against the same run in one, by their logs.

Rows of other benchmarks in the file stay. Needs ``pip install groundling[benchmarks]`` for ``ppo``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from environment_speed import ratios, write_rows
from launch import launch

from groundling.envs import make_vec
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.processes import module_command
from groundling.training import TrainConfig
from groundling.training.logs import read_metrics

Part = Literal["environment", "ppo", "pixels", "torchrun"]
TASK = "BabyAI-GoToLocal-v0"
PIXELS = "groundling/GroundedRoom-Easy-v0"
ENVS_PER_THREAD = (2048, 8192, 32768)
COPIED_MB = 64
COMMAND = "python benchmarks/scale_processes.py"
NO_SPEED_UP = ("two_cores_processor_time", "two_cores_waiting")  # rows whose numbers say nothing of 1 and 2


@dataclass(frozen=True)
class Options:
    """Measure two cores.

    Attributes:
        only: what to measure; by default all.
        rounds: how often.
        seconds: of each measurement of environments.
        frames: that training is measured on.
        peer_frames: that Stable-Baselines3 is measured on.
        output: JSON file whose rows of these names are replaced.
    """

    only: tuple[Part, ...] = ("environment", "ppo", "pixels", "torchrun")
    rounds: int = 7
    seconds: float = 0.5
    frames: int = 131_072
    peer_frames: int = 8_192
    output: Path | None = None


@dataclass
class Speeds:
    """What each round measured, by the name of what was measured."""

    found: dict[str, list[float]]

    def fastest(self, prefix: str) -> str:
        """The name with the highest median of those that begin like this."""
        names = [name for name in self.found if name.startswith(prefix)]
        return max(names, key=lambda name: statistics.median(self.found[name]))

    def over(self, some: str, other: str) -> list[float]:
        """The ratio in each round of two names."""
        return ratios(self.found[some], self.found[other])


def by_turns(measures: Mapping[str, Callable[[], float]], rounds: int) -> Speeds:
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
            print(f"round {number + 1}: {name}: {found[name][-1]:,.3f}", flush=True)
    return Speeds(found)


def row(key: str, told: str, values: Sequence[float], options: Options, part: Part, started: float) -> dict[str, Any]:
    print(f"{key}: {statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f}), {told}")
    return {
        "key": key,
        "row": told,
        "mean": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "seeds": len(values),
        "frames": None,
        "minutes": round((time.perf_counter() - started) / 60, 2),
        "floor": 1.0 if key not in NO_SPEED_UP else None,
        "ceiling": 2.0 if key not in (*NO_SPEED_UP, "ppo_over_sb3") else None,
        "command": f"{COMMAND} --only {part} --rounds {options.rounds} --output benchmarks/results/scale.json",
    }


class Stepping:
    """Environments that random actions step, by so many threads; they play on between the measurements."""

    def __init__(self, per_thread: int, threads: int, seconds: float) -> None:
        count = per_thread * threads
        self._envs = make_vec(TASK, count, bank_size=2048, num_threads=threads)
        self._envs.reset(seed=0)
        self._actions = np.random.default_rng(0).integers(0, NUM_ACTIONS, (64, count))
        self._threads, self._seconds, self._steps = threads, seconds, 0
        self.processor_ns: list[float] = []  # of one step of one environment
        self.waiting: list[float] = []  # share of the threads' time

    def __call__(self) -> float:
        """Steps a second of wall clock; processor time is noted beside it."""
        done, count = 0, self._actions.shape[1]
        wall, processor = time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - wall) < self._seconds:
            self._envs.step(self._actions[self._steps % 64])
            self._steps += 1
            done += count
        used = time.process_time() - processor
        self.processor_ns.append(1e9 * used / done)
        self.waiting.append(max(0.0, 1 - used / (elapsed * self._threads)))
        return done / elapsed


def copy_speed(threads: int, repeats: int = 10) -> float:
    """Gigabytes a second that threads copy, each its own array."""
    sources = [np.ones(COPIED_MB * 2**20 // 8) for _ in range(threads)]
    targets = [np.zeros_like(source) for source in sources]

    def work(number: int) -> None:
        for _ in range(repeats):
            np.copyto(targets[number], sources[number])

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * repeats * COPIED_MB / 1024 / (time.perf_counter() - start)


def environment_rows(options: Options) -> list[dict[str, Any]]:
    started = time.perf_counter()
    steppers = {
        f"{threads} thread(s), {size} environments each": Stepping(size, threads, options.seconds)
        for threads in (1, 2)
        for size in ENVS_PER_THREAD
    }
    copies = {f"copy by {threads}": partial(copy_speed, threads) for threads in (1, 2)}
    speeds = by_turns({**steppers, **copies}, options.rounds)
    one, two = speeds.fastest("1 thread"), speeds.fastest("2 thread")
    same_size = f"1 thread(s), {two.partition(', ')[2]}"
    processor = ratios(steppers[two].processor_ns, steppers[same_size].processor_ns)
    make = partial(row, options=options, part="environment", started=started)
    return [
        make("two_cores_environment", f"{TASK}: steps a second, {two} over {one}", speeds.over(two, one)),
        make("two_cores_copy", f"copying {COPIED_MB} MiB, two threads over one", speeds.over("copy by 2", "copy by 1")),
        make("two_cores_processor_time", f"processor time of a step, {two} over {same_size}", processor),
        make("two_cores_waiting", f"share of two cores' time without work, {two}", steppers[two].waiting),
    ]


def ppo_rows(options: Options, task: str, part: Part) -> list[dict[str, Any]]:
    from training_speed import PEER_ENVS, base_config, own_speed

    started = time.perf_counter()
    base = base_config(task)
    frames = options.frames if part == "ppo" else options.frames // 8
    settings = {
        "groundling, one thread": base,
        "groundling, two torch threads": replace(base, torch_threads=2),
        "groundling, two update threads": replace(base, update_threads=2),
    }
    measures: dict[str, Callable[[], float]] = {
        name: partial(own_speed, config, frames) for name, config in settings.items()
    }
    if part == "ppo":
        from sb3_peer import VEC_ENVS, peer_speed

        for kind, vec_env in VEC_ENVS.items():
            for threads in (1, 2):
                name = f"SB3, {kind}, {threads} torch thread(s)"
                measures[name] = partial(peer_speed, base, PEER_ENVS, options.peer_frames, vec_env, threads)
    speeds = by_turns(measures, options.rounds)
    make = partial(row, options=options, part=part, started=started)
    gain = speeds.over("groundling, two update threads", "groundling, one thread")
    suffix = "" if part == "ppo" else "/pixels"
    rows = [make(f"update_threads_gain{suffix}", f"PPO on {task}: frames a second, two update threads over one", gain)]
    if part == "ppo":
        ours, peer = speeds.fastest("groundling"), speeds.fastest("SB3")
        told = f"PPO on {task}: frames a second, {ours} over {peer}"
        rows.append(make("ppo_over_sb3", told, speeds.over(ours, peer)))
    return rows


def job_speed(processes: int, frames: int) -> float:
    """Frames a second of a run of so many processes: the median of the second half of its updates."""
    config = TrainConfig(task=TASK)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = ["--nproc-per-node", str(processes), "--standalone", "-m", "groundling", "train", "--task", TASK]
        words += ["--total-frames", str(frames), "--evaluate-every", "0", "--run-folder", str(run)]
        command, environment = module_command("torch.distributed.run", *words)
        told = subprocess.run(
            command, env={**os.environ, **environment, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
        )
        if told.returncode:
            sys.exit(f"the job of {processes} failed:\n{told.stdout}{told.stderr}")
        rows = read_metrics(run)
        assert len(rows) == -(-frames // config.rollout_frames)
        return statistics.median(line["frames_per_second"] for line in rows[len(rows) // 2 :])


def torchrun_rows(options: Options) -> list[dict[str, Any]]:
    started = time.perf_counter()
    measures = {f"{count} process(es)": partial(job_speed, count, 2 * options.frames) for count in (1, 2)}
    speeds = by_turns(measures, options.rounds)
    told = f"PPO on {TASK}: frames a second, a job of two processes over one process, the same configuration"
    values = speeds.over("2 process(es)", "1 process(es)")
    return [row("torchrun_two_over_one", told, values, options, "torchrun", started)]


def main(options: Options) -> None:
    """Measure what is asked for, and write the rows."""
    measures: dict[Part, Callable[[], list[dict[str, Any]]]] = {
        "environment": partial(environment_rows, options),
        "ppo": partial(ppo_rows, options, TASK, "ppo"),
        "pixels": partial(ppo_rows, options, PIXELS, "pixels"),
        "torchrun": partial(torchrun_rows, options),
    }
    for part in options.only:
        rows = measures[part]()
        if options.output is not None:
            write_rows(options.output, rows)
        print(json.dumps({found["key"]: found["mean"] for found in rows}))


if __name__ == "__main__":
    launch(main, Options, __doc__)
