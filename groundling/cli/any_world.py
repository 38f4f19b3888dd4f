"""Playing where only the family knows the world: its pictures in the terminal, its actions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from groundling.cli.screens import KEYS, LINES_BELOW, half_blocks, read_key
from groundling.envs.engine.outcomes import successes_of
from groundling.envs.families.base import EnvFamily
from groundling.envs.specification import spec_of
from groundling.envs.texts import documents_of, texts_of
from groundling.eval.pictures import drawn_kinds, picture_of

QUIT = ("q", "\x03", "\x04", "")
DIGITS = "1234567890"


def play_family(
    family: EnvFamily,
    split: str,
    seed: int,
    *,
    read: Callable[[], str] = read_key,
    console: Console | None = None,
) -> None:
    """Episode after episode, from this seed on, until q is pressed.

    Args:
        family: what is played.
        split: which episodes.
        seed: of the first one.
        read: waits for a key.
        console: where to show it.
    """
    console = console or Console(highlight=False)
    envs = family.open(family.split(split), 1, seed, render_mode="rgb_array", autoreset=False)
    try:
        while _play_episode(envs, seed, read, console):
            seed += 1
    finally:
        envs.close()


def keys_of(actions: tuple[str, ...]) -> dict[str, int]:
    """The keys that stand for actions: those of MiniGrid's for the same names, and a digit for each."""
    keys = {digit: number for number, digit in enumerate(DIGITS[: len(actions)])}
    return keys | {key: actions.index(a.name.lower()) for key, a in KEYS.items() if a.name.lower() in actions}


def _play_episode(envs: VectorEnv, seed: int, read: Callable[[], str], console: Console) -> bool:
    """One episode; returns whether to go on."""
    spec = spec_of(envs)
    keys = keys_of(spec.actions)
    observation, info = envs.reset(seed=seed)
    (text,) = texts_of(envs, observation, info, spec)
    (document,) = documents_of(observation, spec)
    text = "\n ".join([text, *(f"- {sentence}" for sentence in document)])
    picture = _picture(envs, observation)
    names = "   ".join(f"{digit} {name}" for digit, name in zip(DIGITS, spec.actions, strict=False))
    steps, told = 0, ""
    while True:
        _show(console, text, picture, f"step {steps}   {told}", f"{names}   n next episode   q quit")
        key = read()
        if key in QUIT:
            return False
        if key == "n" or told:
            return True
        if key not in keys:
            continue
        observation, reward, terminated, truncated, info = envs.step(np.array([keys[key]]))
        steps += 1
        ended = terminated | truncated
        if ended[0]:
            success = successes_of(info, ended)
            how = "done" if success is not None and success[0] else "failed" if terminated[0] else "out of time"
            told = f"{how}, reward {float(reward[0]):.3f} - press any key for the next episode, q to quit"
        if not ended[0] or "final_obs" not in info:
            picture = _picture(envs, observation)


def _picture(envs: VectorEnv, observation: Any) -> NDArray[np.uint8] | None:
    pictures = envs.render()
    if pictures:
        return np.asarray(pictures[0], np.uint8)
    return picture_of(observation, spec_of(envs), kinds=drawn_kinds(envs))


def _show(console: Console, text: str, picture: NDArray[np.uint8] | None, *lines: str) -> None:
    console.clear()
    if picture is not None:
        columns, rows = console.size
        free = max(1, rows - LINES_BELOW - text.count("\n"))
        factor = min((columns - 2) / picture.shape[1], 2 * free / picture.shape[0], 1.0)
        size = (max(2, round(picture.shape[1] * factor)), max(2, round(picture.shape[0] * factor)))
        fitted = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        console.file.write(half_blocks(np.asarray(fitted, np.uint8)))
    console.print(Text(f"\n {text}\n", style="bold"))
    for line in lines:
        console.print(Text(f" {line}", style="dim"))
