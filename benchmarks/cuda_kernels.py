"""Environment speed on a GPU: steps a second there, against one core of the CPU.

    python benchmarks/cuda_kernels.py [--batches 4096 65536] [--rounds 5] [--seconds 0.5] [--rover] [--rows FILE.json]
    NUMBA_ENABLE_CUDASIM=1 python benchmarks/cuda_kernels.py --batches 4 --rounds 1 --seconds 0.1   (a rehearsal)

With ``--rover`` rovers drive through the level, with a picture of 64 x 64 pixels a step; else the grid is walked.
Both step the same level with uniformly random actions, which are on the device beforehand; resets, goal checks and
observations are included, and nothing is copied back. In each round every batch size and the core are measured one
after the other, and ratios are taken within the round. Before that a short run of every batch is compared with the CPU,
reward by reward. Also told is the time of the CPU that one step's launch takes.

Prints a table and, as its last line, a JSON object. Numbers of Numba's simulator are those of a rehearsal and mean
nothing: they are not written to a file.
"""

from __future__ import annotations

import json
import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from numba import cuda

from groundling.envs import EpisodeBank, GroundlingVectorEnv, build_bank
from groundling.envs.banks.sources import embodiment_of, find_source
from groundling.envs.device_vector import DeviceVectorEnv
from groundling.envs.engine.cuda.building import is_simulated, select_device
from groundling.envs.engine.embodiment import Embodiment
from groundling.errors import ConfigurationError, GroundlingError
from groundling.files import write_text

ACTIONS_KEPT = 16
COMPARED_STEPS = 20


@dataclass(frozen=True)
class Options:
    """Measure environment speed on a GPU.

    Attributes:
        task: id of the level.
        rover: drive rovers with cameras.
        batches: environments side by side, one number after the other.
        core_envs: of the CPU's one core.
        bank_size: distinct episodes.
        rounds: how often everything is measured.
        seconds: of each measurement.
        device: of the environments.
        rows: JSON file for the rows; others in it stay.
    """

    task: str = "BabyAI-GoToLocal-v0"
    rover: bool = False
    batches: tuple[int, ...] = (4096, 16384, 65536, 262144)
    core_envs: int = 4096
    bank_size: int = 2048
    rounds: int = 5
    seconds: float = 0.5
    device: str = "cuda"
    rows: Path | None = None


class OnDevice:
    """Environments on the device that take random actions.

    Args:
        bank: of their episodes.
        num_envs: B.
        device: theirs.
        embodiment: their body and senses.
    """

    def __init__(self, bank: EpisodeBank, num_envs: int, device: str, embodiment: Embodiment) -> None:
        self.envs = DeviceVectorEnv(bank, num_envs, copy=False, device=device, embodiment=embodiment)
        self.drawn = drawn_actions(self.envs.embodiment.num_actions, num_envs)
        self.actions = [cuda.to_device(actions) for actions in self.drawn]
        self.envs.reset(seed=0)

    def compare(self, bank: EpisodeBank) -> None:
        """Step environments of the CPU in the same way; every reward and end must be the same.

        Raises:
            GroundlingError: naming the first step that differs.
        """
        cpu = GroundlingVectorEnv(bank, self.envs.num_envs, copy=False, embodiment=self.envs.embodiment)
        cpu.reset(seed=0)
        for step in range(COMPARED_STEPS):
            _, *here = cpu.step(self.drawn[step % ACTIONS_KEPT])
            _, *there = self.envs.step(self.actions[step % ACTIONS_KEPT])
            for name, ours, theirs in zip(("reward", "terminated", "truncated"), here, there, strict=False):
                if not np.array_equal(np.asarray(ours), theirs.copy_to_host()):
                    raise GroundlingError(f"{name} of step {step} is another one than on the CPU")

    def speed(self, seconds: float) -> float:
        """Steps a second."""
        steps = 0
        cuda.synchronize()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for actions in self.actions:
                self.envs.step(actions)
            cuda.synchronize()
            steps += ACTIONS_KEPT
        return steps * self.envs.num_envs / (time.perf_counter() - start)

    def launch_microseconds(self) -> float:
        """Processor time of the CPU that a step takes, without waiting for it."""
        cuda.synchronize()
        start = time.process_time()
        for actions in self.actions:
            self.envs.step(actions)
        spent = time.process_time() - start
        cuda.synchronize()
        return spent / ACTIONS_KEPT * 1e6


