"""Tasks: what a user writes to add one, and its settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from groundling.envs.engine.constants import BORDER, MAX_POSITIONS
from groundling.envs.engine.kinds import RGB
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.relation import Relation
from groundling.envs.worlds.task_settings import Settings, check_integer, members, refuse_ignored
from groundling.errors import ConfigurationError
from groundling.language.goals import (
    MINIGRID_COLORS,
    MINIGRID_OBJECTS,
    AnyColor,
    AnyType,
    Color,
    Goal,
    Instructed,
    ObjectType,
    PutIn,
    PutNear,
    PutNextTo,
    clause_descriptions,
    clauses,
)
from groundling.language.grammar import check_relations
from groundling.language.lexicon import Lexicon
from groundling.language.own_words import OwnColor, OwnType

MIN_ROOM_SIZE = 4


@dataclass(frozen=True)
class Variant:
    """A test of a task: new worlds of the task with other settings.

    Attributes:
        description: what it tests, in a few words.
        settings: in which it differs from the task as it is trained on.
        is_usual: whether it is run where nobody asks for certain suites.
    """

    description: str
    settings: Mapping[str, Any]
    is_usual: bool = True


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
        colors: of doors and objects, those of the language and the task's own (``OwnColor``).
        types: of objects, those of the language and the task's own (``OwnType``).
        max_steps: time limit; None takes BabyAI's, see ``step_limit``.
        max_clauses: the most clauses that an instruction has.
        min_distractors: the fewest with which the task makes sense.
        relations: of the task's own, by which it can describe objects.
        sentences: that the task says in its own words (``Instructed``), its manuals included, or just their words.
        max_manual_sentences: the most sentences that a manual has; 0 of tasks without manuals. Observations have space
            for as many.
        max_manual_words: the most words that a sentence of a manual has, punctuation marks included.
        suites: tests of the task's own by name, each the task with other settings.

    Raises:
        ConfigurationError: if a setting cannot work; when the class is made, if it has a method or an attribute that
            a task cannot decide, such as ``reward``.
    """

    room_size: int = 8
    num_rows: int = 1
    num_cols: int = 1
    num_distractors: int = 3
    colors: tuple[AnyColor, ...] = MINIGRID_COLORS
    types: tuple[AnyType, ...] = MINIGRID_OBJECTS
    max_steps: int | None = None
    max_clauses: ClassVar[int] = 1
    min_distractors: ClassVar[int] = 0
    relations: ClassVar[tuple[Relation, ...]] = ()
    sentences: ClassVar[tuple[str, ...]] = ()
    max_manual_sentences: ClassVar[int] = 0
    max_manual_words: ClassVar[int] = 16
    suites: ClassVar[Mapping[str, Variant]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        refuse_ignored(cls)
        super().__init_subclass__(**kwargs)

    def __post_init__(self) -> None:
        check_integer(self, "room_size", MIN_ROOM_SIZE, f"a room of {MIN_ROOM_SIZE} has 2 x 2 floor tiles")
        check_integer(self, "num_rows", 1)
        check_integer(self, "num_cols", 1)
        check_integer(self, "num_distractors", self.min_distractors)
        if self.max_steps is not None:
            check_integer(self, "max_steps", 1)
        object.__setattr__(self, "colors", members(self, "colors", Color, OwnColor))
        object.__setattr__(self, "types", members(self, "types", ObjectType, OwnType))
        if ObjectType.DOOR in self.types:
            raise ConfigurationError(f"{type(self).__name__}: doors are added by the task, they cannot be among types")
        width, height = ((self.room_size - 1) * count + 1 for count in (self.num_cols, self.num_rows))
        if (width + 2 * BORDER) * (height + 2 * BORDER) > MAX_POSITIONS:
            raise ConfigurationError(f"{type(self).__name__}: a map of {width} x {height} tiles is too large")
        check_integer(self, "max_manual_sentences", 0)
        check_integer(self, "max_manual_words", 1)
        self._check_own_words()

    def _check_own_words(self) -> None:
        name = type(self).__name__
        if not all(isinstance(relation, Relation) for relation in self.relations):
            raise ConfigurationError(f"{name}: relations is a tuple of Relation(words, holds), got {self.relations!r}")
        if not isinstance(self.sentences, tuple):
            raise ConfigurationError(f"{name}: sentences is a tuple of sentences, got {self.sentences!r}")
        try:
            lexicon = self.lexicon
            check_relations(lexicon)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from error
        usual = [kind for kind in self.types if isinstance(kind, ObjectType)]
        for own, shape in zip(lexicon.types, lexicon.shapes, strict=True):
            if shape in usual:
                raise ConfigurationError(
                    f"{name}: {str(own)!r} would look like any {shape}: give it another shape, or leave {shape} out"
                )
        for own_color in lexicon.colors:
            for color in self.colors:
                if color is not own_color and _rgb_of(color) == own_color.rgb:
                    raise ConfigurationError(f"{name}: {str(own_color)!r} would look as {str(color)!r} does")

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words that the task adds to the language."""
        return Lexicon(
            types=tuple(kind for kind in self.types if isinstance(kind, OwnType)),
            colors=tuple(color for color in self.colors if isinstance(color, OwnColor)),
            relations=tuple(map(str, self.relations)),
            sentences=tuple(self.sentences),
        )

    @abstractmethod
    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal | Instructed:
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
        puts = PutNextTo | PutNear | PutIn
        trips = sum(
            2 if isinstance(clause, puts) or any(d.both for d in clause_descriptions(clause)) else 1
            for clause in clauses(goal)
        )
        return self.room_size**2 * self.num_rows * self.num_cols * trips

    def goal_of(self, sentence: str, manual: Sequence[str]) -> Goal | None:
        """What a sentence of the task's own asks for under a manual, where a person writes both; None: nobody knows.

        Args:
            sentence: in the task's own words.
            manual: that holds in the world; of tasks without manuals none.

        Raises:
            InstructionError: if the manual does not say what the sentence needs; one sentence that says so.
        """
        return None

    def meaning(self, sentence: str) -> Hashable:
        """What a sentence of the task's own asks for, for the control that is told another goal.

        By default the sentence itself. Where several sentences of its own ask for the same, a task says so here.
        """
        return sentence


def _rgb_of(color: AnyColor) -> tuple[int, int, int]:
    return color.rgb if isinstance(color, OwnColor) else RGB[color]
