"""Examples of goal states: what a family gives, or the states in which episodes of the grid's expert end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.bots import Expert
from groundling.envs.engine.constants import Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.base import EnvFamily
from groundling.envs.families.grid_states import GridStates
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec

SIDE_BY_SIDE: Final = 256
STRAYS: Final = 0.1  # share of the expert's steps that are drawn at random, so that one episode has many ends
MOST_EPISODES: Final = 4  # played for each example that is wanted, the expert being stopped where it does not get on


class Examples:
    """Goal states, drawn at random or of given instructions.

    Args:
        states: [N, ...] by key.
        text_key: the key of the instructions [N, L].
    """

    def __init__(self, states: Mapping[str, NDArray[Any]], text_key: str) -> None:
        self.states = states
        self._text_key = text_key
        rows: dict[bytes, list[int]] = {}
        for row, tokens in enumerate(states[text_key]):
            rows.setdefault(_trimmed(tokens), []).append(row)
        self._rows = {text: np.array(found) for text, found in rows.items()}
        self._count = len(states[text_key])

    def any(self, size: int, random: torch.Generator) -> dict[str, NDArray[Any]]:
        """So many, each any of them."""
        return self._taken(torch.randint(self._count, (size,), generator=random).numpy())

    def of_instructions(self, tokens: NDArray[Any], random: torch.Generator) -> dict[str, NDArray[Any]]:
        """For each of R instructions [R, L] one of its goal states; any goal state where there is none of it."""
        drawn = torch.rand(len(tokens), generator=random).numpy()
        rows = np.empty(len(tokens), dtype=np.int64)
        for place, (text, share) in enumerate(zip(map(_trimmed, tokens), drawn.tolist(), strict=True)):
            own = self._rows.get(text)
            rows[place] = int(share * self._count) if own is None else own[int(share * len(own))]
        return self._taken(rows)

    def _taken(self, rows: NDArray[np.integer[Any]]) -> dict[str, NDArray[Any]]:
        return {key: array[rows] for key, array in self.states.items()}


def _trimmed(tokens: NDArray[Any]) -> bytes:
    """A sentence as a key, however far it is padded."""
    return tokens[tokens != 0].astype(np.int32).tobytes()


def examples_of(family: EnvFamily, split: Any, envs: VectorEnv, count: int, seed: int) -> Mapping[str, NDArray[Any]]:
    """Goal states with their instructions, [N, ...] by key.

    Args:
        family: of the environments.
        split: what is trained on.
        envs: of the run.
        count: how many are wanted.
        seed: names them.

    Raises:
        ConfigurationError: if the family has none, and the environments are not those of the grid.
    """
    found = family.goal_states(split, count, seed)
    if found is not None:
        return found
    own = envs.unwrapped
    if isinstance(own, GroundlingVectorEnv) and isinstance(own.worlds, WorldBatch):
        return ends_of_expert(own.worlds, own.agent_spec, count, seed)
    raise ConfigurationError(
        f"{family.id} gives no examples of goal states, from which the reward 'agile' learns: choose another task, or "
        "another reward"
    )


def ends_of_expert(worlds: WorldBatch, spec: Spec, count: int, seed: int) -> Mapping[str, NDArray[Any]]:
    """The states in which episodes end well that the expert plays, straying from its way now and then.

    Args:
        worlds: whose episodes are played; they are not stepped.
        spec: of their agents.
        count: N, how many are wanted.
        seed: of the strays and of the order of episodes.

    Raises:
        ConfigurationError: if the expert hardly ever succeeds.
    """
    twin = WorldBatch(worlds.mixture, SIDE_BY_SIDE, shuffle=True, order_seed=seed)
    twin.reset()
    reader, random = GridStates(twin, spec), np.random.default_rng(seed)
    expert = Expert(twin, sees="world")
    ends: list[Mapping[str, NDArray[Any]]] = []

    def look() -> None:
        rows = np.flatnonzero(twin.outcomes.success)
        if len(rows):
            ends.append({key: array[rows] for key, array in reader().items()})

    twin.watchers.append(look)
    number = ended = 0
    while number < count:
        actions = expert.actions().copy()
        strays = random.random(SIDE_BY_SIDE) < STRAYS
        actions[strays] = random.integers(int(Action.DONE), size=int(strays.sum()))
        twin.step(actions)
        ended += int(twin.outcomes.ended.sum())
        number += int(twin.outcomes.success.sum())
        if ended > MOST_EPISODES * max(count, SIDE_BY_SIDE):
            raise ConfigurationError(
                "the expert reaches its goal in too few episodes of this task to learn goal states from: choose another"
            )
    return {key: np.concatenate([states[key] for states in ends])[:count] for key in ends[0]}
