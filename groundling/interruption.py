"""Ctrl-C, SIGTERM and SIGHUP: what ends a command, and what a training run saves before it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

# Ctrl-C; what a scheduler sends before it takes a machine away; a terminal that is closed (not on Windows).
STOPPING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_Handler = Callable[[int, FrameType | None], Any]


class Interrupted(KeyboardInterrupt):
    """A signal ended what was going on; the message says what is saved.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message or f"ended by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a process that a signal ended tells its parent: 128 and the signal."""
        return 128 + self.number


class StopRequest:
    """Whether a signal has asked to stop.

    Attributes:
        number: of the signal; 0: none did.
    """

    number: int = 0

    def __bool__(self) -> bool:
        return self.number != 0

    @property
    def name(self) -> str:
        """For example "SIGTERM"."""
        return signal.Signals(self.number).name if self.number else ""


@contextmanager
def stop_requests(told: str) -> Iterator[StopRequest]:
    """Signals that stop are noted within, for the work to end where nothing is lost; a Ctrl-C after that ends it at
    once, by :class:`Interrupted`.

    Signals that are ignored (``nohup``) or have a handler of the user's own keep it, and outside of the main thread,
    where Python handles no signals, nothing is changed.

    Args:
        told: what is done now, for standard error when a signal comes; empty says nothing.
    """
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        if request and number == signal.SIGINT:
            raise Interrupted(number, "stopped at once: what came after the last checkpoint is lost")
        if not request:
            request.number = number
            if told:
                _tell(f"\ngroundling: {request.name}: {told} (Ctrl-C stops at once)\n")

    with _handled(handle):
        yield request


@contextmanager
def signals_as_errors() -> Iterator[None]:
    """Signals that stop are raised within as :class:`Interrupted`, so that temporary files are removed and processes
    ended; exceptions as of :func:`stop_requests`.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(handle):
        yield


@contextmanager
def _handled(handle: _Handler) -> Iterator[None]:
    """Have the signals that nobody else handles go to a function."""
    handle.is_groundlings = True  # type: ignore[attr-defined]
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                if _is_free(old := signal.getsignal(number)):
                    before[number] = old
                    signal.signal(number, handle)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _is_free(handler: Any) -> bool:
    return handler in (signal.SIG_DFL, signal.default_int_handler) or hasattr(handler, "is_groundlings")


def _tell(text: str) -> None:
    """Write to standard error, past buffers that the interrupted code may be writing to."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, text.encode())
