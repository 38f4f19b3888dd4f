"""One room of RTFM behind Gymnasium's ``Env``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.families.manuals.rtfm.family import RTFMFamily
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_STEPS, VARIANTS
from groundling.envs.families.manuals.rtfm.vector import SPEC, observation_space
from groundling.errors import ActionError, UnknownEnvironmentError


class RTFMEnv(gymnasium.Env[dict[str, Any], int]):
    """One agent in one room; see ``RTFMVectorEnv`` for spaces, reward and endings.

    The goal is at :attr:`instruction` and in ``info["instruction_text"]``, the sentences of the manual are at
    :attr:`manual` and in ``info["manual_text"]``.

    Args:
        level: the id, ``"groundling/RTFM-Simple-6x6-v0"``.
        split: "all", "train", "seen", "unseen" or that of another suite.
        render_mode: None or "rgb_array".
        max_steps: of an episode.

    Raises:
        UnknownEnvironmentError: if there is no such room.
        SplitError: if there is no such split.
        ConfigurationError: if the render mode is unknown, or max_steps is less than 1.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(
        self, level: str, *, split: str = "all", render_mode: str | None = None, max_steps: int = MAX_STEPS
    ) -> None:
        if level not in VARIANTS:
            raise UnknownEnvironmentError(f"there is no room {level!r}: choose one of {', '.join(VARIANTS)}")
        family = RTFMFamily(VARIANTS[level])
        self.envs = family.make_vec(split, 1, 0, render_mode=render_mode, autoreset=False, max_steps=max_steps)
        self.level = level
        self.render_mode = render_mode
        self.agent_spec = SPEC
        self.observation_space = observation_space()
        self.action_space = spaces.Discrete(len(ACTIONS))  # type: ignore[assignment]
        self._is_seeded = False

    @property
    def instruction(self) -> str:
        """The goal."""
        return self.envs.batch.goal(0)

    @property
    def manual(self) -> tuple[str, ...]:
        """The sentences of the manual."""
        return self.envs.batch.manual(0)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode: always the same for a seed; without one the next of those that follow it."""
        super().reset(seed=seed)
        if seed is None and not self._is_seeded:
            seed = int(self.np_random.integers(2**31))
        self._is_seeded = True
        observation, _ = self.envs.reset(seed=seed)
        return _first(observation), self._info()

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Act once.

        Raises:
            ActionError: if the action is not an integer in [0, 5).
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if np.ndim(action) != 0:
            raise ActionError(f"one environment takes one action, got an array of shape {np.shape(action)}")
        observation, reward, terminated, truncated, _ = self.envs.step(np.array([action]))
        info = {**self._info(), "success": bool(self.envs.batch.outcomes.success[0])}
        return _first(observation), float(reward[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture [H, W, 3] uint8 of the room from above."""
        pictures = self.envs.render()
        return None if pictures is None else pictures[0]

    def _info(self) -> dict[str, Any]:
        return {"instruction_text": self.instruction, "manual_text": self.manual}


def _first(observation: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {key: array[0] for key, array in observation.items()}
