"""Building banks: run a level's generator in parallel processes, keep the episodes of a split, cache the result.

Workers are plain ``python -m groundling.envs.build_worker`` processes that talk over pipes, so building works from any
script or notebook, with or without a ``__main__`` guard, and gives the same bank for any number of workers.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import gymnasium
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from groundling.envs.bank import FORMAT_VERSION, EpisodeBank
from groundling.envs.levels import level_factory, sample_episodes
from groundling.envs.splits import Split, find_split
from groundling.errors import BankFileError, ConfigurationError, SplitError, StorageError
from groundling.language.grammar import parse
from groundling.seeding import integer

DEFAULT_SIZE = 8192
CHUNK = 64  # seeds that a worker is given at a time
SERIAL_SEEDS = 512  # fewer are not worth the start of a process
BARREN_SEEDS = 2048  # a split that keeps none of so many episodes is called empty

_log = logging.getLogger(__name__)


def build_bank(
    level: str,
    size: int = DEFAULT_SIZE,
    *,
    seed: int = 0,
    split: str | Split = "all",
    workers: int | None = None,
    cache: bool = True,
    progress: bool = True,
) -> EpisodeBank:
    """The bank of ``size`` episodes of a level's split: read from the cache if it is there, else built.

    Args:
        level: id of a BabyAI level whose instruction is a single clause.
        size: number of episodes.
        seed: names the bank; the same seed gives the same bank, whatever the number of workers.
        split: "all", "train", "seen", "unseen" or a :class:`~groundling.envs.splits.Split`.
        workers: processes; None takes one for each core.
        cache: read and write the bank in :func:`cache_folder`. A damaged file is built again.
        progress: show a progress bar on standard error while building.

    Raises:
        UnknownEnvironmentError: if no level has this id.
        UnsupportedLevelError: if the level cannot be compiled.
        SplitError: if the split is unknown, or no episode of the level belongs to it.
        ConfigurationError: if size is less than 1 or the seed is negative.
    """
    chosen = find_split(split)
    if size < 1:
        raise ConfigurationError(f"a bank holds at least one episode, got size={size}")
    level_factory(level)
    key = bank_key(level, size, seed, chosen)
    path = cache_folder() / f"{level}-{chosen.name}-{size}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    if cache and os.path.exists(path):  # Path.exists raises where the folder's name is too long or not to be read
        try:
            return EpisodeBank.load(path, key=key)
        except BankFileError as error:
            _log.warning("%s; building it again", error)
    bank = _build(level, size, seed, chosen, workers or available_cores(), progress)
    if cache:
        try:
            bank.save(path, key=key)
        except StorageError as error:
            _log.warning("going on without a cached episode bank: %s", error.strerror)
    return bank


def bank_key(level: str, size: int, seed: int, split: Split) -> str:
    """What a bank depends on: level, versions, seed, size and split."""
    spec = gymnasium.registry[level]
    versions = {name: importlib.metadata.version(name) for name in ("minigrid", "gymnasium", "numpy")}
    parts = {
        "level": level,
        "kwargs": repr(sorted(spec.kwargs.items())),
        "versions": versions,
        "format": FORMAT_VERSION,
        "seed": seed,
        "size": size,
        "split": split.describe(),
    }
    return json.dumps(parts, sort_keys=True)


def cache_folder() -> Path:
    """Where banks are cached: ``$GROUNDLING_CACHE``, else ``$XDG_CACHE_HOME/groundling``, else ~/.cache/groundling."""
    own = os.environ.get("GROUNDLING_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "groundling"


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunk_seeds(level: str, seed: int, split: Split, chunk: int) -> range:
    """The generator's seeds of a chunk: even ones for training, odd ones for evaluation."""
    offset = integer(seed, "bank", level, "evaluation" if split.is_evaluation else "training") % 2**40
    first = 2 * (offset + chunk * CHUNK) + split.is_evaluation
    return range(first, first + 2 * CHUNK, 2)


def build_chunk(level: str, seed: int, split: Split, chunk: int) -> EpisodeBank | None:
    """The episodes of one chunk of seeds that belong to the split; None if there are none."""
    episodes = sample_episodes(level, chunk_seeds(level, seed, split, chunk))
    kept = [episode for episode in episodes if split.keeps(parse(episode.instruction))]
    return EpisodeBank.pack(level, kept) if kept else None


def _build(level: str, size: int, seed: int, split: Split, workers: int, progress: bool) -> EpisodeBank:
    """Build chunk after chunk, in order, until there are enough episodes."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("episodes"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    parts: list[EpisodeBank] = []
    found = 0
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(*columns, console=console, transient=True, disable=not progress))
        task = bar.add_task(f"building {level} ({split.name})", total=size)
        registered_by_name = isinstance(gymnasium.registry[level].entry_point, str)
        parallel = workers > 1 and size > SERIAL_SEEDS and registered_by_name
        builder: Callable[..., Iterator[EpisodeBank | None]] = _chunks_in_parallel if parallel else _chunks_in_order
        chunks = builder(level, seed, split, workers)
        stack.callback(chunks.close)  # type: ignore[attr-defined]
        for number, part in enumerate(chunks, start=1):
            if part is not None:
                parts.append(part)
                found += len(part)
                bar.update(task, completed=min(found, size))
            if found >= size:
                break
            if not found and number * CHUNK >= BARREN_SEEDS:
                raise SplitError(
                    f"the split {split.name!r} of {level} is empty: none of {number * CHUNK} episodes belongs to it. "
                    "The level's instructions may never name a held-out combination (or nothing else)"
                )
    return EpisodeBank.concatenate(parts).take(slice(0, size))


def _chunks_in_order(level: str, seed: int, split: Split, workers: int) -> Iterator[EpisodeBank | None]:
    chunk = 0
    while True:
        yield build_chunk(level, seed, split, chunk)
        chunk += 1


def _chunks_in_parallel(level: str, seed: int, split: Split, workers: int) -> Iterator[EpisodeBank | None]:
    idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "groundling.envs.build_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        for _ in range(workers)
    ]
    for process in processes:
        idle.put(process)

    def ask(chunk: int) -> EpisodeBank | None:
        process = idle.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((level, seed, split, chunk), process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)
        except (EOFError, OSError) as error:
            raise RuntimeError(f"a process that builds {level} died: out of memory, or stopped from outside") from error
        finally:
            idle.put(process)
        if isinstance(answer, Exception):
            raise answer
        return answer

    pool = ThreadPoolExecutor(workers, "groundling-build")
    try:
        pending = [pool.submit(ask, chunk) for chunk in range(2 * workers)]
        chunk = len(pending)
        while True:
            yield pending.pop(0).result()
            pending.append(pool.submit(ask, chunk))
            chunk += 1
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()
        pool.shutdown(cancel_futures=True)
