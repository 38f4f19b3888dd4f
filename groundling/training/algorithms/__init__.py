"""Algorithms: each is one file with a class and the class of its settings, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundling.registry import Registry

if TYPE_CHECKING:
    from groundling.training.algorithms.base import Algorithm

ALGORITHMS: Registry[type[Algorithm]] = Registry(
    "algorithm",
    {
        "ppo": "groundling.training.algorithms.ppo:PPO",
        "a2c": "groundling.training.algorithms.a2c:A2C",
        "bc": "groundling.training.algorithms.imitation:BehaviorCloning",
        "dagger": "groundling.training.algorithms.imitation:DAgger",
        "dpo": "groundling.training.algorithms.dpo:DPO",
        "infonce": "groundling.training.algorithms.infonce:InfoNCE",
    },
    entry_points="groundling.algorithms",
)
