"""Screens to play on: the map in colored text, the first-person view in the terminal or in a window."""

from __future__ import annotations

import os
import select
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from groundling.envs import Action, GroundlingEnv
from groundling.envs.engine.constants import DOOR, EMPTY, FIRST_TASK_TYPE, NOTHING_CODE, look_parts
from groundling.envs.engine.floors import PLAIN_FLOOR, TINTS
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.first_person import Camera
from groundling.envs.rendering import shown_things, visible_tiles, world_layout
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
    "\n": Action.DONE,
    "\r": Action.DONE,
}
HELP = (
    "arrows: turn left, turn right, forward   p pick up   d drop   space toggle   enter done   n next episode   q quit"
)
COLORS = (
    *("red", "green", "blue", "magenta", "yellow", "bright_black"),
    *("orange3", "hot_pink", "orange4", "white"),
)
SIGNS = {1: "· ", 2: "██", 4: "╬╬", 5: "⚷ ", 6: "● ", 7: "■ ", 8: "░░"}
OTHER_SIGN = "◆ "
DOOR_SIGNS = ("▯ ", "╬╬", "╬L")
AGENT_SIGNS = ("▶ ", "▼ ", "◀ ", "▲ ")
WINDOW_PIXELS = 640
CAPTION_PIXELS = 72
LINES_BELOW = 8  # of text around the picture in the terminal


class Screen(ABC):
    """Shows an environment and hears the keys."""

    @abstractmethod
    def show(self, env: GroundlingEnv, observation: dict[str, Any], steps: int, told: str) -> None:
        """Show what there is to see."""

    @abstractmethod
    def read_key(self) -> str:
        """The next key, as a terminal names it; empty at the end of input."""


