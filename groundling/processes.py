"""Processes of this package's own modules, beside this one."""

from __future__ import annotations

import os
import sys


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
