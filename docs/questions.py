"""Draw docs/questions.png: a house from inside, with a question and its answers. `python docs/questions.py`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from groundling.envs import EpisodeBank
from groundling.envs.catalog import find_family
from groundling.envs.families.options import WorldOptions
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.first_person import Camera
from groundling.envs.rendering import render_world
from groundling.envs.vector import GroundlingVectorEnv

TASK = "groundling/Questions-v0"
EPISODE = 20  # of the bank
SIZE = (480, 320)
CAPTION_PIXELS = 64
INK, PALE, CHOSEN = (30, 30, 30), (120, 120, 120), (40, 120, 60)


def main() -> None:
    """Write the picture: what is seen where the expert answers, the question, the answers, the house from above."""
    bank = EpisodeBank.of_seeds(TASK, [EPISODE])
    camera = Camera(width=SIZE[0], height=SIZE[1], fov_degrees=80)
    family = find_family(TASK)
    assert isinstance(family, QuestionFamily)
    embodiment = family.embodiment(WorldOptions(body="rover", camera=camera))
    envs = GroundlingVectorEnv(bank, 1, shuffle=False, embodiment=embodiment, autoreset=False)
    observation, _ = envs.reset(seed=0)
    expert = family.expert(envs)
    assert expert is not None
    action = int(expert.actions()[0])
    while not family.spec.actions[action].startswith("answer"):
        observation, *_ = envs.step(np.array([action]))
        action = int(expert.actions()[0])
    names = np.array(family.spec.actions)[observation["action_mask"][0].astype(bool)]
    answers = [name.removeprefix("answer ") for name in names if name.startswith("answer")]
    right = family.spec.actions[action].removeprefix("answer ")
    above = render_world(envs.worlds, 0, tile_pixels=16)
    scale = SIZE[1] / above.shape[0]
    above = cv2.resize(above, (round(above.shape[1] * scale), SIZE[1]), interpolation=cv2.INTER_AREA)
    picture = np.concatenate([observation["image"][0], np.full((SIZE[1], 8, 3), 255, np.uint8), above], axis=1)
    canvas = np.full((SIZE[1] + CAPTION_PIXELS, picture.shape[1], 3), 255, dtype=np.uint8)
    canvas[: SIZE[1]] = picture
    write(canvas, envs.instructions[0], (4, SIZE[1] + 24), INK, 0.6)
    left = 4
    for answer in answers:
        left += write(canvas, answer, (left, SIZE[1] + 50), CHOSEN if answer == right else PALE, 0.5) + 14
    cv2.imwrite(str(Path(__file__).parent / "questions.png"), canvas[:, :, ::-1])


def write(canvas: np.ndarray, text: str, place: tuple[int, int], color: tuple[int, int, int], size: float) -> int:
    """Write a line of text; returns its width in pixels."""
    thickness = 2 if color == CHOSEN else 1
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thickness)[0][0]


if __name__ == "__main__":
    main()
