"""Algorithms: each is one file with a class and the class of its settings, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from groundling.registry import Registry

if TYPE_CHECKING:
    from groundling.training.algorithms.base import Algorithm

ALGORITHMS: Registry[type[Algorithm]] = Registry(
    "algorithm",
    {
        "ppo": "groundling.training.algorithms.ppo:PPO",
        "a2c": "groundling.training.algorithms.a2c:A2C",
        "reinforce": "groundling.training.algorithms.reinforce:Reinforce",
        "grpo": "groundling.training.algorithms.grpo:GRPO",
        "rloo": "groundling.training.algorithms.rloo:RLOO",
        "drpo": "groundling.training.algorithms.drpo:DRPO",
        "ppo_kl": "groundling.training.algorithms.ppo_kl:PPOKL",
        "vtrace": "groundling.training.algorithms.vtrace:VTrace",
        "bc": "groundling.training.algorithms.imitation:BehaviorCloning",
        "dagger": "groundling.training.algorithms.imitation:DAgger",
        "dpo": "groundling.training.algorithms.dpo:DPO",
        "infonce": "groundling.training.algorithms.infonce:InfoNCE",
    },
    entry_points="groundling.algorithms",
)

LEFT_OUT: Final = "left out: "  # before the name of an algorithm or reward whose code may not run
STABLE_BASELINES3: Final = ("sb3:", "sb3contrib:")


def find_algorithm(name: str) -> type[Algorithm]:
    """The algorithm of this name: one of the registry, or one of Stable-Baselines3, ``sb3:PPO``, ``sb3contrib:TRPO``.

    Raises:
        ConfigurationError: if there is no such algorithm.
        ExtensionError: if one's own code cannot be imported.
    """
    if name.startswith(LEFT_OUT):
        from groundling.training.algorithms.left_out import LeftOut

        return LeftOut
    if not name.startswith(STABLE_BASELINES3):
        return ALGORITHMS.find(name)
    from groundling.training.algorithms.sb3 import algorithm_class

    return algorithm_class(name)
