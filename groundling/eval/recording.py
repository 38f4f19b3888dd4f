"""Recording: frames as a video that browsers play."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from groundling.errors import StorageError
from groundling.files import make_folder, storage_error

CODEC: Final = "libx264"  # H.264 in MP4 with half as many color pixels as others (yuv420p): every browser plays it
# Constant quality 16 is hardly to be told from the frames; "faststart" puts the index first, "veryfast" costs 20 ms.
OPTIONS: Final = {"crf": "16", "preset": "veryfast", "tune": "animation"}
ITU709: Final = Colorspace.ITU709
CONTAINER_OPTIONS: Final = {"movflags": "faststart"}
FRAMES_PER_SECOND: Final = 4
HOLD_FRAMES: Final = 6  # how long the last frame stays


def save_video(frames: Iterable[NDArray[np.uint8]], path: Path, *, fps: int = FRAMES_PER_SECOND) -> int:
    """Write frames [H, W, 3] uint8, RGB, as an .mp4 with H.264 inside; the last one stays a while.

    Args:
        frames: at least one, all of one size; they are drawn one by one, so that a long video takes little memory.
        path: of the file.
        fps: frames a second.

    Returns:
        How many frames were written, those that hold the last one included.

    Raises:
        StorageError: if the file cannot be written; an existing file is unchanged.
    """
    make_folder(path.parent)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
            half = Path(aside) / "video.mp4"
            count = _write_video(iter(frames), half, fps)
            _check_whole(half, count)
            os.replace(half, path)
    except StorageError:
        raise
    except OSError as error:  # FFmpeg's errors as well
        raise storage_error(path, error) from error
    return count


def _check_whole(path: Path, count: int) -> None:
    """Refuse a video that lacks frames: of a full disk, not every file system tells while it is written."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    with av.open(str(path)) as container:
        found = sum(1 for packet in container.demux() if packet.size)
    if found != count:
        raise OSError(errno.EIO, f"{found} of {count} frames were written: the disk may be full")


def _write_video(frames: Iterator[NDArray[np.uint8]], path: Path, fps: int) -> int:
    first = next(frames)
    height, width = (side + side % 2 for side in first.shape[:2])  # yuv420p has no odd sizes
    padded = np.full((height, width, 3), 255, dtype=np.uint8)
    count = 0

    def picture() -> av.VideoFrame:
        return av.VideoFrame.from_ndarray(padded, format="rgb24").reformat(format="yuv420p", dst_colorspace=ITU709)

    with av.open(str(path), "w", format="mp4", options=CONTAINER_OPTIONS) as container:
        stream = container.add_stream(CODEC, rate=Fraction(fps), options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.colorspace = ITU709  # browsers guess it by the size otherwise
        for frame in itertools.chain([first], frames):
            padded[: frame.shape[0], : frame.shape[1]] = frame
            container.mux(stream.encode(picture()))
            count += 1
        for _ in range(HOLD_FRAMES):
            container.mux(stream.encode(picture()))
        container.mux(stream.encode(None))
    return count + HOLD_FRAMES
