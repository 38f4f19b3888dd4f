"""Write a video of what an agent sees, hears, expects and does; without a run, of one that comes with Groundling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundling.errors import ConfigurationError
from groundling.eval.recording import save_video
from groundling.eval.runs import run_families
from groundling.eval.watching import watch
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.tasks import evaluation_options

ASSETS = Path(__file__).parent.parent / "assets"
SHIPPED = ASSETS / "grounded_room.pt"
VIDEO_NAME = "watch.mp4"


@dataclass
class Command:
    """Write a video of a run's agent: its view (bright where the words let through), the world from above, the
    instruction with how much each word matters, the probabilities of the actions, and the return that it expects.

    Attributes:
        run_folder: folder of the run; without one a small agent of the grounded rooms is shown.
        episodes: how many, one after the other.
        suite: where the episodes are from, see `groundling evaluate --help`.
        output: the video; by default watch.mp4 in the run folder, or here.
        greedy: take the likeliest action; --no-greedy draws one.
        seed: names the episodes and draws.
        instruction: tell the agent this sentence in place of each episode's own.
    """

    run_folder: Annotated[Path | None, tyro.conf.Positional] = None
    episodes: int = 3
    suite: str = "layout"
    output: Path | None = None
    greedy: bool = True
    seed: int = 0
    instruction: str | None = None

    def run(self) -> None:
        """Play, write the video, say where it is."""
        if self.episodes < 1:
            raise ConfigurationError(f"episodes must be at least 1, got {self.episodes}")
        folder = self.run_folder
        checkpoint = Checkpoint.load(SHIPPED if folder is None else folder / CHECKPOINT_NAME)
        agent, config = checkpoint.make_agent(), checkpoint.config
        frames = []
        own = run_families(folder or SHIPPED, config)
        world = evaluation_options(config, own)
        episodes = own[0].watched(self.suite, config.held_out, self.episodes, self.seed, world)
        for number, (envs, reset_seed) in enumerate(episodes):
            watched = watch(
                agent,
                envs,
                reset_seed,
                greedy=self.greedy,
                seed=integer(self.seed, "watch", number),
                instruction=self.instruction,
            )
            judged = " (by the episode's own instruction)" if self.instruction is not None else ""
            steps = len(watched.moments) - 1
            print(f"{watched.instruction!r}: {watched.moments[-1].told}{judged} after {steps} steps")
            frames += watched.frames()
            frames += [frames[-1]] * 3  # the end of an episode is seen a little longer
        path = self.output or (Path() if folder is None else folder) / VIDEO_NAME
        save_video(frames, path)
        print(f"Video: {path}")
