"""Steps a second on one core of two checkouts, by turns: whether a change has slowed the environments down.

    python benchmarks/one_core.py --before ../before [--rounds 15] [--output benchmarks/results/scale.json]

``--before`` is another checkout of this repository (``git worktree add --detach ../before COMMIT``). Each of them has a
process of its own on the first core. In each round both take random actions for some time, the first one in turn, and
the ratio is taken within the round. It is by processor time, so that other work on the core does not enter;
what it leaves in the caches does. Rows: ``one_core/TASK``, this checkout over the other.

Both checkouts compile their kernels anew: kernels that were compiled at different times, with others around them, were
seen to differ by 15 % in speed though nothing had changed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from runs import keep_rows

TASKS = {"BabyAI-GoToLocal-v0": 2048, "BabyAI-BossLevel-v0": 512, "groundling/GroundedRoom-Easy-v0": 64}
HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Options:
    """Compare two checkouts on one core.

    Attributes:
        before: the other checkout.
        rounds: how often each is measured.
        seconds: of processor time of each measurement.
        output: a file for the rows.
    """

    before: Path
    rounds: int = 15
    seconds: float = 0.4
    output: Path | None = None

    def run(self) -> None:
        """Measure, print, write the rows."""
        keep_rows([self.row(task, num_envs) for task, num_envs in TASKS.items()], self.output)

    def row(self, task: str, num_envs: int) -> dict[str, Any]:
        """The row of a task."""
        with ExitStack() as stack:
            folders = [self.before.resolve(), HERE]
            stepping = [stack.enter_context(Checkout(folder, task, num_envs, self.seconds)) for folder in folders]
            speeds: list[list[float]] = [[], []]
            for number in range(self.rounds):
                for which in (0, 1) if number % 2 else (1, 0):
                    speeds[which].append(stepping[which].measure())
        found = [now / before for before, now in zip(*speeds, strict=True)]
        print(f"{task}: {statistics.median(found):.3f} ({min(found):.3f} to {max(found):.3f})", flush=True)
        return {
            "key": f"one_core/{task}",
            "row": f"steps a second on one core over those of an earlier commit, {task}, {num_envs} environments",
            "mean": statistics.median(found),
            "low": min(found),
            "high": max(found),
            "seeds": self.rounds,
            "frames": None,
            "minutes": None,
            "floor": None,
            "ceiling": None,
            "command": f"python benchmarks/one_core.py --before FOLDER --rounds {self.rounds}"
            " --output benchmarks/results/scale.json",
        }


class Checkout:
    """A process that steps the environments of a checkout when it is asked to."""

    def __init__(self, folder: Path, task: str, num_envs: int, seconds: float) -> None:
        self._compiled = tempfile.TemporaryDirectory()
        variables = {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": self._compiled.name, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "serve", task, str(num_envs), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **variables},
        )
        told = self._answer()
        if not Path(told).is_relative_to(folder):
            raise SystemExit(f"{told} was imported, not the package of {folder}")

    def __enter__(self) -> Checkout:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._compiled.cleanup()

    def measure(self) -> float:
        """Steps a second."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise SystemExit("a checkout could not be measured: see what it printed")
        return line


def serve(task: str, num_envs: int, seconds: float) -> None:
    """Say where the package is, then for each line how many steps a second it takes."""
    import groundling

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    envs: Any = groundling.make_vec(task, num_envs, bank_size=1024)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, envs.single_action_space.n, (64, num_envs))
    for some in actions:
        envs.step(some)
    print(groundling.__file__, flush=True)
    for _ in sys.stdin:
        steps, begun = 0, time.process_time()
        while (elapsed := time.process_time() - begun) < seconds:
            envs.step(actions[steps % 64])
            steps += 1
        print(steps * num_envs / elapsed, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        launch(Options.run, Options, __doc__)
