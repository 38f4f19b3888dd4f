"""Recordings: the frames of one episode, captions that fit, and videos that other programs read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from groundling.agents import RandomPolicy
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.rendering import render_world
from groundling.errors import StorageError
from groundling.eval.recording import CAPTION_PIXELS, HOLD_FRAMES, caption, record_episode, save_video

LONG = "put the purple ball on your left next to the yellow box behind you"


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(20))


def flat_frames(count: int, height: int, width: int) -> list[NDArray[np.uint8]]:
    return [np.full((height, width, 3), 10 * number, dtype=np.uint8) for number in range(count)]


def read_video(path: Path) -> list[NDArray[np.uint8]]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    return frames


def test_recording_holds_a_frame_for_every_step_and_the_first_view(bank: EpisodeBank) -> None:
    recording = record_episode(RandomPolicy(), bank, 3, seed=1)
    assert recording.instruction == bank.instruction(3)
    assert 2 <= len(recording.frames) == len(recording.images) <= bank.max_steps[3] + 1
    assert {frame.shape for frame in recording.frames} == {recording.frames[0].shape}


def test_recording_that_does_not_succeed_lasts_until_the_time_limit(bank: EpisodeBank) -> None:
    recordings = [record_episode(RandomPolicy(), bank, row, seed=row) for row in range(len(bank))]
    assert {recording.success for recording in recordings} == {True, False}
    for row, recording in enumerate(recordings):
        is_whole = len(recording.frames) == bank.max_steps[row] + 1
        assert is_whole or recording.success


def test_recording_shows_the_episode_that_is_asked_for(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=len(bank), shuffle=False)
    observation, _ = envs.reset()
    for row in (0, 7, 19):
        recording = record_episode(RandomPolicy(), bank, row, seed=1)
        assert np.array_equal(recording.images[0], observation["image"][row])
        assert np.array_equal(recording.frames[0], caption(render_world(envs.worlds, row), bank.instruction(row), ""))


def test_same_seed_records_the_same_episode(bank: EpisodeBank) -> None:
    first, again = (record_episode(RandomPolicy(), bank, 5, seed=2) for _ in range(2))
    assert len(first.frames) == len(again.frames)
    assert all(np.array_equal(one, other) for one, other in zip(first.frames, again.frames, strict=True))


def test_kept_views_are_not_written_over_by_later_steps(bank: EpisodeBank) -> None:
    images = record_episode(RandomPolicy(), bank, 5, seed=2).images
    assert any(not np.array_equal(images[0], image) for image in images[1:])


@pytest.mark.parametrize("width", [128, 256, 704])
def test_caption_fits_long_instructions_and_leaves_the_picture_whole(width: int) -> None:
    picture = np.full((90, width, 3), 60, dtype=np.uint8)
    canvas = caption(picture, LONG, "forward")
    assert canvas.shape == (90 + CAPTION_PIXELS, max(width, 320), 3)
    written = (canvas[:CAPTION_PIXELS] < 200).any(axis=(0, 2))
    assert written.any()
    assert not written[-4:].any()
    left = (canvas.shape[1] - width) // 2
    assert np.array_equal(canvas[CAPTION_PIXELS:, left : left + width], picture)


def test_caption_writes_instruction_and_action_on_lines_of_their_own() -> None:
    picture = np.zeros((10, 320, 3), dtype=np.uint8)
    both, neither = caption(picture, "go to the red ball", "forward"), caption(picture, "", "")
    only_instruction = caption(picture, "go to the red ball", "")
    assert (neither[:CAPTION_PIXELS] == 255).all()
    changed = np.flatnonzero((both != only_instruction).any(axis=(1, 2)))
    assert changed.min() > 34


@pytest.mark.parametrize(("height", "width"), [(96, 128), (95, 127)])
def test_video_has_every_frame_and_the_size(height: int, width: int, tmp_path: Path) -> None:
    path = tmp_path / "videos" / "episode.mp4"
    save_video(flat_frames(9, height, width), path)
    frames = read_video(path)
    assert len(frames) == 9 + HOLD_FRAMES
    assert {frame.shape for frame in frames} == {(96, 128, 3)}
    brightness = [float(frame[:90, :120].mean()) for frame in frames]
    np.testing.assert_allclose(brightness[:9], 10 * np.arange(9), atol=4)
    np.testing.assert_allclose(brightness[9:], 80, atol=4)
    assert [entry.name for entry in path.parent.iterdir()] == ["episode.mp4"]


def test_video_keeps_red_red(tmp_path: Path) -> None:
    red = np.zeros((64, 64, 3), dtype=np.uint8)
    red[..., 0] = 220
    save_video([red], tmp_path / "red.mp4")
    mean = read_video(tmp_path / "red.mp4")[0].mean(axis=(0, 1))
    assert mean[0] > 180
    assert mean[2] < 40


def test_video_that_cannot_take_its_place_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "episode.mp4" / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"episode\.mp4"):
        save_video(flat_frames(2, 64, 64), tmp_path / "episode.mp4")
    assert [entry.name for entry in tmp_path.iterdir()] == ["episode.mp4"]


def test_video_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        save_video(flat_frames(2, 64, 64), tmp_path / "file" / "episode.mp4")
