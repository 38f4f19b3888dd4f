"""Where cached files go, and writing files whole or not at all: aside first, then renamed over the old one."""

from __future__ import annotations

import errno
import glob
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from groundling.errors import GroundlingError, StorageError

CHECKSUM: Final = "checksum"  # the name under which JSON has :func:`checksum_of` what is beside it

_CAUSES = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.EACCES: "the folder is not yours to write: choose another, or change its permissions",
    errno.EPERM: "the folder is not yours to write: choose another, or change its permissions",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another",
    errno.EEXIST: "a part of the path is a file, not a folder: choose another",
    errno.ENOTEMPTY: "there is a folder with files of its own: choose another",
}


def cache_folder() -> Path:
    """Where files are cached: ``$GROUNDLING_CACHE``, else ``$XDG_CACHE_HOME/groundling``, else ~/.cache/groundling."""
    own = os.environ.get("GROUNDLING_CACHE")
    if own:
        return Path(own)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # Path.home may raise
    return Path(home) / "groundling"


@contextmanager
def written_whole(path: Path | str) -> Iterator[BinaryIO]:
    """A binary file that takes its place only when everything was written.

    Missing folders are made. If writing fails, the file that stood there before is unchanged and nothing else is left.

    Raises:
        StorageError: if the folder cannot be made or the file not be written; the message names the cause.
    """
    path = Path(path)
    aside: str | None = None
    try:
        make_folder(path.parent)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o666 & ~_umask())
        os.replace(aside, path)
        aside = None
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path | str) -> Iterator[Path]:
    """A new folder that takes its place only when everything was written; an empty one may stand there before.

    Missing folders above it are made. If writing fails, or something else stands there, nothing is left.

    Raises:
        StorageError: if it cannot be made, written or renamed; the message names the cause.
    """
    path = Path(path)
    place = path.resolve()  # of ".", which has no name
    missing = [above for above in place.parents if not above.exists()]
    is_whole = False
    try:
        make_folder(place.parent)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp") as aside:
            folder = Path(aside) / place.name
            folder.mkdir()  # with the usual permissions, unlike the one above it
            yield folder
            folder.replace(place)
        is_whole = True
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        for above in () if is_whole else missing:
            with suppress(OSError):  # it was not made, or somebody else has put files there
                above.rmdir()


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Remove what :func:`written_whole` leaves of these files where a process is killed in the middle of it.

    Nobody else may be writing them at this moment.
    """
    for name in names:
        for path in folder.glob(f".{glob.escape(name)}.*.tmp"):
            path.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file whole, see :func:`written_whole`."""
    with written_whole(path) as file:
        file.write(text.encode())


def read_text(path: Path, refusal: type[GroundlingError]) -> str:
    """The text of a file; bytes that are no text become marks of it.

    Raises:
        GroundlingError: of this kind, if it cannot be read; the message names the cause.
    """
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise refusal(f"{path} could not be read ({error.strerror or error}): check its permissions") from error


def checksum_of(values: Mapping[str, Any]) -> int:
    """The CRC-32 of plain values as JSON: the same when they are read back."""
    return zlib.crc32(json.dumps(values).encode())


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        StorageError: if it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """The same failure with its likely cause in words."""
    cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
    return StorageError(error.errno or errno.EIO, f"could not write {path} ({cause}); what stood there is unchanged")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
