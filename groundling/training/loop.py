"""The one loop: rollout, update, log, checkpoint, until the frames are spent."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.bots import Expert
from groundling.agents.growth import differences, grown
from groundling.envs.due import due_now
from groundling.envs.splits import training_split
from groundling.envs.vector import GroundlingVectorEnv
from groundling.envs.worlds import WorldBatch
from groundling.errors import ConfigurationError, RunFolderError, SplitError
from groundling.files import make_folder, write_text
from groundling.seeding import integer
from groundling.training.allocation import keep_freed_memory
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.curriculum import make_curriculum
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.environments import (
    EnvsMaker,
    SavableEnvs,
    make_training_envs,
    settling_updates,
    space_of,
)
from groundling.training.imitation import Imitation
from groundling.training.logs import RunLog
from groundling.training.ppo import A2C, PPO
from groundling.training.progress import TrainingProgress
from groundling.training.rollout import Collector
from groundling.training.teachers import Recording, Teacher

CONFIG_NAME = "config.json"

_log = logging.getLogger(__name__)


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
        self, config: TrainConfig, folder: Path | str, *, resume: bool = False, make_envs: EnvsMaker | None = None
    ) -> None:
        self.config = config
        self.folder = Path(folder)
        self.updates = 0
        if make_envs is None and not config.is_foreign:
            config.embodiment()  # a wrong task or device is said before a folder is made
        device = _find_device(config.device)
        demonstrations = _load_demonstrations(config)
        initial = _initial_agent(config, device) if config.init and not resume else None
        checkpoint = self._prepare_folder(resume)
        torch.set_num_threads(config.torch_threads)
        keep_freed_memory()
        # a VectorEnv; what Groundling's own has beside is only asked for where `self.own` is set
        self.envs: Any = None
        try:
            self.envs = make_training_envs(config, demonstrations) if make_envs is None else make_envs(config)
            self.own = self.envs if isinstance(self.envs, GroundlingVectorEnv) else None
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
        initial: ActorCritic | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Make the parts of the run around its environments."""
        config = self.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "agent"))
            self.agent = ActorCritic(config.agent, space_of(self.envs)).to(device)
        if initial is not None:
            if initial.space != self.agent.space:
                raise ConfigurationError(
                    f"the agent of {config.init} was built for {initial.space}, these environments need "
                    f"{self.agent.space}"
                )
            self.agent.load_state_dict(initial.state_dict())
        elif checkpoint is not None and checkpoint.reference:
            initial = checkpoint.make_reference(str(device))
        for agent in (self.agent, initial):
            if agent is not None:
                agent.eyes.precision = config.precision  # both act and learn in it: their ratios would else not be 1
        self.curriculum = make_curriculum(config.curriculum, settling_updates(self.envs, config.num_steps))
        self.generators = {
            name: torch.Generator(device).manual_seed(integer(config.seed, name)) for name in ("actions", "minibatches")
        }
        if self.own is not None:
            self.own.set_shares(self.curriculum.shares())
        self.algorithm = self._make_algorithm()
        self.collector = Collector(
            self.envs,
            self.agent,
            config.num_steps,
            self.generators["actions"],
            teacher=self._make_teacher(demonstrations),
            reference=initial if config.ppo.kl_coef > 0 else None,
            due=self._make_due(),
        )
        if checkpoint is None:
            self.collector.start(integer(config.seed, "episodes") % 2**31)
            if not config.init:
                self.agent.calibrate(self.collector.observation)
            write_text(self.folder / CONFIG_NAME, config.to_json())
        else:
            self._restore(checkpoint)

    def _make_algorithm(self) -> PPO | Imitation:
        config, minibatches = self.config, self.generators["minibatches"]
        if config.algorithm == "ppo":
            return PPO(self.agent, config.ppo, minibatches)
        if config.algorithm == "a2c":
            return A2C(self.agent, config.a2c, config.num_envs, minibatches)
        return Imitation(self.agent, config.imitation, minibatches)

    def _make_teacher(self, demonstrations: DemonstrationSet | None) -> Teacher | None:
        if self.config.algorithm not in ("bc", "dagger"):
            return None
        worlds = self.own.worlds if self.own is not None else None
        if not isinstance(worlds, WorldBatch):
            raise ConfigurationError(
                f"algorithm {self.config.algorithm!r} learns from an expert that walks the grid, these environments "
                "are others: train with 'ppo' or 'a2c'"
            )
        if demonstrations is not None:
            return Recording(worlds, demonstrations)
        return Expert(worlds, sees=self.config.imitation.expert)

    def _make_due(self) -> Callable[[], NDArray[np.bool_]] | None:
        if self.config.due_coef == 0:
            return None
        if self.own is None:
            raise ConfigurationError("what is due is told by Groundling's own worlds only: leave due_coef at 0")
        return partial(due_now, self.own.worlds)

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
                before = now
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
        """One rollout and one update; returns the metrics."""
        self.algorithm.set_learning_rate(1 - self.updates / self.config.num_updates)
        self.collector.teacher_share = teacher_share(self.config, self.updates)
        rollout = self.collector.collect()
        metrics = self.algorithm.update(rollout)
        self.updates += 1
        metrics["learning_rate"] = self.algorithm.optimizer.param_groups[0]["lr"]
        if self.collector.teacher is not None:
            metrics["teacher_share"] = self.collector.teacher_share
        return {**self._advance_curriculum(), **metrics}

    def _advance_curriculum(self) -> dict[str, float]:
        """The metrics of the episodes that ended; the curriculum hears of them and mixes those that begin next."""
        statistics, own = self.collector.statistics, self.own
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
            space=self.agent.space,
            frames=self.frames,
            updates=self.updates,
            agent=self.agent.state_dict(),
            optimizer=self.algorithm.optimizer.state_dict(),
            collector=self.collector.state_dict(),
            generators={name: generator.get_state() for name, generator in self.generators.items()},
            curriculum=self.curriculum.state_dict(),
            reference=self.collector.reference.state_dict() if self.collector.reference is not None else {},
        ).save(self.folder / CHECKPOINT_NAME)

    def _prepare_folder(self, resume: bool) -> Checkpoint | None:
        path = self.folder / CHECKPOINT_NAME
        if not resume:
            if path.exists():
                raise RunFolderError(
                    f"{self.folder} already holds a run: choose another folder, or continue it with --resume"
                )
            make_folder(self.folder)
            return None
        checkpoint = Checkpoint.load(path)
        ours, theirs = dataclasses.asdict(self.config), dataclasses.asdict(checkpoint.config)
        different = [name for name in ours if ours[name] != theirs[name] and name != "checkpoint_seconds"]
        if different:
            raise ConfigurationError(
                f"{self.folder} was trained with another {', '.join(different)}: a resumed run keeps its configuration"
            )
        return checkpoint

    def _restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.space != self.agent.space:
            raise ConfigurationError(
                f"the agent of {self.folder} was built for {checkpoint.space}, these environments need "
                f"{self.agent.space}"
            )
        if not isinstance(self.envs, SavableEnvs):
            _log.warning(
                "%s cannot be saved: the run goes on from %s frames with new episodes, not as if it had never stopped",
                type(self.envs).__name__,
                f"{checkpoint.frames:,}",
            )
            self.collector.start(integer(self.config.seed, "episodes", checkpoint.updates) % 2**31)
        self.agent.load_state_dict(checkpoint.agent)
        self.algorithm.optimizer.load_state_dict(checkpoint.optimizer)
        self.collector.load_state_dict(checkpoint.collector)
        for name, generator in self.generators.items():
            generator.set_state(checkpoint.generators[name])
        self.curriculum.load_state_dict(checkpoint.curriculum)
        self.updates = checkpoint.updates


