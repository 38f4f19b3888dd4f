"""A family of a user's own: walk to the end of a corridor that the sentence names."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from groundling.envs.families.base import EnvFamily
from groundling.interfaces import RGB, TOKENS, Field, Spec, Suite
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["walk", "east", "west", "please"])
SIDE = 8


def spec(key: str) -> Spec:
    fields = {"image": Field((SIDE, 7 * SIDE, 3), "uint8", RGB), key: Field((3,), "int32", TOKENS, len(WORDS))}
    return Spec(fields, ("west", "east"), WORDS)


class CorridorEnv(gymnasium.Env[dict[str, Any], int]):
    """Seven tiles; success at the end that the order names."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012

    def __init__(self, orders: tuple[str, ...], key: str, render_mode: str | None = None) -> None:
        self.orders, self.render_mode, self.key = orders, render_mode, key
        image = spaces.Box(0, 255, (SIDE, 7 * SIDE, 3), np.uint8)
        self.observation_space = spaces.Dict({"image": image, key: spaces.Box(0, len(WORDS) - 1, (3,), np.int32)})
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.order = self.orders[int(self.np_random.integers(len(self.orders)))]
        self.place, self.steps = 3, 0
        return self._seen(), {}

    def step(self, action: int) -> Any:
        self.place, self.steps = self.place + 2 * action - 1, self.steps + 1
        is_over = self.place in (0, 6)
        success = is_over and self.order.split()[1] == ("west" if self.place == 0 else "east")
        return self._seen(), 0.0, is_over, self.steps >= 20, {"is_success": success}

    def render(self) -> Any:
        return self._seen()["image"]

    def _seen(self) -> dict[str, Any]:
        image = np.full((SIDE, 7 * SIDE, 3), 40, np.uint8)
        image[:, SIDE * self.place : SIDE * (self.place + 1)] = 255
        return {"image": image, self.key: WORDS.encode(self.order, length=3)}


class CorridorEnvs(SyncVectorEnv):
    agent_spec = spec("instruction")


class Corridor(EnvFamily):
    id = "mine/Corridor-v0"
    description = "Walk to the end of the corridor that the sentence names"
    key = "instruction"
    spec = spec(key)
    suites = {  # noqa: RUF012
        "layout": Suite("orders of training", "seen"),
        "polite": Suite("orders with a word that training never told", "polite"),
    }

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        ends = ("walk east please", "walk west please") if split == "polite" else ("walk east", "walk west")
        modes = {True: AutoresetMode.SAME_STEP, False: AutoresetMode.DISABLED}
        makers = [lambda: CorridorEnv(ends, self.key, options.get("render_mode"))] * num_envs
        envs = CorridorEnvs(makers, autoreset_mode=modes[options.get("autoreset", True)])
        envs.agent_spec = self.spec
        return envs


class Ordered(Corridor):
    """The same with another key of the sentence."""

    id = "mine/Ordered-v0"
    key = "order"
    spec = spec(key)


class Unfinished(EnvFamily):
    id = "mine/Unfinished-v0"


NUMBER = 3
