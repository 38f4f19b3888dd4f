"""Whole grids as states, for rewards that judge states which agents see a part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import BORDER, NOTHING_CODE
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import SYMBOLS, Spec

AGENT: Final = 10  # MiniGrid's code of its type
WHILE_CARRYING: Final = 3  # is added to the direction of an agent that carries something
IMAGE: Final = "image"


class GridStates:
    """The map of every environment of the grid as MiniGrid encodes it, with the agent on it, and the instruction.

    The agent's tile is (type "agent", 0, direction), or the type and color of what it carries with 3 + direction.

    Args:
        worlds: of the grid.
        own: the specification of their agents.

    Attributes:
        spec: ``image`` [H, W, 3] symbols by row and column, and the instruction.
    """

    def __init__(self, worlds: WorldBatch, own: Spec) -> None:
        self.worlds = worlds
        _, height, width = worlds.bank.cells.shape
        self._shape = (height, width)
        symbols, self._text_key = own.observation[own.keys_of(SYMBOLS)[0]], worlds.text_key
        image = replace(symbols, shape=(height, width, 3))
        text = own.observation[self._text_key]
        self.spec = Spec({IMAGE: image, self._text_key: text}, own.actions, own.vocabulary)

    @classmethod
    def of(cls, envs: GroundlingVectorEnv) -> GridStates:
        """Of the worlds of these environments.

        Raises:
            ConfigurationError: if their body is not that of the grid.
        """
        if not isinstance(envs.worlds, WorldBatch):
            raise ConfigurationError(
                "states are read off the grid: leave --body at 'grid', or choose a reward that does not judge states"
            )
        return cls(envs.worlds, envs.agent_spec)

    def __call__(self) -> Mapping[str, NDArray[Any]]:
        """The present states [B, ...] by key."""
        worlds, state = self.worlds, self.worlds.state
        batch = np.arange(worlds.num_envs)
        rows = state.cells.reshape(worlds.num_envs, -1, worlds.width)
        cells = rows[:, BORDER : BORDER + self._shape[0], BORDER : BORDER + self._shape[1]]
        looks = state.looks[batch[:, None, None], cells]
        image = np.stack([looks & 0xFF, looks >> 8 & 0xFF, looks >> 16 & 0xFF], axis=-1).astype(np.uint8)
        y, x = np.divmod(state.position.astype(np.int64), worlds.width)
        carried = state.looks[batch, state.carried]
        holds = state.carried != NOTHING_CODE
        image[batch, y - BORDER, x - BORDER] = np.stack(
            [
                np.where(holds, carried & 0xFF, AGENT),
                np.where(holds, carried >> 8 & 0xFF, 0),
                state.direction + np.where(holds, WHILE_CARRYING, 0),
            ],
            axis=-1,
        )
        return {IMAGE: image, self._text_key: worlds.episodes.tokens[state.sentence]}
