"""Rollouts, advantages, losses, PPO, curricula, the one loop, checkpoints and logs."""

from groundling.training.advantages import gae
from groundling.training.checkpoint import Checkpoint
from groundling.training.config import PPOConfig, TrainConfig
from groundling.training.curriculum import CurriculumConfig
from groundling.training.loop import Trainer, TrainResult, resume_config, train
from groundling.training.ppo import PPO

__all__ = [
    "PPO",
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
