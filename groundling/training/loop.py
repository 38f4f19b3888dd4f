"""The one loop: collect, update, log, checkpoint, until the frames are spent."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from gymnasium.vector import VectorEnv

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.specification import spec_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import CheckpointError, ConfigurationError, GroundlingError, RunFolderError
from groundling.files import make_folder, write_text
from groundling.seeding import integer
from groundling.training.algorithms import find_algorithm
from groundling.training.algorithms.base import Run
from groundling.training.allocation import keep_freed_memory
from groundling.training.beginnings import find_device, initial_agent, initial_checkpoint, load_demonstrations
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.curriculum import make_curriculum
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.environments import EnvsMaker, SavableEnvs, make_training_envs, name_of_maker, warmup_updates
from groundling.training.logs import RunLog
from groundling.training.progress import TrainingProgress
from groundling.training.rewards.stage import RewardStage
from groundling.training.statistics import EpisodeStatistics
from groundling.training.tasks import check_tasks, findable
from groundling.trust import note_received

CONFIG_NAME = "config.json"
WITHOUT_EFFECT = ("checkpoint_seconds", "evaluate_every", "evaluation_episodes")  # on what is trained

# What parts raise that are given the state of others.
_UNFIT = (KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError, OverflowError, AssertionError)

_log = logging.getLogger(__name__)


class Evaluator(Protocol):
    """Says what an agent reaches while it trains; ``groundling.eval`` has one."""

    def __call__(self, agent: ActorCritic) -> Mapping[str, float]:
        """Metrics of the agent as it is now."""


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Attributes:
        agent: the trained agent, which still sees in the precision of the run.
        frames: observations that it was trained on.
        seconds: of wall clock, of this call.
        metrics: of the last update.
    """

    agent: ActorCritic
    frames: int
    seconds: float
    metrics: dict[str, float]


