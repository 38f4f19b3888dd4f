"""A pool of processes that hold environments of other packages: arrays in shared memory, failures told or mended."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError, EngineRestartError
from groundling.envs.simulators.foreign import host
from groundling.envs.simulators.foreign.screen import picture_of_text

START_S: Final = 120.0
ANSWER_S: Final = 60.0
CLOSE_S: Final = 5.0
RESTART_S: Final = 60.0  # a worker that fails twice within it is not started a third time
TOLD_LINES: Final = 15  # of what a process wrote before it died
TOLD_BYTES: Final = 20_000
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


@dataclass
class _Worker:
    """A process, our end of its socket, what it wrote, and the environments that it holds."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    told: IO[bytes]
    first: int
    size: int
    started: float = field(default_factory=time.monotonic)
    is_restarted: bool = False


class ForeignPool:
    """B environments of one kind in worker processes, which act at the same time and write into shared memory.

    A worker that crashes or hangs is started again, at most once within ``restart_s``; its episodes are told as cut
    off, with their last observations. None outlives this process.

    Args:
        maker: of one environment, see ``host.make_one``.
        count: B.
        workers: processes; at most B.
        rules: how success and ends are told, see ``host.Rule``.
        python: the Python interpreter of the workers; it needs numpy and the package of the environments. None takes
            this one.
        answer_s: after which a worker counts as hanging.
        restart_s: see above; by default a minute.

    Attributes:
        description: what the spaces are, see ``host.Host.describe``.
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
    ) -> None:
        self.count = count
        self.name = str(maker.get("id", maker.get("place", "")))
        self.restarts = 0
        self._maker, self._rules, self._python = dict(maker), dict(rules or {}), python
        self._answer_s, self._restart_s = answer_s, RESTART_S if restart_s is None else restart_s
        self._workers: list[_Worker] = []
        self._layout: dict[str, Any] = {}
        self._file: IO[bytes] | None = None
        self._finalizer = weakref.finalize(self, _end, self._workers)
        edges = [count * worker // min(workers, count) for worker in range(min(workers, count) + 1)]
        try:
            for first, end in pairwise(edges):
                self._workers.append(self._start(first, end - first))
            made = [self._made(worker) for worker in self._workers]
        except BaseException:
            self._finalizer()
            raise
        self.description: dict[str, Any] = made[0]
        self.arrays: dict[str, NDArray[Any]] = {}

    def map(self, sources: Sequence[Source]) -> None:
        """Share the arrays of these parts: ``now:KEY`` and ``final:KEY``, [B, ...] each, texts [B, 4 + size] uint8;
        beside ``action``, ``next_seed``, ``reward``, ``terminated``, ``truncated`` and ``success`` (-1: not told).
        """
        b = self.count
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
            self.arrays[name] = memory[start : start + size].view(dtype).reshape(shape)
        for worker in self._workers:
            self._map(worker)

    def reset(self, seeds: NDArray[np.integer[Any]]) -> None:
        """Begin an episode of these seeds [B] in every environment; the observations are in ``now:KEY``.

        Raises:
            EngineError: if an environment fails, crashes or hangs.
        """
        self.arrays["next_seed"][:] = seeds
        for worker in self._workers:
            self._send(worker, ("reset", list(range(worker.size))))
        for worker in self._workers:
            self._answer(worker, START_S)

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Act in every environment; results are in the arrays, the next episodes are those of ``next_seed``.

        Raises:
            EngineError: if an environment raises an error of its own.
            EngineRestartError: if a worker crashed or hung twice within ``restart_s``.
        """
        self.arrays["action"][:] = actions
        failed: list[tuple[_Worker, EngineError]] = []
        asked = []
        for worker in self._workers:
            try:
                worker.connection.sendall(b"s")
                asked.append(worker)
            except OSError:
                failed.append((worker, self._crash(worker)))
        for worker in asked:
            try:
                self._wait(worker)
            except (EngineCrashError, EngineHangError) as error:
                failed.append((worker, error))
        for worker, why in failed:
            self._restart(worker, why)

    def render(self, row: int) -> NDArray[np.uint8] | None:
        """A picture [H, W, 3] of an environment, or of the text that it shows, if it was made to draw some; errors as
        of :meth:`reset`.
        """
        worker = next(worker for worker in self._workers if worker.first <= row < worker.first + worker.size)
        self._send(worker, ("render", row - worker.first))
        picture: NDArray[np.uint8] | str | None = self._answer(worker, self._answer_s)
        return picture_of_text(picture) if isinstance(picture, str) else picture

    def close(self) -> None:
        """End the environments and their processes."""
        for worker in self._workers:
            with contextlib.suppress(OSError, EngineError):
                host.send_message(worker.connection, ("close",))
                self._answer(worker, CLOSE_S)
        self._finalizer()
        if self._file is not None:
            self._file.close()
            self._file = None

    def processes(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def _start(self, first: int, size: int) -> _Worker:
        ours, theirs = socket.socketpair()
        told = tempfile.TemporaryFile(prefix="groundling-")  # noqa: SIM115 - as long as the worker
        with theirs:
            command = [self._python or sys.executable, host.__file__, str(theirs.fileno()), str(os.getpid())]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=told,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # a Ctrl-C in the terminal is this process's
                )
            except OSError as error:
                ours.close()
                told.close()
                raise EngineError(f"the Python interpreter {command[0]} cannot be started: {error.strerror}") from error
        worker = _Worker(process, ours, told, first, size)
        path = [folder or os.getcwd() for folder in sys.path] if self._python is None else [os.getcwd()]
        self._send(worker, ("make", self._maker, size, self._rules, path))
        return worker

    def _made(self, worker: _Worker) -> dict[str, Any]:
        made: dict[str, Any] = self._answer(worker, START_S)
        return made

    def _map(self, worker: _Worker) -> None:
        assert self._file is not None
        self._send(worker, ("map", self._file.name, self._layout, worker.first))
        self._answer(worker, START_S)

    def _restart(self, worker: _Worker, error: EngineError) -> None:
        """Start a worker again whose process is gone, and cut its episodes off where they were."""
        place = self._workers.index(worker)
        while True:
            _end([worker])
            if worker.is_restarted and time.monotonic() - worker.started < self._restart_s:
                raise EngineRestartError(f"{error}; it had been started again less than {self._restart_s:g} s before")
            self.restarts += 1
            worker = self._workers[place] = self._start(worker.first, worker.size)
            worker.is_restarted = True
            try:
                self._made(worker)
                self._map(worker)
                self._cut_off(worker)
                return
            except (EngineCrashError, EngineHangError) as again:
                error = again

    def _cut_off(self, worker: _Worker) -> None:
        """Tell that the episodes of a worker were cut off, and begin the next ones."""
        rows = slice(worker.first, worker.first + worker.size)
        for name, array in self.arrays.items():
            if name.startswith("final:"):
                array[rows] = self.arrays["now:" + name[6:]][rows]
        for name, value in (("reward", 0.0), ("terminated", False), ("truncated", True), ("success", 0)):
            self.arrays[name][rows] = value
        self._send(worker, ("reset", list(range(worker.size))))
        self._answer(worker, START_S)

    def _send(self, worker: _Worker, message: tuple[Any, ...]) -> None:
        try:
            host.send_message(worker.connection, message)
        except OSError as error:
            raise self._crash(worker) from error

    def _answer(self, worker: _Worker, seconds: float) -> Any:
        """The answer to a message."""
        self._poll(worker, seconds)
        try:
            host.read(worker.connection, 1)
            kind, value = host.read_message(worker.connection)
        except (EOFError, OSError) as error:
            raise self._crash(worker) from error
        if kind == "error":
            raise EngineError(f"{self.name} failed: {value}")
        return value

    def _wait(self, worker: _Worker) -> None:
        """Wait for the end of a step."""
        self._poll(worker, self._answer_s)
        try:
            if host.read(worker.connection, 1) == b"k":
                return
            _, value = host.read_message(worker.connection)
        except (EOFError, OSError) as error:
            raise self._crash(worker) from error
        raise EngineError(f"{self.name} failed: {value}")

    def _poll(self, worker: _Worker, seconds: float) -> None:
        if select.select([worker.connection], [], [], seconds)[0]:
            return
        worker.process.kill()
        raise EngineHangError(
            f"{self.name} did not answer within {seconds:g} s and was ended: it hangs, or the machine is overloaded"
        )

    def _crash(self, worker: _Worker) -> EngineCrashError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(CLOSE_S)
        code = worker.process.poll()
        worker.told.seek(0, os.SEEK_END)
        worker.told.seek(max(0, worker.told.tell() - TOLD_BYTES))
        lines = worker.told.read().decode(errors="replace").strip().splitlines()[-TOLD_LINES:]
        last = "; it wrote:\n" + "\n".join(lines) if lines else ""
        return EngineCrashError(f"the process of {self.name} died (exit code {code}){last}")


def _end(workers: Sequence[_Worker]) -> None:
    """End processes that may not answer any more."""
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        with contextlib.suppress(OSError):
            worker.connection.close()
        worker.told.close()
