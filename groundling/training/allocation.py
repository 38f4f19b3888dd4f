"""Memory of the process: what one update frees is there for the next one."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Have the C library keep what tensors free, for all of the process; on Linux with glibc, elsewhere nothing.

    glibc gives large blocks back to the system at once. An update on pictures allocates some gigabyte of them, which
    the system would then clear and map again page by page in every update. The process stays as large as it has been.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)  # no block of a mapping of its own, which ends with it
        mallopt(M_TRIM_THRESHOLD, LARGEST)
