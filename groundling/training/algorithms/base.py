"""What an algorithm is, what it is given, and what those have in common that learn from rollouts of their own agent.

An algorithm owns its data, its optimizers, its random streams and all that a checkpoint holds of them. To add one,
subclass :class:`Algorithm` (or :class:`OnPolicy`, which has a collector of rollouts already) and name it:
``--algorithm my_file.py:MyAlgorithm``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, PreparedObservation
from groundling.errors import ConfigurationError
from groundling.interfaces import Observation
from groundling.seeding import integer
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.collector import Collector
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.device_collector import DeviceCollector
from groundling.training.gradients import GradientStep
from groundling.training.half_batches import HalfBatchCollector
from groundling.training.ranks import ALONE, Ranks
from groundling.training.recorders import Recorder
from groundling.training.replicas import Learner, PartLoss, Replicas
from groundling.training.rewards.stage import RewardStage
from groundling.training.rollout import Rollout
from groundling.training.statistics import EpisodeStatistics
from groundling.training.streams import restore_stream

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class Run:
    """What an algorithm is given: the parts of a run around it.

    Attributes:
        config: of the run.
        envs: B environments in autoreset mode SAME_STEP.
        agent: what is trained.
        rewards: what the policy is paid for each step.
        statistics: notes the episodes that end.
        initial: the agent that the run started from, if it did; its parameters do not change.
        demonstrations: recorded episodes that the environments play, if they do.
        ranks: the processes that train the agent together, each with its own environments of those that the
            configuration counts.
    """

    config: TrainConfig
    envs: VectorEnv
    agent: ActorCritic
    rewards: RewardStage
    statistics: EpisodeStatistics
    initial: ActorCritic | None = None
    demonstrations: DemonstrationSet | None = None
    ranks: Ranks = ALONE

    @property
    def seed(self) -> int:
        """Of what this process draws: the run's or, of further processes, one that follows from it and their number."""
        return seed_of_rank(self.config.seed, self.ranks)

    def generator(self, name: str) -> torch.Generator:
        """A new generator on the named stream of the process's seed, on the agent's device."""
        return torch.Generator(self.agent.device).manual_seed(integer(self.seed, name))


def seed_of_rank(seed: int, ranks: Ranks) -> int:
    """The seed of what a process draws for itself: of the first, that of the run."""
    return integer(seed, "rank", ranks.rank) if ranks.rank else seed


class Algorithm(ABC):
    """Learns from steps in the environments of a run.

    Args:
        run: the parts of the run around it.

    Attributes:
        Config: the class of its settings, a frozen dataclass; ``run.config.settings_of(Config)`` are those of the run.
        section: under which they stand in the run's configuration and on the command line, ``--ppo.clip``.
        plays_halves: whether it can collect in half batches (``half_batches``).
        plays_on_device: whether it can play environments that are on a GPU (``env_device``).
        undefined: names of metrics that may be NaN or infinite, where there was nothing to measure; any other that is
            not finite ends the run.
        is_distributed: whether several processes can train one agent by it: it takes as many gradient steps, by
            ``GradientStep``, on each, and what it makes of their counts is that of all.
        splits_updates: whether it computes the gradient of a minibatch by ``Replicas``, on several threads.
    """

    is_distributed: ClassVar[bool] = False
    splits_updates: ClassVar[bool] = False
    Config: ClassVar[type[Any]]
    section: ClassVar[str]
    plays_on_device: ClassVar[bool] = False
    plays_halves: ClassVar[bool] = False
    title: ClassVar[str]  # in reports
    undefined: ClassVar[frozenset[str]] = frozenset({"explained_variance", "advantage_spread"})

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def demonstrations(cls, config: TrainConfig) -> str:
        """A file of recorded episodes that the environments are to play; empty for the tasks' own."""
        return ""

    @classmethod  # noqa: B027 - not every algorithm has something to refuse
    def check(cls, config: TrainConfig) -> None:
        """Refuse a configuration of the run that it cannot work with; called when one is made.

        Raises:
            ConfigurationError: the message says why.
        """

    @classmethod
    def trains_value(cls, config: TrainConfig) -> bool | None:
        """Whether the agent's value learns to be the return; None where the settings do not tell."""
        weight = getattr(config.algorithm_settings, "value_coef", None)
        return None if weight is None else weight > 0

    @classmethod
    def schedules(cls, config: TrainConfig) -> tuple[str, ...]:
        """What depends on how much of the run is done, in words; said where a resumed run gets another length."""
        return ()

    @classmethod
    @abstractmethod
    def frames_per_update(cls, config: TrainConfig) -> int:
        """Observations that one call of :meth:`train_once` learns from."""

    @abstractmethod
    def start(self, seed: int) -> Observation:
        """Begin the first episodes; returns their observations [B, ...]."""

    @abstractmethod
    def collect(self) -> Any:
        """Step in the environments; returns the data of one update."""

    @abstractmethod
    def update(self, batch: Any, progress: float) -> dict[str, float]:
        """Learn from it.

        Args:
            batch: what :meth:`collect` returned.
            progress: the share of the run that is done, from 0 to 1.

        Returns:
            metrics; names with a slash become TensorBoard's tags as they are.
        """

    def train_once(self, progress: float) -> dict[str, float]:
        """One collection and one update; returns the metrics."""
        return self.update(self.collect(), progress)

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on, the agent's parameters apart; tensors and plain values."""

    @abstractmethod
    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""


