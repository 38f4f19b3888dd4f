"""Train on a BabyAI level with 4 of the 18 color-type combinations held out, evaluate with controls, write a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundling.eval.demo import DEMO_FRAMES, run_demo


@dataclass
class Command:
    """Run the demo.

    Attributes:
        run_folder: folder of the run; a demo that is already there is replaced.
        task: id of the environment.
        total_frames: number of frames to train the agent on, and the blind control.
        episodes: number of distinct episodes of each suite of the evaluation.
        seed: random seed.
    """

    run_folder: Path = Path("runs/demo")
    task: str = "BabyAI-GoToLocal-v0"
    total_frames: int = DEMO_FRAMES
    episodes: int = 1000
    seed: int = 1

    def run(self) -> None:
        """Train, evaluate, report."""
        run_demo(
            self.run_folder, task=self.task, total_frames=self.total_frames, episodes=self.episodes, seed=self.seed
        )
