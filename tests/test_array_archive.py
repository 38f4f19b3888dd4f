"""Archives of arrays are read so that their checksums cover all that counts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from groundling.array_archive import read_arrays

ARRAYS = {
    "numbers": np.arange(12, dtype=np.int32).reshape(3, 4),
    "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "nothing": np.zeros((0, 3), dtype=np.uint8),
    "text": np.array("what it says"),
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    np.savez(tmp_path / "some.npz", **ARRAYS)
    return tmp_path / "some.npz"


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_read_as_they_were_written(compressed: bool, tmp_path: Path) -> None:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "some.npz", **ARRAYS)
    found = read_arrays(tmp_path / "some.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
        assert found[name].flags.writeable


def test_flipped_bit_in_a_shape_is_found_which_numpy_does_not_find(archive: Path) -> None:
    np.savez(archive, numbers=np.arange(120_000, dtype=np.int32).reshape(300, 400))
    content = bytearray(archive.read_bytes())
    content[content.index(b"(300, 400)") + 1] ^= 1  # (200, 400)
    archive.write_bytes(content)
    with np.load(archive) as file:
        assert file["numbers"].shape == (200, 400)
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        read_arrays(archive)


@pytest.mark.parametrize("shape", ["(2, 4), } ", "(3, 5), } ", "(-3, 4), }", "(-3,-4), }"])
def test_header_that_tells_of_more_or_less_than_there_is_is_refused(shape: str, archive: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, ARRAYS["numbers"])
    content = stream.getvalue().replace(b"(3, 4), } ", shape.encode())
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("numbers.npy", content)
    with pytest.raises(ValueError, match=r"tells of|shape"):
        read_arrays(archive)


def test_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", things=np.array([{}, []], dtype=object))
    with pytest.raises(ValueError, match="tells of"):
        read_arrays(tmp_path / "some.npz")


def test_part_that_is_there_twice_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("numbers.npy", b"")
    with pytest.raises(ValueError, match="twice"):
        read_arrays(archive)
