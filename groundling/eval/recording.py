"""Recording: frames as a video."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.errors import StorageError
from groundling.files import make_folder, storage_error

FRAMES_PER_SECOND = 4
HOLD_FRAMES = 6  # how long the last frame stays


def save_video(frames: list[NDArray[np.uint8]], path: Path, *, fps: int = FRAMES_PER_SECOND) -> None:
    """Write frames [H, W, 3] uint8, RGB, as an .mp4; the last one stays a while.

    Raises:
        StorageError: if the file cannot be written; what stood there is unchanged.
    """
    make_folder(path.parent)
    try:
        _write_video(frames, path, fps)
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def _write_video(frames: list[NDArray[np.uint8]], path: Path, fps: int) -> None:
    # frames of odd sizes are refused by some players
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
        half = Path(aside) / "video.mp4"
        writer = cv2.VideoWriter(str(half), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        if not writer.isOpened():
            raise StorageError(f"could not write {path}: OpenCV has no MPEG-4 encoder here, or the folder is read-only")
        for frame in [*frames, *[frames[-1]] * HOLD_FRAMES]:
            padded = np.full((height, width, 3), 255, dtype=np.uint8)
            padded[: frame.shape[0], : frame.shape[1]] = frame
            writer.write(cv2.cvtColor(padded, cv2.COLOR_RGB2BGR))
        writer.release()
        if not half.exists() or half.stat().st_size == 0:
            raise StorageError(f"could not write {path}: the disk may be full")
        os.replace(half, path)