class TextMap(Screen):
    """The whole map as colored text; what the agent sees is lit."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def show(self, env: GroundlingEnv, observation: dict[str, Any], steps: int, told: str) -> None:
        """Draw the instruction, the world and what the agent carries."""
        text = Text()
        text.append(f"\n {env.instruction}\n\n", style="bold")
        text.append(draw_world(env))
        text.append(what_is_carried(env))
        text.append(status(env, steps, told), style="dim")
        self.console.clear()
        self.console.print(text)

    def read_key(self) -> str:
        """The next key of the terminal."""
        return read_key()


class HalfBlocks(Screen):
    """The first-person view in the terminal: each character is two pixels, one above the other."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def camera(self) -> Camera:
        """One with as many pixels as the terminal has room for."""
        columns, lines = self.console.size
        width = max(16, min(columns - 2, 160))
        height = max(16, min(2 * (lines - LINES_BELOW), width * 3 // 4))
        return Camera(width=width, height=height)

    def show(self, env: GroundlingEnv, observation: dict[str, Any], steps: int, told: str) -> None:
        """Draw the instruction, the view and what the rover carries."""
        text = Text(f"\n {env.instruction}\n\n", style="bold")
        text.append(what_is_carried(env))
        text.append(status(env, steps, told), style="dim")
        self.console.clear()
        self.console.file.write(half_blocks(observation["image"]))
        self.console.print(text)

    def read_key(self) -> str:
        """The next key of the terminal."""
        return read_key()


class Window(Screen):
    """The first-person view in a window.

    Raises:
        ConfigurationError: if no window can be opened.
    """

    def __init__(self) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        import pygame

        self._pygame: Any = pygame
        try:
            pygame.display.init()
            pygame.font.init()
            self._surface: Any = pygame.display.set_mode((WINDOW_PIXELS, WINDOW_PIXELS + CAPTION_PIXELS))
        except pygame.error as error:
            raise ConfigurationError(f"no window can be opened here ({error}): play with --view terminal") from error
        pygame.display.set_caption("Groundling")
        pygame.key.set_repeat(250, 60)
        self._font: Any = pygame.font.Font(None, 22)

    def camera(self) -> Camera:
        """One as large as the window is."""
        return Camera(width=WINDOW_PIXELS, height=WINDOW_PIXELS)

    def show(self, env: GroundlingEnv, observation: dict[str, Any], steps: int, told: str) -> None:
        """Draw the view, and below it the instruction."""
        picture = self._pygame.surfarray.make_surface(observation["image"].swapaxes(0, 1))
        self._surface.fill((20, 20, 20))
        self._surface.blit(picture, (0, 0))
        carried = what_is_carried(env).plain.strip()
        line = f"step {steps} of {time_limit(env)}   {carried}   {told}"
        for row, words in enumerate((env.instruction, line, HELP)):
            color = (240, 240, 240) if row == 0 else (150, 150, 150)
            self._surface.blit(self._font.render(words, True, color), (8, WINDOW_PIXELS + 4 + 22 * row))
        self._pygame.display.flip()

    def read_key(self) -> str:
        """The next key pressed in the window; empty when it is closed."""
        pygame = self._pygame
        arrows = {pygame.K_LEFT: "\x1b[D", pygame.K_RIGHT: "\x1b[C", pygame.K_UP: "\x1b[A", pygame.K_ESCAPE: "q"}
        while True:
            event = pygame.event.wait()
            if event.type == pygame.QUIT:
                return ""
            if event.type == pygame.KEYDOWN and (key := arrows.get(event.key, event.unicode.lower())):
                return str(key)


def has_display() -> bool:
    """Whether windows can be expected to open."""
    return sys.platform in ("win32", "darwin") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def half_blocks(image: NDArray[np.uint8]) -> str:
    """A picture [H, W, 3] as lines of half blocks in 24-bit colors; of an odd height the last row is left out."""
    lines = []
    for upper, lower in zip(image[:-1:2].tolist(), image[1::2].tolist(), strict=True):
        cells = [f"\x1b[38;2;{r};{g};{b};48;2;{x};{y};{z}m▀" for (r, g, b), (x, y, z) in zip(upper, lower, strict=True)]
        lines.append(" " + "".join(cells) + "\x1b[0m\n")
    return "".join(lines)


def time_limit(env: GroundlingEnv) -> int:
    """Steps of the episode."""
    assert env.worlds is not None
    return int(env.worlds.state.max_steps[0])


def status(env: GroundlingEnv, steps: int, told: str) -> str:
    """The lines below the picture."""
    return f"\n step {steps} of {time_limit(env)}   {told}\n\n {HELP}\n"


def what_is_carried(env: GroundlingEnv) -> Text:
    """What the agent holds, as its sign and its name."""
    assert env.worlds is not None
    state = env.worlds.state
    if state.carried[0] == NOTHING_CODE:
        return Text()
    look = look_parts(int(state.looks[0, state.carried[0]]))
    return Text.assemble(" carrying ", tile(np.array(look), env.worlds.kinds))


def draw_world(env: GroundlingEnv) -> Text:
    """The whole map as colored text, two characters a tile."""
    assert isinstance(env.worlds, WorldBatch)
    layout, (agent_x, agent_y), direction = world_layout(env.worlds, 0)
    lit = visible_tiles(env.worlds, 0)
    shown = dict(shown_things(env.worlds, 0))
    text = Text()
    for y, row in enumerate(layout):
        text.append(" ")
        for x, cell in enumerate(row):
            if (x, y) == (agent_x, agent_y):
                text.append(AGENT_SIGNS[direction], style="bold red")
            else:
                sign, style = tile(cell, env.worlds.kinds)
                on_top = shown.get((x, y))
                text.append(sign[0] if on_top else sign, style=style if lit[y, x] else f"{style} dim")
                if on_top:  # what stands on a thing takes the second of its characters
                    sign, style = tile(np.array(on_top), env.worlds.kinds)
                    text.append(sign[0], style=style if lit[y, x] else f"{style} dim")
        text.append("\n")
    return text


def tile(cell: NDArray[np.integer[Any]], kinds: Kinds = PLAIN_KINDS) -> tuple[str, str]:
    """Sign and color of a (type, color, state)."""
    kind, color, state = map(int, cell)
    style = COLORS[color] if color < len(COLORS) else "rgb({},{},{})".format(*kinds.rgb[color])
    if kind == DOOR:
        return DOOR_SIGNS[state], style
    if kind >= FIRST_TASK_TYPE:  # the first letter of a type that a task brings
        return f"{kinds.type_names[kind][0]} ", style
    if kind == EMPTY:
        return SIGNS[kind], "bright_black" if color == PLAIN_FLOOR else "bright_black on rgb({},{},{})".format(
            *TINTS[color]
        )
    return SIGNS.get(kind, OTHER_SIGN), style


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
