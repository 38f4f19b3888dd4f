"""The task of Chaplot et al. 2018 in our own first-person rooms: a source of episodes like a level or a task."""

from __future__ import annotations

import inspect
import math
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import SentenceSplit
from groundling.envs.engine import constants
from groundling.envs.engine.constants import (
    BIG,
    COLOR_CODES,
    FIRST_OBJECT,
    NOTHING_CODE,
    PORTABLE_BIT,
    SMALL,
    STRICT,
    WALL_CODE,
    Verb,
    look,
    without,
)
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rover import Rover, Scoring
from groundling.envs.families.chaplot import episodes, rules
from groundling.envs.families.chaplot.episodes import ChaplotEpisode, Difficulty, sample_episode
from groundling.envs.families.chaplot.rules import NUM_GROUNDED_ACTIONS
from groundling.envs.families.chaplot.rules import ROOM_RULES as RULES
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, InstructionError, SplitError
from groundling.language import grounded
from groundling.language.grounded import (
    GROUNDED_VOCABULARY,
    INSTRUCTION_LENGTH,
    INSTRUCTIONS,
    OBJECTS,
    STRATA,
    TEST,
    TRAIN,
    GroundedObject,
    GroundedType,
    Height,
    denotes,
    parse_grounded,
)
from groundling.seeding import generator

TYPE_CODES: Final = {
    GroundedType.TORCH: constants.TORCH,
    GroundedType.PILLAR: constants.PILLAR,
    GroundedType.KEYCARD: constants.KEYCARD,
    GroundedType.SKULLKEY: constants.SKULLKEY,
    GroundedType.ARMOR: constants.ARMOR,
}
# Keys, cards and armors are drawn small, so that what is smallest or largest is beyond doubt (``is_clearly_larger``).
SIZE_CODES: Final = {None: SMALL, Height.SHORT: SMALL, Height.TALL: BIG}

EMBODIMENT: Final = Embodiment(
    rover=Rover(
        step_length_m=RULES.step_length_m,
        turn_angle_deg=math.degrees(RULES.turn_angle_rad),
        reach_m=RULES.reach_m,
        slides=True,
    ),
    camera=Camera(width=96, height=56, fov_degrees=90.0),
    scoring=Scoring(success=RULES.correct_reward, decay=0.0, failure=RULES.wrong_reward),
    num_actions=NUM_GROUNDED_ACTIONS,
    time_scale=1,
    vocabulary=GROUNDED_VOCABULARY,
    only_rover=True,
)


