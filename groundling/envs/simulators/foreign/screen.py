"""Pictures of environments that show themselves as text only, as in a terminal."""

from __future__ import annotations

import re
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

ROWS: Final = 24
COLUMNS: Final = 80
CELL: Final = (14, 8)  # pixels of a character, height and width
ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def picture_of_text(text: str) -> NDArray[np.uint8]:
    """A picture [336, 640, 3] of the first 24 lines and 80 columns; what sets colors in a terminal is left out."""
    height, width = CELL
    picture = np.zeros((ROWS * height, COLUMNS * width, 3), dtype=np.uint8)
    for row, line in enumerate(ESCAPES.sub("", text).splitlines()[:ROWS]):
        for column, character in enumerate(line[:COLUMNS]):
            if character > " ":
                place = (column * width, row * height + height - 4)
                cv2.putText(picture, character, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (230, 230, 230))
    return picture
