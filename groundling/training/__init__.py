"""Rollouts, advantages, losses, PPO and A2C, curricula, the one loop, checkpoints and logs."""

from groundling.training.advantages import gae
from groundling.training.algorithms.a2c import A2C, A2CConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.ppo import PPO, PPOConfig
from groundling.training.checkpoint import Checkpoint, load_agent
from groundling.training.config import TrainConfig
from groundling.training.curriculum import CurriculumConfig
from groundling.training.loop import Trainer, TrainResult, train
from groundling.training.run_folder import resume_config

__all__ = [
    "A2C",
    "PPO",
    "A2CConfig",
    "Checkpoint",
    "CurriculumConfig",
    "ImitationConfig",
    "PPOConfig",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "gae",
    "load_agent",
    "resume_config",
    "train",
]
