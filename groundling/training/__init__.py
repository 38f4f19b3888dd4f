"""Rollouts, advantages, losses, PPO and A2C, curricula, the one loop, checkpoints and logs."""

from groundling.training.advantages import gae
from groundling.training.checkpoint import Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.curriculum import CurriculumConfig
from groundling.training.loop import Trainer, TrainResult, resume_config, train
from groundling.training.ppo import A2C, PPO
from groundling.training.settings import A2CConfig, PPOConfig

__all__ = [
    "A2C",
    "PPO",
    "A2CConfig",
    "Checkpoint",
    "CurriculumConfig",
    "PPOConfig",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "gae",
    "resume_config",
    "train",
]
