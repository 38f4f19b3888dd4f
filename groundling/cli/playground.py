"""Open the playground in the browser: watch agents, tell them sentences, change their worlds, look at runs."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro

from groundling.errors import ConfigurationError, MissingPackageError

MOST_PORTS: Final = 20  # that are tried where none was asked for
FIRST_PORT: Final = 8765


@dataclass
class Command:
    """Serve the playground on this machine, until Ctrl-C.

    Attributes:
        runs: folder below which runs are looked for, and nowhere else.
        host: address to listen on. The default is reached from this machine only; 0.0.0.0 from everywhere, without a
            password.
        port: to listen on; 0 takes the first free one from 8765 on.
        tasks: of your own that the page may open, my_file.py:MyTask; code that only a link names is not run.
        browser: open the page in the browser.
    """

    runs: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="[RUNS]")]] = Path("runs")
    host: str = "127.0.0.1"
    port: int = 0
    tasks: tuple[str, ...] = ()
    browser: bool = True

    def run(self) -> None:
        """Serve until interrupted."""
        if not 0 <= self.port < 1 << 16:
            raise ConfigurationError(f"a port is between 0 and 65535, got {self.port}")
        try:
            import uvicorn

            from groundling.playground.limits import MOST_MESSAGE
            from groundling.playground.security import is_loopback
            from groundling.playground.server import Playground
        except ImportError as error:
            raise MissingPackageError(
                f"the playground needs a web server ({error}): pip install 'groundling[playground]'"
            ) from error
        playground = Playground(self.runs, self.host, self.tasks)
        listening = listen(self.host, self.port)
        port = listening.getsockname()[1]
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
        if not is_loopback(self.host):
            print("Everybody who reaches this machine can use it: there is no password.", flush=True)
        print(f"Playground: {address} (Ctrl-C ends it)", flush=True)
        if self.browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)
        config = uvicorn.Config(
            playground.app(), log_level="warning", ws="websockets-sansio", ws_max_size=2 * MOST_MESSAGE, lifespan="off"
        )
        uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: address.
        port: number; 0 takes the first free one of some.

    Raises:
        ConfigurationError: if none is free, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for number in (port,) if port else range(FIRST_PORT, FIRST_PORT + MOST_PORTS):
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(128)
        except OSError as error:
            found.close()
            last = error
            continue
        return found
    raise ConfigurationError(
        f"nothing can listen on {host}, port {port or f'{FIRST_PORT} and later'} ({last}): choose another --port"
    )
