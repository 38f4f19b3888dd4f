"""Make docs/watch.gif and docs/watch.png from `groundling watch`, the agent that ships. `python docs/watch.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image

from groundling.cli import main as groundling

FOLDER = Path(__file__).parent
WIDTH = 640
COLORS = 250
MILLISECONDS = 350  # a frame
SEED = 1
STILLS = 4


def main() -> None:
    """Write both pictures."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "watch.mp4"
        if groundling(["watch", "--episodes", "4", "--seed", str(SEED), "--output", str(video)]):
            raise SystemExit("there is no video")
        with av.open(str(video)) as opened:
            frames = [frame.to_image() for frame in opened.decode(video=0)]
    size = (WIDTH, round(frames[0].height * WIDTH / frames[0].width))
    small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    sample = np.concatenate([np.asarray(frame) for frame in small[:: max(len(small) // 8, 1)]], axis=0)
    palette = Image.fromarray(sample).quantize(COLORS, method=Image.Quantize.MAXCOVERAGE)
    told = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
    told[0].save(
        FOLDER / "watch.gif", save_all=True, append_images=told[1:], duration=MILLISECONDS, loop=0, optimize=True
    )
    chosen = [frames[round(place)] for place in np.linspace(0, len(frames) - 1, STILLS)]
    tiles = [np.asarray(frame.resize((size[0], size[1]), Image.Resampling.LANCZOS)) for frame in chosen]
    rows = [np.concatenate(tiles[row : row + 2], axis=1) for row in range(0, STILLS, 2)]
    Image.fromarray(np.concatenate(rows, axis=0)).save(FOLDER / "watch.png", optimize=True)


if __name__ == "__main__":
    main()
