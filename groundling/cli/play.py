"""Steer an agent yourself in the terminal: arrow keys turn and walk, letters handle objects."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from groundling.envs import Action, GroundlingEnv, make
from groundling.envs.constants import DOOR, EMPTY, NOTHING_CODE
from groundling.envs.rendering import visible_tiles, world_layout
from groundling.errors import ConfigurationError

KEYS = {
    "\x1b[D": Action.LEFT,
    "\x1b[C": Action.RIGHT,
    "\x1b[A": Action.FORWARD,
    "\x1bOD": Action.LEFT,
    "\x1bOC": Action.RIGHT,
    "\x1bOA": Action.FORWARD,
    "p": Action.PICKUP,
    "d": Action.DROP,
    " ": Action.TOGGLE,
    "t": Action.TOGGLE,
}
HELP = "arrows: turn left, turn right, forward   p pick up   d drop   space toggle   n next episode   q quit"
COLORS = ("red", "green", "blue", "magenta", "yellow", "bright_black")
SIGNS = {1: "· ", 2: "██", 4: "╬╬", 5: "⚷ ", 6: "● ", 7: "■ "}
DOOR_SIGNS = ("▯ ", "╬╬", "╬L")
AGENT_SIGNS = ("▶ ", "▼ ", "◀ ", "▲ ")


@dataclass
class Command:
    """Play a task.

    Attributes:
        task: id of the environment.
        seed: of the first episode.
        split: which instructions to meet.
    """

    task: str = "BabyAI-GoToLocal-v0"
    seed: int = 0
    split: Literal["all", "train", "seen", "unseen"] = "all"

    def run(self) -> None:
        """Play until q is pressed."""
        if self.seed < 0:
            raise ConfigurationError(f"seed must not be negative, got {self.seed}")
        env = make(self.task, split=self.split)
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigurationError("play needs a terminal: its input and output must not be redirected")
        with raw_keys():
            play(env, self.seed, Console(highlight=False))


def play(env: GroundlingEnv, seed: int, console: Console) -> None:
    """Episode after episode, from this seed on."""
    while True:
        env.reset(seed=seed)
        steps, told = 0, ""
        while True:
            show(env, console, steps, told)
            key = read_key()
            if key in ("q", "\x03", "\x04", ""):
                return
            if key == "n":
                break
            if key not in KEYS:
                continue
            _, reward, terminated, truncated, _ = env.step(int(KEYS[key]))
            steps += 1
            if terminated or truncated:
                told = f"done, reward {reward:.3f}" if reward else ("failed" if terminated else "out of time")
                show(env, console, steps, told + " - press any key for the next episode, q to quit")
                if read_key() in ("q", "\x03", "\x04", ""):
                    return
                break
        seed += 1


def show(env: GroundlingEnv, console: Console, steps: int, told: str) -> None:
    """Draw the instruction, the world (what the agent sees is lit) and what it carries."""
    assert env.worlds is not None
    state = env.worlds.state
    text = Text()
    text.append(f"\n {env.instruction}\n\n", style="bold")
    text.append(draw_world(env))
    if state.carried[0] != NOTHING_CODE:
        look = int(state.looks[0, state.carried[0]])
        text.append(" carrying ")
        text.append(SIGNS[look & 0xFF], style=COLORS[look >> 8 & 0xFF])
    text.append(f"\n step {steps} of {int(state.max_steps[0])}   {told}\n\n {HELP}\n", style="dim")
    console.clear()
    console.print(text)


def draw_world(env: GroundlingEnv) -> Text:
    """The whole map as colored text, two characters a tile."""
    assert env.worlds is not None
    layout, (agent_x, agent_y), direction = world_layout(env.worlds, 0)
    lit = visible_tiles(env.worlds, 0)
    text = Text()
    for y, row in enumerate(layout):
        text.append(" ")
        for x, cell in enumerate(row):
            if (x, y) == (agent_x, agent_y):
                text.append(AGENT_SIGNS[direction], style="bold red")
            else:
                sign, style = tile(cell)
                text.append(sign, style=style if lit[y, x] else f"{style} dim")
        text.append("\n")
    return text


def tile(cell: NDArray[np.uint8]) -> tuple[str, str]:
    """Sign and color of a (type, color, state)."""
    kind, color, state = map(int, cell)
    if kind == DOOR:
        return DOOR_SIGNS[state], COLORS[color]
    return SIGNS.get(kind, "? "), "bright_black" if kind == EMPTY else COLORS[color]


@contextmanager
def raw_keys() -> Iterator[None]:
    """Let keys arrive one by one, without Enter; the terminal is put back as it was."""
    try:
        import termios
        import tty
    except ImportError as error:
        raise ConfigurationError("play needs a POSIX terminal (Linux, macOS, or WSL on Windows)") from error
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def read_key() -> str:
    """The next key; an arrow arrives as three characters. Empty at the end of input."""
    descriptor = sys.stdin.fileno()
    key = os.read(descriptor, 1)
    if key == b"\x1b":
        while select.select([descriptor], [], [], 0.02)[0] and len(key) < 3:
            key += os.read(descriptor, 1)
    return key.decode(errors="ignore").lower() if len(key) == 1 else key.decode(errors="ignore")
