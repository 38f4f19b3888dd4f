"""Building banks: the same bank on any number of workers, cached, and built again when the cache is damaged."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import count
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from minigrid.envs.babyai.goto import GoToObj

from groundling.envs import SPLITS, EpisodeBank, HeldOut, build_bank
from groundling.envs.banks import bank_building, build_pool
from groundling.envs.banks.build_pool import Answer, Helpers
from groundling.envs.banks.build_worker import packed
from groundling.envs.banks.sources import EpisodeSource, find_source
from groundling.envs.banks.splits import Split, training_split
from groundling.errors import (
    ConfigurationError,
    SplitError,
    TaskError,
    UnknownEnvironmentError,
    UnsupportedLevelError,
    WorkerError,
)

LEVEL = "BabyAI-GoToObjS4-v0"


def equal(first: EpisodeBank, second: EpisodeBank) -> bool:
    return all(np.array_equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(EpisodeBank))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def chunks_built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the chunks that this process builds from now on."""
    built: list[int] = []
    original = bank_building.build_chunk

    def spy(source: EpisodeSource, seed: int, split: Split, chunk: int) -> EpisodeBank | None:
        built.append(chunk)
        return original(source, seed, split, chunk)

    monkeypatch.setattr(bank_building, "build_chunk", spy)
    return built


@pytest.fixture
def chunks_taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the chunks that other processes build; this one waits with its second until there is one."""
    taken: list[int] = []
    take = Helpers.take

    def spy(self: Helpers, *, waits: bool) -> tuple[int, Answer] | None:
        answered = take(self, waits=waits or (not taken and bool(begun)))
        begun.append(True)
        if answered is not None:
            taken.append(answered[0])
        return answered

    begun: list[bool] = []
    monkeypatch.setattr(Helpers, "take", spy)
    return taken


def test_number_of_workers_does_not_change_the_bank(chunks_built: list[int], chunks_taken: list[int]) -> None:
    """Four of them; tests of other sources have two, this process included."""

    def build(workers: int) -> EpisodeBank:
        return build_bank(LEVEL, 600, split="train", workers=workers, cache=False, progress=False)

    parallel = build(4)
    assert chunks_built, "this process builds while the others start"
    assert chunks_taken, "then the others build"
    assert not set(chunks_built) & set(chunks_taken)
    chunks_built.clear()
    serial = build(1)
    assert len(chunks_built) > 600 // bank_building.CHUNK
    assert equal(parallel, serial)
    assert len(serial) == 600


def test_no_chunk_waits_for_a_process_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(slow))
    bank = build_bank(LEVEL, 600, workers=2, cache=False, progress=False)
    assert equal(bank, build_bank(LEVEL, 600, workers=1, cache=False, progress=False))


def test_where_many_have_started_this_process_only_answers_them() -> None:
    for workers, number, suffices in ((2, 1, False), (4, 4, True)):
        with Helpers(find_source(LEVEL), 0, SPLITS["all"], count(), workers) as crew:
            assert not crew.suffice
            chunks = [crew.take(waits=True) for _ in range(2 * number)]
            while len(crew._started) < number:
                chunks.append(crew.take(waits=True))
            assert crew.suffice is suffices
        assert len(crew._processes) == number
        assert len({chunk[0] for chunk in chunks if chunk}) == len(chunks)
        assert all(process.poll() is not None for process in crew._processes), "none is left over"


def test_process_that_dies_is_told_of() -> None:
    with Helpers(find_source(LEVEL), 0, SPLITS["all"], count(), 2) as crew:
        assert crew.take(waits=True)
        crew._processes[0].kill()
        with pytest.raises(WorkerError, match="a process that builds BabyAI-GoToObjS4-v0 died"):
            all(crew.take(waits=True) for _ in range(1000))


class TwoArguments(Exception):
    """Cannot be made again from what its pickle holds."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def test_error_that_another_process_cannot_make_again_is_answered_in_words() -> None:
    class Inner(Exception):
        pass

    for error in (TwoArguments("a", "b"), Inner("a and b")):
        answer = pickle.loads(packed(error))
        assert isinstance(answer, WorkerError)
        assert str(answer) == f"{type(error).__name__}: a and b"
    assert isinstance(pickle.loads(packed(TaskError("no layout"))), TaskError)
    assert pickle.loads(packed(None)) is None


