"""Write a video of an agent's episodes; without a run, of an agent that comes with Groundling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from numpy.typing import NDArray

from groundling.agents.planning import make_planner
from groundling.errors import ConfigurationError, InstructionError
from groundling.eval.clips import PAUSE_FRAMES
from groundling.eval.recording import save_video
from groundling.eval.runs import CheckpointKind, load_checkpoint, run_families
from groundling.eval.watching import watch
from groundling.language.vocabulary import Vocabulary, split_words
from groundling.seeding import integer
from groundling.training.checkpoint import Checkpoint
from groundling.training.tasks import evaluation_options

ASSETS = Path(__file__).parent.parent / "assets"
SHIPPED = ASSETS / "grounded_room.pt"
VIDEO_NAME = "watch.mp4"


@dataclass
class Command:
    """Write a video of a run's agent: its view (bright where its attention is high), the world from above, the
    instruction with how much each word matters, the probabilities of the actions, and the value of each step.

    Attributes:
        run_folder: folder of the run; without one, a small agent that comes with the package, in the rooms of
            Chaplot et al. 2018.
        episodes: number of episodes, shown one after the other.
        suite: the suite that the episodes are from: layout, combination ... (a name that the task does not have prints
            those it has).
        checkpoint: the run's "last" checkpoint or its "best" one.
        output: path of the video; by default watch.mp4 in the run folder (without a run, in the current folder).
        greedy: take the most likely action; --no-greedy samples it from the policy, as `groundling evaluate` does.
        seed: random seed of the episodes and of sampled actions.
        instruction: an instruction for the agent, instead of the one of each episode. Success is still that of the
            episode's own instruction.
        planner: let the agent look ahead in copies of the world, see docs/planning.md: mcts:64.
        most_steps: largest number of steps shown of an episode; of a longer one, the first steps and the last one.
    """

    run_folder: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="[RUN]")]] = None
    episodes: int = 3
    suite: str = "layout"
    checkpoint: CheckpointKind = "last"
    output: Path | None = None
    greedy: bool = True
    seed: int = 0
    instruction: str | None = None
    planner: str = ""
    most_steps: int = 200

    def run(self) -> None:
        """Play, write the video, say where it is."""
        if self.episodes < 1:
            raise ConfigurationError(f"episodes must be at least 1, got {self.episodes}")
        if self.most_steps < 1:
            raise ConfigurationError(f"most_steps must be at least 1, got {self.most_steps}")
        if self.planner and self.instruction is not None:
            raise ConfigurationError(
                "a planner searches in the world itself, which pays for the episode's own instruction: leave out "
                "--instruction or --planner"
            )
        folder = self.run_folder
        checkpoint = Checkpoint.load(SHIPPED) if folder is None else load_checkpoint(folder, self.checkpoint)
        check_words(self.instruction or "", checkpoint.spec.vocabulary)
        agent, config = checkpoint.make_agent(), checkpoint.config
        actor = make_planner(self.planner, agent) if self.planner else None
        own = run_families(folder or SHIPPED, config)
        world = evaluation_options(config, own)
        episodes = own[0].watched(self.suite, config.held_out, self.episodes, self.seed, world)

        def frames() -> Iterator[NDArray[np.uint8]]:
            for number, (envs, reset_seed) in enumerate(episodes):
                watched = watch(
                    agent,
                    envs,
                    reset_seed,
                    greedy=self.greedy,
                    seed=integer(self.seed, "watch", number),
                    instruction=self.instruction,
                    most_steps=self.most_steps,
                    actor=actor,
                )
                judged = " (by the episode's own instruction)" if self.instruction is not None else ""
                print(f"{watched.instruction!r}: {watched.summary}{judged}", flush=True)
                for frame in watched.frames():
                    yield frame
                yield from [frame] * PAUSE_FRAMES

        path = self.output or (Path() if folder is None else folder) / VIDEO_NAME
        how = "greedy actions; evaluate samples" if self.greedy else "sampled actions"
        print(f"writing {self.episodes} episode{'s' * (self.episodes > 1)} into {path} ({how})", flush=True)
        save_video(frames(), path)
        print(f"Video: {path}")


def check_words(instruction: str, vocabulary: Vocabulary) -> None:
    """Refuse an instruction with a word that the agent has no token id for.

    Raises:
        InstructionError: the message names the first such word, and the words of the vocabulary most like it.
    """
    for word in split_words(instruction):
        if word not in vocabulary:
            raise InstructionError(f"{word!r} is not in the agent's vocabulary{vocabulary.suggestion(word)}")
