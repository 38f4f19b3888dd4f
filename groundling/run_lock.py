"""The lock of a run's folder: one process trains in it, and a process that ends, however it ends, leaves it free."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import weakref
from pathlib import Path
from typing import Any, Final

from groundling.errors import RunFolderError
from groundling.files import make_folder, storage_error

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: folders are not locked
    fcntl = None

LOCK_NAME: Final = ".lock"
_TAKEN: Final = (errno.EAGAIN, errno.EACCES)

_log = logging.getLogger(__name__)


class RunLock:
    """Holds the folder of a run, which is made if it is not there, until :meth:`release` or the end of the process.

    The system forgets the lock of a process that is gone, so the file that a killed one leaves behind is no obstacle.
    Reading a run (``evaluate``, ``watch``, ``plot``) needs no lock. Where a file system has no locks, that is logged.

    Args:
        folder: of the run.

    Raises:
        RunFolderError: if another process, or another trainer of this one, trains there.
        StorageError: if the folder cannot be written.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        make_folder(self.folder)
        path = self.folder / LOCK_NAME
        descriptor = _locked(path)
        self._release = weakref.finalize(self, _let_go, path, descriptor, os.getpid())

    @property
    def is_held(self) -> bool:
        """Whether it was not released yet."""
        return self._release.alive

    def release(self) -> None:
        """Let others train in the folder; a second call does nothing."""
        self._release()


class NoLock:
    """In the place of a lock, for a process that leaves the folder to another one of its job."""

    is_held = True

    def release(self) -> None:
        """Nobody else holds anything; a second call does nothing."""
        self.is_held = False


def is_locked(folder: Path | str) -> bool:
    """Whether somebody trains in a folder at this moment."""
    path = Path(folder) / LOCK_NAME
    if fcntl is None or not path.is_file():
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:  # whoever cannot write there cannot be in another's way
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _TAKEN
    finally:
        os.close(descriptor)
    return False


def _locked(path: Path) -> int:
    """A descriptor of the file that holds its lock."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise storage_error(path, error) from error
        try:
            if _lock(descriptor, path) and not _is_same(descriptor, path):
                os.close(descriptor)  # its holder removed it before we got it: it is nobody's lock any more
                continue
            with contextlib.suppress(OSError):  # a full disk: the lock holds, it only does not say whose it is
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise
        return descriptor


def _lock(descriptor: int, path: Path) -> bool:
    """Lock it; False where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            raise RunFolderError(
                f"{path.parent} is in use: {holder or 'another process'} trains in it. Wait for it, or choose another "
                "folder"
            ) from None
        _log.warning("%s cannot be locked (%s): start no second run in it", path.parent, error.strerror)
        return False
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _let_go(path: Path, descriptor: int, owner: int) -> None:
    if os.getpid() == owner and _is_same(descriptor, path):  # not in a forked process, which has a copy
        with contextlib.suppress(OSError):
            path.unlink()  # while it is locked: whoever opened it before sees that it is gone
    with contextlib.suppress(OSError):
        os.close(descriptor)
