"""Draw docs/first_person.png: what a rover sees in four tasks. `python docs/first_person.py`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

import groundling
from groundling.envs.first_person import Camera

SCENES = (
    ("BabyAI-GoToLocal-v0", 0),
    ("BabyAI-GoToDoor-v0", 2),
    ("groundling/GoToHundredLarge-v0", 2),
    ("groundling/GroundedRoom-Medium-v0", 5),
)
SIZE = (320, 200)
CAPTION_PIXELS = 30


def main() -> None:
    """Write the picture."""
    pictures = []
    for task, seed in SCENES:
        env = groundling.make(task, body="rover", camera=Camera(width=SIZE[0], height=SIZE[1], fov_degrees=80))
        observation, info = env.reset(seed=seed)
        canvas = np.full((SIZE[1] + CAPTION_PIXELS, SIZE[0], 3), 255, dtype=np.uint8)
        canvas[: SIZE[1]] = observation["image"]
        place = (4, SIZE[1] + 20)
        cv2.putText(
            canvas, info["instruction_text"], place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA
        )
        pictures.append(canvas)
    gap = np.full((pictures[0].shape[0], 8, 3), 255, dtype=np.uint8)
    row = np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)
    cv2.imwrite(str(Path(__file__).parent / "first_person.png"), row[:, :, ::-1])


if __name__ == "__main__":
    main()
