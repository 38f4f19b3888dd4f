"""The file of an episode bank: NumPy's .npz of its arrays, its sentences and a header in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.array_archive import read_arrays
from groundling.envs.banks.manuals import Manuals
from groundling.errors import BankFileError
from groundling.files import written_whole
from groundling.trust import note_received

FORMAT_VERSION: Final = 2
ADDED: Final = {"floors": (0, 0)}  # bytes that older files lack, and the shape of a row of each then


def write_bank(
    path: Path | str,
    header: Mapping[str, Any],
    instructions: Sequence[str],
    arrays: Mapping[str, NDArray[Any]],
    manuals: Manuals | None = None,
) -> None:
    """Write a bank aside and then rename it.

    Args:
        path: where to; missing folders are made.
        header: level, split, key and vocabulary of the bank.
        instructions: [S] its sentences, on one line each.
        arrays: the others by name.
        manuals: what the episodes have to read, if anything.

    Raises:
        StorageError: if the disk is full or the folder cannot be written; an older file stays as it was.
    """
    text = np.frombuffer("\n".join(instructions).encode(), dtype=np.uint8)
    kept = {name: array for name, array in arrays.items() if array.size or name not in ADDED}
    contents: dict[str, Any] = {**kept, "instructions": text, **({} if manuals is None else manuals.arrays())}
    with written_whole(path) as file:
        np.savez(file, header=np.array(json.dumps({"format": FORMAT_VERSION, **header})), **contents)


def read_bank(
    path: Path | str, names: Sequence[str], key: str | None, vocabulary: int, *, trust_code: bool = False
) -> tuple[dict[str, Any], tuple[str, ...], dict[str, NDArray[Any]], Manuals | None]:
    """Read the header, the sentences, the arrays and the manuals of a bank.

    Args:
        path: of the file.
        names: of the arrays.
        key: what the bank has to be built from; None takes any.
        vocabulary: checksum that the bank's vocabulary has to have.
        trust_code: whether code that it names may run.

    Raises:
        BankFileError: if the file is missing, damaged, truncated, of another format version or vocabulary, or was built
            from something else.
    """
    path = Path(path)
    try:
        file = read_arrays(path)
        header = json.loads(str(file["header"]))
        note_received(header, path, trust_code=trust_code)
        if header.get("format") != FORMAT_VERSION:
            raise BankFileError(
                f"{path} is an episode bank of format {header.get('format')}, this version reads format "
                f"{FORMAT_VERSION}: delete it, and it is built again"
            )
        if header.get("vocabulary") != vocabulary:
            raise BankFileError(f"{path} was built with another vocabulary: delete it, and it is built again")
        if key is not None and header.get("key") != key:
            raise BankFileError(f"{path} was built from something else than what is asked for: delete it")
        arrays = with_added({name: file[name] for name in names if name in file or name not in ADDED})
        instructions = tuple(file["instructions"].tobytes().decode().split("\n"))
        if len(instructions) != len(arrays["tokens"]):
            raise ValueError(f"{len(instructions)} sentences, but the tokens of {len(arrays['tokens'])}")
        if not isinstance(header["level"], str) or not isinstance(header["split"], str):
            raise ValueError("its level and split are no texts")
        manuals = Manuals.of_arrays(file)
    except BankFileError:
        raise
    except FileNotFoundError:
        raise BankFileError(f"there is no episode bank at {path}") from None
    except Exception as error:  # a damaged archive fails in many ways: encryption, compression, headers, checksums
        raise BankFileError(
            f"{path} is not a whole episode bank ({error}): delete it, and it is built again"
        ) from error
    return header, instructions, arrays, manuals


def with_added(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays of a bank, those that were added since an older file was written as they were then: empty."""
    episodes = len(arrays["seeds"])
    added = {name: np.zeros((episodes, *shape), dtype=np.uint8) for name, shape in ADDED.items()}
    return {**added, **arrays}
