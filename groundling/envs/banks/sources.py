"""Sources of episodes: whatever turns a seed into an episode, MiniGrid's levels and tasks of our own alike."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import AnySplit, Split, find_split, training_split
from groundling.envs.catalog import find_family
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.errors import InstructionError, SplitError, TaskError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.language.goal_parts import without_determiners
from groundling.language.grammar import parse
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


def chosen_split(source: EpisodeSource, split: str | AnySplit) -> AnySplit:
    """The split of a source that a name stands for, or the split itself.

    Raises:
        SplitError: if there is none of this name, or it is something else.
    """
    if isinstance(split, str):
        return source.find_split(split)
    if not hasattr(split, "describe"):
        raise SplitError(f"a split is a name, such as 'train', or a Split, not {split!r}")
    return split


def find_source(id: str) -> EpisodeSource:
    """The source of the episodes of this id, see ``groundling.envs.catalog.find_family``.

    Raises:
        UnknownEnvironmentError, TaskError: as ``find_family``.
        UnsupportedLevelError: if it is a level that cannot be compiled, or its episodes stand in no bank.
    """
    family = find_family(id)
    source: EpisodeSource | None = getattr(family, "source", None)
    if source is None:
        raise UnsupportedLevelError(
            f"{family.id} has no bank of episodes, its simulator plays them itself: make it with gymnasium.make or "
            "groundling.make_vec"
        )
    return source


def vocabulary_of(id: str) -> Vocabulary:
    """The words of an environment; the language's where it cannot be found, as a task whose file is gone."""
    try:
        return find_family(id).spec.vocabulary
    except (UnknownEnvironmentError, UnsupportedLevelError, TaskError):
        return VOCABULARY


def source_of(bank: EpisodeBank) -> EpisodeSource | None:
    """Where a bank's episodes come from; None if that cannot be found, or has other words by now."""
    source: EpisodeSource | None = bank.find_source()
    return source


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
