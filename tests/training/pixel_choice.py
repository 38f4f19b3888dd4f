"""A tiny task of pixels and words: choose the side on which the patch of the named color is."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

SIZE = 44  # the least that the network of Chaplot et al. sees
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], dtype=np.uint8)
THE, FIRST_COLOR = 1, 2  # token ids; 0 is padding
VOCABULARY_SIZE = FIRST_COLOR + len(COLORS)


class PixelChoice(VectorEnv):
    """Two patches of different colors, "the COLOR", actions 0 (left) and 1 (right), a reward of 1 for the right one.

    An episode is one step long. It cannot be saved, as most simulators cannot.
    """

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Dict(
            {
                "image": spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8),
                "instruction": spaces.Box(0, VOCABULARY_SIZE - 1, (3,), np.int64),
            }
        )
        self.single_action_space = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.closed_times = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        super().reset(seed=seed)
        return self._begin(), {}

    def step(self, actions: Any) -> tuple[Any, ...]:
        right = np.asarray(actions) == self.side
        ended, no = np.ones(self.num_envs, dtype=np.bool_), np.zeros(self.num_envs, dtype=np.bool_)
        info = {"final_info": {"success": right}}
        return self._begin(), right.astype(np.float64), ended, no, info

    def close_extras(self, **kwargs: Any) -> None:
        self.closed_times += 1

    def _begin(self) -> dict[str, NDArray[Any]]:
        rng, count = self.np_random, self.num_envs
        colors = np.argsort(rng.random((count, len(COLORS))), axis=1)[:, :2]
        self.side = rng.integers(0, 2, count)
        image = np.zeros((count, SIZE, SIZE, 3), dtype=np.uint8)
        top = rng.integers(4, 28, (count, 2))
        for row in range(count):
            for side in range(2):
                left = 6 + 20 * side
                image[row, top[row, side] : top[row, side] + 12, left : left + 12] = COLORS[colors[row, side]]
        named = colors[np.arange(count), self.side]
        words = np.stack([np.full(count, THE), FIRST_COLOR + named, np.zeros(count, dtype=np.int64)], axis=1)
        return {"image": image, "instruction": words}