def drawn_actions(count: int, num_envs: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(count, size=num_envs) for _ in range(ACTIONS_KEPT)]


def core_speed(envs: GroundlingVectorEnv, actions: list[np.ndarray], seconds: float) -> float:
    """Steps a second of one core."""
    steps = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for chosen in actions:
            envs.step(chosen)
        steps += ACTIONS_KEPT
    return steps * envs.num_envs / (time.perf_counter() - start)


def row(options: Options, key: str, title: str, values: list[float], minutes: float) -> dict[str, Any]:
    """A row of results: mean, lowest and highest of the rounds."""
    batches = " ".join(map(str, options.batches))
    asked = f"--task {options.task} --batches {batches} --rounds {options.rounds}{' --rover' if options.rover else ''}"
    return {
        "key": key,
        "row": f"{options.task}: {title}",
        "mean": statistics.fmean(values),
        "low": min(values),
        "high": max(values),
        "seeds": 1,
        "frames": None,
        "minutes": round(minutes, 2),
        "floor": None,
        "ceiling": None,
        "command": f"python benchmarks/cuda_kernels.py {asked}",
    }


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put rows into a file of results, in the place of those with the same keys."""
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    keys = {row["key"] for row in rows}
    kept = [row for row in before if row["key"] not in keys]
    write_text(path, json.dumps({"rows": [*kept, *rows]}, indent=1) + "\n")


def main(options: Options) -> None:
    select_device(options.device)
    if is_simulated():
        warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # its integers wrap as a GPU's do
        if options.rows is not None:
            raise ConfigurationError("under Numba's simulator nothing is measured: leave --rows out")
    begun = time.perf_counter()
    bank = build_bank(find_source(options.task), options.bank_size, seed=0)
    embodiment = embodiment_of(bank).changed(body="rover" if options.rover else "grid")
    core = GroundlingVectorEnv(bank, options.core_envs, copy=False, embodiment=embodiment)
    core.reset(seed=0)
    core_actions = drawn_actions(core.embodiment.num_actions, options.core_envs)
    there = {count: OnDevice(bank, count, options.device, embodiment) for count in options.batches}
    for on_device in there.values():
        on_device.compare(bank)
    cores: list[float] = []
    speeds: dict[int, list[float]] = {count: [] for count in options.batches}
    for _ in range(options.rounds):
        cores.append(core_speed(core, core_actions, options.seconds))
        for count, on_device in there.items():
            speeds[count].append(on_device.speed(options.seconds))
    launches = {count: on_device.launch_microseconds() for count, on_device in there.items()}
    print(f"{options.task}, {options.rounds} rounds: steps a second, median (lowest to highest)")
    measured = {"one core of the CPU": cores, **{f"{count} on the GPU": values for count, values in speeds.items()}}
    for name, values in measured.items():
        print(f"{name:>24}  {statistics.median(values):>16,.0f}  ({min(values):,.0f} to {max(values):,.0f})")
    best = max(options.batches, key=lambda count: statistics.median(speeds[count]))
    within = [fast / slow for fast, slow in zip(speeds[best], cores, strict=True)]
    minutes = (time.perf_counter() - begun) / 60
    if options.rows is not None:
        against = f"the same against one core, {options.core_envs} environments"
        key = "rover_kernels" if options.rover else "kernels"
        fastest = row(options, key, f"steps a second on the GPU, {best} environments", speeds[best], minutes)
        write_rows(options.rows, [fastest, row(options, f"{key}_over_core", against, within, minutes)])
    figures = {
        "task": options.task,
        "simulated": is_simulated(),
        "steps_per_second": {str(count): statistics.median(values) for count, values in speeds.items()},
        "one_core": statistics.median(cores),
        "ratio": statistics.median(within),
        "launch_microseconds": launches,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    launch(main, Options, __doc__)
