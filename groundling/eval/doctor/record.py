"""A run as checks see it: configuration, logged metrics, checkpoint, and episodes that are played with its agent."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.eval.doctor.probes import Probes
from groundling.training.algorithms import find_algorithm
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.logs import METRICS_NAME, read_metrics
from groundling.training.run_folder import resume_config


class RunRecord:
    """What there is to know of a run.

    Args:
        config: of the run.
        metrics: what was logged, one dict an update.
        folder: of the run; None where there is only a record.
        probes: play the run's agent; None where there is no checkpoint yet.
    """

    def __init__(
        self,
        config: TrainConfig,
        metrics: list[dict[str, Any]],
        folder: Path | None = None,
        probes: Probes | None = None,
    ) -> None:
        self.config = config
        self.metrics = metrics
        self.folder = folder
        self.probes = probes

    @classmethod
    def of_folder(cls, folder: Path, *, episodes: int = 200, seed: int = 0) -> RunRecord:
        """The record of the run in a folder.

        Args:
            folder: of the run.
            episodes: that each kind of agent plays where a check asks for it.
            seed: names them.

        Raises:
            RunFolderError: if there is no run.
            ConfigurationError: if it is one of another version.
            CheckpointError: if its checkpoint is damaged.
        """
        config = resume_config(folder)
        metrics = read_metrics(folder) if (folder / METRICS_NAME).exists() else []
        probes = None
        if (folder / CHECKPOINT_NAME).exists():
            probes = Probes(Checkpoint.load(folder / CHECKPOINT_NAME), folder, episodes=episodes, seed=seed)
        return cls(config, metrics, folder, probes)

    @property
    def frames(self) -> int:
        """Frames that were trained on, as far as is logged."""
        return int(self.metrics[-1]["frames"]) if self.metrics else 0

    @property
    def progress(self) -> float:
        """The share of the run that is done."""
        return self.frames / max(1, self.config.num_updates * self.config.rollout_frames)

    @property
    def algorithm(self) -> str:
        """The title of the algorithm."""
        return find_algorithm(self.config.algorithm).title

    @cached_property
    def agent(self) -> ActorCritic | None:
        """The trained agent; None where there is no checkpoint yet."""
        return None if self.probes is None else self.probes.agent

    def names(self, prefix: str) -> list[str]:
        """Names of logged metrics that begin so."""
        return [name for name in dict.fromkeys(key for row in self.metrics for key in row) if name.startswith(prefix)]

    def curve(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Frames [N] and values [N] of a logged metric, where it was logged."""
        rows = [(row["frames"], row[name]) for row in self.metrics if name in row]
        frames, values = np.array(rows, dtype=np.float64).reshape(-1, 2).T
        return frames, values

    def last(self, name: str, share: float = 0.25) -> float:
        """The median of a metric over the last share of what was logged; NaN where nothing was."""
        _, values = self.curve(name)
        return _median(values[-max(1, round(share * len(values))) :])

    def first(self, name: str, share: float = 0.1) -> float:
        """The median of a metric over the first share of what was logged; NaN where nothing was."""
        _, values = self.curve(name)
        return _median(values[: max(1, round(share * len(values)))])


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
