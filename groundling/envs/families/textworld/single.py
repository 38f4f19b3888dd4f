"""One game behind Gymnasium's ``Env``, in this process."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from groundling.envs.families.textworld.names import VARIANTS
from groundling.envs.families.textworld.simulator import EXPERT_KEY, GAMES, SIMULATORS
from groundling.envs.simulators.vector import space_of
from groundling.errors import ActionError, ConfigurationError
from groundling.seeding import SEEDS_OF_EPISODES, reset_seed


class TextWorldEnv(gymnasium.Env[dict[str, Any], int]):
    """A kind of games, one episode at a time. ``info`` has ``instruction_text``, ``commands`` and, after a step,
    ``success``.

    Args:
        level: the id of the kind.
        split: "train", "seen", "all" or that of a suite of the kind.
        games: how many the split has.

    Raises:
        ConfigurationError: if there is no such split.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(self, level: str, split: str = "all", games: int = GAMES) -> None:
        splits = [name for name in ("all", "train", "seen", VARIANTS[level].other) if name]
        if split not in splits:
            raise ConfigurationError(f"{level} has no split {split!r}: choose one of {', '.join(splits)}")
        self.level = level
        self.render_mode = None
        self._simulator = SIMULATORS[level]()
        self._options = {"split": split, "games": games}
        self.agent_spec = self._simulator.spec
        self.observation_space = spaces.Dict({key: space_of(part) for key, part in self.agent_spec.observation.items()})
        self.action_space: Any = spaces.Discrete(self.agent_spec.num_actions)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode: always the same for a seed.

        Raises:
            MissingSimulatorError: if TextWorld is not installed.
        """
        seed = reset_seed(seed, below=SEEDS_OF_EPISODES)
        super().reset(seed=seed)
        number = int(self.np_random.integers(2**31)) if seed is None else seed
        return self._split(self._simulator.reset(number, self._options))

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Give a command.

        Raises:
            ActionError: if the action is not the number of one.
        """
        if np.ndim(action) != 0 or not 0 <= int(action) < self.agent_spec.num_actions:
            raise ActionError(f"an action is a number from 0 to {self.agent_spec.num_actions - 1}, got {action!r}")
        step = self._simulator.step(int(action))
        observation, info = self._split(step.observation)
        return observation, step.reward, step.terminated, step.truncated, {**info, "success": step.success}

    def close(self) -> None:
        """End the engine."""
        self._simulator.close()

    def _split(self, seen: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The observation, and ``info``."""
        scene = self._simulator.scene
        observation = {key: value for key, value in seen.items() if key != EXPERT_KEY}
        return observation, {"instruction_text": scene.instruction, "commands": scene.commands}