def train(
    config: TrainConfig,
    folder: Path | str,
    *,
    resume: bool = False,
    progress: TrainingProgress | None = None,
    make_envs: EnvsMaker | None = None,
) -> TrainResult:
    """Train an agent; see :class:`Trainer` for the arguments and errors."""
    return Trainer(config, folder, resume=resume, make_envs=make_envs).run(progress)


def resume_config(folder: Path | str) -> TrainConfig:
    """The configuration of the run in a folder.

    Raises:
        RunFolderError: if there is no run.
        ConfigurationError: if it is one of another version.
    """
    path = Path(folder) / CONFIG_NAME
    if not path.is_file():
        raise RunFolderError(f"there is no run at {folder}: {CONFIG_NAME} is missing. `groundling train` makes one")
    return TrainConfig.from_json(path.read_text(errors="replace"))


def teacher_share(config: TrainConfig, updates: int) -> float:
    """How often the teacher acts after so many updates: always for "bc", less and less for "dagger"."""
    if config.algorithm != "dagger":
        return float(config.algorithm == "bc")
    kept, falling = config.imitation.kept_share, config.imitation.mixing * config.num_updates
    return max(kept, 1 - (1 - kept) * updates / falling) if falling else kept


def _initial_agent(config: TrainConfig, device: torch.device) -> ActorCritic:
    """The agent of the run that this one starts from."""
    checkpoint = Checkpoint.load(Path(config.init) / CHECKPOINT_NAME)
    different = differences(checkpoint.config.agent, config.agent)
    if different:
        raise ConfigurationError(
            f"the agent of {config.init} is built otherwise ({', '.join(different)}): "
            "give this run the same agent settings"
        )
    agent = checkpoint.make_agent(str(device))
    if config.agent != checkpoint.config.agent:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "growth"))
            agent = grown(agent, config.agent)
    return agent.requires_grad_(False)


def _load_demonstrations(config: TrainConfig) -> DemonstrationSet | None:
    path = config.imitation.demonstrations
    if not path:
        return None
    demonstrations = DemonstrationSet.load(path, task=config.task)
    told = training_split(config.held_out)
    bank = demonstrations.bank
    wrong = [text for text, goal in zip(bank.instructions, bank.goals(), strict=True) if not told.keeps(goal)]
    if wrong:
        raise SplitError(
            f"{path} demonstrates what this run holds out, for example {wrong[0]!r}: record demonstrations "
            "with the same --held-out options, or hold nothing out"
        )
    return demonstrations


def _find_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"the device {name!r} cannot be used: {reason}. Try --device cpu") from error
    return device
