"""Rewards: what a policy is paid, composed of terms that are found by name, each a file of its own."""

from __future__ import annotations

from typing import Any

from groundling.registry import Registry

# A term is made by ``Class(config, envs)``; if it has settings, their class is ``Class.Config``.
REWARDS: Registry[Any] = Registry(
    "reward",
    {"environment": "groundling.training.rewards.environment:EnvironmentReward"},
    entry_points="groundling.rewards",
)
