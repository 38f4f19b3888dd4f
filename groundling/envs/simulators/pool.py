"""A pool of worker processes that hold simulators: what crashes or hangs there is told here, and none is orphaned."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError
from groundling.interfaces import Spec, Step
from groundling.processes import module_command

START_S = 120.0
ANSWER_S = 60.0
CLOSE_S = 5.0


class _Worker(NamedTuple):
    """A process, our end of its socket, and the simulators that it holds, by their numbers among all."""

    process: subprocess.Popen[bytes]
    connection: Connection
    first: int
    size: int


class SimulatorPool:
    """B simulators of one class, in worker processes that act at the same time.

    Args:
        place: the class, ``"my_file.py:MySimulator"`` or ``"package.module:MySimulator"``.
        count: B.
        workers: processes; at most B.
        python: the Python interpreter of the workers, for simulators whose packages conflict with others; it needs
            Groundling's requirements as well. None takes this one.
        answer_s: after which a simulator counts as hanging.

    Attributes:
        spec: of the simulators.
        description: of the simulators.

    Raises:
        EngineError: if one cannot be made; the message has its own error.
    """

    def __init__(
        self, place: str, count: int, workers: int = 1, *, python: str | None = None, answer_s: float = ANSWER_S
    ) -> None:
        self.count = count
        self._answer_s = answer_s
        self._place = place
        self._workers: list[_Worker] = []
        workers = min(workers, count)
        edges = [count * worker // workers for worker in range(workers + 1)]
        try:
            for first, end in pairwise(edges):
                self._workers.append(_start(place, first, end - first, python))
            self._finalizer = weakref.finalize(self, _end, list(self._workers))
            made = [self._answer(worker, START_S) for worker in self._workers]
        except BaseException:
            _end(self._workers)
            raise
        self.spec: Spec = made[0][0]
        self.description: str = made[0][1]

    def reset(self, seeds: Mapping[int, int], options: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
        """Begin episodes of these seeds, by the numbers of the simulators; returns their observations.

        Raises:
            EngineError: if a simulator fails, crashes or hangs.
        """
        answers = self._ask("reset", {number: (seed, dict(options)) for number, seed in seeds.items()})
        return {number: dict(answer) for number, answer in answers.items()}

    def step(self, actions: Sequence[int]) -> list[Step]:
        """Act in every simulator; errors as of :meth:`reset`."""
        answers = self._ask("step", {number: (int(action),) for number, action in enumerate(actions)})
        return [Step(*answers[number]) for number in range(self.count)]

    def close(self) -> None:
        """End the simulators and their processes."""
        for worker in self._workers:
            with contextlib.suppress(OSError, EngineError):
                worker.connection.send(("close",))
                self._answer(worker, CLOSE_S)
        self._finalizer()

    def _ask(self, command: str, arguments: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Ask every worker for its part of these simulators, then wait for all of them."""
        asked = []
        for worker in self._workers:
            own = [number for number in arguments if worker.first <= number < worker.first + worker.size]
            if own:
                try:
                    worker.connection.send((command, [(n - worker.first, *arguments[n]) for n in own]))
                except OSError as error:
                    raise self._crash(worker) from error
                asked.append((worker, own))
        found: dict[int, Any] = {}
        for worker, own in asked:
            found.update(zip(own, self._answer(worker, self._answer_s), strict=True))
        return found

    def _answer(self, worker: _Worker, seconds: float) -> Any:
        try:
            if not worker.connection.poll(seconds):
                _end([worker])
                raise EngineHangError(
                    f"{self._place} did not answer within {seconds:g} s and was ended: it hangs, or the machine is "
                    "overloaded"
                )
            kind, value = worker.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._crash(worker) from error
        if kind == "error":
            raise EngineError(f"{self._place} failed: {value}")
        return value

    def _crash(self, worker: _Worker) -> EngineCrashError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(CLOSE_S)
        code = worker.process.poll()
        return EngineCrashError(f"the process of {self._place} died (exit code {code}): its messages are above")


def _start(place: str, first: int, count: int, python: str | None) -> _Worker:
    ours, theirs = socket.socketpair()
    with theirs:
        descriptor = theirs.fileno()
        command, environment = module_command("groundling.envs.simulators.worker", str(descriptor), str(os.getpid()))
        if python is not None:
            command[0] = python
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=[descriptor],
            start_new_session=True,  # a Ctrl-C in the terminal is this process's: a run needs its workers to be saved
        )
    connection = Connection(ours.detach())
    connection.send(("make", place, count))
    return _Worker(process, connection, first, count)


def _end(workers: Sequence[_Worker]) -> None:
    """End processes that may not answer any more."""
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        with contextlib.suppress(OSError):
            worker.connection.close()
