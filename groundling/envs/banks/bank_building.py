"""Building banks: sample a level or task in parallel processes, keep the episodes of a split, cache the result.

A bank is the same for any number of workers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_file import FORMAT_VERSION
from groundling.envs.banks.build_pool import Answer, Helpers
from groundling.envs.banks.episode import Episode, sample_episodes
from groundling.envs.banks.sources import EpisodeSource, chosen_split, find_source
from groundling.envs.banks.splits import AnySplit, SentenceSplit
from groundling.errors import BankFileError, SplitError, StorageError
from groundling.files import cache_folder
from groundling.language.grammar import parse
from groundling.seeding import integer, whole_seed
from groundling.setting_types import count_of

DEFAULT_SIZE = 8192
CHUNK = 64  # seeds that a worker is given at a time
SERIAL_SEEDS = 512  # fewer are not worth the start of a process
BARREN_SEEDS = 2048  # a split that keeps none of so many episodes is called empty

_log = logging.getLogger(__name__)


def build_bank(
    level: str | EpisodeSource,
    size: int = DEFAULT_SIZE,
    *,
    seed: int = 0,
    split: str | AnySplit = "all",
    workers: int | None = None,
    cache: bool = True,
    progress: bool = True,
) -> EpisodeBank:
    """The bank of ``size`` episodes of a level's or task's split: read from the cache if it is there, else built.

    Args:
        level: an id (see ``find_source``), or the source of the episodes itself.
        size: number of episodes.
        seed: names the bank; the same seed gives the same bank, whatever the number of workers.
        split: "all", "train", "seen", "unseen" or a split.
        workers: processes, this one included; None takes one for each core.
        cache: read and write the bank in ``cache_folder()``. A damaged file is built again.
        progress: show a progress bar on standard error while building.

    Raises:
        UnknownEnvironmentError: if there is no level or task with this id.
        UnsupportedLevelError: if the level cannot be compiled.
        TaskError: if a task cannot be imported, or finds no layout.
        SplitError: if the split is unknown, or no episode of the level belongs to it.
        ConfigurationError: if size is less than 1 or the seed is negative.
    """
    size, seed = count_of("the size of a bank", size), whole_seed(seed)
    workers = available_cores() if workers is None else count_of("workers", workers)
    source = find_source(level) if isinstance(level, str) else level
    chosen = chosen_split(source, split)
    key = bank_key(source, size, seed, chosen)
    name = f"{re.sub(r'[^A-Za-z0-9.-]+', '-', source.id)}-{chosen.name}-{size}"
    path = cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    if cache and os.path.exists(path):  # Path.exists raises where the folder's name is too long or not to be read
        try:
            return EpisodeBank.load(path, key=key, vocabulary=source.embodiment.vocabulary)
        except BankFileError as error:
            _log.warning("%s; building it again", error)
    bank = _build(source, size, seed, chosen, workers, progress)
    if cache:
        try:
            bank.save(path, key=key)
        except StorageError as error:
            _log.warning("going on without a cached episode bank: %s", error.strerror)
    return bank


def bank_key(source: EpisodeSource, size: int, seed: int, split: AnySplit) -> str:
    """What a bank depends on: its source (versions, settings, code), seed, size and split."""
    parts = {
        "level": source.id,
        "source": source.fingerprint(),
        "format": FORMAT_VERSION,
        "vocabulary": source.embodiment.vocabulary.fingerprint,
        "seed": seed,
        "size": size,
        "split": split.describe(),
    }
    return json.dumps(parts, sort_keys=True)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunk_seeds(level: str, seed: int, split: AnySplit, chunk: int) -> range:
    """The generator's seeds of a chunk: even ones for training, odd ones for evaluation."""
    offset = integer(seed, "bank", level, "evaluation" if split.is_evaluation else "training") % 2**40
    first = 2 * (offset + chunk * CHUNK) + split.is_evaluation
    return range(first, first + 2 * CHUNK, 2)


def build_chunk(source: EpisodeSource, seed: int, split: AnySplit, chunk: int) -> EpisodeBank | None:
    """The episodes of one chunk of seeds that belong to the split; None if there are none."""
    return tell_episodes(source, chunk_seeds(source.id, seed, split, chunk), split)


