"""Tasks: what a user writes to add one, its settings, and how it becomes a source of episodes."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, dataclass_transform

import numpy as np

from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS, Episode
from groundling.envs.banks.sources import OfGoals
from groundling.envs.engine.constants import BORDER, MAX_POSITIONS
from groundling.envs.worlds import builder, goal_resolution, layout, programs
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import Draws, RejectedLayout
from groundling.errors import ConfigurationError, TaskError
from groundling.language import phrasings, writer
from groundling.language.goals import (
    MINIGRID_COLORS,
    MINIGRID_OBJECTS,
    Color,
    Goal,
    ObjectType,
    PutNear,
    PutNextTo,
    clause_descriptions,
    clauses,
)
from groundling.own_code import code_of, import_file, is_of_file, read_code
from groundling.seeding import generator

MAX_TRIES = 100  # layouts that a task may reject for one seed
MIN_ROOM_SIZE = 4


@dataclass_transform(kw_only_default=True)  # frozen, but mypy takes frozen fields without annotations for methods
class Settings:
    """Makes its subclasses frozen dataclasses, in which a plain class attribute changes an inherited default."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = [base for base in cls.__bases__ if dataclasses.is_dataclass(base)]
        inherited = {field.name: field for base in bases for field in dataclasses.fields(base)}
        annotations = inspect.get_annotations(cls)
        for name, value in vars(cls).items():
            if name in inherited and name not in annotations:
                annotations[name] = inherited[name].type
            elif not (name.startswith("_") or name in annotations or callable(value) or hasattr(cls.__base__, name)):
                _refuse_misspelt(cls, name, inherited)
        cls.__annotations__ = annotations
        doc = cls.__doc__
        dataclass(frozen=True, kw_only=True)(cls)
        cls.__doc__ = doc  # a dataclass without a docstring gets its signature for one


class Task(Settings, ABC):
    """A language task: subclass it, write ``sample``, and register it.

    A subclass is a frozen dataclass of its settings without more ado. Give an inherited setting another default by a
    plain class attribute, and add one by an annotated attribute::

        @register("my/FetchBehindDoor-v0")
        class FetchBehindDoor(Task):
            '''Fetch the object that the instruction names from behind a locked door.'''

            num_cols = 2
            max_steps = 128
            num_keys: int = 3

            def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal: ...

    Attributes:
        room_size: tiles along a room, its walls included.
        num_rows: of rooms.
        num_cols: of rooms.
        num_distractors: objects beside the ones that the instruction names.
        colors: of doors and objects.
        types: of objects.
        max_steps: time limit; None takes BabyAI's, see ``step_limit``.
        max_clauses: the most clauses that an instruction has.
        min_distractors: the fewest with which the task makes sense.

    Raises:
        ConfigurationError: if a setting cannot work.
    """

    room_size: int = 8
    num_rows: int = 1
    num_cols: int = 1
    num_distractors: int = 3
    colors: tuple[Color, ...] = MINIGRID_COLORS
    types: tuple[ObjectType, ...] = MINIGRID_OBJECTS
    max_steps: int | None = None
    max_clauses: ClassVar[int] = 1
    min_distractors: ClassVar[int] = 0

    def __post_init__(self) -> None:
        _check_integer(self, "room_size", MIN_ROOM_SIZE, f"a room of {MIN_ROOM_SIZE} has 2 x 2 floor tiles")
        _check_integer(self, "num_rows", 1)
        _check_integer(self, "num_cols", 1)
        _check_integer(self, "num_distractors", self.min_distractors)
        if self.max_steps is not None:
            _check_integer(self, "max_steps", 1)
        object.__setattr__(self, "colors", _members(self, "colors", Color))
        object.__setattr__(self, "types", _members(self, "types", ObjectType))
        if ObjectType.DOOR in self.types:
            raise ConfigurationError(f"{type(self).__name__}: doors are added by the task, they cannot be among types")
        width, height = ((self.room_size - 1) * count + 1 for count in (self.num_cols, self.num_rows))
        if (width + 2 * BORDER) * (height + 2 * BORDER) > MAX_POSITIONS:
            raise ConfigurationError(f"{type(self).__name__}: a map of {width} x {height} tiles is too large")

    @abstractmethod
    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Lay out one episode's world and say what is asked in it.

        Place the agent. Call ``world.reject`` where chance made a layout that cannot be used.

        Args:
            world: empty rooms, and all that is needed to fill them.
            rng: random numbers that the world's own draws do not touch. The episode must depend on nothing else, or
                the same seed would not give the same episode.
        """

    def step_limit(self, goal: Goal) -> int:
        """The time limit of an episode: ``max_steps``, or as in BabyAI.

        BabyAI allows the area of all rooms in steps, walls included, for each clause, and twice that for "put".
        """
        if self.max_steps is not None:
            return self.max_steps
        trips = sum(
            2 if isinstance(clause, PutNextTo | PutNear) or any(d.both for d in clause_descriptions(clause)) else 1
            for clause in clauses(goal)
        )
        return self.room_size**2 * self.num_rows * self.num_cols * trips


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

    def fingerprint(self) -> str:
        """The settings, and hashes of the files that define the task, build its worlds and write its sentences.

        What the task's file imports from other files of its own is not read.
        """
        code = hashlib.sha256()
        for part in (code_of(cls) for cls in type(self.task).__mro__ if issubclass(cls, Task)):
            code.update(part)
        for module in (builder, layout, goal_resolution, programs, phrasings, writer):
            code.update(read_code(module.__file__))
        settings = {field.name: getattr(self.task, field.name) for field in _fields(type(self.task))}
        return f"{code.hexdigest()} numpy {np.__version__} {sorted(settings.items())}"

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


def _refuse_misspelt(cls: type[Any], name: str, inherited: dict[str, Any]) -> None:
    close = difflib.get_close_matches(name, inherited, n=1, cutoff=0.8)
    if close:
        raise ConfigurationError(
            f"{cls.__name__}.{name} is no setting; did you mean {close[0]}? A new setting is annotated: {name}: int = 1"
        )


def check_names(cls: type[Task], settings: dict[str, Any]) -> None:
    """Refuse settings that a task does not have.

    Raises:
        ConfigurationError: naming those that it has.
    """
    for name in settings:
        if name not in _names(cls):
            raise ConfigurationError(f"{cls.__name__} has no setting {name!r}; it has {', '.join(sorted(_names(cls)))}")


def _check_integer(task: Task, name: str, least: int, reason: str = "") -> None:
    value = getattr(task, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        why = f": {reason}" if reason else ""
        raise ConfigurationError(f"{type(task).__name__}: {name} is an integer of at least {least}, got {value!r}{why}")


def _members(task: Task, name: str, kind: type[StrEnum]) -> tuple[StrEnum, ...]:
    values = getattr(task, name)
    if isinstance(values, str) or not isinstance(values, tuple | list) or not values:
        raise ConfigurationError(f"{type(task).__name__}: {name} is a tuple of at least one of {', '.join(kind)}")
    for value in values:
        if value not in list(kind):
            close = difflib.get_close_matches(str(value), list(kind), n=1)
            hint = f"; did you mean {close[0]}?" if close else f": choose among {', '.join(kind)}"
            raise ConfigurationError(f"{type(task).__name__}: {value!r} of {name} is unknown{hint}")
    if len(set(values)) < len(values):
        raise ConfigurationError(f"{type(task).__name__}: {name} names one twice: {', '.join(values)}")
    return tuple(kind(value) for value in values)
