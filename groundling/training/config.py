"""What a training run is, as frozen values: validated when made, shown by ``--help``, saved with the run."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from groundling.agents.config import AgentConfig, Precision
from groundling.envs import EpisodeBank, HeldOut, TaskMixture
from groundling.envs.embodiment import Embodiment
from groundling.envs.first_person import Camera
from groundling.envs.sources import EpisodeSource
from groundling.errors import ConfigurationError, SplitError
from groundling.language.vocabulary import Vocabulary
from groundling.training import tasks as run_tasks
from groundling.training.curriculum import CurriculumConfig
from groundling.training.settings import A2CConfig, ImitationConfig, PPOConfig, require, require_each

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
        time_share: of its time limit that an episode of training has, at most 1; evaluation always has all of it. An
            agent that is lost plays to the limit, and where limits are long most frames are of such episodes. Rewards
            that fall with time (MiniGrid's) do so against the shorter limit.
        seed: names every random draw of the run.
        torch_threads: threads of PyTorch.
        device: "cpu", "cuda" or "cuda:0" ...
        precision: of the agent's eyes for pixels in training, "float32" or "bfloat16": their products over many pixels
            and cells are faster where the processor has instructions for them (of Intel's and AMD's those with
            avx512_bf16 or AMX), and are rounded to 8 bits. Parameters, words, memory, heads, losses and the optimizer
            stay float32, and so do the agents that are evaluated, played or watched.
        checkpoint_seconds: how often a checkpoint is written (one is always written at the end).
        curriculum: how often each of several tasks, or of a task's instructions, is drawn.
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
    time_share: float = 1.0
    seed: int = 1
    torch_threads: int = 1
    device: str = "cpu"
    precision: Precision = "float32"
    checkpoint_seconds: float = 60.0
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    ppo: PPOConfig = field(default_factory=PPOConfig)
    a2c: A2CConfig = field(default_factory=A2CConfig)
    imitation: ImitationConfig = field(default_factory=ImitationConfig)

    def __post_init__(self) -> None:
        kinds = get_args(AlgorithmKind)
        require(self.algorithm in kinds, f"algorithm is one of {', '.join(kinds)}, not {self.algorithm!r}")
        require_each(self, "total_frames", "num_envs", "bank_size", "torch_threads", least=1)
        require(0 < self.time_share <= 1, f"time_share is above 0 and at most 1, not {self.time_share}")
        require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        precisions = get_args(Precision)
        require(self.precision in precisions, f"precision is {' or '.join(precisions)}, not {self.precision!r}")
        require(
            self.precision == "float32" or self.agent.vision != "symbolic",
            "precision 'bfloat16' is for eyes that see pixels, symbols would not gain by it: leave it at 'float32'",
        )
        require(self.checkpoint_seconds > 0, "checkpoint_seconds must be greater than 0")
        settings = self._settings
        if not isinstance(settings, A2CConfig):
            require(
                settings.minibatch_size <= self.rollout_frames,
                f"minibatch_size {settings.minibatch_size} is larger than a rollout of {self.rollout_frames} frames "
                f"(num_envs x num_steps)",
            )
        require(
            self.due_coef == 0 or self.agent.tells_due,
            "due_coef is the weight of what an agent learns that tells_due: set agent.tells_due as well",
        )
        require(
            self.curriculum.of == "tasks" or not self.imitation.demonstrations,
            "a curriculum of instructions is for episodes of a bank, not for another simulator's or recorded ones",
        )
        run_tasks.check_world(self)
        self.curriculum.check(len(self.task_ids))
        self._check_teaching()

    def _check_teaching(self) -> None:
        recorded = self.imitation.demonstrations
        require(
            not recorded or self.algorithm == "bc",
            f"recorded demonstrations ({recorded}) teach algorithm 'bc' only: no expert of 'dagger' is in them",
        )
        require(
            not recorded or not self.tasks,
            "a file of demonstrations is of one task: give --task, not --tasks",
        )
        require(
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
    def due_coef(self) -> float:
        """The weight of the loss of an agent that tells what is due; 0 where the algorithm has none."""
        settings = self._settings
        return 0.0 if isinstance(settings, A2CConfig) else settings.due_coef

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
        """Where the episodes of each task come from; errors as ``tasks.bank_families``."""
        return tuple(family.source for family in run_tasks.bank_families(self))

    def training_mixture(self, *, progress: bool = True) -> TaskMixture:
        """The episodes that the run trains on, task after task; errors as :meth:`sources` and ``build_bank``."""
        return run_tasks.training_mixture(self, progress=progress)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the run's token ids are of."""
        return run_tasks.vocabulary(self)

    def embodiment(self) -> Embodiment:
        """What the run's episodes are played with; errors as ``tasks.embodiment``."""
        return run_tasks.embodiment(self)

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
