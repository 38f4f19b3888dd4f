"""Stages: one episode at a time, of a bank or in ViZDoom, as somebody who watches an agent needs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.bank import EpisodeBank
from groundling.envs.constants import VIEW_SIZE
from groundling.envs.embodiment import Embodiment
from groundling.envs.kinds import PLAIN_KINDS, Kinds
from groundling.envs.rendering import render_world
from groundling.envs.simulators.doom import GroundedDoomEnv
from groundling.envs.simulators.doom_plan import render_plan
from groundling.envs.tiles import draw_tile

REACHED: Final = "reached"
FAILED: Final = "failed"
OUT_OF_TIME: Final = "out of time"
TILE_PIXELS = 56


@dataclass(frozen=True)
class Scene:
    """What there is at a step.

    Attributes:
        observation: what the agent is given, of a batch of one.
        seen: its image as people see it, [H, W, 3] uint8: RGB, or symbols drawn as tiles.
        above: the world from above, [H, W, 3] uint8.
        told: how the episode ended; empty before.
    """

    observation: dict[str, NDArray[np.generic]]
    seen: NDArray[np.uint8]
    above: NDArray[np.uint8]
    told: str


class Stage(ABC):
    """Where one episode is played.

    Attributes:
        instruction: its sentence.
        tokens: [L] int64 token ids of the sentence.
    """

    instruction: str
    tokens: NDArray[np.int64]

    @abstractmethod
    def begin(self) -> Scene:
        """How the episode begins."""

    @abstractmethod
    def step(self, action: int) -> Scene:
        """What an action leads to."""


class BankStage(Stage):
    """An episode of a bank.

    Args:
        bank: the episodes.
        row: which one.
        embodiment: what it is played with.
    """

    def __init__(self, bank: EpisodeBank, row: int, embodiment: Embodiment) -> None:
        self.instruction = bank.instruction(row)
        self.tokens = bank.tokens[bank.sentences[row]].astype(np.int64)
        self._is_rover = embodiment.rover is not None
        self._worlds = embodiment.make_batch(bank.take(slice(row, row + 1)), 1, shuffle=False)

    def begin(self) -> Scene:
        """See :class:`Stage`."""
        self._worlds.reset()
        return self._scene("")

    def step(self, action: int) -> Scene:
        """See :class:`Stage`."""
        self._worlds.step(np.array([action]), autoreset=False)
        out = self._worlds.outcomes
        return self._scene(how_it_ended(bool(out.success[0]), bool(out.terminated[0]), bool(out.truncated[0])))

    def _scene(self, told: str) -> Scene:
        observation = self._worlds.seen()
        image = observation["image"][0]
        seen = image.copy() if self._is_rover else draw_symbols(image, self._worlds.kinds)
        return Scene(observation, seen, render_world(self._worlds, 0), told)


class DoomStage(Stage):
    """An episode of a grounded room in ViZDoom.

    Args:
        env: where it is played, and what it sees with.
        seed: which episode.
    """

    def __init__(self, env: GroundedDoomEnv, seed: int) -> None:
        self._env = env
        self._seen, info = env.reset(seed=seed)
        assert env.episode is not None
        self._episode = env.episode
        self.instruction = info["instruction"]
        self.tokens = self._seen["instruction"].astype(np.int64)

    def begin(self) -> Scene:
        """See :class:`Stage`."""
        return self._scene("")

    def step(self, action: int) -> Scene:
        """See :class:`Stage`."""
        self._seen, _, terminated, truncated, info = self._env.step(action)
        return self._scene(how_it_ended(info["success"], terminated, truncated))

    def _scene(self, told: str) -> Scene:
        state = self._env.state
        assert state is not None
        observation = {name: array[np.newaxis] for name, array in self._seen.items()}
        return Scene(observation, self._seen["image"], render_plan(self._episode, state), told)


def how_it_ended(success: bool, terminated: bool, truncated: bool) -> str:
    """A word for the end of an episode; empty where it has not ended."""
    if success:
        return REACHED
    if terminated:
        return FAILED
    return OUT_OF_TIME if truncated else ""


def draw_symbols(image: NDArray[np.uint8], kinds: Kinds = PLAIN_KINDS) -> NDArray[np.uint8]:
    """MiniGrid's symbolic view [7, 7, 3] as tiles, [7 * P, 7 * P, 3]; the agent is at the bottom, looking up."""
    canvas = np.zeros((VIEW_SIZE * TILE_PIXELS, VIEW_SIZE * TILE_PIXELS, 3), dtype=np.uint8)
    for column, line in np.ndindex(VIEW_SIZE, VIEW_SIZE):
        kind, color, state = map(int, image[column, line])
        if kind:
            y, x = line * TILE_PIXELS, column * TILE_PIXELS
            canvas[y : y + TILE_PIXELS, x : x + TILE_PIXELS] = draw_tile(kind, color, state, TILE_PIXELS, kinds)
    return canvas
