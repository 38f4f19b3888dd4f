"""A Markov decision process as arrays: the states that an episode can reach, and where each action leads from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import WALL_CODE
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError
from groundling.exact.kernels import show, unpack

SUCCESS: Final = -1  # where an action leads that ends the episode: the goal is reached
FAILURE: Final = -2  # or it has failed


class Layout(NamedTuple):
    """Where the parts of a packed state begin, in bytes.

    Attributes:
        tiles: [M] int64, the places of the map that are no walls when the episode begins; the others never change.
        objects: O.
        clauses: C of the goal program.
        looks: looks of the objects begin here, before them the cell codes and the marks of the tiles.
        pose: position (two bytes) and direction of the agent begin here.
        length: of a state.
    """

    tiles: NDArray[np.int64]
    objects: int
    clauses: int
    looks: int
    pose: int
    length: int

    @classmethod
    def of(cls, worlds: WorldBatch) -> Layout:
        """The layout of the states that follow from the present one of the first environment."""
        state = worlds.state
        tiles = np.flatnonzero(state.cells[0] != WALL_CODE).astype(np.int64)
        objects, clauses = state.contents.shape[1], state.programs.shape[1]
        looks = 2 * len(tiles)
        pose = looks + 7 * objects  # a look has four bytes, what is inside one, a position two
        return cls(tiles, objects, clauses, looks, pose, pose + 3 + 3 + clauses)


@dataclass(frozen=True)
class Mdp:
    """The states that can be reached from the beginning of one episode, or of several, and where each action leads.

    The worlds are deterministic, so a transition is one number. Time is no part of a state: the time limit is an
    argument of what solves it (``finite_horizon``).

    Attributes:
        following: [S, A] int32, the state that each action leads to, or ``SUCCESS`` or ``FAILURE``.
        starts: [E] int64, the state in which each episode begins; the states of an episode stand one after the other.
        max_steps: [E] int64, their time limits.
        packed: for each episode its states [S_e, K] uint8, as ``layouts`` says.
        layouts: one for each episode.
        banks: for each episode the bank of it alone.
    """

    following: NDArray[np.int32]
    starts: NDArray[np.int64]
    max_steps: NDArray[np.int64]
    packed: tuple[NDArray[np.uint8], ...]
    layouts: tuple[Layout, ...]
    banks: tuple[EpisodeBank, ...]

    def __len__(self) -> int:
        return len(self.following)

    @property
    def num_actions(self) -> int:
        """A, the number of actions."""
        return self.following.shape[1]

    @cached_property
    def reward(self) -> NDArray[np.float64]:
        """[S, A]: 1 for an action that reaches the goal, else 0."""
        return (self.following == SUCCESS).astype(np.float64)

    @classmethod
    def joined(cls, parts: Sequence[Mdp]) -> Mdp:
        """The episodes of several as one, whose states do not meet.

        Raises:
            ConfigurationError: if there is none, or they have different actions.
        """
        if len({part.num_actions for part in parts}) != 1:
            raise ConfigurationError("processes are joined where there is at least one, and all have the same actions")
        offsets = np.cumsum([0, *map(len, parts)])
        moved = [np.where(p.following >= 0, p.following + o, p.following) for p, o in zip(parts, offsets, strict=False)]
        return cls(
            following=np.concatenate(moved).astype(np.int32),
            starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=False)]),
            max_steps=np.concatenate([part.max_steps for part in parts]),
            packed=sum((part.packed for part in parts), ()),
            layouts=sum((part.layouts for part in parts), ()),
            banks=sum((part.banks for part in parts), ()),
        )

    def episode_of(self, state: int) -> int:
        """The number of the episode that a state is of."""
        return int(np.searchsorted(self.starts, state, side="right")) - 1

    def worlds(self, states: Sequence[int] | NDArray[np.integer[Any]]) -> WorldBatch:
        """Worlds in these states [R] of one episode, which can be looked at and stepped.

        Raises:
            ConfigurationError: if there is no state, or they are of several episodes.
        """
        rows = np.asarray(states, dtype=np.int64)
        numbers = {self.episode_of(int(row)) for row in rows[[0, -1]]} if len(rows) else set()
        if len(numbers) != 1 or self.episode_of(int(rows.min())) != self.episode_of(int(rows.max())):
            raise ConfigurationError("worlds are made of states of one episode, and of at least one state")
        (number,) = numbers
        batch = WorldBatch(self.banks[number], len(rows), shuffle=False)
        batch.plan(np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64))
        batch.reset()
        packed, layout = self.packed[number], self.layouts[number]
        for row, state in enumerate((rows - self.starts[number]).tolist()):
            unpack(batch.state, row, layout.tiles, layout.objects, packed, state)
            show(batch.state, row, batch.width, batch.episodes, batch.observations)
        return batch

    def path(self, state: int, actions: NDArray[np.integer[Any]], most: int) -> list[int]:
        """The states that a policy [S] goes through from a state on, that one first, until an end or for most steps."""
        found = [state]
        while len(found) <= most:
            state = int(self.following[state, actions[state]])
            if state < 0:
                break
            found.append(state)
        return found
