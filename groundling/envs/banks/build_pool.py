"""Processes that build chunks of a bank beside this one: they start, are handed the numbers of chunks, and answer.

They are plain ``python -m groundling.envs.banks.build_worker`` processes that talk over pipes, so building works from
any script or notebook, with or without a ``__main__`` guard.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.sources import EpisodeSource
from groundling.envs.banks.splits import AnySplit
from groundling.errors import WorkerError
from groundling.processes import module_command

AHEAD = 2  # chunks that a process is handed: the one that it builds, and the next
MAX_JOINED = 3  # workers of which this process is one; with more of them, answering keeps it busy

Answer = EpisodeBank | Exception | None  # what became of a chunk


class Helpers:
    """Processes that build chunks beside this one, one thread for each; a context that ends them.

    It takes a process longer to import what it needs than to build hundreds of episodes, so it is handed its first
    chunk when it has started, and this process builds in the meantime.

    Args:
        source: of the episodes.
        seed: of the bank.
        split: of the bank.
        numbers: of the chunks; everybody who builds takes the next one (which is atomic).
        workers: all who build, this process included where they are few.
    """

    def __init__(self, source: EpisodeSource, seed: int, split: AnySplit, numbers: Iterator[int], workers: int) -> None:
        self._source, self._seed, self._split = source, seed, split
        self._numbers = numbers
        self._is_joined = workers <= MAX_JOINED
        self._started: list[int] = []
        self._answers: SimpleQueue[tuple[int, Answer] | WorkerError] = SimpleQueue()
        command, environment = module_command("groundling.envs.banks.build_worker")
        self._processes = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # a Ctrl-C in the terminal is this process's, which ends them
            )
            for _ in range(workers - 1 if self._is_joined else workers)
        ]
        self._threads = [
            Thread(target=self._attend, args=(process,), name="groundling-build", daemon=True)
            for process in self._processes
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Helpers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()

    @property
    def suffice(self) -> bool:
        """Whether this process had better wait for answers than build: they are many, and all have started."""
        return not self._is_joined and len(self._started) == len(self._processes)

    def take(self, *, waits: bool) -> tuple[int, Answer] | None:
        """The number of a chunk and what became of it; without ``waits`` None if there is none yet.

        Raises:
            WorkerError: if a process died, or its answer cannot be read.
        """
        try:
            answered = self._answers.get(block=waits)
        except Empty:
            return None
        if isinstance(answered, WorkerError):
            raise answered
        return answered

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """A thread's work: wait until the process has started, then hand it chunks until it is killed."""
        assert process.stdin is not None
        assert process.stdout is not None
        handed: list[int] = []
        try:
            self._started.append(pickle.load(process.stdout))
            while True:
                while len(handed) < AHEAD:
                    handed.append(next(self._numbers))
                    pickle.dump((self._source, self._seed, self._split, handed[-1]), process.stdin)
                process.stdin.flush()
                self._answers.put((handed.pop(0), pickle.load(process.stdout)))
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self._fail("died: out of memory, or stopped from outside", error)
        except Exception as error:  # or this thread would end in silence, and whoever waits for it wait for ever
            self._fail(f"gave an answer that cannot be read ({type(error).__name__}: {error})", error)

    def _fail(self, how: str, error: Exception) -> None:
        failed = WorkerError(f"a process that builds {self._source.id} {how}")
        failed.__cause__ = error
        self._answers.put(failed)
