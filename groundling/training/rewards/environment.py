"""The environments' own reward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.vector import VectorEnv

from groundling.interfaces import Array, Transition


class EnvironmentReward:
    """What the environments pay.

    Args:
        config: of the run.
        envs: its environments.
    """

    def __init__(self, config: Any = None, envs: VectorEnv | None = None) -> None:
        pass

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step."""
        return transition.reward

    def update(self, batch: Any) -> Mapping[str, float]:
        """Nothing is learned."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Nothing is remembered."""
