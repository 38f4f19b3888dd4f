"""Episodes of questions: what is asked, the answer, a house that gives it, and a start at a known distance."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import AnySplit
from groundling.envs.engine.constants import BORDER, EMPTY_LOOK, NOTHING_CODE, WALL_CODE, WALL_LOOK
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.questions import asking, domain, drawing, notes, parts, sight, stock, ways
from groundling.envs.families.questions.asking import QUESTION_TYPES, WHOLE_HOUSE, Asker
from groundling.envs.families.questions.domain import AFTER_STOPPING, AT_ANY_TIME
from groundling.envs.families.questions.drawing import Asked
from groundling.envs.families.questions.house import House, HouseMaker
from groundling.envs.families.questions.notes import program_of
from groundling.envs.families.questions.parts import SPLITS, Part, QuestionSplit
from groundling.envs.families.questions.sight import GRID_SIGHT
from groundling.envs.families.questions.ways import distances, make_search
from groundling.envs.worlds.standing import Restated
from groundling.errors import (
    AmbiguousQuestionError,
    AnswerError,
    ConfigurationError,
    InstructionError,
    SplitError,
    TaskError,
)
from groundling.language.questions import evaluation, forms, programs, wording, words
from groundling.language.questions.evaluation import Answer, evaluate
from groundling.language.questions.wording import QUESTION_LENGTH, QUESTION_VOCABULARY, parse, render
from groundling.seeding import generator

START_DISTANCES: Final = (10, 30, 50)
HOUSES: Final = 400  # that are tried for a question and a distance: fewer would favor answers that come about easily
QUESTIONS: Final = 20  # that are tried for an episode
MAX_ROOMS: Final = 12
TYPES_AT_A_DISTANCE: Final = tuple(name for name in QUESTION_TYPES if name not in WHOLE_HOUSE)
_CODE: Final = (asking, domain, drawing, notes, parts, sight, stock, ways, evaluation, forms, programs, wording, words)


@dataclass(frozen=True)
class Drawn:
    """A question in a house.

    Attributes:
        asked: the question.
        house: in which it is asked.
        answer: the right one, with its evidence.
        pose: x, y and direction of the agent at first.
        distance: how many actions away the evidence then is.
    """

    asked: Asked
    house: House
    answer: Answer
    pose: tuple[int, int, int]
    distance: int


@dataclass(frozen=True)
class QuestionSource:
    """Questions about generated houses.

    Attributes:
        id: of the family.
        maker: of the houses.
        rooms: how many a house has.
        types: of the questions, each as frequent.
        part: what the questions are about, see ``parts``.
        start_distances: how many actions away the evidence is at first, each as frequent.
        stops_first: whether the agent says that it stops before it answers.
    """

    id: str
    maker: HouseMaker
    rooms: int = 6
    types: tuple[str, ...] = TYPES_AT_A_DISTANCE
    part: Part = "train"
    start_distances: tuple[int, ...] = START_DISTANCES
    stops_first: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.rooms <= MAX_ROOMS:
            raise ConfigurationError(f"a house has 2 to {MAX_ROOMS} rooms, got rooms={self.rooms}")
        if near := [name for name in self.types if name in WHOLE_HOUSE]:
            raise ConfigurationError(
                f"the evidence of {' and '.join(near)} is in the whole house, so that no pose is away from all of it: "
                f"choose among {', '.join(TYPES_AT_A_DISTANCE)}"
            )
        unknown = [name for name in self.types if name not in QUESTION_TYPES]
        if unknown or not self.types:
            raise ConfigurationError(
                f"there are no questions of the type {', '.join(unknown) or '(none given)'}: choose among "
                f"{', '.join(TYPES_AT_A_DISTANCE)}"
            )
        if not self.start_distances or min(self.start_distances) < 1:
            raise ConfigurationError(f"evidence is at least one action away at first, got {self.start_distances}")

    @property
    def instruction_length(self) -> int:
        """Tokens of every question, padding included."""
        return QUESTION_LENGTH

    @property
    def description(self) -> str:
        """One line: what it asks for."""
        asked = "questions" if len(self.types) > 1 else f"questions of the type {self.types[0]}"
        return f"Answer {asked} about a house of {self.rooms} rooms by walking to where the answer is seen"

    @property
    def is_importable(self) -> bool:
        """Other processes can make it."""
        return True

    @property
    def embodiment(self) -> Embodiment:
        """The grid's body, which answers."""
        answers = AFTER_STOPPING if self.stops_first else AT_ANY_TIME
        return Embodiment(
            num_actions=answers.num_actions,
            answers=answers,
            text_key="question",
            vocabulary=QUESTION_VOCABULARY,
            lexicon=self.maker.lexicon,
            on_top=any(kind.holds for kind in self.maker.lexicon.types),
        )

    def find_split(self, name: str) -> QuestionSplit:
        """One of "all", "train", "seen", or a part that is held out.

        Raises:
            SplitError: if there is none.
        """
        if name not in SPLITS:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(SPLITS)}")
        return SPLITS[name]

    def training_split(self, held_out: HeldOut) -> QuestionSplit:
        """What is held out of questions is fixed, whatever is held out elsewhere."""
        return SPLITS["train"]

    def of_split(self, split: AnySplit) -> QuestionSource:
        """The source that asks what a split is about."""
        return replace(self, part=split.part) if isinstance(split, QuestionSplit) else self

    def meaning(self, instruction: str) -> Hashable:
        """The program of a question, in whatever words."""
        return parse(instruction).program

    def fingerprint(self) -> str:
        """The settings, and the code that the episodes depend on."""
        code = "".join(inspect.getsource(module) for module in _CODE) + inspect.getsource(QuestionSource)
        settings = replace(self, maker=None)  # type: ignore[arg-type]
        return f"{zlib.crc32(code.encode())} {settings} {self.maker.fingerprint()}"

    def sample(self, seed: int) -> Episode:
        """The episode of a seed; errors as of :meth:`draw`."""
        drawn = self.draw(seed)
        house, answers = drawn.house, AFTER_STOPPING if self.stops_first else AT_ANY_TIME
        return Episode(
            cells=house.cells,
            looks=house.looks,
            contents=house.contents,
            positions=house.positions,
            pose=drawn.pose,
            carried=NOTHING_CODE,
            program=program_of(drawn.answer, house.scene, house.codes, drawn.distance, answers),
            max_steps=50 * (self.rooms + 1),
            instruction=drawn.asked.sentence,
            seed=seed,
            floors=house.floors,
        )

    def restate(self, episode: Episode, sentence: str) -> Restated:
        """The house of an episode with another question.

        Raises:
            InstructionError: if the question cannot be read, or has no single clear answer there.
        """
        program = parse(sentence).program
        house, answers = self.draw(episode.seed).house, AFTER_STOPPING if self.stops_first else AT_ANY_TIME
        try:
            answer = evaluate(program, house.scene)
            rows = program_of(answer, house.scene, house.codes, 0, answers)
        except (AmbiguousQuestionError, AnswerError) as error:
            raise InstructionError(f"in this house that has no single clear answer: {error}") from error
        meaning = f"{render(program)} The right answer here is: {answer.text}"
        return Restated(replace(episode, instruction=sentence, program=rows), meaning)

    def draw(self, seed: int) -> Drawn:
        """The question and the house of a seed.

        Raises:
            TaskError: if no house suits any of many questions.
        """
        rng = generator(seed, "questions", self.id, self.part)
        asker = Asker(rng, self.maker.stock, self.part)
        asked = None
        for _ in range(QUESTIONS):
            asked = asker.draw(self.types)
            wanted = self.start_distances[int(rng.integers(len(self.start_distances)))]
            shorter = [distance for distance in sorted(self.start_distances, reverse=True) if distance <= wanted]
            for distance in shorter:  # where houses are too small for it; the episode's notes say which it is
                found = self._house(rng, asked, distance)
                if found is not None:
                    return Drawn(asked, *found, distance)
        raise TaskError(
            f"{self.id}: no house of {self.rooms} rooms suits questions such as "
            f"{asked.sentence if asked else '-'!r}: give more rooms, or shorter start distances"
        )

    def _house(
        self, rng: np.random.Generator, asked: Asked, distance: int
    ) -> tuple[House, Answer, tuple[int, int, int]] | None:
        """A house in which the answer holds, with a start at a distance; None if there is none among many."""
        for _ in range(HOUSES):
            house = self.maker.make(rng, asked.wishes, self.rooms)
            if house is None:
                continue
            try:
                answer = evaluate(asked.program, house.scene)
            except AmbiguousQuestionError:
                continue
            if answer.text != asked.answer:
                continue
            starts = starts_at(house, answer, distance)
            if starts:
                return house, answer, starts[int(rng.integers(len(starts)))]
        return None

    def setting(self, name: str) -> int | None:
        """How many "rooms" there are."""
        return self.rooms if name == "rooms" else None

    def changed(self, **settings: Any) -> QuestionSource:
        """The same questions about houses with other settings.

        Raises:
            ConfigurationError: if there is no such setting, or its value cannot work.
        """
        known = ("rooms", "types", "start_distances", "stops_first")
        if unknown := [name for name in settings if name not in known]:
            raise ConfigurationError(f"{self.id} has no setting {', '.join(unknown)}: choose among {', '.join(known)}")
        return replace(self, **settings)


