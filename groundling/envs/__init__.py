"""Worlds, tasks, banks, kernels and vector environments. Nothing here imports PyTorch."""

from groundling.envs.bank import EpisodeBank
from groundling.envs.building import build_bank
from groundling.envs.constants import Action
from groundling.envs.registry import make, make_vec, register_environments
from groundling.envs.single import GroundlingEnv
from groundling.envs.splits import HELD_OUT, SPLITS, Split
from groundling.envs.vector import GroundlingVectorEnv

__all__ = [
    "HELD_OUT",
    "SPLITS",
    "Action",
    "EpisodeBank",
    "GroundlingEnv",
    "GroundlingVectorEnv",
    "Split",
    "build_bank",
    "make",
    "make_vec",
    "register_environments",
]
