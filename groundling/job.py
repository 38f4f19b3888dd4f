"""The job that this process is a part of, as ``torchrun`` tells it by environment variables; without PyTorch."""

from __future__ import annotations

import atexit
import os
import socket
import sys
from contextlib import suppress
from typing import Final, NoReturn

_NEEDED: Final = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else otherwise


def size() -> int:
    """How many processes the job has; 1 outside of one."""
    is_told = all(os.environ.get(name) for name in _NEEDED)
    return max(1, _number("WORLD_SIZE", 1)) if is_told else 1


def rank() -> int:
    """The number of this process, from 0; 0 outside of a job."""
    return _number("RANK", 0) if size() > 1 else 0


def local_rank() -> int:
    """The number of this process among those of its machine, from 0."""
    return _number("LOCAL_RANK", rank()) if size() > 1 else 0


def restarts() -> int:
    """How often ``torchrun`` has started the job again after one of its processes failed."""
    return _number("TORCHELASTIC_RESTART_COUNT", 0)


def name() -> str:
    """What is the same for all starts of this job, and for no other job; empty outside of one."""
    told = os.environ.get("TORCHELASTIC_RUN_ID", "")
    if not told:
        return ""
    # without an id of the user's own, torchrun says "none": the process that starts the others is then the job
    return told if told != "none" else f"{socket.gethostname()} {os.getppid()}"


def end(status: int) -> NoReturn:
    """End this process once what was registered for its exit is done, without taking its parts down.

    PyTorch's threads of a job sometimes abort a process that does.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # of a pipe that nobody reads, or closed
            stream.flush()
    os._exit(status)
