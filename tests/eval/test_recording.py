"""Recordings: videos that other programs read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from groundling.errors import StorageError
from groundling.eval.recording import HOLD_FRAMES, save_video


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