def test_answer_that_cannot_be_read_is_told_of_and_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; out = sys.stdout.buffer; out.write(b'I1\\n.');"  # it has started
        "out.write(b'cbuiltins\\nint\\n(Vx\\ntR.'); out.flush(); sys.stdin.read()"
    )
    monkeypatch.setattr(build_pool, "module_command", lambda *words: ([sys.executable, "-c", program], None))
    with (
        Helpers(find_source(LEVEL), 0, SPLITS["all"], count(), 2) as crew,
        pytest.raises(WorkerError, match=r"gave an answer that cannot be read \(ValueError: invalid literal"),
    ):
        crew.take(waits=True)


def test_small_bank_is_the_beginning_of_a_big_one() -> None:
    small, big = (build_bank(LEVEL, size, cache=False, progress=False) for size in (40, 130))
    assert equal(small, big.take(slice(0, 40)))


def test_same_seed_gives_the_same_bank_and_another_seed_another() -> None:
    first, again, other = (build_bank(LEVEL, 64, seed=seed, cache=False, progress=False) for seed in (1, 1, 2))
    assert equal(first, again)
    assert not set(first.seeds) & set(other.seeds)
    assert not np.array_equal(first.cells, other.cells)


def test_bank_is_that_of_its_seeds() -> None:
    bank = build_bank(LEVEL, 30, split="train", cache=False, progress=False)
    chosen = EpisodeBank.of_seeds(LEVEL, bank.seeds)
    assert equal(bank, replace(chosen, split=SPLITS["train"].describe()))


def test_varied_sentences_do_not_depend_on_the_number_of_workers(
    chunks_taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_building, "SERIAL_SEEDS", 32)
    split = training_split(HeldOut(factors=("phrasing",)))
    parallel, serial = (
        build_bank(LEVEL, 140, split=split, workers=workers, cache=False, progress=False) for workers in (2, 1)
    )
    assert chunks_taken
    assert equal(parallel, serial)
    assert len(serial.instructions) > 50


def test_task_is_built_like_a_level(chunks_taken: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "SERIAL_SEEDS", 32)
    task, size = "groundling/RoomGoTo-v0", 140
    parallel = build_bank(task, size, split="train", workers=2, cache=False, progress=False)
    assert chunks_taken, "the other process builds"
    assert equal(parallel, build_bank(task, size, split="train", workers=1, cache=False, progress=False))
    assert equal(parallel, build_bank(find_source(task), size, split="train", cache=False, progress=False))
    assert parallel.level == task


def test_error_in_a_worker_reaches_the_caller(chunks_taken: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "SERIAL_SEEDS", 0)
    monkeypatch.setenv("BABYAI_DONE_ACTIONS", "1")  # read when the worker imports minigrid; this process has done so
    with pytest.raises(UnsupportedLevelError, match="unset this environment variable"):
        build_bank(LEVEL, 140, workers=2, cache=False, progress=False)


def test_layout_that_leaves_no_place_for_the_agent_is_drawn_afresh() -> None:
    """At this seed MiniGrid looks for a place for ever (one in a thousand of this level is like it)."""

    def stop(*_: object) -> None:
        raise AssertionError("it did not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    try:
        bank = EpisodeBank.of_seeds("BabyAI-SynthS5R2-v0", [31250076069])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert bank.instructions


# The cache


def test_second_call_reads_the_cache(cache: Path, chunks_built: list[int]) -> None:
    first = build_bank(LEVEL, 20, progress=False)
    assert chunks_built == [0]
    assert len(os.listdir(cache)) == 1
    assert equal(build_bank(LEVEL, 20, progress=False), first)
    assert chunks_built == [0]


def test_another_request_is_another_file(cache: Path) -> None:
    requests: list[dict[str, object]] = [
        {},
        *({"seed": 1}, {"size": 21}, {"level": "BabyAI-GoToObj-v0"}),
        *({"split": "train"}, {"split": training_split(HeldOut(combinations=("red ball",)))}),
        {"split": SPLITS["train"].narrowed(("go to the red ball",))},
        {"level": find_source(LEVEL).changed(room_size=5)},  # the same id with another setting
    ]
    for request in requests:
        build_bank(**{"level": LEVEL, "size": 20, "progress": False, **request})
    assert len(os.listdir(cache)) == len(requests)


def test_cache_can_be_left_alone(cache: Path, chunks_built: list[int]) -> None:
    build_bank(LEVEL, 20, cache=False, progress=False)
    assert not cache.exists()
    build_bank(LEVEL, 20, progress=False)
    build_bank(LEVEL, 20, cache=False, progress=False)
    assert chunks_built == [0, 0, 0]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "of another request"])
