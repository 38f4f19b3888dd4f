"""One world with rules of its own behind Gymnasium's ``Env``; the classes of the games say which."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from groundling.envs.games.vector import GameVectorEnv
from groundling.errors import ActionError
from groundling.seeding import SEEDS_OF_EPISODES, reset_seed


class GameEnv(gymnasium.Env[dict[str, Any], int]):
    """The only one of a batch of one.

    The goal is at :attr:`instruction` and in ``info["instruction_text"]``.

    Args:
        envs: the batch, without autoreset.
        level: its id.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(self, envs: GameVectorEnv[Any], level: str) -> None:
        self.envs = envs
        self.level = level
        self.render_mode = envs.render_mode
        self.agent_spec = envs.agent_spec
        self.observation_space = envs.single_observation_space
        self.action_space = envs.single_action_space
        self._is_seeded = False

    @property
    def instruction(self) -> str:
        """The goal."""
        return self.envs.batch.goal(0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode: always the same for a seed; without one the next of those that follow it."""
        seed = reset_seed(seed, below=SEEDS_OF_EPISODES)
        super().reset(seed=seed)
        if seed is None and not self._is_seeded:
            seed = int(self.np_random.integers(2**31))
        self._is_seeded = True
        observation, _ = self.envs.reset(seed=seed)
        return _first(observation), self._info()

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Act once.

        Raises:
            ActionError: if the action is not an integer in [0, A).
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if np.ndim(action) != 0:
            raise ActionError(f"one environment takes one action, got an array of shape {np.shape(action)}")
        observation, reward, terminated, truncated, _ = self.envs.step(np.array([action]))
        info = {**self._info(), "success": bool(self.envs.batch.outcomes.success[0])}
        return _first(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture [H, W, 3] uint8 of the world from above."""
        pictures = self.envs.render()
        return None if pictures is None else pictures[0]

    def _info(self) -> dict[str, Any]:
        """What is told of the episode at every step."""
        return {"instruction_text": self.instruction}


def _first(observation: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {key: array[0] for key, array in observation.items()}
