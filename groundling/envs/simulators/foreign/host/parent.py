"""The process that started this one: this one ends with it, and leaves to it what signals ask for."""

from __future__ import annotations

import os
import signal
import threading
import time

WATCH_INTERVAL_S = 0.5


def follow(parent: int) -> None:
    """End this process as soon as the parent is gone, even while an environment hangs; leave signals to the parent.

    What stops the parent is the parent's: it may need the environments for a checkpoint, and ends this process itself.

    Args:
        parent: its process id.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: None)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    os._exit(1)
