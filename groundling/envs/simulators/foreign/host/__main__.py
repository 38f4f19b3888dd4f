"""Serve; arguments are the file descriptor of the socket and the parent's process id."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import sys
import threading
import time
from typing import Any

WATCH_INTERVAL_S = 0.5
PACKAGE = "groundling_host"  # what this folder is called where Groundling is not installed


def watch_parent(parent: int) -> None:
    """End this process as soon as the parent is gone, even while an environment hangs."""
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    os._exit(1)


def own_module(name: str, folder: str) -> Any:
    """A module of this folder, which becomes a package of its own."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(PACKAGE + "." + name)


def main() -> None:
    """See above."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    folder = os.path.dirname(os.path.abspath(__file__))
    # what an environment imports is not to be found here
    sys.path[:] = [place for place in sys.path if place != folder]
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    own_module("serving", folder).serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
