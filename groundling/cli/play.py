"""Move an agent yourself, in a terminal: arrow keys turn and walk, letters handle objects; rover: first-person view."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

from groundling.cli.any_world import play_family
from groundling.cli.screens import KEYS, HalfBlocks, Screen, TextMap, Window, has_display, raw_keys
from groundling.envs import GroundlingEnv, make
from groundling.envs.catalog import find_family
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.base import EnvFamily
from groundling.errors import ConfigurationError

QUIT = ("q", "\x03", "\x04", "")


@dataclass
class Command:
    """Play a task.

    Attributes:
        task: id of the environment.
        seed: random seed of the first episode.
        split: split of the instructions: "all", "train", or another that the task has, such as "seen" and "unseen".
        body: "grid" (walks from cell to cell, shown from above) or "rover" (drives, first-person view).
        view: where the first-person view of a rover is shown; "auto" opens a window if there is a display.
    """

    task: str = "BabyAI-GoToLocal-v0"
    seed: int = 0
    split: str = "all"
    body: Literal["grid", "rover"] = "grid"
    view: Literal["auto", "window", "terminal"] = "auto"

    def run(self) -> None:
        """Play until q is pressed."""
        if self.seed < 0:
            raise ConfigurationError(f"seed must not be negative, got {self.seed}")
        if self.body == "grid" and self.view == "window":
            raise ConfigurationError("the map of the body 'grid' is shown in the terminal: a window needs --body rover")
        family = find_family(self.task)
        if not isinstance(family, BankFamily):
            self._play_family(family)
            return
        make(self.task, split=self.split)  # a wrong task is said before a window opens
        in_window = self.body == "rover" and (self.view == "window" or (self.view == "auto" and has_display()))
        if not in_window and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigurationError("play needs a terminal: its input and output must not be redirected")
        screen: Screen
        if self.body == "grid":
            screen, env = TextMap(), make(self.task, split=self.split)
        else:
            view = Window() if in_window else HalfBlocks()
            screen, env = view, make(self.task, split=self.split, body="rover", camera=view.camera())
        with nullcontext() if in_window else raw_keys():
            play(env, self.seed, screen)

    def _play_family(self, family: EnvFamily) -> None:
        """Play where only the family knows the world."""
        if self.body != "grid" or self.view == "window":
            raise ConfigurationError(f"{family.id} has a body and pictures of its own: leave --body and --view out")
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigurationError("play needs a terminal: its input and output must not be redirected")
        with raw_keys():
            play_family(family, self.split, self.seed)


def play(env: GroundlingEnv, seed: int, screen: Screen) -> None:
    """Episode after episode, from this seed on."""
    while True:
        observation, _ = env.reset(seed=seed)
        steps, told = 0, ""
        while True:
            screen.show(env, observation, steps, told)
            key = screen.read_key()
            if key in QUIT:
                return
            if key == "n":
                break
            if key not in KEYS:
                continue
            observation, reward, terminated, truncated, _ = env.step(int(KEYS[key]))
            steps += 1
            if terminated or truncated:
                told = f"done, reward {reward:.3f}" if reward else ("failed" if terminated else "out of time")
                screen.show(env, observation, steps, told + " - press any key for the next episode, q to quit")
                if screen.read_key() in QUIT:
                    return
                break
        seed += 1
