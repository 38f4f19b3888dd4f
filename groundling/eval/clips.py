"""A video of the first episodes of an evaluation, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.families.banked import BankEpisodes, watched_episode
from groundling.eval.progress import EvaluationProgress, NoProgress
from groundling.eval.recording import FRAMES_PER_SECOND, save_video
from groundling.eval.watching import Watched, watch

VIDEO_EPISODES: Final = 3
MOST_FRAMES: Final = 150  # of a video; where the episodes are longer, some steps before an episode's end are left out
PAUSE_FRAMES: Final = 3  # how long the end of an episode stays


@dataclass(frozen=True)
class Clip:
    """An episode in a video.

    Attributes:
        instruction: the sentence.
        summary: how it ended, for example "reached after 12 steps".
        success: whether the goal was reached.
        start_s: where in the video it begins, in seconds.
    """

    instruction: str
    summary: str
    success: bool
    start_s: float

    @property
    def line(self) -> str:
        """For example ``'0:05 "go to the red ball": reached after 12 steps'``."""
        minutes, seconds = divmod(int(self.start_s), 60)
        return f'{minutes}:{seconds:02d} "{self.instruction}": {self.summary}'


def save_clips(
    path: Path,
    agent: ActorCritic,
    episodes: BankEpisodes,
    actions: Sequence[Sequence[int]],
    *,
    most_frames: int = MOST_FRAMES,
    progress: EvaluationProgress | None = None,
) -> list[Clip]:
    """Write a video of the first episodes as an evaluation played them.

    Args:
        path: of the video.
        agent: that played.
        episodes: of the evaluation.
        actions: of its first episodes, at least one (``Evaluation.first_actions``).
        most_frames: of the video, but for its pauses; see :func:`shown_steps`.
        progress: told of every frame.

    Raises:
        StorageError: if the file cannot be written.
    """
    progress = progress or NoProgress()
    clips: list[Clip] = []
    shown = shown_steps([len(own) for own in actions], most_frames - len(actions))
    progress.begin(f"video of {len(actions)} episode{'s' * (len(actions) > 1)}", sum(shown) + len(actions), "frames")

    def frames() -> Iterator[NDArray[np.uint8]]:
        count = 0
        for row, (own, most_steps) in enumerate(zip(actions, shown, strict=True)):
            watched = _played_again(agent, episodes, row, own, most_steps)
            clips.append(Clip(watched.instruction, watched.summary, watched.success, count / FRAMES_PER_SECOND))
            for frame in watched.frames():
                yield frame
                count += 1
                progress.advance()
            if row < len(actions) - 1:
                yield from [frame] * PAUSE_FRAMES
                count += PAUSE_FRAMES

    save_video(frames(), path)
    return clips


def shown_steps(lengths: Sequence[int], most: int) -> list[int]:
    """How many steps of each episode are shown, so that there are not more than ``most`` in all.

    Short episodes are shown whole; the longer ones share what they leave.

    Args:
        lengths: of the episodes, in steps.
        most: steps in all; every episode has one at least.
    """
    shown = [0] * len(lengths)
    for place, row in enumerate(sorted(range(len(lengths)), key=lengths.__getitem__)):
        share = max(1, (most - sum(shown)) // (len(lengths) - place))
        shown[row] = min(lengths[row], share)
    return shown


def _played_again(
    agent: ActorCritic, episodes: BankEpisodes, row: int, actions: Sequence[int], most_steps: int
) -> Watched:
    envs = watched_episode(episodes, row)
    try:
        return watch(agent, envs, actions=actions, most_steps=most_steps)
    finally:
        envs.close()