def test_damaged_bank_in_the_cache_is_built_again(cache: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    first = build_bank(LEVEL, 20, progress=False)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    if damage == "of another request":
        EpisodeBank.of_seeds(LEVEL, range(20)).save(path, key="another")
    else:
        middle = len(whole) // 3
        flipped = whole[:middle] + bytes([whole[middle] ^ 0x40]) + whole[middle + 1 :]
        path.write_bytes({"flipped": flipped, "truncated": whole[:-200], "empty": b""}[damage])
    with caplog.at_level(logging.WARNING, "groundling"):
        assert equal(build_bank(LEVEL, 20, progress=False), first)
    assert "building it again" in caplog.text
    assert path.read_bytes() == whole


@pytest.mark.parametrize("folder", ["file/below", "n" * 300])
def test_impossible_cache_folder_costs_a_warning_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folder: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / folder))
    with caplog.at_level(logging.WARNING, "groundling"):
        assert len(build_bank(LEVEL, 20, progress=False)) == 20
    assert "going on without a cached episode bank" in caplog.text


@pytest.mark.parametrize(("code", "cause"), [(errno.EROFS, "read-only"), (errno.ENOSPC, "the disk is full")])
def test_cache_that_cannot_be_written_costs_a_warning_only(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int, cause: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("groundling.files.tempfile.mkstemp", refuse)
    with caplog.at_level(logging.WARNING, "groundling"):
        assert len(build_bank(LEVEL, 20, progress=False)) == 20
    assert cause in caplog.text
    assert list(cache.iterdir()) == []


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert bank_building.cache_folder() == Path("/own")
    monkeypatch.delenv("GROUNDLING_CACHE")
    assert bank_building.cache_folder() == Path("/xdg/groundling")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert bank_building.cache_folder() == Path.home() / ".cache" / "groundling"


# Levels of one's own


class GoToObjInSmallRoom(GoToObj):
    """A level that only this file knows: no other process can import it by name."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(room_size=5, **kwargs)


@pytest.fixture
def own_level() -> Iterator[str]:
    gymnasium.register("Own/SmallRoom-v0", entry_point=GoToObjInSmallRoom)
    yield "Own/SmallRoom-v0"
    del gymnasium.registry["Own/SmallRoom-v0"]


def test_level_registered_by_its_class_is_built(own_level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "SERIAL_SEEDS", 32)  # so that a level registered by name would go to the workers
    bank = build_bank(own_level, 70, workers=2, cache=False, progress=False)
    assert len(bank) == 70
    assert bank.cells.shape == (70, 5, 5)
    assert bank.level == own_level


# Requests that cannot be met


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"size": 0}, ConfigurationError, "the size of a bank must be at least 1, got 0"),
        ({"seed": -1}, ConfigurationError, "not negative, got -1"),
        ({"level": "BabyAI-GoToLokal-v0"}, UnknownEnvironmentError, "BabyAI-GoToLocal-v0"),
        ({"level": "MiniGrid-Empty-5x5-v0"}, UnsupportedLevelError, "its mission never varies"),
        ({"level": "CartPole-v1"}, UnsupportedLevelError, "it is no level of MiniGrid"),
        ({"level": "nowhere.py:Task"}, TaskError, "there is no file .*nowhere.py"),
        ({"split": "tests"}, SplitError, "no split 'tests'"),
    ],
)
def test_impossible_request_is_refused(
    cache: Path, request_: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        build_bank(**{"level": LEVEL, "size": 8, "progress": False, **request_})
    assert not cache.exists()
