"""The one loop: collect, update, log, checkpoint, until the frames are spent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from groundling import job
from groundling.agents.actor_critic import ActorCritic
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.files import remove_leftovers, write_text
from groundling.interruption import Interrupted, StopRequest, stop_requests
from groundling.run_lock import NoLock, RunLock
from groundling.training.algorithms.base import Algorithm
from groundling.training.allocation import keep_freed_memory
from groundling.training.beginnings import find_device, initial_checkpoint, load_demonstrations
from groundling.training.best import BEST_NAME
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.compilation import compile_agent
from groundling.training.config import TrainConfig
from groundling.training.curriculum import Curriculum
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.divergence import check_parameters, divergence_told
from groundling.training.environments import EnvsMaker, MixedEnvs, make_training_envs, name_of_maker
from groundling.training.joint_run import agreed, check_job, turns_of_machine
from groundling.training.logs import METRICS_NAME, RunLog
from groundling.training.progress import TrainingProgress
from groundling.training.ranks import Ranks
from groundling.training.rewards.stage import RewardStage
from groundling.training.run_folder import CONFIG_NAME, check_unused, differences, load_to_resume
from groundling.training.run_state import RunState
from groundling.training.statistics import EpisodeStatistics
from groundling.training.tasks import check_tasks, findable


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

    Where this process has joined others (``ranks.join_job``, by ``torchrun``) all of them train one agent: each makes
    its part of the environments and of every minibatch, and the first one alone logs, evaluates and saves.

    Raises:
        RunFolderError: if the folder already holds a run (without ``resume``), or somebody trains in it just now.
        StorageError: if the folder cannot be written.
        CheckpointError: if there is no whole checkpoint to resume from.
        ConfigurationError: if the checkpoint is one of another configuration, the device is not there, or the agent
            does not suit the environments; if the processes of a job do not divide what they share, or differ.
        JobError: if another process of the job fails.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path | str,
        *,
        resume: bool = False,
        make_envs: EnvsMaker | None = None,
        evaluator: Evaluator | None = None,
        lock: RunLock | NoLock | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.evaluator = evaluator
        self.ranks = ranks = Ranks.current()
        if make_envs is not None:
            name = name_of_maker(make_envs)
            config = replace(config, task=name, tasks=(), made_by=name)
        with ranks.together():
            if make_envs is None and not config.made_by:
                config = findable(config)
                check_tasks(config)  # refuse a wrong task before creating the folder
            self.config = config
        with ranks.together():  # on its own: it asks the other processes, which all have to be here
            check_job(config, ranks)
        with ranks.together():
            device = find_device(config.device, job.local_rank() if ranks.size > 1 else None)
            demonstrations = load_demonstrations(config)
            initial = None if resume else initial_checkpoint(config)
            is_made = make_envs is not None
            if resume:
                Checkpoint.check_there(self.folder / CHECKPOINT_NAME)  # before there is a lock in the folder
        with ranks.together():  # only when all agree, so that no folder is left where one does not
            self.lock = lock or (RunLock(self.folder) if ranks.is_first else NoLock())
        self._threads = torch.get_num_threads()
        torch.set_num_threads(config.torch_threads)
        keep_freed_memory()
        # a VectorEnv; what Groundling's own has beside is only asked for where `self.compiled_envs` is set
        self.envs: Any = None
        try:
            with ranks.together():
                checkpoint = self._open_folder(resume, is_made)
            own_config = config.of_process(ranks.size)
            for is_turn in turns_of_machine(ranks):
                with ranks.together():
                    if is_turn:
                        made = make_training_envs(own_config, demonstrations) if make_envs is None else None
                        self.envs = made if make_envs is None else make_envs(own_config)
            with ranks.together():
                self._assemble(device, demonstrations, initial, checkpoint)
            ranks.copy_first([*self.agent.parameters(), *self.agent.buffers()])
        except BaseException:
            self.close()
            with contextlib.suppress(OSError):
                if ranks.is_first:
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
        spec = spec_of(self.envs)
        if checkpoint is not None and (different := checkpoint.spec.differences(spec)):
            raise ConfigurationError(
                f"the agent of {self.folder} was built for other environments: {'; '.join(different)} in these"
            )
        self.state = state = RunState.assemble(
            self.config,
            self.envs,
            device,
            self.ranks,
            demonstrations=demonstrations,
            initial=initial,
            is_evaluated=self.evaluator is not None,
        )
        if checkpoint is None:
            state.begin()
        else:
            state.restore(checkpoint, self.folder)
        if self.ranks.is_first and (checkpoint is None or differences(checkpoint.config, self.config)):
            write_text(self.folder / CONFIG_NAME, self.config.to_json())
        compile_agent(self.agent, self.config.compile)

    @property
    def agent(self) -> ActorCritic:
        """What is trained."""
        return self.state.agent

    @property
    def algorithm(self) -> Algorithm:
        """How it is trained."""
        return self.state.algorithm

    @property
    def rewards(self) -> RewardStage:
        """What it is paid for."""
        return self.state.rewards

    @property
    def curriculum(self) -> Curriculum:
        """How the tasks are mixed."""
        return self.state.curriculum

    @property
    def statistics(self) -> EpisodeStatistics:
        """Of the episodes that ended."""
        return self.state.statistics

    @property
    def compiled_envs(self) -> MixedEnvs | None:
        """Groundling's own environments within their wrappers; None if they are somebody else's."""
        return self.state.compiled_envs

    @property
    def updates(self) -> int:
        """Updates made so far."""
        return self.state.updates

    @property
    def frames(self) -> int:
        """Observations trained on so far."""
        return self.state.frames

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
            log = None
            with self.ranks.together():
                if self.ranks.is_first:
                    log = stack.enter_context(contextlib.closing(RunLog(self.folder, from_frames=self.frames)))
            told = "a checkpoint is saved after this update" if self.ranks.is_first else ""
            stop = stack.enter_context(stop_requests(told))
            metrics = self._train_to(last, log, progress, stop)
            self._save(log)
        if stop:
            left = self.updates < config.num_updates
            then = f"`groundling train --resume {self.folder}` goes on" if left else "the run is complete"
            raise Interrupted(stop.number, f"{stop.name}: saved at {self.frames:,} frames; {then}")
        return TrainResult(self.agent, self.frames, time.perf_counter() - start, metrics)

    def _train_to(
        self, last: int, log: RunLog | None, progress: TrainingProgress | None, stop: StopRequest
    ) -> dict[str, float]:
        """Train until so many updates are made or a signal comes; returns the last metrics."""
        config, metrics = self.config, dict[str, float]()
        total = config.num_updates * config.rollout_frames
        saved = before = time.perf_counter()
        is_stopped = agreed(self.ranks, stop, False)[0]
        while self.updates < last and not (stop if self.ranks.size == 1 else is_stopped):
            with divergence_told(self.agent, self.folder, self.updates + 1):
                metrics = self.train_once()
            now = time.perf_counter()
            metrics["frames_per_second"] = config.rollout_frames / (now - before)
            is_stopped, is_due = agreed(self.ranks, stop, now - saved > config.checkpoint_seconds)
            if is_stopped:
                self._save(log)  # an evaluation may take longer than whoever sent the signal waits
            metrics |= self._evaluate()
            before = time.perf_counter()
            if log is not None:
                log.write(self.frames, metrics)
            if progress is not None:
                progress.update(self.frames, total, metrics)
            if self.state.best is not None and self.state.best.note(self.frames, metrics):
                self._save(log, BEST_NAME)
            if is_due:
                self._save(log)
                saved = now
        return metrics

    def train_once(self) -> dict[str, float]:
        """One collection and one update; returns the metrics."""
        return self.state.train_once()

    def _evaluate(self) -> dict[str, float]:
        """The metrics of an evaluation, if one is due after the update that was just made."""
        interval, step = self.config.evaluation_interval, self.config.rollout_frames
        if self.evaluator is None or not interval:
            return {}
        is_due = self.frames // interval > (self.frames - step) // interval or self.updates == self.config.num_updates
        if not is_due:
            return {}
        found: dict[str, float] = self.ranks.of_first(dict(self.evaluator(self.agent)) if self.ranks.is_first else {})
        return found

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

    def _save(self, log: RunLog | None, name: str = CHECKPOINT_NAME) -> None:
        """Write a checkpoint after what the logs hold of it, which a resumed run will not write again."""
        if log is not None:
            log.flush()
        self.save(name)

    def save(self, name: str = CHECKPOINT_NAME) -> None:
        """Write a checkpoint into the folder; of several processes all are to call it, and the first one writes.

        Raises:
            DivergenceError: if a parameter is not finite; an older checkpoint is unchanged.
            StorageError: if it cannot be written; an older checkpoint is unchanged.
        """
        checkpoint = self.state.checkpoint()
        if checkpoint is None:
            return
        with divergence_told(self.agent, self.folder, self.updates):
            check_parameters(checkpoint.agent)
        checkpoint.save(self.folder / name)

    def _open_folder(self, resume: bool, is_made: bool) -> Checkpoint | None:
        if not self.ranks.is_first:
            return load_to_resume(self.config, self.folder, is_made=is_made, ranks=self.ranks) if resume else None
        remove_leftovers(self.folder, (CHECKPOINT_NAME, BEST_NAME, CONFIG_NAME, METRICS_NAME))
        if resume:
            return load_to_resume(self.config, self.folder, is_made=is_made, ranks=self.ranks)
        check_unused(self.config, self.folder, is_made=is_made)
        return None


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
