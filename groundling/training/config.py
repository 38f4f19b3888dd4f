"""What a training run is, as frozen values: validated when made, shown by ``--help``, saved with the run."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from groundling.agents.config import AgentConfig, Precision
from groundling.configuration import Open, accepts_settings, from_plain, plain
from groundling.envs import EpisodeBank, HeldOut, TaskMixture
from groundling.envs.banks.sources import EpisodeSource
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, SplitError
from groundling.language.vocabulary import Vocabulary
from groundling.setting_types import check_settings
from groundling.training import tasks as run_tasks
from groundling.training.algorithms import ALGORITHMS, find_algorithm
from groundling.training.checks import require, require_each
from groundling.training.compilation import KINDS as COMPILE_KINDS
from groundling.training.compilation import Compile
from groundling.training.curriculum import CurriculumConfig
from groundling.training.migration import migrated_config
from groundling.training.received import is_left_out, without_code
from groundling.training.rewards import REWARDS, find_reward

USUAL_EVALUATIONS: Final = 5  # of a run, where nobody says how often
LEAST_EVALUATED: Final = 50_000  # frames of a run that is evaluated while it trains, where nobody says


@accepts_settings
@dataclass(frozen=True)
class TrainConfig(Open):
    """A training run.

    Attributes:
        algorithm: "ppo", "a2c", "ppo_kl", "reinforce", "grpo", "rloo", "drpo" or "vtrace" (learn from rewards, see
            docs/algorithms.md), "bc" (behavior cloning of an expert or of recorded demonstrations), "dagger" (the
            expert labels the states that the agent visits), "dpo" (learn from comparisons of trajectories), "infonce"
            (encoders only, by contrast: clips of what an expert does and sentences that name it; for --reward
            contrastive and --init), one of Stable-Baselines3 ("sb3:PPO", "sb3:A2C", "sb3:DQN", "sb3contrib:TRPO",
            "sb3contrib:QRDQN", "sb3contrib:RecurrentPPO"), or your own, my_file.py:MyAlgorithm.
        init: folder of another run; training starts from its agent's parameters.
        task: id of a level or task (`groundling tasks` lists them), or your own, my_file.py:MyTask.
        tasks: ids of several tasks to train on at once, instead of --task. The curriculum "stages" adds them in this
            order.
        body: how the agent moves and what it observes: "grid" (moves from cell to cell, symbolic observations), "rover"
            (drives in metres, images) or "own" (what the task is made for, the default).
        camera: camera of the rover (--body rover), or of another simulator.
        simulator_python: the Python interpreter that runs the environments of another package (tasks gym:ID and
            my_file.py:make_env), where that package does not go together with Groundling's own.
        held_out: instructions and wordings excluded from training.
        total_frames: number of frames to train on, rounded up to whole rollouts. One frame is one environment step of
            one environment.
        num_envs: B, number of parallel environments.
        bank_size: number of distinct training episodes of each task.
        time_share: fraction of the task's time limit that a training episode gets, above 0 and at most 1. Evaluation
            always uses the full limit. Where limits are long, an untrained agent spends most frames in episodes that
            have failed already; a shorter limit saves these frames. MiniGrid's reward, which decreases with time, is
            computed with the shorter limit.
        seed: random seed.
        torch_threads: number of PyTorch threads.
        env_threads: number of threads that share a step of Groundling's own environments, which pays with pictures and
            from some thousands of environments on; they play the same.
        update_threads: number of threads that compute the gradient of a minibatch, each of a part of it. 2 on two idle
            cores is faster than torch_threads 2; the updates are the same up to rounding.
        device: PyTorch device: "cpu", "cuda", "cuda:0" ...
        env_device: where the environments are stepped: "cpu", or on the GPU of --device ("cuda", "cuda:0"), where their
            observations stay: tasks of the grid, rewards of the environment.
        precision: arithmetic of the image encoder in training, of pictures or of symbols. "bfloat16" is faster on GPUs,
            and with pictures on processors with instructions for it (avx512_bf16 or AMX), and has 8 significant bits.
            Everything else stays float32, also agents that are evaluated or watched.
        compile: compile the agent's forward pass with torch.compile: "no", "default", or "cuda-graphs", which on a GPU
            launches the kernels of a pass at once. Needs a C++ compiler on the CPU; the first updates take minutes.
        half_batches: step the environments in two halves, each while the agent decides on the other, in a thread of
            their own. Pays where stepping takes long, as with pictures, or where the agent is on a GPU; results are the
            same up to rounding.
        checkpoint_seconds: seconds between checkpoints; the last one is always written at the end.
        evaluate_every: frames between evaluations of the agent, without expert actions, in unseen layouts of its tasks;
            there is one more at the end. By default five in a run (none in runs of fewer than 50,000 frames); 0: never.
        evaluation_episodes: number of episodes of each of these evaluations.
        curriculum: how often each task, or each instruction of a task, is sampled.
        reward: terms whose sum is the reward: "environment" (the reward of the environment), "distance" (shaping by the
            expert's steps to go), "demonstration" (shaping by progress along the expert's way), "rubric" (parts of
            the goal that are done, less errors), "agile" (learned from examples of goal states), "learn" (shaping by
            how well the actions so far go with the sentence), "contrastive" (similarity of what is done and the
            instruction), "preferences" (learned from comparisons of trajectories),
            "frozen:RUN" (the learned rewards of another run, which learn no more), or your own, my_file.py:MyReward.
        reward_weights: weight of each term; by default 1.
        agent: parts and sizes of the agent.
        made_by: name of the function that made the environments, if ``Trainer(make_envs=...)`` was given one; set by
            the trainer.
        settings: of the algorithm and of rewards, each an instance of its own class. Settings of algorithms that the
            run does not use are kept for a run that does.
    """

    algorithm: str = "ppo"
    init: str = ""

    task: str = "BabyAI-GoToLocal-v0"
    tasks: tuple[str, ...] = ()
    body: Literal["own", "grid", "rover"] = "own"
    camera: Camera = field(default_factory=Camera)
    simulator_python: str = ""
    held_out: HeldOut = field(default_factory=HeldOut)
    total_frames: int = 1_500_000
    num_envs: int = 512
    bank_size: int = 8192
    time_share: float = 1.0
    seed: int = 1
    torch_threads: int = 1
    update_threads: int = 1
    env_threads: int = 1
    device: str = "cpu"
    env_device: str = "cpu"
    precision: Precision = "float32"
    compile: Compile = "no"
    half_batches: bool = False
    checkpoint_seconds: float = 60.0
    evaluate_every: int | None = None
    evaluation_episodes: int = 100
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    reward: tuple[str, ...] = ("environment",)
    reward_weights: tuple[float, ...] = ()
    agent: AgentConfig = field(default_factory=AgentConfig)
    made_by: str = ""
    settings: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        check_settings(self)
        algorithm = find_algorithm(self.algorithm)
        own = self.settings_of(algorithm.Config)
        settings = self.settings if own in self.settings else (*self.settings, own)
        ordered = sorted(settings, key=lambda value: (type(value).__module__, type(value).__qualname__))
        object.__setattr__(self, "settings", tuple(ordered))  # in whatever order they were given, they are the same
        require_each(
            self, "total_frames", "num_envs", "bank_size", "torch_threads", "update_threads", "env_threads", least=1
        )
        require(0 < self.time_share <= 1, f"time_share is above 0 and at most 1, not {self.time_share}")
        require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        precisions = get_args(Precision)
        require(self.precision in precisions, f"precision is {' or '.join(precisions)}, not {self.precision!r}")
        require(self.compile in COMPILE_KINDS, f"compile is {', '.join(COMPILE_KINDS)}, not {self.compile!r}")
        require(
            not self.half_batches or (algorithm.plays_halves and self.env_device == "cpu"),
            f"algorithm {self.algorithm!r} does not collect in half batches: leave --half-batches out"
            if self.env_device == "cpu"
            else "environments on a GPU wait for nobody: leave --half-batches out",
        )
        require_each(self, "evaluation_episodes", least=1)
        require((self.evaluate_every or 0) >= 0, f"evaluate_every must not be negative, got {self.evaluate_every}")
        require(self.checkpoint_seconds > 0, "checkpoint_seconds must be greater than 0")
        require(len(set(self.reward)) == len(self.reward), f"a reward is named twice: {', '.join(self.reward)}")
        require(bool(self.reward), "a run is paid by at least one reward: leave 'environment'")
        sections(self.algorithm, self.reward)  # refuses a reward that there is not
        require(
            len(self.reward_weights) in (0, len(self.reward)),
            f"{len(self.reward)} rewards have as many reward_weights, or none, got {len(self.reward_weights)}",
        )
        require(
            self.curriculum.of == "tasks" or not algorithm.demonstrations(self),
            "a curriculum of instructions is for episodes of a bank, not for another simulator's or recorded ones",
        )
        run_tasks.check_world(self)
        require(
            self.env_device == "cpu" or algorithm.plays_on_device,
            f"the algorithm {self.algorithm!r} plays environments of the CPU only: leave env_device at 'cpu'",
        )
        self.curriculum.check(len(self.task_ids))
        require(
            self.update_threads == 1 or self.compile == "no",
            "a compiled agent computes a gradient on one thread: leave compile at 'no', or update_threads at 1",
        )
        require(
            self.update_threads == 1 or algorithm.splits_updates,
            f"algorithm {self.algorithm!r} computes a gradient on one thread: leave update_threads at 1",
        )
        algorithm.check(self)

    @property
    def algorithm_settings(self) -> Any:
        """The settings of the run's algorithm."""
        return self.settings_of(find_algorithm(self.algorithm).Config)

    @classmethod
    def place_settings(cls, values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Settings of algorithms and rewards by the names of their sections, see ``Open``."""
        known = sections(values.get("algorithm", cls.algorithm), values.get("reward", cls.reward))
        settings = tuple(values.get("settings", ()))
        for name, value in others.items():
            if name not in known:
                raise ConfigurationError(f"a training run has no setting {name!r}")
            if not isinstance(value, known[name]):
                raise ConfigurationError(f"{name} is a {known[name].__name__}, not {value!r}")
            settings = (*(part for part in settings if type(part) is not known[name]), value)
        return {**values, "settings": settings}

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks that are trained on, one or several."""
        return self.tasks or (self.task,)

    @property
    def rollout_frames(self) -> int:
        """Observations that one update learns from."""
        return find_algorithm(self.algorithm).frames_per_update(self)

    @property
    def num_updates(self) -> int:
        """Rollouts of the whole run."""
        return math.ceil(self.total_frames / self.rollout_frames)

    @property
    def evaluation_interval(self) -> int:
        """Frames between evaluations during training; 0: there are none."""
        if self.evaluate_every is not None:
            return self.evaluate_every
        return self.total_frames // USUAL_EVALUATIONS if self.total_frames >= LEAST_EVALUATED else 0

    def alone(self, task: str) -> TrainConfig:
        """The same with this task only."""
        return dataclasses.replace(self, task=task, tasks=(), curriculum=CurriculumConfig())

    def of_process(self, processes: int) -> TrainConfig:
        """The same with the environments that one of so many processes has.

        It is not checked again: what else it says, such as the size of a minibatch, is of all processes together.
        """
        own = copy.copy(self)
        object.__setattr__(own, "num_envs", self.num_envs // processes)
        return own

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values; settings by the names of their sections."""
        own = {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self) if f.name != "settings"}
        known = sections(self.algorithm, self.reward)
        named = {name: plain(value) for name, kind in known.items() for value in self.settings if type(value) is kind}
        return {**own, "agent": self.agent.to_dict(), **named}

    def to_json(self) -> str:
        """The configuration as JSON text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, for_evaluation: bool = False) -> TrainConfig:
        """Read :meth:`to_json` back; for ``for_evaluation`` see :meth:`from_dict`.

        Raises:
            ConfigurationError: if it is not JSON, or has settings that this version does not know.
        """
        try:
            return cls.from_dict(json.loads(text), for_evaluation=for_evaluation)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigurationError(f"the configuration is not valid JSON: {error}") from error

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, for_evaluation: bool = False) -> TrainConfig:
        """The configuration of plain values (:meth:`to_dict`), also of those that older versions wrote.

        Args:
            values: as :meth:`to_dict` gives them.
            for_evaluation: leave out an algorithm or reward whose code may not run, and its settings: the agent acts
                without (see ``groundling.trust``).

        Raises:
            ConfigurationError: if a setting is unknown or has an impossible value.
            UntrustedCodeError: if a part that is needed is code that only a received file names.
        """
        try:
            values = migrated_config(values)
            if for_evaluation:
                values = without_code(values, ALGORITHMS, REWARDS)
            rewards = _task_list(values["reward"])
            parts: dict[str, Any] = {
                "tasks": _task_list(values["tasks"]),
                "reward": rewards,
                "reward_weights": tuple(values["reward_weights"]),
                "curriculum": CurriculumConfig.from_dict(values["curriculum"]),
                "camera": Camera.from_dict(values["camera"]),
                "held_out": HeldOut.from_dict(values["held_out"]),
                "agent": AgentConfig.from_dict(values["agent"]),
            }
            known = sections(values["algorithm"], rewards)
            named = {name: from_plain(kind, values[name]) for name, kind in known.items() if name in values}
            if any(map(is_left_out, (values["algorithm"], *rewards))):  # nor do their settings mean anything then
                fields = {field.name for field in dataclasses.fields(cls)}
                values = {name: value for name, value in values.items() if name in fields}
            return cls(**{**values, **parts, **named})
        except (TypeError, KeyError, AttributeError, SplitError) as error:
            raise ConfigurationError(f"the configuration is not one of this version: {error}") from error


def sections(algorithm: str, rewards: tuple[str, ...]) -> dict[str, type[Any]]:
    """The classes of settings that a run may hold, by the names of their sections.

    They are those of the run's algorithm and rewards, and of the built-in and registered algorithms.

    Raises:
        ConfigurationError: if there is no such algorithm or reward, or one is no name.
    """
    require(isinstance(algorithm, str), f"algorithm is text, not {algorithm!r}")
    is_named = isinstance(rewards, list | tuple) and all(isinstance(name, str) for name in rewards)
    require(is_named, f"reward is a tuple of names, not {rewards!r}")
    names = [*(name for name in ALGORITHMS.names() if name != algorithm), algorithm]  # a run's own section wins
    found = {kind.section: kind.Config for kind in map(find_algorithm, names)}
    for term in map(find_reward, rewards):
        if hasattr(term, "Config"):
            found[term.section] = term.Config
    return found


def _task_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(task, str) for task in value):
        raise TypeError(f"a list of names is expected, not {value!r}")
    return tuple(value)
