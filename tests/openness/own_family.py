"""A family of one's own: a row of tiles with a lamp at each end, and an order to walk to one of them."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from groundling.envs.families.base import EnvFamily
from groundling.interfaces import TOKENS, VECTOR, Field, Spec, Suite
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["walk", "to", "the", "left", "right", "lamp"])
ORDERS = WORDS.encode_all([f"walk to the {side} lamp" for side in ("left", "right")], length=5)
FIELDS = {"place": Field((5,), "float32", VECTOR), "order": Field((5,), "int32", TOKENS, len(WORDS))}
PLACE, ORDER = spaces.Box(0, 1, (5,), np.float32), spaces.Box(0, len(WORDS) - 1, (5,), np.int32)


class Lamps(VectorEnv):
    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012
    single_observation_space, single_action_space = spaces.Dict(place=PLACE, order=ORDER), spaces.Discrete(2)

    def __init__(self, num_envs: int, seed: int) -> None:
        self.num_envs, self.rng, self.lost = num_envs, np.random.default_rng(seed), np.zeros(num_envs, dtype=np.bool_)
        self.agent_spec = Spec(FIELDS, ("left", "right"), WORDS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        self.rng = self.rng if seed is None else np.random.default_rng(seed)
        self.place, self.goal = np.full(self.num_envs, 2), self.rng.integers(2, size=self.num_envs)
        return self.seen(), {}

    def seen(self) -> Any:
        return {"place": np.eye(5, dtype=np.float32)[self.place], "order": ORDERS[self.goal]}

    def step(self, actions: Any) -> Any:
        self.place = self.place + 2 * np.asarray(actions) - 1
        ended, success, last = np.isin(self.place, (0, 4)), self.place == 4 * self.goal, self.seen()
        final = np.array([{k: v[row] for k, v in last.items()} for row in range(self.num_envs)], dtype=object)
        drawn = self.rng.integers(2, size=self.num_envs)
        self.place, self.goal = np.where(ended, 2, self.place), np.where(ended, drawn, self.goal)
        told = {"final_obs": final, "success": success, "_success": ended} if ended.any() else {}
        return self.seen(), (success & ended).astype(float), ended, np.zeros_like(ended), told


class LampFamily(EnvFamily):
    id, description, spec = (
        "own/Lamps-v0",
        "Walk to the lamp that the order names",
        Spec(FIELDS, ("left", "right"), WORDS),
    )
    suites = {"layout": Suite("the same row", "seen"), "again": Suite("once more", "seen", is_usual=False)}  # noqa: RUF012

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        return Lamps(num_envs, seed)

    def expert(self, envs: Any) -> Any:
        return Expert(envs.unwrapped)


class Expert:
    def __init__(self, envs: Lamps) -> None:
        self.envs, self.lost = envs, envs.lost

    def actions(self) -> Any:
        return self.envs.goal.astype(np.int64)

    def state_dict(self) -> Any:
        return {}

    def load_state_dict(self, saved: Any) -> None: ...
