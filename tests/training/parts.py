"""Algorithms and collectors as a run makes them, without a run around them."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from gymnasium.vector import VectorEnv

from groundling.agents import ActorCritic
from groundling.envs import EpisodeBank, make_vec
from groundling.interfaces import Teacher
from groundling.training.algorithms.base import Algorithm, Run
from groundling.training.algorithms.taught_collection import TaughtCollector, TeacherLabels
from groundling.training.config import TrainConfig
from groundling.training.ranks import ALONE, Ranks
from groundling.training.recorders import Recorder
from groundling.training.rewards.stage import RewardStage
from groundling.training.statistics import EpisodeStatistics

NAMES = {"BehaviorCloning": "bc", "DAgger": "dagger"}  # the others are named as their sections
A = TypeVar("A", bound=Algorithm)


def make_algorithm(
    kind: type[A],
    agent: ActorCritic,
    settings: Any,
    *,
    num_envs: int = 6,
    seed: int = 0,
    envs: VectorEnv | None = None,
    ranks: Ranks = ALONE,
    **changes: Any,
) -> A:
    """An algorithm of an agent, in a few small worlds where no others are given.

    Settings that a run would refuse, such as minibatches larger than its rollouts, are taken as they are.
    """
    if envs is None:
        envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(8)), num_envs=num_envs)
    small = type(settings)(**({"minibatch_size": 1} if hasattr(settings, "minibatch_size") else {}))
    config = TrainConfig(
        algorithm=NAMES.get(kind.__name__, kind.section),
        num_envs=envs.num_envs * ranks.size,
        agent=agent.config,
        settings=(small,),
        **changes,
    )
    object.__setattr__(config, "settings", (settings,))
    rewards, statistics = RewardStage.of_environment(), EpisodeStatistics.of_envs(envs)
    made = kind(Run(config, envs, agent, rewards, statistics, ranks=ranks))
    made.minibatches.manual_seed(seed)  # type: ignore[attr-defined]
    return made


def taught_collector(
    envs: VectorEnv,
    agent: ActorCritic,
    num_steps: int,
    teacher: Teacher,
    *,
    share: float = 1.0,
    seed: int = 0,
    start: int = 0,
    recorders: tuple[Recorder, ...] = (),
) -> TaughtCollector:
    """A collector whose teacher acts as often as its share says, at the beginning of its first episodes."""
    generator = torch.Generator().manual_seed(seed)
    labels = TeacherLabels(teacher)
    collector = TaughtCollector(envs, agent, num_steps, generator, labels=labels, recorders=recorders)
    collector.teacher_share = share
    collector.start(seed=start)
    return collector
