"""Worlds, tasks, banks, kernels and vector environments. Nothing here imports PyTorch."""

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.banks.splits import SPLITS, Split
from groundling.envs.engine.constants import Action
from groundling.envs.families.own.registered import register, registered_tasks
from groundling.envs.making import make, make_vec, register_environments
from groundling.envs.single import GroundlingEnv
from groundling.envs.vector import GroundlingVectorEnv
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.relation import Relation
from groundling.envs.worlds.task import Task

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
