"""Open the playground in the browser: watch agents, tell them sentences, change their worlds, look at runs."""

from __future__ import annotations

import contextlib
import errno
import socket
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro

from groundling.errors import ConfigurationError, MissingPackageError

MOST_PORTS: Final = 20  # that are tried where none was asked for
FIRST_PORT: Final = 8765
WRONG_HOST: Final = (errno.EADDRNOTAVAIL, errno.EINVAL, errno.EAFNOSUPPORT)  # errors that no other port mends


@dataclass
class Command:
    """Serve the playground on this machine, until Ctrl-C.

    Attributes:
        runs: folder below which runs are looked for, and nowhere else.
        host: address to listen on. The default is reached from this machine only; 0.0.0.0 from everywhere, without a
            password.
        port: to listen on; 0 takes the first free one from 8765 on.
        tasks: tasks in Python files of your own that the page lists and may open, such as my_file.py:MyTask; their
            code is run. Code that only a link names is never run.
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
        if self.runs.exists() and not self.runs.is_dir():
            raise ConfigurationError(f"{self.runs} is no folder: name the one below which your runs are")
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
        if not self.runs.is_dir():
            print(f"There is no folder {self.runs} yet: its runs are listed once it is there.", flush=True)
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
        ConfigurationError: if none is free, or the machine has no such address.
    """
    if not host.strip():  # to the system that is every address
        raise _wrong_host(host, "it is empty")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise _wrong_host(host, error) from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for number in (port,) if port else range(FIRST_PORT, FIRST_PORT + MOST_PORTS):
        try:
            found = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # a machine without IPv6
            raise _wrong_host(host, error) from error
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, number))
            found.listen(128)
        except OSError as error:
            found.close()
            if isinstance(error, socket.gaierror) or error.errno in WRONG_HOST:
                raise _wrong_host(host, error) from error
            last = error
            continue
        return found
    raise ConfigurationError(
        f"nothing can listen on {host}, port {port or f'{FIRST_PORT} and later'} ({last}): choose another --port"
    )


def _wrong_host(host: str, reason: object) -> ConfigurationError:
    return ConfigurationError(
        f"this machine has no address {host[:60]!r} ({reason}): give --host one that it has, such as 127.0.0.1"
    )
