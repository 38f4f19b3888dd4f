"""One file of named arrays behind a small header: opened by mapping it into memory, so its size costs no time.

The layout, little-endian: 32 bytes (what the file is, format version, length and checksum of the header), the header
as JSON (facts; name, type, shape, place and checksum of each array), then the arrays, each from a multiple of 64 bytes.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.errors import DemonstrationFileError
from groundling.files import written_whole

MAGIC: Final = b"groundling demos"
FORMAT_VERSION: Final = 1
ALIGNMENT: Final = 64  # bytes: a cache line, and enough for any type
MAX_HEADER: Final = 1 << 20  # bytes; a longer one is damage, and not to be read at all

_PREFIX = struct.Struct("<16sIII4x")


@dataclass(frozen=True)
class Entry:
    """An array as the header lists it.

    Attributes:
        dtype: NumPy's name of the type with its byte order, "<i8".
        shape: its axes.
        offset: first byte, counted from the first array's.
        checksum: CRC-32 of its bytes.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int
    checksum: int

    def __post_init__(self) -> None:
        if np.dtype(self.dtype).kind not in "biuf" or min((self.offset, *self.shape)) < 0:
            raise ValueError(f"no array is like this: {self}")

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class ArrayFile:
    """An opened file.

    Attributes:
        path: where it is.
        facts: what was written beside the arrays, plain values.
        arrays: by name; read-only, and in the file until they are read.
        entries: by name, as listed.
    """

    path: Path
    facts: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    entries: dict[str, Entry]
    _verified: set[str] = field(default_factory=set)

    def verify(self) -> None:
        """Read every byte and compare it with the checksums.

        Raises:
            DemonstrationFileError: if an array is not what was written.
        """
        self._verified.clear()
        for name in self.arrays:
            self.verified(name)

    def verified(self, name: str) -> NDArray[Any]:
        """An array, all of which is compared with its checksum when it is asked for first.

        Raises:
            DemonstrationFileError: if it is not what was written.
        """
        array = self.arrays[name]
        if name not in self._verified:
            if zlib.crc32(_bytes_of(array)) != self.entries[name].checksum:
                raise DemonstrationFileError(
                    f"{self.path} is damaged: the array {name!r} does not match its checksum; copy or record it again"
                )
            self._verified.add(name)
        return array


def write_arrays(path: Path | str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> int:
    """Write a file whole or not at all.

    Args:
        path: where to; missing folders are made.
        facts: plain values for the header.
        arrays: by name, in any shape and of any plain type.

    Returns:
        Its size in bytes.

    Raises:
        StorageError: if the disk is full or the folder cannot be written; an older file stays as it was.
    """
    entries: dict[str, Entry] = {}
    end = 0
    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        entries[name] = Entry(dtype.str, array.shape, _aligned(end), zlib.crc32(_bytes_of(array)))
        end = entries[name].offset + entries[name].size
    head = encoded_head(facts, entries)
    with written_whole(path) as file:
        file.write(head)
        for name, array in arrays.items():
            file.write(bytes(len(head) + entries[name].offset - file.tell()))
            file.write(_bytes_of(array))
        return file.tell()


def encoded_head(facts: Mapping[str, Any], entries: Mapping[str, Entry]) -> bytes:
    """Everything before the first array."""
    listed = {name: asdict(entry) for name, entry in entries.items()}
    header = json.dumps({"facts": facts, "arrays": listed}).encode()
    head = _PREFIX.pack(MAGIC, FORMAT_VERSION, len(header), zlib.crc32(header)) + header
    return head.ljust(_aligned(len(head)), b"\0")


def open_arrays(path: Path | str) -> ArrayFile:
    """Open a file; the arrays themselves are not read.

    Raises:
        DemonstrationFileError: if it is missing, truncated, of another kind or format version, or has a damaged header.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            prefix = file.read(_PREFIX.size)
            length, checksum = _read_prefix(path, prefix)
            header = file.read(length)
            size = path.stat().st_size
        if len(header) < length:
            raise _truncated(path, size, _PREFIX.size + length)
        if zlib.crc32(header) != checksum:
            raise DemonstrationFileError(f"{path} is damaged: its header does not match its checksum; record it again")
        facts, entries = _read_header(path, header)
        start = _aligned(_PREFIX.size + length)
        end = start + max((entry.offset + entry.size for entry in entries.values()), default=0)
        if size < end:
            raise _truncated(path, size, end)
        if gap := _first_gap(path, start, entries):
            raise DemonstrationFileError(f"{path} is damaged: {gap}; copy or record it again")
        if size > end:
            raise DemonstrationFileError(
                f"{path} has {size - end:,} bytes too many: something was appended; copy or record it again"
            )
        # Read-only, not copy-on-write: the system would promise memory for every page of a file larger than it has.
        content = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except FileNotFoundError:
        raise DemonstrationFileError(
            f"there is no demonstration file at {path}: record one with `groundling demos TASK --output {path}`"
        ) from None
    except OSError as error:
        raise DemonstrationFileError(f"{path} cannot be read: {error.strerror or error}") from error
    arrays = {
        name: content[start + e.offset : start + e.offset + e.size].view(e.dtype).reshape(e.shape)
        for name, e in entries.items()
    }
    return ArrayFile(path, facts, arrays, entries)


def _read_prefix(path: Path, prefix: bytes) -> tuple[int, int]:
    """Length and checksum of the header."""
    if not prefix.startswith(MAGIC[: len(prefix)]):
        raise DemonstrationFileError(f"{path} is not a demonstration file: `groundling demos` writes them")
    if len(prefix) < _PREFIX.size:
        raise _truncated(path, len(prefix), _PREFIX.size)
    _, version, length, checksum = _PREFIX.unpack(prefix)
    if version != FORMAT_VERSION:
        raise DemonstrationFileError(
            f"{path} is a demonstration file of format {version}, this Groundling reads format {FORMAT_VERSION}: "
            "record it again, or read it with the version that wrote it"
        )
    if length > MAX_HEADER:
        raise DemonstrationFileError(f"{path} is damaged: it tells of a header of {length:,} bytes; record it again")
    return length, checksum


def _read_header(path: Path, header: bytes) -> tuple[dict[str, Any], dict[str, Entry]]:
    try:
        content = json.loads(header)
        listed = {name: Entry(**{**e, "shape": tuple(e["shape"])}) for name, e in content["arrays"].items()}
        return dict(content["facts"]), listed
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DemonstrationFileError(f"{path} has a header that cannot be read ({error}): record it again") from error


def _first_gap(path: Path, start: int, entries: dict[str, Entry]) -> str:
    """What is wrong with the bytes between header and arrays, which no checksum covers; they are zeros."""
    spaces, end = [], 0
    for entry in sorted(entries.values(), key=lambda entry: entry.offset):
        if entry.offset < end or entry.offset - end >= ALIGNMENT:
            return "two arrays overlap, or are too far apart"
        spaces.append((start + end, entry.offset - end))
        end = entry.offset + entry.size
    with path.open("rb") as file:
        head = _PREFIX.unpack(file.read(_PREFIX.size))
        spaces.append((_PREFIX.size + head[2], start - _PREFIX.size - head[2]))
        for place, size in spaces:
            file.seek(place)
            if file.read(size).strip(b"\0"):
                return "there is something between its arrays"
    return ""


def _truncated(path: Path, size: int, end: int) -> DemonstrationFileError:
    return DemonstrationFileError(
        f"{path} is truncated: {size:,} of at least {end:,} bytes are there; copy or record it again"
    )


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """The array's bytes, little-endian."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return plain.reshape(-1).view(np.uint8).data
