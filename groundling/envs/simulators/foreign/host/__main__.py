"""Serve; arguments are the file descriptor of the socket and the parent's process id."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import sys
from typing import Any

PACKAGE = "groundling_host"  # what this folder is called where Groundling is not installed


def own_module(name: str, folder: str) -> Any:
    """A module of this folder, which becomes a package of its own."""
    if PACKAGE in sys.modules:
        return importlib.import_module(PACKAGE + "." + name)
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
    own_module("parent", folder).follow(parent)
    own_module("serving", folder).serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