def starts_at(house: House, answer: Answer, distance: int) -> list[tuple[int, int, int]]:
    """Poses on free floor that are so many actions away from the nearest one that shows any evidence."""
    height, width = house.cells.shape
    full = width + 2 * BORDER
    cells = np.full((height + 2 * BORDER, full), WALL_CODE, dtype=np.uint8)
    cells[BORDER:-BORDER, BORDER:-BORDER] = house.cells
    looks = np.array([EMPTY_LOOK, WALL_LOOK, *house.looks], dtype=np.int32)
    rows = program_of(answer, house.scene, house.codes, 0, AT_ANY_TIME)
    program = np.array(rows, dtype=np.uint64)
    flat = cells.reshape(-1)
    unseen, useful, to_open = np.zeros((3, flat.size), dtype=np.bool_)
    search = make_search(flat.size)
    notes.find_missing(program, looks, full, unseen, useful, to_open)
    distances(flat, looks, full, GRID_SIGHT, useful, to_open, search)
    poses = np.flatnonzero(search.distance == distance)
    places, headings = poses >> 2, poses & 3
    is_floor = flat[places] == NOTHING_CODE
    return [
        (int(place % full) - BORDER, int(place // full) - BORDER, int(heading))
        for place, heading in zip(places[is_floor], headings[is_floor], strict=True)
    ]
