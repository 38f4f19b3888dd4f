"""What every source of episodes owes, as checks that a test of a new task can call.

    from groundling.envs.worlds import contract
    from groundling.envs.banks.sources import find_source

    def test_my_task():
        contract.check(find_source("my_tasks.py:MyTask"))

Each check raises ``TaskError`` with the seeds that fail. Whether episodes can be solved is
``agents.bots.unsolved_seeds``.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.sources import EpisodeSource
from groundling.envs.engine.constants import (
    FIRST_OBJECT,
    HELD,
    HOLDS,
    MAX_OBJECTS,
    NOTHING_CODE,
    NOWHERE,
    WALL_CODE,
    Verb,
)
from groundling.envs.worlds.draw_statistics import even_draws, evenness, independence, independent_draws, read_draws
from groundling.errors import GroundlingError, TaskError
from groundling.language.grammar import parse, render
from groundling.language.vocabulary import split_words

LEAST_PROBABILITY = 1e-4  # of a chi-square test, below which a draw is called biased


def check(source: EpisodeSource, seeds: Sequence[int] = range(200)) -> None:
    """All checks that hold for any source: ``check_api``, ``check_determinism``, ``check_language``."""
    check_api(source, seeds)
    check_determinism(source, seeds[: max(10, len(seeds) // 10)])
    check_language(source, seeds)


def check_api(source: EpisodeSource, seeds: Sequence[int] = range(200)) -> None:
    """Whether the source describes itself, travels, and makes episodes whose parts fit together."""
    if not source.id or "\n" in source.id or not source.description or "\n" in source.description:
        raise TaskError(f"{source.id!r}: a source has an id and a description of one line")
    if source.is_importable and pickle.loads(pickle.dumps(source)).fingerprint() != source.fingerprint():
        raise TaskError(f"{source.id}: a pickled copy is another source")
    found = [(seed, flaw) for seed in seeds for flaw in _flaws(source.sample(seed), seed)]
    _report(source, "episodes whose parts do not fit together", found)


def check_determinism(source: EpisodeSource, seeds: Sequence[int] = range(20)) -> None:
    """Whether a seed gives the same episode again after any others, and in a copy of the source."""
    first = {seed: source.sample(seed) for seed in seeds}
    again = pickle.loads(pickle.dumps(source)) if source.is_importable else source
    found = []
    for seed in reversed(seeds):
        if not is_same(first[seed], source.sample(seed)):
            found.append((seed, "another episode the second time"))
        elif not is_same(first[seed], again.sample(seed)):
            found.append((seed, "another episode in a copy"))
    _report(source, "a seed gives different episodes", found)


def check_language(source: EpisodeSource, seeds: Sequence[int] = range(200)) -> None:
    """Whether each instruction is the sentence of its goal, in known words, and not too long.

    A sentence of a task's own is only looked at for its words and its length. Also: a source that asks for one thing
    only needs no language.
    """
    found = []
    told = set()
    lexicon, vocabulary = source.embodiment.lexicon, source.embodiment.vocabulary
    for seed in seeds:
        episode = source.sample(seed)
        text, goal = episode.instruction, episode.goal
        told.add(text)
        try:
            if not episode.is_own_sentence and render(parse(text, lexicon)) != text:
                found.append((seed, f"{text!r} reads back as {render(parse(text, lexicon))!r}"))
            if goal is not None and parse(render(goal), lexicon) != goal:
                found.append((seed, f"{render(goal)!r} is not read as the goal that it was written for"))
            vocabulary.encode(text, length=source.instruction_length)
        except GroundlingError as error:
            found.append((seed, str(error)))
    _report(source, "instructions that are not read back", found)
    if len(told) == 1 and len(seeds) > 1:
        raise TaskError(f"{source.id}: every instruction of {len(seeds)} seeds is {told.pop()!r}")


def check_marginals(
    source: EpisodeSource, seeds: Sequence[int] = range(1000), *, without: Collection[str] = ()
) -> None:
    """Whether what is drawn is drawn evenly, and each draw for itself, by chi-square tests at p = 1e-4.

    Even: the agent's direction, its tile in the room, an object's tile, type and color, the named type and color.
    (Tiles only where there are no doors, which keep the tiles before them free.) Independent: where the agent stands
    and looks, what is named, where an object lies and what it is.

    Args:
        source: a task of one room size; a level of MiniGrid may have its own ideas of what is even.
        seeds: a thousand or more.
        without: names of tests that do not apply to this task, such as "object tile".
    """
    room_size = source.setting("room_size")
    if room_size is None:
        raise TaskError(f"{source.id} has no room size: its tiles cannot be counted")
    draws = [read_draws(source.sample(seed), seed, room_size, source.embodiment.lexicon) for seed in seeds]
    for name, values, options in even_draws(draws, room_size):
        if name not in without:
            probability = evenness([value for value in values if value is not None], options)
            if probability < LEAST_PROBABILITY:
                raise TaskError(f"{source.id}: {name} is not drawn evenly (p = {probability:.1e}): {_counts(values)}")
    for name, pairs in independent_draws(draws, room_size):
        if name not in without:
            probability = independence(pairs)
            if probability < LEAST_PROBABILITY:
                raise TaskError(f"{source.id}: {name} depend on each other (p = {probability:.1e})")


def is_same(first: Episode, second: Episode) -> bool:
    """Whether two episodes are equal in every part."""
    for field in dataclasses.fields(Episode):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        is_array = isinstance(ours, np.ndarray) or isinstance(theirs, np.ndarray)
        if not (np.array_equal(ours, theirs) if is_array else ours == theirs):
            return False
    return True


def _flaws(episode: Episode, seed: int) -> Iterator[str]:
    """What does not fit together in an episode."""
    height, width = episode.cells.shape
    cells = episode.cells.ravel()
    objects = len(episode.looks)
    x, y, direction = episode.pose
    if episode.seed != seed:
        yield f"it says that its seed is {episode.seed}"
    if not (0 <= x < width and 0 <= y < height and direction in range(4)):
        yield f"the agent's pose {episode.pose} is off the map"
    elif episode.cells[y, x] != NOTHING_CODE:
        yield "the agent does not stand on the floor"
    if objects > MAX_OBJECTS or not objects == len(episode.contents) == len(episode.positions):
        yield f"{objects} looks, {len(episode.contents)} contents, {len(episode.positions)} positions"
        return
    held = [code & HELD if code >= HOLDS else code for code in episode.contents]
    inside = {code - FIRST_OBJECT for code in held if code != NOTHING_CODE}
    shown = {held[k] - FIRST_OBJECT for k in range(objects) if episode.contents[k] >= HOLDS and held[k]}
    for k, position in enumerate(episode.positions):
        if position == NOWHERE and k not in inside and episode.carried != k + FIRST_OBJECT:
            yield f"object {k} is nowhere"
        if position != NOWHERE and k in shown:
            holder = int(cells[position]) - FIRST_OBJECT
            if not 0 <= holder < objects or held[holder] != k + FIRST_OBJECT:
                yield f"object {k} is not where its position says"
        elif position != NOWHERE and cells[position] != k + FIRST_OBJECT:
            yield f"object {k} is not where its position says"
    on_map = set(cells.tolist()) - {NOTHING_CODE, WALL_CODE}
    if on_map != {
        k + FIRST_OBJECT for k, position in enumerate(episode.positions) if position != NOWHERE and k not in shown
    }:
        yield "the map and the positions show different objects"
    if not episode.program:
        yield "no goal"
    for verb, _, first, second in episode.program:
        masks = (first, second) if verb == Verb.PUT_NEXT_TO else (first,)
        if verb <= Verb.PUT_NEXT_TO and not all(0 < mask < 1 << objects for mask in masks):
            yield "a clause that means no object, or one that is not there"
    if episode.max_steps < 1 or not split_words(episode.instruction):
        yield "no time, or no instruction"


def _report(source: EpisodeSource, what: str, found: list[tuple[int, str]]) -> None:
    if found:
        seed, flaw = found[0]
        seeds = ", ".join(map(str, dict.fromkeys(seed for seed, _ in found)))
        raise TaskError(f"{source.id}: {what}. Seed {seed}: {flaw}. All seeds that fail: {seeds}")


def _counts(values: Iterable[Hashable]) -> str:
    return ", ".join(f"{value} {count}" for value, count in Counter(values).most_common(5))