def _sentences(indices: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(INSTRUCTIONS[index] for index in indices)


SPLITS: Final = {
    "all": SentenceSplit("all", is_evaluation=False, sentences=INSTRUCTIONS),
    "train": SentenceSplit("train", is_evaluation=False, sentences=_sentences(TRAIN)),
    "seen": SentenceSplit("seen", is_evaluation=True, sentences=_sentences(TRAIN)),
    "unseen": SentenceSplit("unseen", is_evaluation=True, sentences=_sentences(TEST)),
    **{
        str(stratum): SentenceSplit(str(stratum), is_evaluation=True, sentences=_sentences(indices))
        for stratum, indices in STRATA.items()
    },
}


@dataclass(frozen=True)
class ChaplotRoom:
    """A room with five objects, one of which the instruction names; the agent drives to it and not to another.

    Rules, objects and instructions are the paper's; the body, the picture and the lengths of a step and a turn are our
    own (see ``rules``). Three actions: turn left, turn right, forward. Facing an object within reach ends the episode.

    Attributes:
        difficulty: how agent and objects are placed.

    Source: Chaplot et al. 2018, arXiv:1706.07230, section 5.
    """

    difficulty: Difficulty

    @property
    def id(self) -> str:
        """For example ``groundling/GroundedRoom-Easy-v0``."""
        return f"groundling/GroundedRoom-{self.difficulty.capitalize()}-v0"

    @property
    def instruction_length(self) -> int:
        """Tokens of every instruction, padding included."""
        return INSTRUCTION_LENGTH

    @property
    def description(self) -> str:
        """One line: what it asks for."""
        places = {
            Difficulty.EASY: "in a row before the agent",
            Difficulty.MEDIUM: "in a row before the agent, near or far",
            Difficulty.HARD: "anywhere in the room",
        }
        return f"Drive to the one of five objects that the instruction names, {places[self.difficulty]}"

    @property
    def is_importable(self) -> bool:
        """Other processes can make it."""
        return True

    @property
    def embodiment(self) -> Embodiment:
        """A rover of three actions with a camera, the paper's rewards, its 17 words."""
        return EMBODIMENT

    def find_split(self, name: str) -> SentenceSplit:
        """One of "all", "train", "seen", "unseen", or a stratum: "reordered", "new_set", "superlative".

        Raises:
            SplitError: if there is none.
        """
        if name not in SPLITS:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(SPLITS)}")
        return SPLITS[name]

    def training_split(self, held_out: HeldOut) -> SentenceSplit:
        """The paper's 55 instructions, whatever is held out elsewhere."""
        return SPLITS["train"]

    def meaning(self, instruction: str) -> Hashable:
        """What the phrase says, in whatever order."""
        return parse_grounded(instruction)

    def fingerprint(self) -> str:
        """The code that the episodes depend on."""
        code = "".join(inspect.getsource(module) for module in (episodes, rules, grounded, constants))
        return f"{zlib.crc32(code.encode())} {zlib.crc32(inspect.getsource(ChaplotRoom).encode())}"

    def sample(self, seed: int) -> Episode:
        """The episode of a seed, of any of the 70 instructions."""
        rng = generator(seed, "grounded room", str(self.difficulty))
        return compile_episode(sample_episode(rng, self.difficulty, range(len(INSTRUCTIONS)), RULES), seed)

    def setting(self, name: str) -> int | None:
        """It has no settings."""
        return None

    def changed(self, **settings: object) -> ChaplotRoom:
        """Refused: it has no settings.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(f"{self.id} has no settings to change, got {', '.join(settings)}")


ROOMS: Final = {room.id: room for room in map(ChaplotRoom, Difficulty)}


def look_of(thing: GroundedObject) -> int:
    """How one of the 18 objects appears."""
    return without(look(TYPE_CODES[thing.type], COLOR_CODES[thing.color], SIZE_CODES[thing.height]), PORTABLE_BIT)


def compile_episode(episode: ChaplotEpisode, seed: int) -> Episode:
    """The arrays of an episode; its goal is strict: going to another object fails."""
    side = RULES.room_tiles + 2
    cells = np.full((side, side), WALL_CODE, dtype=np.uint8)
    cells[1:-1, 1:-1] = NOTHING_CODE
    for k, (column, row) in enumerate(episode.tiles):
        cells[row, column] = FIRST_OBJECT + k
    return Episode(
        cells=cells,
        looks=tuple(map(look_of, episode.things)),
        contents=(NOTHING_CODE,) * len(episode.tiles),
        positions=tuple(row * side + column for column, row in episode.tiles),
        pose=(*episode.start, episode.heading),
        carried=NOTHING_CODE,
        program=((int(Verb.GO_TO), STRICT, 1 << episode.target, 0),),
        max_steps=RULES.max_steps,
        instruction=episode.text,
        seed=seed,
    )


def thing_of(appearance: int) -> GroundedObject | None:
    """The one of the 18 objects that appears so; None if none does."""
    return next((thing for thing in OBJECTS if look_of(thing) == appearance), None)


def restated_room(episode: Episode, sentence: str) -> Episode:
    """The episode with another instruction, which every object that it denotes fulfills.

    Raises:
        InstructionError: if it is not of the form of instructions, or denotes no object of the room.
    """
    things = [thing_of(appearance) for appearance in episode.looks]
    if None in things:
        raise InstructionError("there is a thing in this room that no instruction can name: take it away first")
    told = sentence.strip().rstrip(".!")
    right = denotes(told, [thing for thing in things if thing is not None])
    if not right:
        there = ", ".join(str(thing) for thing in things)
        raise InstructionError(f"nothing here fits {sentence!r}: there are {there}")
    mask = sum(1 << k for k in right)
    return replace(episode, instruction=told, program=((int(Verb.GO_TO), STRICT, mask, 0),))
