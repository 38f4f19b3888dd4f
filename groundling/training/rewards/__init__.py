"""Rewards: what a policy is paid, composed of terms that are found by name, each a file of its own."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from groundling.errors import ConfigurationError
from groundling.registry import Registry
from groundling.training.algorithms import LEFT_OUT

FROZEN: Final = "frozen:"

# A term is made by ``Class(config, envs)``; if it has settings, their class is ``Class.Config``.
REWARDS: Registry[Any] = Registry(
    "reward",
    {
        "environment": "groundling.training.rewards.environment:EnvironmentReward",
        "distance": "groundling.training.rewards.distance:DistanceReward",
        "demonstration": "groundling.training.rewards.along:DemonstrationReward",
        "preferences": "groundling.training.rewards.preferences:PreferenceReward",
        "learn": "groundling.training.rewards.learn.reward:LearnReward",
        "rubric": "groundling.training.rewards.rubric:RubricReward",
        "agile": "groundling.training.rewards.agile.reward:AgileReward",
        "contrastive": "groundling.training.rewards.contrastive:ContrastiveReward",
    },
    entry_points="groundling.rewards",
)


def find_reward(name: str) -> Any:
    """What makes the reward of this name: one of the registry, or ``frozen:RUN``, the learned rewards of a run, which
    learn no more.

    Raises:
        ConfigurationError: if there is no such reward.
        ExtensionError: if one's own code cannot be imported.
    """
    if name.startswith(LEFT_OUT):
        from groundling.training.received import left_out_reward

        return left_out_reward(name)
    if not name.startswith(FROZEN):
        return REWARDS.find(name)
    run = name.removeprefix(FROZEN)
    if not run:
        raise ConfigurationError("name the folder of the run whose rewards are to be used, as in frozen:runs/agile")
    from groundling.training.rewards.frozen import FrozenReward

    return partial(FrozenReward, run)