class OnPolicy(Algorithm):
    """Learns from rollouts of its own agent, with Adam.

    Attributes:
        settings: of the run for this algorithm; they have ``num_steps``, ``learning_rate``,
            ``anneal`` and, where gradients are clipped, ``max_grad_norm``.
        collector: plays the agent.
        ranks: the processes that train the agent together.
        optimizer: of the agent's parameters.
        step: takes the gradient steps.
        minibatches: a generator, of the order of the minibatches.
        auxiliary: what the agent learns beside acting.
    """

    plays_halves: ClassVar[bool] = True

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.agent = run.agent
        self.settings: Any = run.config.settings_of(self.Config)
        self.minibatches = run.generator("minibatches")
        self.optimizer = torch.optim.Adam(self.agent.parameters(), lr=self.settings.learning_rate, eps=1e-5, fused=True)
        self.ranks = run.ranks
        longest = getattr(self.settings, "max_grad_norm", math.inf)
        self.step = GradientStep(self.optimizer, self.agent.parameters(), max_norm=longest, ranks=run.ranks)
        self.auxiliary = self.make_auxiliary()
        self.collector = self.make_collector(self.make_recorders())
        self._replicas: Replicas | None = None

    @property
    def replicas(self) -> Replicas:
        """What computes the gradients of minibatches, on as many threads as the run says."""
        if self._replicas is None:
            self._replicas = Replicas(self.make_learner(), self.run.config.update_threads)
        return self._replicas

    def make_learner(self) -> Learner:
        """What the loss of a minibatch is computed with."""
        return Learner(self.agent, self.auxiliary)

    def minibatch_step(self, loss_of: PartLoss, arrays: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Take a gradient step on a minibatch; arguments as of ``Replicas.backward``.

        Returns:
            the norm [] of the gradient before it was scaled down, and the numbers [K] that the loss noted.
        """
        self.step.forget()
        noted = self.replicas.backward(loss_of, arrays)
        return self.step.apply(), noted

    def own_envs(self, minibatch_size: int, num_steps: int) -> int:
        """Environments of this process that a minibatch of all processes has, at least one.

        Raises:
            ConfigurationError: if the processes do not divide them.
        """
        return self.ranks.share(max(1, minibatch_size // num_steps), "environments of a minibatch")

    def make_auxiliary(self) -> list[AuxiliaryLoss]:
        """What the agent learns beside acting."""
        return []

    def make_recorders(self) -> list[Recorder]:
        """What notes further columns of a rollout: the labels of the auxiliary losses."""
        return [loss.recorder(self.run.envs) for loss in self.auxiliary]

    def make_collector(self, recorders: list[Recorder]) -> Collector:
        """What plays the agent."""
        run = self.run
        kind = HalfBatchCollector if run.config.half_batches else Collector
        kind = kind if run.config.env_device == "cpu" else DeviceCollector
        return kind(
            run.envs,
            run.agent,
            self.settings.num_steps,
            run.generator("actions"),
            rewards=run.rewards,
            statistics=run.statistics,
            recorders=recorders,
        )

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """A minibatch is no larger than a rollout."""
        size = getattr(config.settings_of(cls.Config), "minibatch_size", 0)
        frames = cls.frames_per_update(config)
        if size > frames:
            steps, flag = frames // config.num_envs, cls.section.replace("_", "-")
            raise ConfigurationError(
                f"minibatch_size {size} is larger than a rollout of {frames} frames (num_envs x num_steps): use "
                f"--num-envs {math.ceil(size / steps)} or a smaller --{flag}.minibatch-size, at most {frames}"
            )

    @classmethod
    def schedules(cls, config: TrainConfig) -> tuple[str, ...]:
        """The learning rate, where it falls."""
        return ("the learning rate",) * bool(config.settings_of(cls.Config).anneal)

    @classmethod
    def frames_per_update(cls, config: TrainConfig) -> int:
        """Observations of one rollout."""
        settings: Any = config.settings_of(cls.Config)
        return config.num_envs * int(settings.num_steps)

    def start(self, seed: int) -> Observation:
        """Begin the first episodes; returns their observations [B, ...]."""
        self.collector.start(seed)
        return self.collector.observation

    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        return self.collector.collect()

    def update(self, batch: Rollout, progress: float) -> dict[str, float]:
        """Gradient steps on one rollout; returns metrics."""
        rate = self.settings.learning_rate * ((1 - progress) if self.settings.anneal else 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return {**self.learn(batch), "learning_rate": rate}

    def prepared(self, rollout: Rollout) -> PreparedObservation:
        """The T * B observations of a rollout, time first, prepared for the agent."""
        return self.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})

    @abstractmethod
    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Gradient steps on one rollout with the learning rate that is set; returns metrics."""

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "minibatches": self.minibatches.get_state(),
            "collector": self.collector.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        self.optimizer.load_state_dict(saved["optimizer"])
        restore_stream(self.minibatches, saved["minibatches"])
        self.collector.load_state_dict(saved["collector"])
