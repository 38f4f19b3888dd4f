"""An episode before it is packed into a bank, and who makes episodes from seeds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from groundling.envs.worlds.programs import Program
from groundling.errors import ConfigurationError
from groundling.language.goals import Goal


@dataclass(frozen=True)
class Episode:
    """One episode before it is packed: a world, a pose, a goal program and a sentence.

    Attributes:
        cells: [H, W] uint8 cell codes.
        looks: one look an object.
        contents: one cell code an object: what is inside.
        positions: one y * W + x an object, or NOWHERE.
        pose: x, y, direction of the agent.
        carried: cell code of what the agent holds.
        program: a row (verb, flags, operand, operand) for each clause.
        max_steps: time limit.
        instruction: the sentence.
        seed: the seed that the generator was given.
        walls_hide: whether walls and closed doors hide what is behind them.
        goal: what the instruction asks for, where it need not be read again.
        is_own_sentence: whether the instruction is a sentence of the task's own, which the language does not read.
        floors: [H, W] uint8 floor codes (``engine.floors``); None where all are plain.
        manual: sentences that hold in this episode, which the agent is given to read.
    """

    cells: NDArray[np.uint8]
    looks: tuple[int, ...]
    contents: tuple[int, ...]
    positions: tuple[int, ...]
    pose: tuple[int, int, int]
    carried: int
    program: Program
    max_steps: int
    instruction: str
    seed: int
    walls_hide: bool = True
    goal: Goal | None = None
    is_own_sentence: bool = False
    floors: NDArray[np.uint8] | None = None
    manual: tuple[str, ...] = ()


class Sampler(Protocol):
    """Whatever turns a seed into an episode; see ``groundling.envs.banks.sources.EpisodeSource``."""

    def sample(self, seed: int) -> Episode:
        """The episode of a seed."""


def sample_episodes(source: Sampler, seeds: Iterable[int]) -> list[Episode]:
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
