"""Worlds of a tab: one environment with what it shows, whatever family it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.outcomes import successes_of
from groundling.envs.families.base import ALL, EnvFamily
from groundling.envs.families.options import WorldOptions
from groundling.envs.specification import spec_of
from groundling.envs.texts import documents_of, texts_of
from groundling.errors import InstructionError
from groundling.eval.pictures import drawn_kinds, picture_of
from groundling.interfaces import DOCUMENT, TOKENS, Spec, Teacher
from groundling.playground.editing import Edit
from groundling.playground.errors import PlaygroundError


@dataclass(frozen=True)
class Thing:
    """Something on the map that can be pointed at.

    Attributes:
        x: tile from the left.
        y: tile from the top.
        name: "red ball", "agent".
        moves: whether it can be dragged.
        is_portable: whether an agent can pick it up.
        is_door: whether it is a door.
    """

    x: int
    y: int
    name: str
    moves: bool
    is_portable: bool = False
    is_door: bool = False


@dataclass(frozen=True)
class Ending:
    """How an episode ended.

    Attributes:
        success: whether the goal was reached; None where nobody tells.
        terminated: whether it ended by itself, not by the time limit.
        reward: of the last step.
    """

    success: bool | None
    terminated: bool
    reward: float


class World(Protocol):
    """One environment, one episode at a time.

    Attributes:
        spec: what an agent in it is built for.
        observation: [1, ...] by key, what the agent is given now.
        sentence: that the agent reads.
        meaning: how the sentence was understood; empty if nobody reads it.
        manual: that the agent reads.
        steps: taken in this episode.
        ending: of the episode; None while it goes on.
    """

    spec: Spec
    observation: Mapping[str, Any]
    sentence: str
    meaning: str
    manual: tuple[str, ...]
    steps: int
    ending: Ending | None

    @property
    def family(self) -> EnvFamily:
        """The family that it is of."""

    @property
    def envs(self) -> VectorEnv:
        """The one environment, which begins no episode by itself."""

    def step(self, action: int) -> None:
        """Act once; nothing happens after the end."""

    def say(self, sentence: str) -> None:
        """Ask for something else.

        Raises:
            InstructionError, PlaygroundError: if it cannot be read; one sentence.
        """

    def hand(self, manual: Sequence[str]) -> None:
        """Give another manual; errors as of :meth:`say`."""

    def edit(self, edit: Edit) -> None:
        """Change the world; errors as of :meth:`say`."""

    def above(self) -> NDArray[np.uint8] | None:
        """A picture from above."""

    def inside(self) -> NDArray[np.uint8] | None:
        """What the agent sees."""

    def first_person(self) -> NDArray[np.uint8] | None:
        """What a camera in the agent's place sees; None where the world has no third dimension."""

    def things(self) -> list[Thing]:
        """What stands on the map; empty where nobody knows."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Tiles across and down; None where the world cannot be edited."""

    @property
    def limit(self) -> int | None:
        """Steps of an episode, where that is known."""

    def expert(self) -> Teacher | None:
        """Who knows the next action; one for the whole episode."""

    def close(self) -> None:
        """Free it."""


class GameWorld:
    """A world of any family: it is watched, driven and told other sentences, but not edited.

    Args:
        family: of it.
        seed: of the episode.
        options: body and senses.

    Attributes:
        envs: see :class:`World`; and the others likewise.
    """

    meaning = ""
    size = None
    limit = None

    def __init__(self, family: EnvFamily, seed: int, options: WorldOptions) -> None:
        self.family = family
        self.envs: VectorEnv = family.open(
            family.split(ALL), 1, seed, options, render_mode="rgb_array", autoreset=False
        )
        self.spec = spec_of(self.envs)
        observation, info = self.envs.reset(seed=seed)
        (self.sentence,) = texts_of(self.envs, observation, info, self.spec)
        (self.manual,) = documents_of(observation, self.spec)
        self._told: dict[str, NDArray[np.int32]] = {}
        self.observation: Mapping[str, Any] = observation
        self.steps = 0
        self.ending: Ending | None = None
        self._expert = family.expert(self.envs)

    def step(self, action: int) -> None:
        """See :class:`World`."""
        if self.ending is not None:
            return
        observation, reward, terminated, truncated, info = self.envs.step(np.array([action]))
        self.steps += 1
        ended = terminated | truncated
        if ended[0]:
            success = successes_of(info, ended)
            told = None if success is None else bool(success[0])
            self.ending = Ending(told, bool(terminated[0]), float(reward[0]))
        if not ended[0] or "final_obs" not in info:  # else the environment is in another episode already
            self.observation = {**observation, **self._told}

    def say(self, sentence: str) -> None:
        """The agent reads it; what counts as success stays what the episode itself asks for."""
        (key,) = self.spec.keys_of(TOKENS)
        length = self.spec.observation[key].shape[-1]
        self._told[key] = encoded(self.spec, sentence, length)[np.newaxis]
        self.sentence = sentence
        self.observation = {**self.observation, **self._told}

    def hand(self, manual: Sequence[str]) -> None:
        """The agent reads it; the rules of the world stay as they are."""
        keys = self.spec.keys_of(DOCUMENT)
        if not keys:
            raise PlaygroundError("this world has no manual")
        rows, length = self.spec.observation[keys[0]].shape
        if len(manual) > rows:
            raise PlaygroundError(f"a manual has at most {rows} sentences here, this one has {len(manual)}")
        tokens = np.zeros((1, rows, length), dtype=np.int32)
        for row, sentence in enumerate(manual):
            tokens[0, row] = encoded(self.spec, sentence, length)
        self._told[keys[0]] = tokens
        self.manual = tuple(manual)
        self.observation = {**self.observation, **self._told}

    def edit(self, edit: Edit) -> None:
        """Refused: its rules are its own."""
        raise PlaygroundError(f"{self.family.id} has rules of its own: its worlds cannot be edited here")

    def above(self) -> NDArray[np.uint8] | None:
        """See :class:`World`."""
        pictures = self.envs.render()
        return np.asarray(pictures[0], np.uint8) if pictures else self.inside()

    def inside(self) -> NDArray[np.uint8] | None:
        """See :class:`World`."""
        return picture_of(self.observation, self.spec, kinds=drawn_kinds(self.envs))

    def first_person(self) -> None:
        """There is no third dimension."""

    def things(self) -> list[Thing]:
        """Nobody knows."""
        return []

    def expert(self) -> Teacher | None:
        """See :class:`World`."""
        return self._expert

    def close(self) -> None:
        """See :class:`World`."""
        self.envs.close()


def encoded(spec: Spec, sentence: str, length: int) -> NDArray[np.int32]:
    """Token ids [L] of a sentence.

    Raises:
        InstructionError: if it has words that no agent here can know, or too many; one sentence for a person.
    """
    vocabulary = spec.vocabulary
    try:
        return vocabulary.encode(sentence, length=length)
    except InstructionError as error:
        told = str(error).partition(" Pass allow_unknown")[0]
        raise InstructionError(told) from error
