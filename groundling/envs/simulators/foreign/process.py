"""A process that speaks the messages of ``host``: started, asked, ended; what it wrote is told when it dies."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError
from groundling.envs.simulators.foreign.host.wire import read, read_message, send_message
from groundling.trust import permit

START_S: Final = 120.0
CLOSE_S: Final = 5.0
TOLD_LINES: Final = 15  # of what a process wrote before it died
TOLD_BYTES: Final = 20_000


class HostProcess:
    """A process, our end of its socket, and what it wrote.

    Args:
        name: of what runs in it, for messages.
        command: that starts it; the descriptor of its socket and this process's id are added.
        environment: variables of its own; None gives it ours.

    Attributes:
        process: the process.
        connection: our end of the socket.
        started: when, by ``time.monotonic``.

    Raises:
        EngineError: if it cannot be started.
        UntrustedCodeError: if only a received file names the program.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        if command[0] != sys.executable:
            permit(command[0])
        self.name = name
        self.started = time.monotonic()
        self.connection, theirs = socket.socketpair()
        self._told = tempfile.TemporaryFile(prefix="groundling-")  # noqa: SIM115 - as long as the process
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [*command, str(theirs.fileno()), str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=self._told,
                    stderr=self._told,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # a Ctrl-C in the terminal is this process's
                    env=environment,
                )
            except OSError as error:
                self.connection.close()
                self._told.close()
                raise EngineError(f"the Python interpreter {command[0]} cannot be started: {error.strerror}") from error

    def send(self, message: tuple[Any, ...]) -> None:
        """Ask for something.

        Raises:
            EngineCrashError: if the process is gone.
        """
        try:
            send_message(self.connection, message)
        except OSError as error:
            raise self.crash() from error

    def reply(self, seconds: float) -> tuple[str, Any]:
        """The kind of the answer to a message ("ok" or "error"), and the answer.

        Raises:
            EngineCrashError: if the process died.
            EngineHangError: if it does not answer in time; it is ended.
        """
        self.wait(seconds)
        try:
            read(self.connection, 1)
            kind, value = read_message(self.connection)
        except (EOFError, OSError) as error:
            raise self.crash() from error
        return kind, value

    def answer(self, seconds: float = START_S) -> Any:
        """The answer to a message; errors as of :meth:`reply`, and what failed there as an ``EngineError``."""
        kind, value = self.reply(seconds)
        if kind == "error":
            raise EngineError(f"{self.name} failed: {value}")
        return value

    def wait(self, seconds: float) -> None:
        """Wait until there is something to read.

        Raises:
            EngineHangError: if there is nothing in time; the process is ended.
        """
        if select.select([self.connection], [], [], seconds)[0]:
            return
        self.process.kill()
        raise EngineHangError(
            f"{self.name} did not answer within {seconds:g} s and was ended: it hangs, or the machine is overloaded"
        )

    def crash(self) -> EngineCrashError:
        """The error that tells how the process died, and its last words."""
        if self._told.closed:
            return EngineCrashError(f"the process of {self.name} was ended")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CLOSE_S)
        code = self.process.poll()
        lines = self._last_lines()
        last = "; it wrote:\n" + "\n".join(lines) if lines else ""
        return EngineCrashError(f"the process of {self.name} died (exit code {code}){last}")

    def _last_lines(self) -> list[str]:
        if self._told.closed:
            return []
        self._told.seek(0, os.SEEK_END)
        self._told.seek(max(0, self._told.tell() - TOLD_BYTES))
        return self._told.read().decode(errors="replace").strip().splitlines()[-TOLD_LINES:]

    def end(self) -> None:
        """End the process, which may not answer any more."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.connection.close()
        self._told.close()
