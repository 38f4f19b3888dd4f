"""One task in Montezuma's Revenge behind Gymnasium's ``Env``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.montezuma.tasks import TASKS
from groundling.envs.families.montezuma.vector import MontezumaVectorEnv
from groundling.errors import ActionError, UnknownEnvironmentError
from groundling.seeding import SEEDS_OF_EPISODES, reset_seed


class MontezumaEnv(gymnasium.Env[dict[str, Any], int]):
    """The only one of a :class:`MontezumaVectorEnv`; the sentence is at :attr:`instruction` and in
    ``info["instruction_text"]``.

    Args:
        level: the id.
        split: every split is the same task.
        render_mode: None or "rgb_array".

    Raises:
        UnknownEnvironmentError: if there is no such task.
        MissingSimulatorError: if ale-py is not installed.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(self, level: str, *, split: str = "all", render_mode: str | None = None) -> None:
        if level not in TASKS:
            raise UnknownEnvironmentError(f"there is no task {level!r}: choose one of {', '.join(TASKS)}")
        self.envs = MontezumaVectorEnv(TASKS[level], 1, render_mode=render_mode, autoreset=False)
        self.level, self.render_mode, self.agent_spec = level, render_mode, self.envs.agent_spec
        self.observation_space = self.envs.single_observation_space
        self.action_space = self.envs.single_action_space
        self._is_seeded = False

    @property
    def instruction(self) -> str:
        """What is asked for."""
        return self.envs.instructions[0]

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
        return _first(observation), {"instruction_text": self.instruction}

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Act once; errors as of the vector environment."""
        if np.ndim(action) != 0:
            raise ActionError(f"one environment takes one action, got an array of shape {np.shape(action)}")
        observation, reward, terminated, truncated, told = self.envs.step(np.array([action]))
        success = bool(told["success"][0]) if told else False
        info = {"instruction_text": self.instruction, "success": success}
        return _first(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> NDArray[np.uint8] | None:
        """The screen [210, 160, 3] uint8."""
        pictures = self.envs.render()
        return None if pictures is None else pictures[0]


def _first(observation: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {key: array[0] for key, array in observation.items()}
