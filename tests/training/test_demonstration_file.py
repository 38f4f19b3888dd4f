"""The file of demonstrations: mapped, not read; written whole or not at all; damage of every kind is named."""

from __future__ import annotations

import errno
import json
import os
import resource
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from groundling.errors import DemonstrationFileError, StorageError
from groundling.training.demonstration_file import (
    ALIGNMENT,
    FORMAT_VERSION,
    MAGIC,
    Entry,
    encoded_head,
    open_arrays,
    write_arrays,
)

FACTS = {"task": "a task", "numbers": [1, 2]}
ARRAYS = {
    "bytes": np.arange(100, dtype=np.uint8),
    "nothing": np.zeros((0, 3), dtype=np.float64),
    "table": np.arange(24, dtype=np.int64).reshape(2, 3, 4) - 5,
    "bits": np.array([2**64 - 12345, 3], dtype=np.uint64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "file.demos", FACTS, ARRAYS)
    return tmp_path / "file.demos"


def with_header(path: Path, header: bytes) -> None:
    """A file of this header alone, its checksum right."""
    path.write_bytes(struct.pack("<16sIII4x", MAGIC, FORMAT_VERSION, len(header), zlib.crc32(header)) + header)


# What is written is read


def test_arrays_and_facts_come_back(path: Path) -> None:
    file = open_arrays(path)
    assert file.facts == FACTS
    assert list(file.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert file.arrays[name].dtype == array.dtype
        assert file.arrays[name].shape == array.shape
        assert np.array_equal(file.arrays[name], array)
    file.verify()


def test_size_is_told_and_no_byte_is_added_to_the_arrays_but_alignment(tmp_path: Path) -> None:
    size = write_arrays(tmp_path / "file", {}, {"a": np.zeros(1000, np.uint8), "b": np.zeros(1000, np.uint8)})
    assert size == (tmp_path / "file").stat().st_size
    assert size < 2000 + ALIGNMENT + 512


def test_arrays_begin_at_multiples_of_64_bytes(path: Path) -> None:
    content = path.read_bytes()
    for name in ("bytes", "table", "bits"):
        assert content.index(ARRAYS[name].tobytes()) % ALIGNMENT == 0, name


def test_arrays_of_another_byte_order_or_layout_come_back_equal(tmp_path: Path) -> None:
    arrays = {"big": np.arange(5, dtype=">i4"), "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T}
    write_arrays(tmp_path / "file", {}, arrays)
    file = open_arrays(tmp_path / "file")
    file.verify()
    for name, array in arrays.items():
        assert np.array_equal(file.arrays[name], array)
    assert file.arrays["big"].dtype == np.dtype("<i4")


def test_opened_arrays_cannot_be_written(path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_arrays(path).arrays["table"][0] = 1


def test_opening_takes_no_time_whatever_the_size(tmp_path: Path) -> None:
    """256 GiB of holes: a file that takes no room on the disk, and more than could be read in a test."""
    path, length = tmp_path / "huge.demos", 1 << 38
    head = encoded_head({}, {"large": Entry("|u1", (length,), 0, 0), "last": Entry("<i8", (2,), length, 0)})
    path.write_bytes(head)
    os.truncate(path, len(head) + length)
    with path.open("ab") as file:
        file.write(struct.pack("<2q", 7, 8))
    start = time.perf_counter()
    opened = open_arrays(path)
    assert opened.arrays["last"].tolist() == [7, 8]
    assert time.perf_counter() - start < 1
    assert opened.arrays["large"][length // 2] == 0


# What is wrong with a file is named


def test_truncation_is_seen_at_every_length(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    lengths = {*range(0, len(content), 7), 15, 16, 31, 32, 33, len(content) - 1}
    for length in lengths:
        (tmp_path / "part").write_bytes(content[:length])
        with pytest.raises(DemonstrationFileError, match=f"part is truncated: {length:,} of at least"):
            open_arrays(tmp_path / "part")


def test_truncation_tells_how_long_the_file_should_be(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(DemonstrationFileError, match=f"{size - 1:,} of at least {size:,} bytes"):
        open_arrays(path)


def test_appended_bytes_are_seen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DemonstrationFileError, match="4 bytes too many"):
        open_arrays(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 an archive", b"groundling demo", b"x" * 1000])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content + bytes(100))
    with pytest.raises(DemonstrationFileError, match="not a demonstration file"):
        open_arrays(tmp_path / "file")


def test_another_format_version_is_told_whatever_its_header_looks_like(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[16:20] = struct.pack("<I", FORMAT_VERSION + 1)
    content[24:64] = b"?" * 40
    path.write_bytes(content)
    with pytest.raises(DemonstrationFileError, match=f"format {FORMAT_VERSION + 1}, .* reads format {FORMAT_VERSION}"):
        open_arrays(path)


@pytest.mark.parametrize("place", [24, 32, 60])
def test_damaged_header_is_seen(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DemonstrationFileError, match="header does not match its checksum"):
        open_arrays(path)


def test_header_of_absurd_length_is_not_read(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20:24] = struct.pack("<I", 2**32 - 1)
    path.write_bytes(content)
    with pytest.raises(DemonstrationFileError, match=r"header of 4,294,967,295 bytes"):
        open_arrays(path)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"facts": {}}',
        b'{"facts": {}, "arrays": {"a": {"dtype": "|u1"}}}',
        b'{"facts": {}, "arrays": {"a": {"dtype": "u1", "shape": 3, "offset": 0, "checksum": 0}}}',
        b'{"facts": {}, "arrays": {"a": {"dtype": "huh", "shape": [3], "offset": 0, "checksum": 0}}}',
        b'{"facts": {}, "arrays": {"a": {"dtype": "|O", "shape": [3], "offset": 0, "checksum": 0}}}',
        b'{"facts": {}, "arrays": {"a": {"dtype": "|u1", "shape": [-3], "offset": 0, "checksum": 0}}}',
    ],
)
def test_header_of_something_else_is_told(tmp_path: Path, header: bytes) -> None:
    with_header(tmp_path / "file", header)
    with pytest.raises(DemonstrationFileError, match="header that cannot be read"):
        open_arrays(tmp_path / "file")


def test_every_damaged_byte_of_an_array_is_found_by_verification(path: Path) -> None:
    content = path.read_bytes()
    for name in ("bytes", "table", "bits"):
        start = content.index(ARRAYS[name].tobytes())
        for place in (start, start + ARRAYS[name].nbytes // 2, start + ARRAYS[name].nbytes - 1):
            damaged = bytearray(content)
            damaged[place] ^= 16
            path.write_bytes(damaged)
            with pytest.raises(DemonstrationFileError, match=f"array '{name}' does not match its checksum"):
                open_arrays(path).verify()


def test_missing_file_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationFileError, match=r"no demonstration file at .*absent.*groundling demos"):
        open_arrays(tmp_path / "absent")


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationFileError, match=r"cannot be read: Is a directory"):
        open_arrays(tmp_path)


# Written whole or not at all


def test_failing_disk_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # the disk takes no longer file than this
    try:
        with pytest.raises(StorageError) as caught:
            write_arrays(path, FACTS, {"a": np.zeros(10_000, np.uint8), "b": np.zeros(10_000, np.uint8)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_header_is_json_that_other_programs_can_read(path: Path) -> None:
    content = path.read_bytes()
    length = struct.unpack("<I", content[20:24])[0]
    listed = json.loads(content[32 : 32 + length])["arrays"]["table"]
    start = -(-(32 + length) // ALIGNMENT) * ALIGNMENT + listed["offset"]
    table = np.frombuffer(content, listed["dtype"], 24, start).reshape(listed["shape"])
    assert np.array_equal(table, ARRAYS["table"])
