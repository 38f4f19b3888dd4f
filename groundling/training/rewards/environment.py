"""The environments' own reward."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from groundling.interfaces import Array, Transition
from groundling.training.rewards.base import RewardTerm


class EnvironmentReward(RewardTerm):
    """What the environments pay."""

    def __init__(self, config: Any = None, envs: VectorEnv | None = None) -> None:
        """It needs to know neither the run nor the environments."""

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step."""
        return transition.reward
