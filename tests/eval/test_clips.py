"""The video of an evaluation: its first episodes, exactly as they were counted."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank
from groundling.envs.engine.embodiment import GRID
from groundling.envs.families.banked import bank_episodes
from groundling.eval.clips import PAUSE_FRAMES, VIDEO_EPISODES, save_clips, shown_steps
from groundling.eval.evaluation import PlayedSet
from groundling.eval.recording import FRAMES_PER_SECOND, HOLD_FRAMES


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_video_shows_the_first_episodes_as_the_evaluation_counts_them(memory: str, tmp_path: Path) -> None:
    torch.manual_seed(2)
    agent = ActorCritic(AgentConfig(memory=memory))
    bank = EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(10, 10 + VIDEO_EPISODES))
    episodes = bank_episodes(bank, GRID)
    with PlayedSet(episodes) as played:
        evaluation = played.by(agent, seed=5, keep_actions=VIDEO_EPISODES)
    clips = save_clips(tmp_path / "episode.mp4", agent, episodes, evaluation.first_actions)
    assert [clip.instruction for clip in clips] == [bank.instruction(row) for row in range(VIDEO_EPISODES)]
    counted = sorted((outcome.instruction, outcome.success, outcome.length) for outcome in evaluation.outcomes)
    shown = sorted(
        (clip.instruction, clip.success, len(own)) for clip, own in zip(clips, evaluation.first_actions, strict=True)
    )
    assert shown == counted
    for clip, own in zip(clips, evaluation.first_actions, strict=True):
        assert f"after {len(own)} steps" in clip.summary
    frames = [len(own) + 1 for own in evaluation.first_actions]
    capture = cv2.VideoCapture(str(tmp_path / "episode.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == sum(frames) + PAUSE_FRAMES * (len(frames) - 1) + HOLD_FRAMES
    capture.release()
    assert clips[1].start_s == (frames[0] + PAUSE_FRAMES) / FRAMES_PER_SECOND
    assert clips[0].line.startswith(f'0:00 "{bank.instruction(0)}": ')


@pytest.mark.parametrize(
    ("lengths", "most", "shown"),
    [
        ([12, 30, 8], 147, [12, 30, 8]),
        ([576, 576, 576], 147, [49, 49, 49]),
        ([10, 576, 20], 147, [10, 117, 20]),
        ([576, 50, 80], 147, [49, 49, 49]),
        ([5, 5], 1, [1, 1]),
    ],
)
def test_long_episodes_share_what_short_ones_leave(lengths: list[int], most: int, shown: list[int]) -> None:
    assert shown_steps(lengths, most) == shown
