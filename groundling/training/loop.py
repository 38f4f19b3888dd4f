"""The one loop: collect, update, log, checkpoint, until the frames are spent."""

from __future__ import annotations

import contextlib
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
from groundling.errors import CheckpointError, ConfigurationError, GroundlingError
from groundling.files import remove_leftovers, write_text
from groundling.interruption import Interrupted, StopRequest, stop_requests
from groundling.run_lock import RunLock
from groundling.seeding import integer
from groundling.training.algorithms import find_algorithm
from groundling.training.algorithms.base import Run
from groundling.training.allocation import keep_freed_memory
from groundling.training.beginnings import find_device, initial_agent, initial_checkpoint, load_demonstrations
from groundling.training.best import BEST_NAME, BestSoFar
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.compilation import compile_agent
from groundling.training.config import TrainConfig
from groundling.training.curriculum import make_curriculum
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.divergence import check_metrics, check_parameters, divergence_told
from groundling.training.environments import (
    EnvsMaker,
    MixedEnvs,
    SavableEnvs,
    make_training_envs,
    name_of_maker,
    warmup_updates,
)
from groundling.training.logs import METRICS_NAME, RunLog
from groundling.training.progress import TrainingProgress
from groundling.training.rewards.stage import RewardStage
from groundling.training.run_folder import CONFIG_NAME, check_unused, differences, load_to_resume
from groundling.training.statistics import EpisodeStatistics
from groundling.training.tasks import check_tasks, findable

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
            that was never interrupted. Environments that cannot be saved begin new episodes, which is logged. The
            configuration may differ in ``run_folder.CHANGEABLE``: ``total_frames`` extends a run.
        evaluator: says what the agent alone reaches, as metrics; it is asked as often as the configuration says
            (``groundling.eval.periodic.PeriodicEvaluation.of(config)``). None: nobody is asked.
        make_envs: makes the environments of the run instead of those that the configuration names; see
            ``make_training_envs`` for what they must have.
        lock: of the folder, where the caller holds it already; the trainer lets it go.

    Raises:
        RunFolderError: if the folder already holds a run (without ``resume``), or somebody trains in it just now.
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
        lock: RunLock | None = None,
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
        is_made = make_envs is not None
        if resume:
            Checkpoint.check_there(self.folder / CHECKPOINT_NAME)  # before there is a lock in the folder
        self.lock = lock or RunLock(self.folder)
        self._threads = torch.get_num_threads()
        torch.set_num_threads(config.torch_threads)
        keep_freed_memory()
        # a VectorEnv; what Groundling's own has beside is only asked for where `self.compiled_envs` is set
        self.envs: Any = None
        try:
            checkpoint = self._open_folder(resume, is_made)
            self.envs = make_training_envs(config, demonstrations) if make_envs is None else make_envs(config)
            own: VectorEnv = self.envs.unwrapped
            self.compiled_envs = own if isinstance(own, MixedEnvs) else None
            self._assemble(device, demonstrations, initial, checkpoint)
        except BaseException:
            self.close()
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
        self.best = BestSoFar.of(config, is_evaluated=self.evaluator is not None)
        if checkpoint is None:
            observation = self.algorithm.start(integer(config.seed, "episodes") % 2**31)
            if not config.init:
                self.agent.calibrate(observation)
            write_text(self.folder / CONFIG_NAME, config.to_json())
        else:
            self._restore(checkpoint)
        compile_agent(self.agent, config.compile)

    @property
    def frames(self) -> int:
        """Observations trained on so far."""
        return self.updates * self.config.rollout_frames

    def run(self, progress: TrainingProgress | None = None, *, stop_after_updates: int | None = None) -> TrainResult:
        """Train to the end (or for some updates only), writing logs and checkpoints.

        Ctrl-C, SIGTERM and SIGHUP end the run after the present update, with a checkpoint; a second Ctrl-C at once.

        Raises:
            StorageError: if a log or checkpoint cannot be written; the last checkpoint is unchanged.
            DivergenceError: if a loss, a reward or a parameter is not finite; the last checkpoint is unchanged.
            Interrupted: if a signal ended the run; a ``KeyboardInterrupt``, whose message says what is saved.
        """
        config = self.config
        last = (
            config.num_updates
            if stop_after_updates is None
            else min(config.num_updates, self.updates + stop_after_updates)
        )
        start = time.perf_counter()
        metrics: dict[str, float] = {}
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            log = stack.enter_context(contextlib.closing(RunLog(self.folder, from_frames=self.frames)))
            stop = stack.enter_context(stop_requests("a checkpoint is saved after this update"))
            metrics = self._train_to(last, log, progress, stop)
            self._save(log)
        if stop:
            left = self.updates < config.num_updates
            then = f"`groundling train --resume {self.folder}` goes on" if left else "the run is complete"
            raise Interrupted(stop.number, f"{stop.name}: saved at {self.frames:,} frames; {then}")
        return TrainResult(self.agent, self.frames, time.perf_counter() - start, metrics)

    def _train_to(
        self, last: int, log: RunLog, progress: TrainingProgress | None, stop: StopRequest
    ) -> dict[str, float]:
        """Train until so many updates are made or a signal comes; returns the last metrics."""
        config, metrics = self.config, dict[str, float]()
        total = config.num_updates * config.rollout_frames
        saved = before = time.perf_counter()
        while self.updates < last and not stop:
            with divergence_told(self.agent, self.folder, self.updates + 1):
                metrics = self.train_once()
            now = time.perf_counter()
            metrics["frames_per_second"] = config.rollout_frames / (now - before)
            if stop:
                self._save(log)  # an evaluation may take longer than whoever sent the signal waits
            metrics |= self._evaluate()
            before = time.perf_counter()
            log.write(self.frames, metrics)
            if progress is not None:
                progress.update(self.frames, total, metrics)
            if self.best is not None and self.best.note(self.frames, metrics):
                self._save(log, BEST_NAME)
            if now - saved > config.checkpoint_seconds:
                self._save(log)
                saved = now
        return metrics

    def train_once(self) -> dict[str, float]:
        """One collection and one update; returns the metrics."""
        metrics = self.algorithm.train_once(self.updates / self.config.num_updates)
        check_metrics(metrics, self.algorithm.undefined)
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

    def close(self) -> None:
        """End the environments, give PyTorch its threads back, and let others train in the folder."""
        if not self.lock.is_held:
            return
        try:
            if self.envs is not None:
                self.envs.close()  # they may be processes
        finally:
            torch.set_num_threads(self._threads)
            self.lock.release()

    def _save(self, log: RunLog, name: str = CHECKPOINT_NAME) -> None:
        """Write a checkpoint after what the logs hold of it, which a resumed run will not write again."""
        log.flush()
        self.save(name)

    def save(self, name: str = CHECKPOINT_NAME) -> None:
        """Write a checkpoint into the folder.

        Raises:
            DivergenceError: if a parameter is not finite; an older checkpoint is unchanged.
            StorageError: if it cannot be written; an older checkpoint is unchanged.
        """
        parameters = self.agent.state_dict()
        with divergence_told(self.agent, self.folder, self.updates):
            check_parameters(parameters)
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
            best={} if self.best is None else self.best.state_dict(),
        ).save(self.folder / name)

    def _open_folder(self, resume: bool, is_made: bool) -> Checkpoint | None:
        remove_leftovers(self.folder, (CHECKPOINT_NAME, BEST_NAME, CONFIG_NAME, METRICS_NAME))
        if resume:
            return load_to_resume(self.config, self.folder, is_made=is_made)
        check_unused(self.config, self.folder, is_made=is_made)
        return None

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
            if self.best is not None:
                self.best.load_state_dict(checkpoint.best)
        except GroundlingError:
            raise
        except _UNFIT as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"the checkpoint of {self.folder} holds another state than its configuration's ({reason}): it is "
                "damaged, or of another version"
            ) from error
        self.updates = checkpoint.updates
        if differences(checkpoint.config, self.config):
            write_text(self.folder / CONFIG_NAME, self.config.to_json())


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
