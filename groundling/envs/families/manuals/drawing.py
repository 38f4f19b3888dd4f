"""What pictures of worlds with a manual have in common: sizes, colors, and words on tiles."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

TILE: Final = 64  # pixels
FLOOR_RGB, SELF_RGB, INK = (70, 70, 76), (235, 235, 235), (0, 0, 0)


def write_word(tile: NDArray[np.uint8], word: str, baseline: int) -> None:
    """A word in the middle of a tile."""
    scale = 0.34
    (width, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale = min(scale, scale * (TILE - 4) / width)
    (width, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    at = ((TILE - width) // 2, baseline)
    cv2.putText(tile, word, at, cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)
