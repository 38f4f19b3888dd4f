"""What a training run is, as frozen values: validated when made, shown by ``--help``, saved with the run."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any

from groundling.agents.config import AgentConfig
from groundling.envs import EpisodeBank, HeldOut, build_bank
from groundling.envs.splits import training_split
from groundling.errors import ConfigurationError, SplitError


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigurationError(message)


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimization with a clipped objective.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        num_epochs: passes over a rollout.
        minibatch_size: observations of a gradient step (with a memory, rounded to whole environments).
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        gamma: discount.
        gae_lambda: decay of the advantage estimate.
        clip: range of the probability ratio.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm.
        normalize_advantage: to mean 0 and standard deviation 1 in each minibatch.
    """

    num_steps: int = 16
    num_epochs: int = 4
    minibatch_size: int = 2048
    learning_rate: float = 1.5e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_coef: float = 0.5
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5
    normalize_advantage: bool = True

    def __post_init__(self) -> None:
        for name in ("num_steps", "num_epochs", "minibatch_size"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "clip", "max_grad_norm"):
            _require(getattr(self, name) > 0, f"{name} must be greater than 0, got {getattr(self, name)}")
        for name in ("gamma", "gae_lambda"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must be between 0 and 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        task: id of a level or task, or FILE.py:CLASS.
        held_out: what no training instruction asks for.
        total_frames: observations to train on, rounded up to whole rollouts.
        num_envs: B, environments side by side.
        bank_size: distinct episodes to train on.
        seed: names every random draw of the run.
        torch_threads: threads of PyTorch.
        device: "cpu", "cuda" or "cuda:0" ...
        checkpoint_seconds: how often a checkpoint is written (one is always written at the end).
        agent: parts and sizes of the agent.
        ppo: settings of the algorithm.
    """

    task: str = "BabyAI-GoToLocal-v0"
    held_out: HeldOut = field(default_factory=HeldOut)
    total_frames: int = 1_500_000
    num_envs: int = 512
    bank_size: int = 8192
    seed: int = 1
    torch_threads: int = 1
    device: str = "cpu"
    checkpoint_seconds: float = 60.0
    agent: AgentConfig = field(default_factory=AgentConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)

    def __post_init__(self) -> None:
        for name in ("total_frames", "num_envs", "bank_size", "torch_threads"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        _require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        _require(self.checkpoint_seconds > 0, "checkpoint_seconds must be greater than 0")
        _require(
            self.ppo.minibatch_size <= self.rollout_frames,
            f"minibatch_size {self.ppo.minibatch_size} is larger than a rollout of {self.rollout_frames} frames "
            f"(num_envs x num_steps)",
        )

    @property
    def rollout_frames(self) -> int:
        """Observations of one rollout."""
        return self.num_envs * self.ppo.num_steps

    @property
    def num_updates(self) -> int:
        """Rollouts of the whole run."""
        return math.ceil(self.total_frames / self.rollout_frames)

    def training_bank(self, *, progress: bool = True) -> EpisodeBank:
        """The episodes that the run trains on; errors as ``build_bank``."""
        split = training_split(self.held_out)
        return build_bank(self.task, self.bank_size, seed=self.seed, split=split, progress=progress)

    def to_json(self) -> str:
        """The configuration as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Read :meth:`to_json` back.

        Raises:
            ConfigurationError: if it is not JSON, or has settings that this version does not know.
        """
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise ConfigurationError(f"the configuration is not valid JSON: {error}") from error

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """The configuration of nested plain values (``dataclasses.asdict``).

        Raises:
            ConfigurationError: if a setting is unknown or has an impossible value.
        """
        try:
            parts = {
                "held_out": HeldOut.from_dict(values["held_out"]),
                "agent": AgentConfig(**values["agent"]),
                "ppo": PPOConfig(**values["ppo"]),
            }
            return cls(**{**values, **parts})
        except (TypeError, KeyError, SplitError) as error:
            raise ConfigurationError(f"the configuration is not one of this version: {error}") from error
