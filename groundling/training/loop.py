"""The one loop: rollout, update, log, checkpoint, until the frames are spent."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.envs import make_vec
from groundling.envs.sources import find_source
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, RunFolderError
from groundling.files import make_folder, write_text
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.logs import RunLog
from groundling.training.ppo import PPO
from groundling.training.progress import TrainingProgress
from groundling.training.rollout import Collector

CONFIG_NAME = "config.json"


@dataclass(frozen=True)
class TrainResult:
    """A finished run.

    Attributes:
        agent: the trained agent.
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
            that was never interrupted.

    Raises:
        RunFolderError: if the folder already holds a run (without ``resume``).
        StorageError: if the folder cannot be written.
        CheckpointError: if there is no whole checkpoint to resume from.
        ConfigurationError: if the checkpoint is one of another configuration, or the device is not there.
    """

    def __init__(self, config: TrainConfig, folder: Path | str, *, resume: bool = False) -> None:
        self.config = config
        self.folder = Path(folder)
        self.updates = 0
        find_source(config.task)  # a wrong task or device is said before a folder is made
        device = _find_device(config.device)
        checkpoint = self._prepare_folder(resume)
        torch.set_num_threads(config.torch_threads)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "agent"))
            self.agent = ActorCritic(config.agent).to(device)
        self.envs: GroundlingVectorEnv = make_vec(
            bank=config.training_bank(), num_envs=config.num_envs, seed=config.seed, copy=False
        )
        self.generators = {
            name: torch.Generator(device).manual_seed(integer(config.seed, name)) for name in ("actions", "minibatches")
        }
        self.algorithm = PPO(self.agent, config.ppo, self.generators["minibatches"])
        self.collector = Collector(self.envs, self.agent, config.ppo.num_steps, self.generators["actions"])
        self.collector.start(integer(config.seed, "episodes") % 2**31)
        if checkpoint is not None:
            self._restore(checkpoint)
        else:
            write_text(self.folder / CONFIG_NAME, config.to_json())

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
        rollout = self.collector.collect()
        metrics = self.algorithm.update(rollout)
        self.updates += 1
        rate = self.algorithm.optimizer.param_groups[0]["lr"]
        return {**self.collector.statistics.take(), **metrics, "learning_rate": rate}

    def save(self) -> None:
        """Write the checkpoint."""
        Checkpoint(
            config=self.config,
            frames=self.frames,
            updates=self.updates,
            agent=self.agent.state_dict(),
            optimizer=self.algorithm.optimizer.state_dict(),
            collector=self.collector.state_dict(),
            generators={name: generator.get_state() for name, generator in self.generators.items()},
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
        self.agent.load_state_dict(checkpoint.agent)
        self.algorithm.optimizer.load_state_dict(checkpoint.optimizer)
        self.collector.load_state_dict(checkpoint.collector)
        for name, generator in self.generators.items():
            generator.set_state(checkpoint.generators[name])
        self.updates = checkpoint.updates


def train(
    config: TrainConfig, folder: Path | str, *, resume: bool = False, progress: TrainingProgress | None = None
) -> TrainResult:
    """Train an agent; see :class:`Trainer` for the arguments and errors."""
    return Trainer(config, folder, resume=resume).run(progress)


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


def _find_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"the device {name!r} cannot be used: {reason}. Try --device cpu") from error
    return device
