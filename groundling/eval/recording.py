"""Recording: one episode of an agent as frames, and frames as a video."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from groundling.agents.baselines import Policy
from groundling.envs import Action, EpisodeBank, make_vec
from groundling.envs.rendering import render_world
from groundling.errors import StorageError
from groundling.files import make_folder, storage_error

FRAMES_PER_SECOND = 4
HOLD_FRAMES = 6  # how long the last frame stays
CAPTION_PIXELS = 64


@dataclass(frozen=True)
class Recording:
    """One episode as it was played.

    Attributes:
        instruction: the sentence.
        frames: [T + 1] pictures [H, W, 3] uint8, RGB, captioned.
        images: [T + 1] symbolic views [7, 7, 3] uint8.
        success: whether the goal was reached.
    """

    instruction: str
    frames: list[NDArray[np.uint8]]
    images: list[NDArray[np.uint8]]
    success: bool


def record_episode(policy: Policy, bank: EpisodeBank, row: int, *, greedy: bool = False, seed: int = 0) -> Recording:
    """Play one episode of a bank and picture every step.

    Args:
        policy: what acts.
        bank: the episodes.
        row: which one.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
    """
    envs = make_vec(bank=bank.take(slice(row, row + 1)), num_envs=1, shuffle=False)
    generator = torch.Generator().manual_seed(seed)
    observation, _ = envs.reset()
    instruction = envs.instructions[0]
    state = policy.initial_state(1)
    is_first = np.ones(1, dtype=np.bool_)
    images = [observation["image"][0]]
    frames = [caption(render_world(envs.worlds, 0), instruction, "")]
    for _ in range(int(bank.max_steps[row])):
        actions, state = policy.act(observation, state, is_first, greedy=greedy, generator=generator)
        envs.worlds.step(actions, autoreset=False, fresh=True)
        observation = current_observation(envs)
        is_first = np.zeros(1, dtype=np.bool_)
        out = envs.worlds.outcomes
        success = bool(out.success[0])
        told = Action(int(actions[0])).name.lower() + (": done!" if success else "")
        images.append(observation["image"][0])
        frames.append(caption(render_world(envs.worlds, 0), instruction, told))
        if out.terminated[0] or out.truncated[0]:
            break
    return Recording(instruction, frames, images, success)


def current_observation(envs: Any) -> dict[str, NDArray[Any]]:
    """What the agents of a vector environment see now."""
    seen = envs.worlds.observations
    image = seen.image.reshape(envs.num_envs, 7, 7, 3)
    return {"image": image, "direction": seen.direction, "instruction": seen.instruction}


def caption(picture: NDArray[np.uint8], instruction: str, action: str) -> NDArray[np.uint8]:
    """The picture with the instruction and the last action written above it."""
    width = max(picture.shape[1], 320)
    canvas = np.full((picture.shape[0] + CAPTION_PIXELS, width, 3), 255, dtype=np.uint8)
    left = (width - picture.shape[1]) // 2
    canvas[CAPTION_PIXELS:, left : left + picture.shape[1]] = picture
    for text, height, color in ((instruction, 26, (20, 20, 20)), (action, 52, (110, 110, 110))):
        scale = 0.6
        while scale > 0.25 and cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0] > width - 16:
            scale -= 0.05
        cv2.putText(canvas, text, (8, height), cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)
    return canvas


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
