"""Processes of this package's own modules, beside this one: none outlives it, and no Ctrl-C in the terminal ends one
that this process still needs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Final

LIFELINE: Final = "GROUNDLING_LIFELINE"  # names the file descriptor whose end tells a child that its parent is gone
GRACE_S: Final = 60.0  # for an update and a checkpoint


def module_command(module: str, *words: str) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment that run a module as this process would import it.

    A new process would look for modules in the current folder first, which may be another checkout; this one looks
    where this process does, in the same order.

    Args:
        module: its dotted name.
        words: arguments.
    """
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return [sys.executable, "-P", "-m", module, *words], {**os.environ, "PYTHONPATH": path}


class ChildCommand:
    """A command of Groundling's in a process beside this one, which ends when this process does, however that ends.

    It is in a session of its own: a Ctrl-C in the terminal comes to this process alone, which then ends it in order
    (:meth:`stop`). If this process is killed, the child notices that the other end of a pipe is closed, and ends as
    by SIGTERM: a training run saves a checkpoint first.

    Args:
        words: of the command, ``("train", "--task", ...)``.
        log: the file that gets what it prints; an older one is replaced.
        variables: of its environment, beside this process's.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(self, words: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> None:
        command, environment = module_command("groundling", *words)
        ours, theirs = os.pipe()
        try:
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**environment, **(variables or {}), LIFELINE: str(ours)},
                    pass_fds=[ours],
                    start_new_session=True,
                )
        except BaseException:
            os.close(theirs)
            raise
        finally:
            os.close(ours)
        self._lifeline = theirs

    @property
    def process_id(self) -> int:
        """Of the child."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for its end; returns its exit code."""
        return self._process.wait()

    def ask_to_end(self) -> None:
        """Send it SIGTERM, at which a run saves a checkpoint."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End it if it still runs: ask it to end, and after the grace, kill it."""
        try:
            self.ask_to_end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        finally:  # a second Ctrl-C may have ended the wait
            self._process.kill()
            self._process.wait()
            if self._lifeline >= 0:
                os.close(self._lifeline)
                self._lifeline = -1


def stop_all(children: Iterable[ChildCommand]) -> None:
    """End several at the same time; see :meth:`ChildCommand.stop`."""
    children = list(children)
    with contextlib.ExitStack() as stack:
        for child in children:
            stack.callback(child.stop)
        for child in children:
            child.ask_to_end()


def follow_parent() -> None:
    """In a child of :class:`ChildCommand`: end as by SIGTERM when the parent is gone. Elsewhere nothing."""
    told = os.environ.pop(LIFELINE, "")
    if not told.isdecimal():
        return
    descriptor = int(told)

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(descriptor, 1)  # nothing is ever written: it ends when the other side does
            os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, name="groundling-lifeline", daemon=True).start()


def ignore_stopping_signals() -> None:
    """In a worker: leave it to the process that it works for to end it, which may first need it for a checkpoint.

    A worker ends when its pipe or socket does, or is killed. The signals get a handler that does nothing: to be ignored
    they would be by every process that the worker starts as well.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: None)
