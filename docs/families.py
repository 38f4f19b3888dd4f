"""Draw docs/families.png: one episode of each kind of world, with its text. `python docs/families.py`."""

from __future__ import annotations

import textwrap
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import groundling
from groundling.envs.catalog import find_family
from groundling.envs.first_person import Camera

HEIGHT, GAP, LINE = 240, 12, 18
CAPTION_LINES = 5
INK, PALE = (30, 30, 30), (110, 110, 110)


def main() -> None:
    """Write the picture."""
    panels = [instruction(), first_person(), question(), manual()]
    row = np.concatenate([part for panel in panels for part in (panel, blank(panel.shape[0], GAP))][:-1], axis=1)
    cv2.imwrite(str(Path(__file__).parent / "families.png"), row[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def instruction() -> NDArray[np.uint8]:
    """A level of BabyAI from above."""
    env = groundling.make("BabyAI-GoToLocal-v0", render_mode="rgb_array")
    _, info = env.reset(seed=5)
    return panel(env.render(), "instruction", [info["instruction_text"]])


def first_person() -> NDArray[np.uint8]:
    """A task as a rover sees it."""
    camera = Camera(width=320, height=HEIGHT, fov_degrees=80)
    env = groundling.make("groundling/GoToHundredLarge-v0", body="rover", camera=camera)
    observation, info = env.reset(seed=2)
    return panel(observation["image"], "first person", [info["instruction_text"]])


def question() -> NDArray[np.uint8]:
    """A house from above, with a question about it."""
    envs = groundling.make_vec("groundling/Questions-v0", 1, seed=4, bank_size=16, render_mode="rgb_array")
    envs.reset(seed=0)
    return panel(envs.render()[0], "question", [envs.instructions[0]])


def manual() -> NDArray[np.uint8]:
    """A room of RTFM, with two sentences of its manual."""
    family = find_family("groundling/RTFM-Simple-6x6-v0")
    envs = family.make_vec(family.split("train", None), 1, 3, render_mode="rgb_array")
    envs.reset(seed=3)
    texts = [envs.instructions[0], *envs.manuals[0][:3], "..."]
    return panel(envs.render()[0], "manual", texts)


def panel(picture: NDArray[np.uint8], title: str, texts: list[str]) -> NDArray[np.uint8]:
    """A picture of one height with its title and texts below it."""
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    picture = cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    canvas = blank(HEIGHT + LINE * (CAPTION_LINES + 1) + 8, width)
    canvas[:HEIGHT] = picture
    lines = [line for text in texts for line in textwrap.wrap(text, max(width // 7, 10))]
    write(canvas, title, (2, HEIGHT + LINE), INK, 0.5, 1)
    for row, line in enumerate(lines[:CAPTION_LINES]):
        write(canvas, line, (2, HEIGHT + LINE * (row + 2)), PALE, 0.42, 1)
    return canvas


def blank(height: int, width: int) -> NDArray[np.uint8]:
    """White."""
    return np.full((height, width, 3), 255, dtype=np.uint8)


def write(
    canvas: NDArray[np.uint8], text: str, place: tuple[int, int], color: tuple[int, ...], size: float, thick: int
) -> None:
    """A line of text."""
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, color, thick, cv2.LINE_AA)


if __name__ == "__main__":
    main()
