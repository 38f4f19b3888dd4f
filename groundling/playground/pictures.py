"""Pictures for the page: arrays as PNG in data URLs."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.playground.errors import PlaygroundError


def data_url(picture: NDArray[np.uint8]) -> str:
    """A picture [H, W, 3] uint8, RGB, as the address of an image."""
    return "data:image/png;base64," + base64.b64encode(png_of(picture)).decode("ascii")


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture [H, W, 3] uint8, RGB, as a file's content."""
    done, encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise PlaygroundError("a picture could not be encoded")
    content: Any = encoded.tobytes()
    return bytes(content)
