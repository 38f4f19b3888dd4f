"""A process that holds environments of other packages, see ``host``: how it is started, asked and ended."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError
from groundling.envs.simulators.foreign import host
from groundling.envs.simulators.foreign.host.wire import read, read_message, send_message

START_S: Final = 120.0
CLOSE_S: Final = 5.0
TOLD_LINES: Final = 15  # of what a process wrote before it died
TOLD_BYTES: Final = 20_000
PROGRAM: Final = Path(host.__file__).parent / "__main__.py"


class Worker:
    """A process, our end of its socket, and what it wrote.

    Args:
        name: of its environments, for messages.
        first: the first of the rows of a pool that it has.
        size: how many it has.
        python: the Python interpreter; None takes this one.
        make: arguments of the message that has it make its environments, but for the folders of modules.

    Attributes:
        first: see above.
        size: see above.
        started: when, by the monotonic clock.
        is_restarted: whether it took the place of one that failed.

    Raises:
        EngineError: if there is no such interpreter.
    """

    def __init__(self, name: str, first: int, size: int, python: str | None, make: tuple[Any, ...]) -> None:
        self.name, self.first, self.size = name, first, size
        self.started = time.monotonic()
        self.is_restarted = False
        ours, theirs = socket.socketpair()
        told = tempfile.TemporaryFile(prefix="groundling-")  # noqa: SIM115 - as long as the worker
        with theirs:
            command = [python or sys.executable, str(PROGRAM), str(theirs.fileno()), str(os.getpid())]
            try:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, pass_fds=[theirs.fileno()]
                )
            except OSError as error:
                ours.close()
                told.close()
                raise EngineError(f"the Python interpreter {command[0]} cannot be started: {error.strerror}") from error
        self.connection, self._told = ours, told
        path = [folder or os.getcwd() for folder in sys.path] if python is None else [os.getcwd()]
        self.send(("make", *make, path))

    def send(self, message: tuple[Any, ...]) -> None:
        """Ask it something.

        Raises:
            EngineCrashError: if it is gone; the message has what it wrote last.
        """
        try:
            send_message(self.connection, message)
        except OSError as error:
            raise self.crash() from error

    def answer(self, seconds: float = START_S) -> Any:
        """The answer to a message.

        Raises:
            EngineError: if an environment raised an error, which the message has.
            EngineCrashError: if the process is gone.
            EngineHangError: if it does not answer within these seconds; it is ended then.
        """
        self._poll(seconds)
        try:
            read(self.connection, 1)
            kind, value = read_message(self.connection)
        except (EOFError, OSError) as error:
            raise self.crash() from error
        if kind == "error":
            raise EngineError(f"{self.name} failed: {value}")
        return value

    def begin_step(self) -> None:
        """Have its environments act; errors as of :meth:`send`."""
        try:
            self.connection.sendall(b"s")
        except OSError as error:
            raise self.crash() from error

    def end_step(self, seconds: float) -> None:
        """Wait for the end of a step; errors as of :meth:`answer`."""
        self._poll(seconds)
        try:
            if read(self.connection, 1) == b"k":
                return
            _, value = read_message(self.connection)
        except (EOFError, OSError) as error:
            raise self.crash() from error
        raise EngineError(f"{self.name} failed: {value}")

    def _poll(self, seconds: float) -> None:
        if select.select([self.connection], [], [], seconds)[0]:
            return
        self.process.kill()
        raise EngineHangError(
            f"{self.name} did not answer within {seconds:g} s and was ended: it hangs, or the machine is overloaded"
        )

    def crash(self) -> EngineCrashError:
        """That it is gone, with its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CLOSE_S)
        code = self.process.poll()
        self._told.seek(0, os.SEEK_END)
        self._told.seek(max(0, self._told.tell() - TOLD_BYTES))
        lines = self._told.read().decode(errors="replace").strip().splitlines()[-TOLD_LINES:]
        last = "; it wrote:\n" + "\n".join(lines) if lines else ""
        return EngineCrashError(f"the process of {self.name} died (exit code {code}){last}")

    def close(self) -> None:
        """Have it end by itself; it may not answer any more."""
        with contextlib.suppress(OSError, EngineError):
            send_message(self.connection, ("close",))
            self.answer(CLOSE_S)


def end(workers: Iterable[Worker]) -> None:
    """End processes that may not answer any more."""
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        with contextlib.suppress(OSError):
            worker.connection.close()
        worker._told.close()
