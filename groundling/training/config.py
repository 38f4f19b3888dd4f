"""What a training run is, as frozen values: validated when made, shown by ``--help``, saved with the run."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from groundling.agents.bots import Sight
from groundling.agents.config import AgentConfig
from groundling.envs import EpisodeBank, HeldOut, TaskMixture, build_bank
from groundling.envs.embodiment import Embodiment
from groundling.envs.first_person import Camera
from groundling.envs.simulators.doom import DOOM_IDS
from groundling.envs.sources import EpisodeSource, find_source, vocabulary_of
from groundling.errors import ConfigurationError, SplitError, TaskError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.language.vocabulary import Vocabulary
from groundling.training.curriculum import CurriculumConfig


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
        kl_coef: weight of a penalty on KL(policy || initial policy), for runs that start from another one (``init``).
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
    kl_coef: float = 0.0

    def __post_init__(self) -> None:
        _require(self.kl_coef >= 0, f"kl_coef must not be negative, got {self.kl_coef}")
        for name in ("num_steps", "num_epochs", "minibatch_size"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "clip", "max_grad_norm"):
            _require(getattr(self, name) > 0, f"{name} must be greater than 0, got {getattr(self, name)}")
        for name in ("gamma", "gae_lambda"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must be between 0 and 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class A2CConfig:
    """Synchronous advantage actor-critic: PPO's rollout with one gradient step on all of it, and no clipping.

    Attributes:
        num_steps: T, steps of each environment in a rollout.
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        gamma: discount.
        gae_lambda: decay of the advantage estimate.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm.
        normalize_advantage: to mean 0 and standard deviation 1 in each rollout.
    """

    num_steps: int = 8
    learning_rate: float = 1e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 1.0
    value_coef: float = 0.5
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5
    normalize_advantage: bool = False

    def __post_init__(self) -> None:
        self.as_ppo(1)  # its checks are these

    def as_ppo(self, num_envs: int) -> PPOConfig:
        """The same as settings of PPO, for rollouts of so many environments."""
        return PPOConfig(
            **dataclasses.asdict(self), num_epochs=1, minibatch_size=num_envs * max(1, self.num_steps), clip=math.inf
        )


@dataclass(frozen=True)
class ImitationConfig:
    """Learning from a teacher: behavior cloning ("bc", the teacher acts) and DAgger ("dagger", it labels).

    Attributes:
        expert: what the expert sees, "explored" (what the agent has seen, so that it can be imitated) or "world".
        demonstrations: with "bc", a file of recorded demonstrations to learn from; without one the expert acts afresh.
        mixing: with "dagger", the share of the run over which the expert's share of the actions falls from 1.
        kept_share: with "dagger", the share that it falls to. Above 0 the expert frees an agent that is stuck; where
            episodes are long, being stuck would otherwise fill the rollouts.
        num_steps: T, steps of each environment in a rollout, and of back-propagation through the memory.
        num_epochs: passes over a rollout.
        minibatch_size: observations of a gradient step, rounded to whole environments.
        learning_rate: of Adam, at the start.
        anneal: let the learning rate fall linearly to zero.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        gamma: discount of the returns that the value learns.
        gae_lambda: decay of their estimate.
        max_grad_norm: gradients are scaled down to this norm.
    """

    expert: Sight = "explored"
    demonstrations: str = ""
    mixing: float = 0.3
    kept_share: float = 0.0
    num_steps: int = 20
    num_epochs: int = 1
    minibatch_size: int = 320
    learning_rate: float = 1e-3
    anneal: bool = True
    value_coef: float = 0.1
    entropy_coef: float = 0.0
    gamma: float = 0.99
    gae_lambda: float = 0.95
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        _require(self.expert in get_args(Sight), f"expert is one of {', '.join(get_args(Sight))}, not {self.expert!r}")
        for name in ("num_steps", "num_epochs", "minibatch_size"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "max_grad_norm"):
            _require(getattr(self, name) > 0, f"{name} must be greater than 0, got {getattr(self, name)}")
        for name in ("gamma", "gae_lambda", "mixing", "kept_share"):
            _require(0 <= getattr(self, name) <= 1, f"{name} must be between 0 and 1, got {getattr(self, name)}")


AlgorithmKind = Literal["ppo", "a2c", "bc", "dagger"]


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        algorithm: "ppo" or "a2c" (rewards), "bc" (behavior cloning of an expert or of recorded demonstrations) or
            "dagger" (the expert labels the states that the agent visits).
        init: folder of a run whose agent this one starts from, instead of a new one.
        task: id of a level or task, or FILE.py:CLASS.
        tasks: several tasks to train on at once, instead of ``task``; a curriculum of stages takes them in this order.
        body: "grid", "rover", or "own": the task's, which is the grid's for all but the grounded rooms.
        camera: what a rover sees with, where ``body`` is "rover"; a foreign simulator draws pictures of its size.
        held_out: what no training instruction asks for.
        total_frames: observations to train on, rounded up to whole rollouts.
        num_envs: B, environments side by side.
        bank_size: distinct episodes to train on, of each task.
        seed: names every random draw of the run.
        torch_threads: threads of PyTorch.
        device: "cpu", "cuda" or "cuda:0" ...
        checkpoint_seconds: how often a checkpoint is written (one is always written at the end).
        curriculum: how often each of several tasks is drawn.
        agent: parts and sizes of the agent.
        ppo: settings of "ppo".
        a2c: settings of "a2c".
        imitation: settings of "bc" and "dagger".
    """

    algorithm: AlgorithmKind = "ppo"
    init: str = ""

    task: str = "BabyAI-GoToLocal-v0"
    tasks: tuple[str, ...] = ()
    body: Literal["own", "grid", "rover"] = "own"
    camera: Camera = field(default_factory=Camera)
    held_out: HeldOut = field(default_factory=HeldOut)
    total_frames: int = 1_500_000
    num_envs: int = 512
    bank_size: int = 8192
    seed: int = 1
    torch_threads: int = 1
    device: str = "cpu"
    checkpoint_seconds: float = 60.0
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    imitation: ImitationConfig = field(default_factory=ImitationConfig)

    def __post_init__(self) -> None:
        kinds = get_args(AlgorithmKind)
        _require(self.algorithm in kinds, f"algorithm is one of {', '.join(kinds)}, not {self.algorithm!r}")
        for name in ("total_frames", "num_envs", "bank_size", "torch_threads"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, got {getattr(self, name)}")
        _require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        _require(self.checkpoint_seconds > 0, "checkpoint_seconds must be greater than 0")
        settings = self._settings
        if not isinstance(settings, A2CConfig):
            _require(
                settings.minibatch_size <= self.rollout_frames,
                f"minibatch_size {settings.minibatch_size} is larger than a rollout of {self.rollout_frames} frames "
                f"(num_envs x num_steps)",
            )
        self.curriculum.check(len(self.task_ids))
        self._check_teaching()

    def _check_teaching(self) -> None:
        recorded = self.imitation.demonstrations
        _require(
            not recorded or self.algorithm == "bc",
            f"recorded demonstrations ({recorded}) teach algorithm 'bc' only: no expert of 'dagger' is in them",
        )
        _require(
            not recorded or not self.tasks,
            "a file of demonstrations is of one task: give --task, not --tasks",
        )
        _require(
            self.ppo.kl_coef == 0 or (self.algorithm == "ppo" and bool(self.init)),
            "kl_coef keeps PPO near the policy that it starts from: it needs algorithm 'ppo' and an init",
        )

    @property
    def _settings(self) -> PPOConfig | A2CConfig | ImitationConfig:
        """Those of the algorithm."""
        if self.algorithm == "ppo":
            return self.ppo
        return self.a2c if self.algorithm == "a2c" else self.imitation

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks that are trained on, one or several."""
        return self.tasks or (self.task,)

    @property
    def num_steps(self) -> int:
        """T, steps of each environment in a rollout."""
        return self._settings.num_steps

    @property
    def rollout_frames(self) -> int:
        """Observations of one rollout."""
        return self.num_envs * self.num_steps

    @property
    def num_updates(self) -> int:
        """Rollouts of the whole run."""
        return math.ceil(self.total_frames / self.rollout_frames)

    def alone(self, task: str) -> TrainConfig:
        """The same with this task only."""
        return dataclasses.replace(self, task=task, tasks=(), curriculum=CurriculumConfig())

    def sources(self) -> tuple[EpisodeSource, ...]:
        """Where the episodes of each task come from.

        Raises:
            UnknownEnvironmentError, UnsupportedLevelError, TaskError: as ``find_source``; of several tasks the message
                says which one.
            ConfigurationError: if a task is named twice.
        """
        found: dict[str, EpisodeSource] = {}
        for place, task in enumerate(self.task_ids, start=1):
            try:
                source = find_source(task)
            except (UnknownEnvironmentError, UnsupportedLevelError, TaskError) as error:
                if not self.tasks:
                    raise
                raise type(error)(f"task {place} of the {len(self.tasks)} to train on, {task!r}: {error}") from error
            _require(source.id not in found, f"the tasks to train on name {source.id} twice")
            found[source.id] = source
        return tuple(found.values())

    def training_mixture(self, *, progress: bool = True) -> TaskMixture:
        """The episodes that the run trains on, task after task; errors as :meth:`sources` and ``build_bank``."""
        return TaskMixture.of(
            [
                build_bank(
                    source,
                    self.bank_size,
                    seed=self.seed,
                    split=source.training_split(self.held_out),
                    progress=progress,
                )
                for source in self.sources()
            ]
        )

    @property
    def is_foreign(self) -> bool:
        """Whether the task is a foreign simulator's, which has no source of episodes."""
        return self.task in DOOM_IDS and not self.tasks

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the run's token ids are of."""
        return vocabulary_of(self.task_ids[0])

    def embodiment(self) -> Embodiment:
        """What the run's episodes are played with.

        Raises:
            ConfigurationError: if the tasks have bodies or words of their own that differ; and as :meth:`sources`.
        """
        own = {source.embodiment for source in self.sources()}
        _require(
            len(own) == 1, f"{', '.join(self.task_ids)} are played with different bodies or words: train on them apart"
        )
        (embodiment,) = own
        if self.body == "own":
            return embodiment
        return embodiment.changed(self.body, self.camera if self.body == "rover" else None)

    def training_bank(self, *, progress: bool = True) -> EpisodeBank:
        """The episodes that the run trains on; errors as :meth:`training_mixture`."""
        return self.training_mixture(progress=progress).bank

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
                "tasks": _task_list(values["tasks"]),
                "curriculum": CurriculumConfig.from_dict(values["curriculum"]),
                "camera": Camera.from_dict(values["camera"]),
                "held_out": HeldOut.from_dict(values["held_out"]),
                "agent": AgentConfig.from_dict(values["agent"]),
                "ppo": PPOConfig(**values["ppo"]),
                "a2c": A2CConfig(**values["a2c"]),
                "imitation": ImitationConfig(**values["imitation"]),
            }
            return cls(**{**values, **parts})
        except (TypeError, KeyError, SplitError) as error:
            raise ConfigurationError(f"the configuration is not one of this version: {error}") from error


def _task_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(task, str) for task in value):
        raise TypeError(f"tasks is a list of ids, not {value!r}")
    return tuple(value)
