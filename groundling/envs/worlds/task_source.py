"""Tasks as sources of episodes: seeds to episodes, the task's words, what a bank depends on, other processes."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import re
import sys
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS
from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.sources import OfGoals
from groundling.envs.banks.splits import Split
from groundling.envs.engine import kinds
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.envs.worlds import builder, goal_resolution, holding, layout, placement, programs, room_grid
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.houses import (
    building,
    checks,
    compiling,
    floor_plan,
    furnishing,
    interior,
    stock,
    types,
    wishes,
)
from groundling.envs.worlds.houses import generator as house_generator
from groundling.envs.worlds.layout import Draws, RejectedLayout
from groundling.envs.worlds.task import Task
from groundling.errors import ConfigurationError, InstructionError, SplitError, TaskError
from groundling.language import phrasings, synonyms, templates, writer
from groundling.language.goal_parts import without_determiners
from groundling.language.grammar import parse
from groundling.language.lexicon import PLAIN
from groundling.own_code import code_of, import_file, is_of_file, read_code
from groundling.seeding import generator

# What a house comes of, beside what every world does.
_HOUSES = (
    building,
    checks,
    compiling,
    floor_plan,
    furnishing,
    holding,
    house_generator,
    interior,
    stock,
    types,
    wishes,
)
MAX_TRIES = 100  # layouts that a task may reject for one seed


@dataclass(frozen=True)
class TaskSource(OfGoals):
    """A task with its settings as a source of episodes (``groundling.envs.banks.sources.EpisodeSource``).

    Attributes:
        id: under which it was registered; ``"file/Class"`` for one that was not.
        task: the settings.
    """

    id: str
    task: Task

    @property
    def instruction_length(self) -> int:
        """Tokens of every instruction, padding included."""
        return CLAUSE_TOKENS if self.task.max_clauses == 1 else SEQUENCE_TOKENS

    @property
    def description(self) -> str:
        """The first sentence of the class's docstring, and the settings in which this source differs from it."""
        text = " ".join((type(self.task).__doc__ or type(self.task).__name__).split())
        sentence = re.split(r"(?<=\w)\.(?:\s|$)", text)[0]
        settings = ", ".join(f"{name} {_told(value)}" for name, value in _changed_settings(self.task).items())
        return sentence + (f" ({settings})" if settings else "")

    @property
    def is_importable(self) -> bool:
        """Whether another process can import the class: not one of a script that runs, of a notebook, of a function."""
        cls = type(self.task)
        return cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__

    @property
    def embodiment(self) -> Embodiment:
        """The grid's body, the words of the task, senses of what stands on others and of manuals if there are any."""
        lexicon, task = self.task.lexicon, self.task
        space = (task.max_manual_sentences, task.max_manual_words) if task.max_manual_sentences else None
        if lexicon == PLAIN and space is None:
            return GRID
        on_top = any(own.holds for own in lexicon.types)
        return replace(GRID, vocabulary=lexicon.vocabulary, lexicon=lexicon, on_top=on_top, manual_space=space)

    def training_split(self, held_out: HeldOut) -> Split:
        """What is trained on when this is held out.

        Raises:
            SplitError: if it names words of a task's own that this task lacks.
        """
        lexicon = self.task.lexicon
        strange = [word for word in held_out.own_words if word not in (*lexicon.types, *lexicon.colors)]
        if strange:
            known = ", ".join((*lexicon.types, *lexicon.colors)) or "none"
            raise SplitError(
                f"{self.id} has no type or color {', '.join(map(repr, strange))} that could be held out; its own words "
                f"are {known}"
            )
        return super().training_split(held_out)

    def meaning(self, instruction: str) -> Hashable:
        """The goal, with "a red ball" and "the red ball" as one; of a sentence of the task's own what the task says."""
        try:
            return without_determiners(parse(instruction, self.task.lexicon))
        except InstructionError:
            return self.task.meaning(instruction)

    def fingerprint(self) -> str:
        """The settings, and hashes of the files that define the task, build its worlds and write its sentences.

        What the task's file imports from other files of its own is not read.
        """
        code = hashlib.sha256()
        for part in (code_of(cls) for cls in type(self.task).__mro__ if issubclass(cls, Task)):
            code.update(part)
        sentences = (phrasings, templates, synonyms, writer)
        for module in (builder, holding, kinds, layout, goal_resolution, placement, programs, room_grid, *sentences):
            code.update(read_code(module.__file__))
        for module in _HOUSES if any(own.holds for own in self.task.lexicon.types) else ():
            code.update(read_code(module.__file__))
        settings = {field.name: getattr(self.task, field.name) for field in _fields(type(self.task))}
        own = "" if self.task.lexicon == PLAIN else f" {self.task.lexicon!r}"
        if self.task.max_manual_sentences:
            own += f" manuals {self.task.max_manual_sentences} {self.task.max_manual_words}"
        return f"{code.hexdigest()} numpy {np.__version__} {sorted(settings.items())}{own}"

    def sample(self, seed: int) -> Episode:
        """The episode of a seed: the first layout that is not rejected.

        Raises:
            TaskError: if every one of 100 layouts is rejected, or no object satisfies the goal.
        """
        rng = generator(seed, "task")
        draws = Draws(generator(seed, "world"))
        reasons: Counter[str] = Counter()
        for _ in range(MAX_TRIES):
            world = WorldBuilder(self.task, seed, draws=draws)
            try:
                return world.finish(self.task.sample(world, rng))
            except RejectedLayout as rejected:
                reasons[str(rejected)] += 1
        (reason, count), *_ = reasons.most_common(1)
        raise TaskError(
            f"{self.id}, seed {seed}: no layout in {MAX_TRIES} tries; {count} of them were rejected because {reason}. "
            "Larger rooms or fewer objects may help"
        )

    def setting(self, name: str) -> int | None:
        """The value of a setting, such as "room_size"; None if there is no such number."""
        value = getattr(self.task, name, None) if name in _names(type(self.task)) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def changed(self, **settings: Any) -> TaskSource:
        """The same task with other settings.

        Raises:
            ConfigurationError: if it has no such setting, or one cannot work.
        """
        check_names(type(self.task), settings)
        return TaskSource(self.id, dataclasses.replace(self.task, **settings))

    def __reduce__(self) -> tuple[Any, ...]:
        cls = type(self.task)
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) if is_of_file(cls) else None
        settings = {field.name: getattr(self.task, field.name) for field in _fields(cls)}
        return _restored, (self.id, cls.__module__, file, cls.__qualname__, settings)


def _restored(id: str, module: str, file: str | None, name: str, settings: dict[str, Any]) -> TaskSource:
    """A source in another process, where the task's module or file is imported again."""
    found: Any = importlib.import_module(module) if file is None else import_file(Path(file))
    for part in name.split("."):
        found = getattr(found, part)
    return TaskSource(id, found(**settings))


def _fields(cls: type[Task]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _names(cls: type[Task]) -> list[str]:
    return [field.name for field in _fields(cls)]


def _changed_settings(task: Task) -> dict[str, Any]:
    own = {field.name: field.default for field in _fields(type(task))}
    return {name: getattr(task, name) for name, default in own.items() if getattr(task, name) != default}


def _told(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def check_names(cls: type[Task], settings: dict[str, Any]) -> None:
    """Refuse settings that a task does not have.

    Raises:
        ConfigurationError: naming those that it has.
    """
    for name in settings:
        if name not in _names(cls):
            raise ConfigurationError(f"{cls.__name__} has no setting {name!r}; it has {', '.join(sorted(_names(cls)))}")
