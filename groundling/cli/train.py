"""Train an agent on a task and write configuration, checkpoint, TensorBoard logs and metrics into a run folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from groundling.training import TrainConfig, Trainer, resume_config
from groundling.training.progress import ProgressBar


@dataclass
class Command:
    """Train an agent.

    Attributes:
        config: what to train.
        run_folder: where the run goes; by default runs/TASK-seedN.
        resume: continue the run in this folder with its own configuration (the other options are not read).
    """

    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)
    run_folder: Path | None = None
    resume: Path | None = None

    def run(self) -> None:
        """Train to the end."""
        if self.resume is not None:
            config, folder = resume_config(self.resume), self.resume
        else:
            config = self.config
            name = re.sub(r"[^A-Za-z0-9_.-]+", "-", config.task) + f"-seed{config.seed}"
            folder = self.run_folder or Path("runs") / name
        trainer = Trainer(config, folder, resume=self.resume is not None)
        with ProgressBar(config.task, already=trainer.frames) as bar:
            result = trainer.run(bar)
        console = Console()
        console.print(
            f"trained {result.frames:,} frames in {result.seconds:.0f} s: success "
            f"{result.metrics.get('success', float('nan')):.3f} in training",
            highlight=False,
        )
        console.print(f"the run is in {folder}; next: groundling evaluate {folder}", highlight=False, soft_wrap=True)
