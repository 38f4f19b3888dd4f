"""Sources of episodes: whatever turns a seed into an episode, MiniGrid's levels and tasks of our own alike."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Hashable, Iterable
from typing import Protocol

from groundling.envs.bank import Episode, EpisodeBank
from groundling.envs.embodiment import GRID, Embodiment
from groundling.envs.splits import AnySplit, HeldOut, Split, find_split, training_split
from groundling.errors import (
    ConfigurationError,
    InstructionError,
    TaskError,
    UnknownEnvironmentError,
    UnsupportedLevelError,
)
from groundling.language.goals import Goal, without_determiners
from groundling.language.grammar import parse
from groundling.language.grounded import GROUNDED_VOCABULARY
from groundling.language.vocabulary import VOCABULARY, Vocabulary


class OfGoals:
    """What sources have in common whose instructions are read as goals, and that any body can play."""

    @property
    def embodiment(self) -> Embodiment:
        """The grid's body."""
        return GRID

    def find_split(self, name: str) -> Split:
        """One of "all", "train", "seen", "unseen"."""
        return find_split(name)

    def training_split(self, held_out: HeldOut) -> Split:
        """What is trained on when this is held out."""
        return training_split(held_out)

    def meaning(self, instruction: str) -> Hashable:
        """The goal; "a red ball" and "the red ball" mean the same."""
        return without_determiners(parse(instruction))


class EpisodeSource(Protocol):
    """A level or task that banks are built from. Sources travel to other processes, so they can be pickled."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def instruction_length(self) -> int:
        """Tokens of every instruction, padding included."""

    @property
    def description(self) -> str:
        """One line: what it asks for."""

    @property
    def is_importable(self) -> bool:
        """Whether another process can make it."""

    @property
    def embodiment(self) -> Embodiment:
        """What its episodes are played with where nothing else is asked for."""

    def find_split(self, name: str) -> AnySplit:
        """The part of its episodes of this name.

        Raises:
            SplitError: if there is none.
        """

    def training_split(self, held_out: HeldOut) -> AnySplit:
        """What is trained on when this is held out."""

    def meaning(self, instruction: str) -> Hashable:
        """What an instruction asks for; two with the same meaning are no control for one another."""

    def fingerprint(self) -> str:
        """All that its episodes depend on, the seed apart: versions, settings, source code."""

    def sample(self, seed: int) -> Episode:
        """The episode of a seed."""

    def setting(self, name: str) -> int | None:
        """The value of a setting ("room_size", "num_distractors"); None if it has no such setting."""

    def changed(self, **settings: object) -> EpisodeSource:
        """The same source with other settings, such as larger rooms.

        Raises:
            ConfigurationError: if it has no such setting.
        """


def known_ids() -> list[str]:
    """Every id that :func:`find_source` knows: registered tasks, our rooms, and MiniGrid's levels."""
    from groundling.envs.grounded.room import ROOMS
    from groundling.envs.levels import minigrid_levels
    from groundling.envs.task_registry import registered_tasks

    return [*registered_tasks(), *ROOMS, *minigrid_levels()]


def find_source(id: str) -> EpisodeSource:
    """The level or task of this id.

    Args:
        id: ``"BabyAI-GoToLocal-v0"``, ``"groundling/GoToLocal-v0"`` (the same), the id of a registered task, or
            ``"my_tasks.py:FetchBehindDoor"`` / ``"package.module:FetchBehindDoor"`` for a task of your own.

    Raises:
        UnknownEnvironmentError: if there is none; the message names the nearest ids.
        UnsupportedLevelError: if it is a level that cannot be compiled; the message says why.
        TaskError: if a file of tasks cannot be imported or has no such task.
    """
    from groundling.envs.grounded.room import ROOMS
    from groundling.envs.levels import MiniGridLevel, level_of
    from groundling.envs.simulators.doom import DOOM_IDS
    from groundling.envs.task_registry import find_task

    if id in ROOMS:
        return ROOMS[id]
    if id in DOOM_IDS:
        raise UnsupportedLevelError(
            f"{id} is played by ViZDoom itself: make it with gymnasium.make or make_grounded_doom_vec"
        )
    task = find_task(id)
    return MiniGridLevel(level_of(id)) if task is None else task


def vocabulary_of(id: str) -> Vocabulary:
    """The words of a level, a task or a foreign simulator's environment."""
    from groundling.envs.grounded.room import ROOMS
    from groundling.envs.simulators.doom import DOOM_IDS
    from groundling.envs.task_registry import find_task

    if id in ROOMS or id in DOOM_IDS:
        return GROUNDED_VOCABULARY
    try:
        task = find_task(id)
    except TaskError:  # its file is gone: whatever is of its own words will be told apart by their checksum
        return VOCABULARY
    return VOCABULARY if task is None else task.embodiment.vocabulary


def source_of(bank: EpisodeBank) -> EpisodeSource | None:
    """Where a bank's episodes come from; None if that cannot be found, or has other words by now."""
    try:
        source = find_source(bank.level)
    except (UnknownEnvironmentError, UnsupportedLevelError, TaskError):
        return None
    return source if source.embodiment.vocabulary.fingerprint == bank.vocabulary else None


def embodiment_of(bank: EpisodeBank) -> Embodiment:
    """What a bank's episodes are played with where nothing else is asked for: its source's, if that can be found."""
    source = source_of(bank)
    return GRID if source is None else source.embodiment


def meanings_of(bank: EpisodeBank) -> list[Hashable]:
    """What each distinct sentence of a bank asks for, [S]; the sentence itself where nobody knows more."""
    source = source_of(bank)
    return [_meaning(text) if source is None else source.meaning(text) for text in bank.instructions]


def _meaning(text: str) -> Hashable:
    try:
        return without_determiners(parse(text))
    except InstructionError:
        return text


def read_goal(text: str) -> Goal | None:
    """The goal of a sentence, read with the words of every task that this process has found, too.

    Returns:
        None if it is a sentence of a task's own, which nobody reads.
    """
    from groundling.envs.task_registry import known_lexicons

    for lexicon in known_lexicons():
        with contextlib.suppress(InstructionError):
            return parse(text, lexicon)
    return None


def sample_episodes(source: EpisodeSource, seeds: Iterable[int]) -> list[Episode]:
    """The episodes of these seeds, in order.

    Raises:
        ConfigurationError: if there is no seed or a seed is negative.
        UnsupportedLevelError, TaskError: if one cannot be compiled or generated.
    """
    seeds = [int(seed) for seed in seeds]
    if not seeds:
        raise ConfigurationError("a bank needs at least one seed")
    if min(seeds) < 0:
        raise ConfigurationError(f"seeds are not negative, got {min(seeds)}")
    with contextlib.redirect_stdout(io.StringIO()):  # MiniGrid's generators print each layout that they reject
        return [source.sample(seed) for seed in seeds]
