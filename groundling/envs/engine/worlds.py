"""The grid's worlds: B environments whose bodies walk tile by tile. No Gymnasium here."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import kernels
from groundling.envs.engine.batch import Batch, ObservationArrays
from groundling.envs.engine.constants import VIEW_CELLS, VIEW_SIZE
from groundling.envs.engine.state import Observations


class WorldBatch(Batch[Observations]):
    """B environments whose bodies walk the grid tile by tile and see MiniGrid's symbolic view; see :class:`Batch`."""

    min_envs_per_thread = 256

    def make_observations(self) -> Observations:
        """Empty arrays for what B agents see."""
        return Observations(
            image=np.zeros((self.num_envs, VIEW_CELLS * 3), dtype=np.uint8),
            direction=np.zeros(self.num_envs, dtype=np.int64),
            instruction=np.zeros((self.num_envs, self.episodes.tokens.shape[1]), dtype=np.int32),
        )

    def named(self, seen: Observations) -> ObservationArrays:
        """What the agents see by the keys of the observation space, without copies."""
        image = seen.image.reshape(self.num_envs, VIEW_SIZE, VIEW_SIZE, 3)
        return {"image": image, "direction": seen.direction, self.text_key: seen.instruction}

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Where the agents are: x and y in tiles, border included, and heading in radians, [B] each."""
        y, x = np.divmod(self.state.position.astype(np.int64), self.width)
        return x + 0.5, y + 0.5, np.multiply(self.state.direction, math.pi / 2, dtype=np.float64)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See :class:`Batch`."""
        own = super().bounds()
        return {**own, "observations.image": own["observations.explored"], "observations.direction": (0, 3)}

    def _begin(self, chosen: NDArray[np.bool_]) -> None:
        kernels.reset_batch(
            self.state, self.episodes, self.observations, self.tasks, self.order_seed, self.shuffle, chosen
        )

    def _step(self, actions: NDArray[np.int64], autoreset: bool, start: int, stop: int) -> None:
        kernels.step_batch(
            self.state,
            self.episodes,
            self.observations,
            self.final,
            self.outcomes,
            actions,
            self.tasks,
            self.order_seed,
            self.shuffle,
            autoreset,
            start,
            stop,
        )
