"""Rollouts, advantages, losses, PPO, the one loop, checkpoints and logs."""

from groundling.training.advantages import gae
from groundling.training.checkpoint import Checkpoint
from groundling.training.config import PPOConfig, TrainConfig
from groundling.training.loop import Trainer, TrainResult, resume_config, train
from groundling.training.ppo import PPO

__all__ = ["PPO", "Checkpoint", "PPOConfig", "TrainConfig", "TrainResult", "Trainer", "gae", "resume_config", "train"]
