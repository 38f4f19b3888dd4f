"""A pool of processes that hold environments of other packages: arrays in shared memory, failures told or mended."""

from __future__ import annotations

import os
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError, EngineRestartError
from groundling.envs.simulators.foreign.screen import picture_of_text
from groundling.envs.simulators.foreign.worker import Worker, end

ANSWER_S: Final = 60.0
RESTART_S: Final = 60.0  # a worker that fails twice within it is not started a third time
SHARED_MEMORY: Final = Path("/dev/shm")


class Source(NamedTuple):
    """One part of an observation that is asked for.

    Attributes:
        key: of the observation, with dots where one is inside another; or ``info.KEY``.
        kind: "array" or "text".
        shape: of an array.
        dtype: of an array, NumPy's name.
        size: of a text: bytes at most, what is longer is cut.
    """

    key: str
    kind: str
    shape: tuple[int, ...] = ()
    dtype: str = "uint8"
    size: int = 0


class ForeignPool:
    """B environments of one kind in worker processes, which act at the same time and write into shared memory.

    A worker that crashes or hangs is started again, at most once within ``restart_s``; its episodes are told as cut
    off, with their last observations. None outlives this process.

    Args:
        maker: of environments, see ``host``.
        count: B; 0 makes as many as one call of the maker does.
        workers: processes; at most B.
        rules: how success and ends are told, see ``host.rules.Rule``.
        python: the Python interpreter of the workers; it needs numpy and the package of the environments. None takes
            this one.
        answer_s: after which a worker counts as hanging.
        restart_s: see above; by default a minute.
        group: how many environments one call of the maker makes. Where B is no multiple of it, the others act as well,
            and are not told of.

    Attributes:
        count: B.
        description: what the spaces are, see ``host.serving.Host.describe``.
        restarts: how often a worker was started again.

    Raises:
        EngineError: if an environment cannot be made; the message has its own error.
    """

    def __init__(
        self,
        maker: Mapping[str, Any],
        count: int,
        workers: int = 1,
        *,
        rules: Mapping[str, str] | None = None,
        python: str | None = None,
        answer_s: float = ANSWER_S,
        restart_s: float | None = None,
        group: int = 1,
    ) -> None:
        self.name = str(maker.get("id", maker.get("place", "")))
        self.restarts = 0
        self._maker, self._rules, self._python = dict(maker), dict(rules or {}), python
        self._answer_s, self._restart_s = answer_s, RESTART_S if restart_s is None else restart_s
        self._workers: list[Worker] = []
        self._layout: dict[str, Any] = {}
        self._file: IO[bytes] | None = None
        self._finalizer = weakref.finalize(self, end, self._workers)
        groups = max(1, -(-count // group))
        edges = [group * (groups * worker // min(workers, groups)) for worker in range(min(workers, groups) + 1)]
        try:
            for first, stop in pairwise(edges):
                self._workers.append(self._start(first, stop - first if count else 0))
            made = [worker.answer() for worker in self._workers]
        except BaseException:
            self._finalizer()
            raise
        self.description: dict[str, Any] = made[0]
        self.count = count or int(made[0]["count"])
        self._workers[0].size = int(made[0]["count"])
        self.arrays: dict[str, NDArray[Any]] = {}

    def map(self, sources: Sequence[Source]) -> None:
        """Share the arrays of these parts: ``now:KEY`` and ``final:KEY``, [B, ...] each, texts [B, 4 + size] uint8;
        beside ``action``, ``next_seed``, ``reward``, ``terminated``, ``truncated`` and ``success`` (-1: not told).
        """
        b = sum(worker.size for worker in self._workers)
        wanted: dict[str, tuple[tuple[int, ...], str]] = {
            "action": ((b,), "int64"),
            "next_seed": ((b,), "int64"),
            "reward": ((b,), "float64"),
            "terminated": ((b,), "bool"),
            "truncated": ((b,), "bool"),
            "success": ((b,), "int8"),
        }
        for source in sources:
            shape, dtype = ((4 + source.size,), "uint8") if source.kind == "text" else (source.shape, source.dtype)
            for when in ("now", "final"):
                wanted[f"{when}:{source.key}"] = ((b, *shape), dtype)
        offset, arrays = 0, {}
        for name, (shape, dtype) in wanted.items():
            arrays[name] = (offset, shape, dtype)
            offset += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // 64) * 64
        folder = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
        self._file = tempfile.NamedTemporaryFile(prefix="groundling-", dir=folder)  # noqa: SIM115 - as long as the pool
        self._file.truncate(max(offset, 1))
        self._layout = {"arrays": arrays, "sources": [(s.key, s.kind, s.size) for s in sources]}
        memory = np.memmap(self._file.name, dtype=np.uint8, mode="r+")
        for name, (start, shape, dtype) in arrays.items():
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self.arrays[name] = memory[start : start + size].view(dtype).reshape(shape)[: self.count]
        for worker in self._workers:
            self._map(worker)

    def reset(self, seeds: NDArray[np.integer[Any]]) -> None:
        """Begin an episode of these seeds [B] in every environment; the observations are in ``now:KEY``.

        Raises:
            EngineError: if an environment fails, crashes or hangs.
        """
        self.arrays["next_seed"][:] = seeds
        for worker in self._workers:
            worker.send(("reset", list(range(worker.size))))
        for worker in self._workers:
            worker.answer()

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Act in every environment; results are in the arrays, the next episodes are those of ``next_seed``.

        Raises:
            EngineError: if an environment raises an error of its own.
            EngineRestartError: if a worker crashed or hung twice within ``restart_s``.
        """
        self.arrays["action"][:] = actions
        failed: list[tuple[Worker, EngineError]] = []
        asked = []
        for worker in self._workers:
            try:
                worker.begin_step()
                asked.append(worker)
            except EngineCrashError as error:
                failed.append((worker, error))
        for worker in asked:
            try:
                worker.end_step(self._answer_s)
            except (EngineCrashError, EngineHangError) as error:
                failed.append((worker, error))
        for worker, why in failed:
            self._restart(worker, why)

    def render(self, row: int) -> NDArray[np.uint8] | None:
        """A picture [H, W, 3] of an environment, or of the text that it shows, if it was made to draw some; errors as
        of :meth:`reset`.
        """
        worker = next(worker for worker in self._workers if worker.first <= row < worker.first + worker.size)
        worker.send(("render", row - worker.first))
        picture: NDArray[np.uint8] | str | None = worker.answer(self._answer_s)
        return picture_of_text(picture) if isinstance(picture, str) else picture

    def close(self) -> None:
        """End the environments and their processes."""
        for worker in self._workers:
            worker.close()
        self._finalizer()
        if self._file is not None:
            self._file.close()
            self._file = None

    def processes(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def _start(self, first: int, size: int) -> Worker:
        return Worker(self.name, first, size, self._python, self._maker, self._rules)

    def _map(self, worker: Worker) -> None:
        assert self._file is not None
        worker.send(("map", self._file.name, self._layout, worker.first))
        worker.answer()

    def _restart(self, worker: Worker, error: EngineError) -> None:
        """Start a worker again whose process is gone, and cut its episodes off where they were."""
        place = self._workers.index(worker)
        while True:
            end([worker])
            if worker.is_restarted and time.monotonic() - worker.started < self._restart_s:
                raise EngineRestartError(f"{error}; it had been started again less than {self._restart_s:g} s before")
            self.restarts += 1
            worker = self._workers[place] = self._start(worker.first, worker.size)
            worker.is_restarted = True
            try:
                worker.answer()
                self._map(worker)
                self._cut_off(worker)
                return
            except (EngineCrashError, EngineHangError) as again:
                error = again

    def _cut_off(self, worker: Worker) -> None:
        """Tell that the episodes of a worker were cut off, and begin the next ones."""
        rows = slice(worker.first, worker.first + worker.size)
        for name, array in self.arrays.items():
            if name.startswith("final:"):
                array[rows] = self.arrays["now:" + name[6:]][rows]
        for name, value in (("reward", 0.0), ("terminated", False), ("truncated", True), ("success", 0)):
            self.arrays[name][rows] = value
        worker.send(("reset", list(range(worker.size))))
        worker.answer()
