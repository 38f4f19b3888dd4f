"""The program of a worker: it holds one simulation and does what ``pool`` asks for through a socket.

It is started with the folder ``foreign/host``, whose messages it speaks, the descriptor of the socket and the
parent's process id. A request is a list of calls (name, arguments) of :class:`Simulation`, made in their order; the
answer is the list of their results.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from functools import partial
from typing import Any, Callable

from .settings import Placement, SimulatorSettings
from .simulation import Simulation

CALLS = (
    "load",
    "change",
    "carry",
    "place",
    "act",
    "pose",
    "look",
    "path",
    "is_navigable",
    "snap",
    "random_places",
    "follow",
    "steps_around",
    "renewed",
)


class Server:
    """What a worker knows: its simulation, once it is made."""

    def __init__(self) -> None:
        self.simulation: Simulation | None = None

    def make(self, settings: dict[str, Any], max_scenes: int) -> str:
        """Make the simulation; returns the version of habitat-sim."""
        self.simulation = Simulation(SimulatorSettings(**settings), max_scenes)
        return self.simulation.version

    def do(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        """Make calls in their order."""
        assert self.simulation is not None
        results: list[Any] = []
        for name, *arguments in calls:
            if name not in CALLS:
                raise ValueError(f"there is no call {name!r}")
            if name == "renewed":
                results.append(self.simulation.renewals)
                continue
            if name in ("load", "change"):  # plain values become placements
                arguments[-1] = {key: None if own is None else Placement(*own) for key, own in arguments[-1].items()}
            results.append(getattr(self.simulation, name)(*arguments))
        return results


def serve(connection: socket.socket, host: Callable[[str], Any]) -> None:
    """Answer until "close", or until the other side is gone."""
    server, wire, serving = Server(), host("wire"), host("serving")
    while True:
        try:
            wire.read(connection, 1)
            command, *arguments = wire.read_message(connection)
        except (EOFError, OSError):
            return
        try:
            if command == "make":
                answer: Any = server.make(*arguments)
            elif command == "do":
                answer = server.do(*arguments)
            else:
                if server.simulation is not None:
                    server.simulation.close()
                answer = None
            wire.send_message(connection, ("ok", answer))
        except Exception as error:
            told = (type(error).__name__, serving.error_text(error), str(error))
            wire.send_message(connection, ("error", told))
        if command == "close":
            return


def load_host(folder: str) -> Callable[[str], Any]:
    """What finds a module of that folder by its name."""
    spec = importlib.util.spec_from_file_location("groundling_host_start", os.path.join(folder, "__main__.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return partial(module.own_module, folder=folder)


def main() -> None:
    """Serve."""
    folder, descriptor, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    host = load_host(folder)
    host("parent").follow(parent)
    serve(socket.socket(fileno=descriptor), host)
    sys.stdout.flush()
    os._exit(0)  # without the teardown of OpenGL, which may hang


if __name__ == "__main__":
    main()