class Trainer:
    """One training run in one folder.

    Args:
        config: what to train.
        folder: where configuration, checkpoint, TensorBoard logs and metrics go.
        resume: continue from the folder's checkpoint; on the CPU, the parameters will be bit-equal to those of a run
            that was never interrupted. Environments that cannot be saved begin new episodes, which is logged.
        evaluator: says what the agent alone reaches, as metrics; it is asked as often as the configuration says
            (``groundling.eval.periodic.PeriodicEvaluation.of(config)``). None: nobody is asked.
        make_envs: makes the environments of the run instead of those that the configuration names; see
            ``make_training_envs`` for what they must have.

    Raises:
        RunFolderError: if the folder already holds a run (without ``resume``).
        StorageError: if the folder cannot be written.
        CheckpointError: if there is no whole checkpoint to resume from.
        ConfigurationError: if the checkpoint is one of another configuration, the device is not there, or the agent
            does not suit the environments.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path | str,
        *,
        resume: bool = False,
        make_envs: EnvsMaker | None = None,
        evaluator: Evaluator | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.evaluator = evaluator
        self.updates = 0
        if make_envs is not None:
            name = name_of_maker(make_envs)
            config = replace(config, task=name, tasks=(), made_by=name)
        if make_envs is None and not config.made_by:
            config = findable(config)
            check_tasks(config)  # refuse a wrong task before creating the folder
        self.config = config
        device = find_device(config.device)
        demonstrations = load_demonstrations(config)
        initial = None if resume else initial_checkpoint(config)
        checkpoint = self._prepare_folder(resume, make_envs is not None)
        torch.set_num_threads(config.torch_threads)
        keep_freed_memory()
        # a VectorEnv; what Groundling's own has beside is only asked for where `self.compiled_envs` is set
        self.envs: Any = None
        try:
            self.envs = make_training_envs(config, demonstrations) if make_envs is None else make_envs(config)
            own: VectorEnv = self.envs.unwrapped
            self.compiled_envs = own if isinstance(own, GroundlingVectorEnv) else None
            self._assemble(device, demonstrations, initial, checkpoint)
        except BaseException:
            if self.envs is not None:
                self.envs.close()  # they may be processes
            with contextlib.suppress(OSError):
                self.folder.rmdir()  # if it is empty: there is no run in it
            raise

    def _assemble(
        self,
        device: torch.device,
        demonstrations: DemonstrationSet | None,
        initial: Checkpoint | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Make the parts of the run around its environments."""
        config, spec = self.config, spec_of(self.envs)
        if checkpoint is not None and (different := checkpoint.spec.differences(spec)):
            raise ConfigurationError(
                f"the agent of {self.folder} was built for other environments: {'; '.join(different)} in these"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "agent"))
            self.agent = ActorCritic(config.agent, spec).to(device)
        beginning = None if initial is None else initial_agent(initial, config, spec, device)
        if beginning is not None:
            self.agent.load_state_dict(beginning.state_dict())
            beginning.set_precision(config.precision)
        self.agent.set_precision(config.precision)  # it acts and learns in it: ratios would else not be 1
        steps = config.rollout_frames // config.num_envs
        self.curriculum = make_curriculum(config.curriculum, warmup_updates(self.envs, steps))
        if self.compiled_envs is not None:
            self.compiled_envs.set_shares(self.curriculum.shares())
        self.statistics = EpisodeStatistics.of_envs(self.envs)
        self.rewards = RewardStage.of(config, self.envs)
        run = Run(config, self.envs, self.agent, self.rewards, self.statistics, beginning, demonstrations)
        self.algorithm = find_algorithm(config.algorithm)(run)
        if checkpoint is None:
            observation = self.algorithm.start(integer(config.seed, "episodes") % 2**31)
            if not config.init:
                self.agent.calibrate(observation)
            write_text(self.folder / CONFIG_NAME, config.to_json())
        else:
            self._restore(checkpoint)

    @property
    def frames(self) -> int:
        """Observations trained on so far."""
        return self.updates * self.config.rollout_frames

    def run(self, progress: TrainingProgress | None = None, *, stop_after_updates: int | None = None) -> TrainResult:
        """Train to the end (or for some updates only), writing logs and checkpoints.

        Raises:
            StorageError: if a log or checkpoint cannot be written; the last checkpoint is unchanged.
        """
        config = self.config
        total = config.num_updates * config.rollout_frames
        last = (
            config.num_updates
            if stop_after_updates is None
            else min(config.num_updates, self.updates + stop_after_updates)
        )
        log = RunLog(self.folder, from_frames=self.frames)
        start = saved = before = time.perf_counter()
        metrics: dict[str, float] = {}
        try:
            while self.updates < last:
                metrics = self.train_once()
                now = time.perf_counter()
                metrics["frames_per_second"] = config.rollout_frames / (now - before)
                metrics |= self._evaluate()
                before = time.perf_counter()
                log.write(self.frames, metrics)
                if progress is not None:
                    progress.update(self.frames, total, metrics)
                if now - saved > config.checkpoint_seconds:
                    self.save()
                    saved = now
            self.save()
        finally:
            log.close()
            self.envs.close()
        return TrainResult(self.agent, self.frames, time.perf_counter() - start, metrics)

    def train_once(self) -> dict[str, float]:
        """One collection and one update; returns the metrics."""
        metrics = self.algorithm.train_once(self.updates / self.config.num_updates)
        self.updates += 1
        return {**self._advance_curriculum(), **self.rewards.take_metrics(), **metrics}

    def _evaluate(self) -> dict[str, float]:
        """The metrics of an evaluation, if one is due after the update that was just made."""
        interval, step = self.config.evaluation_interval, self.config.rollout_frames
        if self.evaluator is None or not interval:
            return {}
        is_due = self.frames // interval > (self.frames - step) // interval or self.updates == self.config.num_updates
        return dict(self.evaluator(self.agent)) if is_due else {}

    def _advance_curriculum(self) -> dict[str, float]:
        """The metrics of the episodes that ended; the curriculum mixes those that begin next by them."""
        statistics, own = self.statistics, self.compiled_envs
        if own is None:
            return statistics.take()
        by_task = len(own.tasks) > 1 and self.config.curriculum.of == "tasks"  # instructions may be thousands
        mixed: dict[str, float] = {}
        if by_task:
            shares = {f"share/{task}": float(share) for task, share in zip(own.tasks, own.shares, strict=True)}
            mixed = {**self.curriculum.metrics(), **shares}
        self.curriculum.note(statistics.successes_by_task())
        own.set_shares(self.curriculum.shares())
        return {**statistics.take(by_task=by_task), **mixed}

    def save(self) -> None:
        """Write the checkpoint."""
        Checkpoint(
            config=self.config,
            spec=self.agent.spec,
            frames=self.frames,
            updates=self.updates,
            agent=self.agent.state_dict(),
            algorithm=self.algorithm.state_dict(),
            statistics=self.statistics.state_dict(),
            rewards=self.rewards.state_dict(),
            curriculum=self.curriculum.state_dict(),
        ).save(self.folder / CHECKPOINT_NAME)

    def _prepare_folder(self, resume: bool, is_made: bool) -> Checkpoint | None:
        path = self.folder / CHECKPOINT_NAME
        if not resume:
            if self.config.made_by and not is_made:
                raise ConfigurationError(_missing_maker(self.config.made_by))
            if path.exists():
                raise RunFolderError(
                    f"{self.folder} already holds a run: choose another folder, or continue it with --resume"
                )
            make_folder(self.folder)
            return None
        checkpoint = Checkpoint.load(path)
        if checkpoint.config.made_by and not is_made:
            raise ConfigurationError(f"{self.folder}: {_missing_maker(checkpoint.config.made_by)}")
        if is_made and not checkpoint.config.made_by:
            raise ConfigurationError(
                f"{self.folder} was trained in {', '.join(checkpoint.config.task_ids)}, not in environments that "
                "make_envs made: resume it without make_envs"
            )
        ours, theirs = self.config.to_dict(), checkpoint.config.to_dict()
        different = [name for name in ours if ours[name] != theirs.get(name) and name not in WITHOUT_EFFECT]
        if different:
            raise ConfigurationError(
                f"{self.folder} was trained with another {', '.join(different)}: a resumed run keeps its configuration"
            )
        return checkpoint

    def _restore(self, checkpoint: Checkpoint) -> None:
        if not isinstance(self.envs, SavableEnvs):
            _log.warning(
                "%s cannot be saved: the run goes on from %s frames with new episodes, not as if it had never stopped",
                type(self.envs).__name__,
                f"{checkpoint.frames:,}",
            )
            self.algorithm.start(integer(self.config.seed, "episodes", checkpoint.updates) % 2**31)
        try:
            self.agent.load_state_dict(checkpoint.agent)
            self.algorithm.load_state_dict(checkpoint.algorithm)
            self.statistics.load_state_dict(checkpoint.statistics)
            self.rewards.load_state_dict(checkpoint.rewards)
            self.curriculum.load_state_dict(checkpoint.curriculum)
        except GroundlingError:
            raise
        except _UNFIT as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"the checkpoint of {self.folder} holds another state than its configuration's ({reason}): it is "
                "damaged, or of another version"
            ) from error
        self.updates = checkpoint.updates


