"""Archives of arrays (NumPy's ``.npz``), read so that the checksums cover every byte that counts.

NumPy stops reading a part where its header says that the array ends, and Python's zip reader compares checksums only at
a part's end: a flipped bit in a shape would go unnoticed. Here each part is read to its end, and its header has to say
neither more nor less than there is.
"""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MOST_TOLD: Final = 80  # letters of another library's message
_SUFFIX: Final = ".npy"


def read_arrays(file: Path | BinaryIO) -> dict[str, NDArray[Any]]:
    """All arrays of an archive by name; each can be written to.

    Args:
        file: the archive, or its path.

    Raises:
        OSError: if there is no such file, or it cannot be read.
        ValueError, zipfile.BadZipFile and others: if it is no whole archive of plain arrays.
    """
    with zipfile.ZipFile(file) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if len(set(names)) < len(names):
            raise ValueError("a part is there twice")
        return {name.removesuffix(_SUFFIX): _array_of(archive, entry) for name, entry in archive.NameToInfo.items()}


def _array_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    content = bytearray(entry.file_size)
    try:
        with archive.open(entry) as stream:
            read = stream.readinto(content)  # type: ignore[attr-defined]
    except zipfile.BadZipFile as error:
        raise zipfile.BadZipFile(str(error)[:MOST_TOLD]) from error  # it may quote the file itself
    if read != entry.file_size:
        raise ValueError(f"{entry.filename} has {read} bytes, not {entry.file_size}")
    head = io.BytesIO(content[: min(len(content), 1 << 16)])
    version = npy.read_magic(head)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"{entry.filename} is of another version, {version}")
    shape, is_fortran, dtype = reader(head)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or head.tell() + size != len(content):
        raise ValueError(f"the header of {entry.filename} tells of {size} bytes, of which there are others")
    array = np.frombuffer(content, dtype=dtype, offset=head.tell(), count=math.prod(shape))
    return array.reshape(shape, order="F" if is_fortran else "C")
