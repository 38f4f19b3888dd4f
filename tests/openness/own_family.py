"""A family of one's own: a row of tiles with a lamp at each end, and an order to walk to one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from groundling.envs.families.base import EnvFamily
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from groundling.interfaces import TOKENS, VECTOR, Field, Spec, Suite
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["walk", "to", "the", "left", "right", "lamp"])
TEXTS = np.array([WORDS.encode(f"walk to the {side} lamp") for side in ("left", "right")])
SPEC = Spec(
    {"place": Field((5,), "float32", VECTOR), "order": Field((5,), "int32", TOKENS, len(WORDS))},
    ("left", "right"),
    WORDS,
)


class Lamps(VectorEnv):
    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012
    agent_spec = SPEC
    single_observation_space = spaces.Dict(
        place=spaces.Box(0, 1, (5,), np.float32), order=spaces.Box(0, len(WORDS) - 1, (5,), np.int32)
    )
    single_action_space = spaces.Discrete(2)

    def __init__(self, num_envs: int, seed: int) -> None:
        self.num_envs = num_envs
        self.rng = np.random.default_rng(seed)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        self.rng = self.rng if seed is None else np.random.default_rng(seed)
        self.place, self.goal = np.full(self.num_envs, 2), self.rng.integers(2, size=self.num_envs)
        return self.seen(), {}

    def seen(self) -> dict[str, Any]:
        return {"place": np.eye(5, dtype=np.float32)[self.place], "order": TEXTS[self.goal]}

    def step(self, actions: Any) -> Any:
        self.place = self.place + 2 * np.asarray(actions) - 1
        ended, success = np.isin(self.place, (0, 4)), self.place == 4 * self.goal
        info: dict[str, Any] = {}
        if ended.any():
            info = {"final_obs": [self.seen()] * self.num_envs, "success": success & ended, "_success": ended}
            self.place, self.goal = np.where(ended, 2, self.place), np.where(ended, self.rng.integers(2), self.goal)
        return self.seen(), (success & ended).astype(float), ended, np.zeros_like(ended), info


class LampFamily(EnvFamily):
    id, description, spec = "own/Lamps-v0", "Walk to the lamp that the order names", SPEC
    suites = {"layout": Suite("the same row", "seen"), "again": Suite("once more", "seen", is_usual=False)}  # noqa: RUF012

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        return Lamps(num_envs, seed + (split == "seen"))

    def expert(self, envs: Any) -> Any:
        return Knows(envs.unwrapped)


class Knows:
    def __init__(self, envs: Lamps) -> None:
        self.envs, self.lost = envs, np.zeros(envs.num_envs, dtype=np.bool_)

    def actions(self) -> Any:
        return self.envs.goal.astype(np.int64)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        pass