def _missing_maker(made_by: str) -> str:
    return (
        f"the run was trained in environments that {made_by} made, which no id names: give Trainer(..., make_envs=...) "
        "that function"
    )


def train(
    config: TrainConfig,
    folder: Path | str,
    *,
    resume: bool = False,
    progress: TrainingProgress | None = None,
    make_envs: EnvsMaker | None = None,
    evaluator: Evaluator | None = None,
) -> TrainResult:
    """Train an agent; see :class:`Trainer` for the arguments and errors."""
    return Trainer(config, folder, resume=resume, make_envs=make_envs, evaluator=evaluator).run(progress)


def resume_config(folder: Path | str, *, trust_code: bool = False, for_evaluation: bool = False) -> TrainConfig:
    """The configuration of the run in a folder.

    Args:
        folder: of the run.
        trust_code: run code of somebody's own that it names.
        for_evaluation: leave out an algorithm or reward whose code may not run.

    Raises:
        RunFolderError: if there is no run.
        ConfigurationError: if it is one of another version.
        UntrustedCodeError: if it names code that is needed, and that nobody else names.
    """
    path = Path(folder) / CONFIG_NAME
    if not path.is_file():
        raise RunFolderError(f"there is no run at {folder}: {CONFIG_NAME} is missing. `groundling train` makes one")
    text = path.read_text(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        note_received(json.loads(text), path, trust_code=trust_code)
    return TrainConfig.from_json(text, for_evaluation=for_evaluation)
