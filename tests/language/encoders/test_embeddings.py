"""The cache of sentence embeddings: each sentence embedded once, files whole or built again, failures cheap."""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from groundling.language.encoders import embeddings
from groundling.language.encoders.embeddings import SentenceEmbeddings, embeddings_of, model_key

if TYPE_CHECKING:
    from conftest import Loader

BALL, KEY, DOOR = "go to the ball", "pick up a key", "open the door"


def open_embeddings(folder: Path, cache: Path) -> SentenceEmbeddings:
    """As another process would."""
    return SentenceEmbeddings(folder, cache)


def file_in(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def sentences_in(path: Path) -> list[str]:
    with np.load(path) as file:
        return json.loads(file["sentences"].tobytes())


def test_each_sentence_is_given_to_the_model_once_and_alone(loader: Loader, folder: Path, cache: Path) -> None:
    known = open_embeddings(folder, cache)
    known.vectors([BALL, KEY, BALL])
    known.vectors([DOOR, BALL])
    assert loader.loaded[0].heard == [[BALL], [KEY], [DOOR]]


def test_vectors_are_those_of_the_model_in_the_order_of_the_sentences(
    loader: Loader, folder: Path, cache: Path
) -> None:
    vectors = open_embeddings(folder, cache).vectors([BALL, KEY, BALL])
    model = loader.loaded[0]
    expected = torch.cat([model(model.preprocess([text]))["sentence_embedding"] for text in (BALL, KEY, BALL)])
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, expected.detach().numpy())


def test_vectors_do_not_depend_on_what_was_embedded_before(loader: Loader, folder: Path, tmp_path: Path) -> None:
    one, other = (open_embeddings(folder, tmp_path / name) for name in ("one", "other"))
    other.vectors([DOOR, "put the purple box next to the yellow key"])
    assert np.array_equal(one.vectors([BALL, DOOR]), other.vectors([BALL, DOOR]))


def test_another_process_reads_the_file_and_loads_no_model(loader: Loader, folder: Path, cache: Path) -> None:
    first = open_embeddings(folder, cache).vectors([BALL, KEY])
    second = open_embeddings(folder, cache)
    assert second.dim == first.shape[1]
    assert np.array_equal(second.vectors([KEY, BALL]), first[::-1])
    assert len(loader.loaded) == 1