def build_or_fail(source: EpisodeSource, seed: int, split: AnySplit, chunk: int) -> Answer:
    """As ``build_chunk``, but an error is returned, to be raised when it is the chunk's turn."""
    try:
        return build_chunk(source, seed, split, chunk)
    except Exception as error:
        return error


def tell_episodes(source: EpisodeSource, seeds: Iterable[int], split: AnySplit) -> EpisodeBank | None:
    """Those episodes of these seeds that belong to the split, in its words; None if there are none."""
    of_split = getattr(source, "of_split", None)  # of sources that draw for a split, instead of leaving others out
    episodes = sample_episodes(source if of_split is None else of_split(split), seeds)
    kept = [told for episode in episodes if (told := _tell(episode, split)) is not None]
    if not kept:
        return None
    return EpisodeBank.pack(
        source.id,
        kept,
        length=source.instruction_length,
        split=split.describe(),
        vocabulary=source.embodiment.vocabulary,
        manual_space=source.embodiment.manual_space,
    )


def _tell(episode: Episode, split: AnySplit) -> Episode | None:
    """The episode in the words of the split; None if it does not belong to it."""
    text = split.tell(episode.instruction, episode.goal, episode.seed, is_own=episode.is_own_sentence)
    return None if text is None else replace(episode, instruction=text)


def _build(source: EpisodeSource, size: int, seed: int, split: AnySplit, workers: int, progress: bool) -> EpisodeBank:
    """Build chunk after chunk, in order, until there are enough episodes."""
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("episodes"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    is_shown = progress and console.is_interactive  # elsewhere rich would print an empty line
    parts: list[EpisodeBank] = []
    found = 0
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(*columns, console=console, transient=True, disable=not is_shown))
        task = bar.add_task(f"building {source.id} ({split.name})", total=size)
        numbers = count()
        helpers = None
        if workers > 1 and size > SERIAL_SEEDS and source.is_importable:
            helpers = stack.enter_context(Helpers(source, seed, split, numbers, workers))
        chunks = _chunks(source, seed, split, size, numbers, helpers)
        for number, part in enumerate(chunks, start=1):
            if part is not None:
                parts.append(part)
                found += len(part)
                bar.update(task, completed=min(found, size))
            if found >= size:
                break
            if not found and number * CHUNK >= BARREN_SEEDS:
                raise SplitError(_emptiness(source, split, number * CHUNK))
    return EpisodeBank.concatenate(parts).take(slice(0, size))


def _emptiness(source: EpisodeSource, split: AnySplit, seeds: int) -> str:
    nothing = f"the split {split.name!r} of {source.id} is empty: none of {seeds} episodes belongs to it. "
    if isinstance(split, SentenceSplit):
        return nothing + f"It keeps {', '.join(map(repr, split.sentences)) or 'no sentence'}"
    if split.missions:
        why = (
            "the level may never ask for"
            if any(split.keeps(parse(text, split.lexicon)) for text in split.missions)
            else "it does not keep"
        )
        return nothing + f"It is narrowed to {', '.join(map(repr, split.missions))}, which {why}"
    if split.tests is None:
        return nothing + f"What is held out ({', '.join(split.held_out.factors)}) leaves nothing of this level"
    return nothing + f"Its instructions may never name what is held out by {split.tests!r} (or nothing else)"


def _chunks(
    source: EpisodeSource, seed: int, split: AnySplit, size: int, numbers: Iterator[int], helpers: Helpers | None
) -> Iterator[EpisodeBank | None]:
    """Chunk after chunk, in order, built here and by helpers; an error is raised when it is its chunk's turn."""
    built: dict[int, Answer] = {}
    episodes = 0
    for turn in count():
        while turn not in built:
            answered = None if helpers is None else helpers.take(waits=helpers.suffice or episodes >= size)
            if answered is None:
                number = next(numbers)
                answered = number, build_or_fail(source, seed, split, number)
            number, answer = answered
            built[number] = answer
            episodes += len(answer) if isinstance(answer, EpisodeBank) else 0
        answer = built.pop(turn)
        if isinstance(answer, Exception):
            raise answer
        yield answer
