"""The program that holds simulators: a process of its own that ``pool`` starts, drives through a socket, and ends.

A request is (command, arguments), and the answer is ("ok", value) or ("error", text):

    ("make", place, count)               -> the specification and the description of the first of ``count`` simulators
    ("reset", [(index, seed, options)])  -> their observations
    ("step", [(index, action)])          -> their steps
    ("close",)                           -> None, and the process ends
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from groundling.own_code import import_place
from groundling.processes import ignore_stopping_signals

WATCH_INTERVAL_S = 0.5


def watch_parent(parent: int) -> None:
    """End this process as soon as the parent is gone, even while a simulator hangs."""
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    os._exit(1)


def serve(connection: Connection) -> None:
    """Answer requests until "close", or until the other side is gone."""
    simulators: list[Any] = []
    while True:
        try:
            command, *arguments = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            if command == "make":
                place, count = arguments
                simulators += [import_place(place)() for _ in range(count)]
                answer: Any = simulators[0].spec, simulators[0].description
            elif command == "reset":
                answer = [dict(simulators[index].reset(seed, options)) for index, seed, options in arguments[0]]
            elif command == "step":
                answer = [tuple(simulators[index].step(action)) for index, action in arguments[0]]
            else:
                for simulator in simulators:
                    simulator.close()
                answer = None
            connection.send(("ok", answer))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            connection.send(("error", f"{type(error).__name__}: {error} ({where.filename}, line {where.lineno})"))
        if command == "close":
            return


def main() -> None:
    """Serve; arguments are the file descriptor of the socket and the parent's process id."""
    ignore_stopping_signals()
    descriptor, parent = map(int, sys.argv[1:])
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    serve(Connection(descriptor))


if __name__ == "__main__":
    main()
