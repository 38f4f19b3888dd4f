"""A process that holds environments of other packages, see ``host``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from groundling.envs.simulators.errors import EngineError
from groundling.envs.simulators.foreign import host
from groundling.envs.simulators.foreign.host.wire import read, read_message
from groundling.envs.simulators.foreign.process import CLOSE_S, HostProcess

PROGRAM: Final = Path(host.__file__).parent / "__main__.py"


class Worker(HostProcess):
    """A process and the environments that it holds.

    Args:
        name: of its environments, for messages.
        first: the first of the rows of a pool that it has.
        size: how many it has.
        python: the Python interpreter; None takes this one.
        maker: of its environments, see ``host``.
        rules: how success and ends are told, see ``host.rules.Rule``.

    Attributes:
        first: see above.
        size: see above.
        is_restarted: whether it took the place of one that failed.

    Raises:
        EngineError: if there is no such interpreter.
    """

    def __init__(
        self, name: str, first: int, size: int, python: str | None, maker: Mapping[str, Any], rules: Any
    ) -> None:
        super().__init__(name, [python or sys.executable, str(PROGRAM)])
        self.first, self.size = first, size
        self.is_restarted = False
        path = [folder or os.getcwd() for folder in sys.path]
        if python is not None:  # of the person's own code there is some in the current folder, if any was named
            path = [os.getcwd()] if "place" in maker or maker.get("is_own") else []
        self.send(("make", maker, size, rules, path))

    def begin_step(self) -> None:
        """Have its environments act; errors as of :meth:`send`."""
        try:
            self.connection.sendall(b"s")
        except OSError as error:
            raise self.crash() from error

    def end_step(self, seconds: float) -> None:
        """Wait for the end of a step; errors as of :meth:`answer`."""
        self.wait(seconds)
        try:
            if read(self.connection, 1) == b"k":
                return
            _, value = read_message(self.connection)
        except (EOFError, OSError) as error:
            raise self.crash() from error
        raise EngineError(f"{self.name} failed: {value}")

    def close(self) -> None:
        """Have it end by itself; it may not answer any more."""
        with contextlib.suppress(EngineError):
            self.send(("close",))
            self.answer(CLOSE_S)


def end(workers: Iterable[Worker]) -> None:
    """End processes that may not answer any more."""
    for worker in workers:
        worker.end()
