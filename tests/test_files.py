"""Files are written whole or not at all, and a failure names its cause."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from groundling.errors import GroundlingError, StorageError
from groundling.files import folder_written_whole, make_folder, write_text, written_whole


def failing_with(code: int) -> Callable[..., None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def write_half(path: Path, error: BaseException) -> None:
    with written_whole(path) as file:
        file.write(b"half of the n")
        raise error


def test_file_takes_its_place_only_when_everything_was_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with written_whole(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "note.txt", "grün")
    assert (tmp_path / "a" / "b" / "note.txt").read_bytes() == "grün".encode()


@pytest.mark.parametrize("is_there", [True, False])
def test_folder_takes_its_place_only_when_everything_was_written(
    tmp_path: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a" / "b"
    if is_there:
        path.mkdir(parents=True)
        monkeypatch.chdir(path)
    with folder_written_whole("." if is_there else path) as folder:
        (folder / "file").write_text("new")
        assert not path.exists() or not os.listdir(path)
    assert (path / "file").read_text() == "new"
    assert os.listdir(path.parent) == ["b"]
    ordinary = tmp_path / "ordinary"
    ordinary.mkdir()
    assert path.stat().st_mode == ordinary.stat().st_mode


@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_folder_that_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def write(path: Path) -> None:
        with folder_written_whole(path) as folder:
            (folder / "file").write_text("half")
            raise error

    with pytest.raises(StorageError if isinstance(error, OSError) else type(error)):
        write(tmp_path / "a" / "b" / "c")
    assert os.listdir(tmp_path) == []


def test_folder_with_files_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with (
        pytest.raises(StorageError, match="there is a folder with files of its own: choose another"),
        folder_written_whole(tmp_path) as folder,
    ):
        (folder / "file").write_text("new")
    assert os.listdir(tmp_path) == ["mine"]
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))


@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt()])
def test_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("function", "code", "cause"),
    [
        ("os.fsync", errno.ENOSPC, "the disk is full: free some space"),
        ("os.fsync", errno.EDQUOT, "the disk quota is used up"),
        ("tempfile.mkstemp", errno.EROFS, "the file system is read-only"),
        ("tempfile.mkstemp", errno.EACCES, "the folder is not yours to write"),
        ("os.replace", errno.EPERM, "the folder is not yours to write"),
        ("os.replace", errno.EIO, "Input/output error"),
    ],
)
def test_failure_names_its_cause_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, code: int, cause: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(f"groundling.files.{function}", failing_with(code))
    with pytest.raises(StorageError, match=cause) as caught:
        write_text(path, "new")
    assert caught.value.errno == code
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_full_disk_in_the_middle_of_writing_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the disk is full"):
        write_half(tmp_path / "file", OSError(errno.ENOSPC, "No space left on device"))
    assert os.listdir(tmp_path) == []


def test_path_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    for path in (tmp_path / "file" / "below", tmp_path / "file" / "far" / "below"):
        with pytest.raises(StorageError, match="a part of the path is a file, not a folder"):
            write_text(path, "new")
    with pytest.raises(StorageError, match="a part of the path is a file, not a folder"):
        make_folder(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        write_text(tmp_path / "folder", "new")
    assert os.listdir(tmp_path) == ["folder"]


def test_storage_error_is_an_os_error_and_one_of_the_package() -> None:
    assert issubclass(StorageError, OSError)
    assert issubclass(StorageError, GroundlingError)


def test_written_file_has_the_permissions_that_the_user_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "text")
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
