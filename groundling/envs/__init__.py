"""Worlds, tasks, banks, kernels and vector environments. Nothing here imports PyTorch."""

from groundling.envs.bank import EpisodeBank
from groundling.envs.builder import WorldBuilder
from groundling.envs.building import build_bank
from groundling.envs.constants import Action
from groundling.envs.families.own.registered import register, registered_tasks
from groundling.envs.making import make, make_vec, register_environments
from groundling.envs.mixture import TaskMixture
from groundling.envs.relation import Relation
from groundling.envs.single import GroundlingEnv
from groundling.envs.splits import SPLITS, HeldOut, Split
from groundling.envs.task import Task
from groundling.envs.vector import GroundlingVectorEnv

__all__ = [
    "SPLITS",
    "Action",
    "EpisodeBank",
    "GroundlingEnv",
    "GroundlingVectorEnv",
    "HeldOut",
    "Relation",
    "Split",
    "Task",
    "TaskMixture",
    "WorldBuilder",
    "build_bank",
    "make",
    "make_vec",
    "register",
    "register_environments",
    "registered_tasks",
]
