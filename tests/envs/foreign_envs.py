"""Environments as other packages have them, for tests of what adapts them."""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

COLORS = ("red", "green", "blue")


class Lamp(gymnasium.Env):
    """Say the number of the color that is told; five steps; the picture counts them."""

    metadata: ClassVar[Any] = {"render_modes": ["rgb_array"]}
    action_names = ("Red", "Green", "Blue")

    def __init__(self, limit: int = 5, render_mode: str | None = None) -> None:
        self.limit = limit
        self.render_mode = render_mode
        self.observation_space = spaces.Dict(
            {
                "view": spaces.Box(0.0, 1.0, (4, 6, 1), np.float32),
                "count": spaces.Discrete(limit + 1),
                "inner": spaces.Dict({"told": spaces.Text(40), "action_mask": spaces.Box(0, 1, (3,), np.int8)}),
            }
        )
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.goal, self.steps = int(self.np_random.integers(3)), 0
        return self.seen(), {}

    def seen(self) -> dict[str, Any]:
        view = np.full((4, 6, 1), self.steps / self.limit, dtype=np.float32)
        told = f"Switch the {COLORS[self.goal]} lamp on, please!"
        return {
            "view": view,
            "count": self.steps,
            "inner": {"told": told, "action_mask": np.array([1, 1, int(self.steps > 0)], dtype=np.int8)},
        }

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        right = action == self.goal
        info = {"won": right, "status": -1 if self.steps == self.limit else 0}
        return self.seen(), float(right), right or self.steps == self.limit, False, info

    def render(self) -> Any:
        return np.full((8, 8, 3), self.steps, dtype=np.uint8)


def make_lamp(limit: int = 5, render_mode: str | None = None) -> Lamp:
    return Lamp(limit, render_mode)


class OldLamp:
    """The interface of gym before 0.26, without a base class of Gymnasium's."""

    def __init__(self) -> None:
        self.lamp = Lamp()
        self.observation_space, self.action_space = self.lamp.observation_space, self.lamp.action_space

    def seed(self, seed: int) -> None:
        self._seed = seed

    def reset(self) -> Any:
        return self.lamp.reset(seed=self._seed)[0]

    def step(self, action: int) -> tuple[Any, float, bool, dict[str, Any]]:
        seen, reward, terminated, _, info = self.lamp.step(action)
        return seen, reward, terminated, {**info, "TimeLimit.truncated": terminated and not info["won"]}


def make_old() -> Any:
    return OldLamp()


class Fatal(Lamp):
    """Dies, hangs or raises on the action 2 of its second step."""

    how = "die"

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.goal = 1
        return self.seen(), {}

    def step(self, action: int) -> Any:
        if self.steps == 1 and action == 2:
            if self.how == "die":
                print("the last words", flush=True)
                os._exit(7)
            if self.how == "hang":
                time.sleep(60)
            raise RuntimeError("this lamp is broken")
        return super().step(action)


class Hanging(Fatal):
    how = "hang"


class Raising(Fatal):
    how = "raise"


def make_fatal() -> Any:
    return Fatal(limit=50)


def make_hanging() -> Any:
    return Hanging(limit=50)


def make_raising() -> Any:
    return Raising(limit=50)


def make_two_texts() -> Any:
    env = Lamp()
    env.observation_space = spaces.Dict({"one": spaces.Text(5), "two": spaces.Text(5)})
    return env


def make_unreadable() -> Any:
    env = Lamp()
    env.observation_space = spaces.Dict({"numbers": spaces.MultiDiscrete([2, 3]), "told": spaces.Text(5)})
    return env


def make_nothing() -> Any:
    return 3


def make_with_box_actions() -> Any:
    env = Lamp()
    env.action_space = spaces.Box(-1, 1, (2,))
    return env


class Terminal(Lamp):
    """Shows itself as text."""

    metadata: ClassVar[Any] = {"render_modes": ["human", "ansi"]}

    def render(self) -> Any:
        assert self.render_mode == "ansi"
        return "\x1b[31m" + "#" * self.steps + "\x1b[0m\n\n@"