def test_one_object_serves_a_whole_process(loader: Loader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = embeddings_of(folder)
    assert embeddings_of(folder) is known
    monkeypatch.chdir(folder.parent)
    assert embeddings_of(Path(folder.name)) is known
    monkeypatch.setenv("GROUNDLING_CACHE", str(folder / "elsewhere"))
    assert embeddings_of(folder) is not known


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "of another model", "too few vectors", "no zip"])
def test_damaged_file_is_built_again_after_one_warning(
    loader: Loader, folder: Path, cache: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    first = open_embeddings(folder, cache).vectors([BALL, KEY])
    path = file_in(cache)
    whole = path.read_bytes()
    with np.load(path) as file:
        parts: dict[str, Any] = dict(file)
    if damage == "of another model":
        np.savez(path, **{**parts, "key": np.array("another")})
    elif damage == "too few vectors":
        np.savez(path, **{**parts, "vectors": parts["vectors"][:1]})
    else:
        middle = whole.index(first.tobytes()) + 5
        flipped = whole[:middle] + bytes([whole[middle] ^ 0x40]) + whole[middle + 1 :]
        path.write_bytes(
            {"flipped": flipped, "truncated": whole[:-200], "empty": b"", "no zip": b"\x93NUMPY not so"}[damage]
        )
    with caplog.at_level(logging.WARNING, "groundling"):
        again = open_embeddings(folder, cache)
        assert np.array_equal(again.vectors([BALL, KEY]), first)
    assert len(loader.loaded) == 2
    assert [("building it again" in record.message) for record in caplog.records] == [True]
    assert sentences_in(path) == [BALL, KEY]
    assert np.array_equal(open_embeddings(folder, cache).vectors([BALL, KEY]), first)
    assert len(loader.loaded) == 2


def test_two_processes_that_write_keep_what_both_know(loader: Loader, folder: Path, cache: Path) -> None:
    one, other = open_embeddings(folder, cache), open_embeddings(folder, cache)
    one.vectors([BALL])
    other.vectors([KEY])
    one.vectors([DOOR])
    assert sorted(sentences_in(file_in(cache))) == sorted([BALL, KEY, DOOR])
    one.vectors([KEY])
    assert sorted(loader.heard) == sorted([BALL, KEY, DOOR])


def test_file_is_whole_while_several_write_it(
    loader: Loader, folder: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def write(writer: int) -> None:
        known = open_embeddings(folder, cache)
        for number in range(10):
            known.vectors([f"sentence {number} of {writer}"])
            known.save()

    with caplog.at_level(logging.WARNING, "groundling"), ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert caplog.records == []
    left = open_embeddings(folder, cache)
    assert 10 <= len(left) <= 40
    expected = open_embeddings(folder, cache.with_name("fresh")).vectors(sentences_in(file_in(cache)))
    assert np.array_equal(left.vectors(sentences_in(file_in(cache))), expected)


def test_writing_is_put_off_until_the_file_would_grow_by_an_eighth(
    loader: Loader, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, sizes = open_embeddings(folder, cache), []
    for number in range(64):
        known.vectors([f"sentence {number}"])
        size = len(sentences_in(file_in(cache)))
        if not sizes or size > sizes[-1]:
            sizes.append(size)
    assert sizes[0] == 1
    assert all(after - before == -(-before // 8) for before, after in itertools.pairwise(sizes))


def test_what_was_put_off_is_written_when_the_process_ends(
    loader: Loader, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit = []
    monkeypatch.setattr(embeddings.atexit, "register", at_exit.append)
    known = open_embeddings(folder, cache)
    known.vectors([f"sentence {number}" for number in range(20)])
    known.vectors([BALL])
    assert BALL not in sentences_in(file_in(cache))
    at_exit[0]()
    assert BALL in sentences_in(file_in(cache))


def test_nothing_new_is_not_written(loader: Loader, folder: Path, cache: Path) -> None:
    known = open_embeddings(folder, cache)
    known.vectors([BALL])
    file_in(cache).unlink()
    known.vectors([BALL])
    known.save()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("place", ["file/below", "n" * 300])
def test_impossible_cache_folder_costs_one_warning(
    loader: Loader, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING, "groundling"):
        known = open_embeddings(folder, tmp_path / place)
        known.vectors([BALL])
        known.vectors([KEY, BALL])
    assert [("without a cache of sentence" in record.message) for record in caplog.records] == [True]
    assert loader.heard == [BALL, KEY]


def test_failed_write_leaves_the_old_file(
    loader: Loader,
    folder: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = open_embeddings(folder, cache)
    known.vectors([BALL])
    before = file_in(cache).read_bytes()

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("groundling.files.os.fsync", refuse)
    with caplog.at_level(logging.WARNING, "groundling"):
        known.vectors([KEY])
    assert "the disk is full" in caplog.text
    assert file_in(cache).read_bytes() == before


def test_another_model_has_another_file(loader: Loader, folder: Path, cache: Path) -> None:
    open_embeddings(folder, cache).vectors([BALL])
    before = model_key(folder)
    (folder / "weights").write_bytes(b"1235")
    assert model_key(folder) != before
    open_embeddings(folder, cache).vectors([BALL])
    assert loader.heard == [BALL, BALL]
    assert len(list(cache.iterdir())) == 2


def test_a_copied_model_has_the_same_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order in which its files are listed."""
    expected = model_key(folder)
    copy = shutil.copytree(folder, tmp_path / "copy")
    for backwards in (False, True):
        listing = sorted(copy.iterdir(), reverse=backwards)
        monkeypatch.setattr(Path, "rglob", lambda self, pattern, listing=listing: iter(listing))
        assert model_key(copy) == expected


def test_another_version_of_the_libraries_has_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_key(folder)
    monkeypatch.setattr(embeddings.importlib.metadata, "version", lambda name: "99")
    assert model_key(folder) != before
