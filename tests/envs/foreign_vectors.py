"""Vector environments of users' own, in every autoreset mode, for tests of what adapts them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from foreign_envs import Lamp
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space


class Lamps(VectorEnv):
    """Lamps side by side, by code of its own; it takes one seed only, as Gymnasium's interface has it."""

    def __init__(self, num_envs: int, mode: Any, limit: int = 5) -> None:
        self.num_envs, self.mode = num_envs, mode
        self.metadata = {"autoreset_mode": mode}
        self.lamps = [Lamp(limit) for _ in range(num_envs)]
        self.single_observation_space = self.lamps[0].observation_space
        self.single_action_space = self.lamps[0].action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.ended = np.zeros(num_envs, dtype=np.bool_)

    def batch(self, seen: list[Any]) -> dict[str, Any]:
        inner = [one["inner"] for one in seen]
        return {
            "view": np.stack([one["view"] for one in seen]),
            "count": np.array([one["count"] for one in seen]),
            "inner": {
                "told": tuple(one["told"] for one in inner),
                "action_mask": np.stack([one["action_mask"] for one in inner]),
            },
        }

    def begin(self, rows: Any, seed: int | None = None) -> None:
        for row in np.flatnonzero(rows).tolist():
            self.lamps[row].reset(seed=None if seed is None else seed + row)
        self.ended = self.ended & ~rows

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        assert seed is None or isinstance(seed, int)
        every = np.ones(self.num_envs, dtype=np.bool_)
        rows = (options or {}).get("reset_mask", every) if self.mode is AutoresetMode.DISABLED else every
        self.begin(rows, seed)
        return self.batch([lamp.seen() for lamp in self.lamps]), {}

    def step(self, actions: Any) -> Any:
        assert self.action_space.contains(actions)
        before = self.ended.copy()
        assert self.mode is not AutoresetMode.DISABLED or not before.any()
        if self.mode is AutoresetMode.NEXT_STEP:
            self.begin(before)
        told = [
            (lamp.seen(), 0.0, False, False, {"won": False}) if waits else lamp.step(action)
            for lamp, action, waits in zip(self.lamps, actions.tolist(), before, strict=True)
        ]
        reward, terminated, truncated = (np.array([one[k] for one in told]) for k in (1, 2, 3))
        self.ended = terminated | truncated
        seen, won = [one[0] for one in told], np.array([one[4]["won"] for one in told])
        info: dict[str, Any] = {"won": won}
        if self.mode is AutoresetMode.SAME_STEP and self.ended.any():
            final = np.array([one if end else None for one, end in zip(seen, self.ended, strict=True)], dtype=object)
            info = {"final_obs": final, "final_info": {"won": won, "_won": self.ended}}
            self.begin(self.ended)
            seen = [lamp.seen() for lamp in self.lamps]
        return self.batch(seen), reward, terminated, truncated, info


def make_same_step(num_envs: int) -> VectorEnv:
    return Lamps(num_envs, AutoresetMode.SAME_STEP)


def make_next_step(num_envs: int) -> VectorEnv:
    return Lamps(num_envs, AutoresetMode.NEXT_STEP)


def make_disabled(num_envs: int) -> VectorEnv:
    return Lamps(num_envs, AutoresetMode.DISABLED)


def make_sync(num_envs: int) -> VectorEnv:
    return SyncVectorEnv([Lamp] * num_envs)


def make_async(num_envs: int, shared_memory: bool = False, mode: str = "Disabled") -> VectorEnv:
    return AsyncVectorEnv([Lamp] * num_envs, shared_memory=shared_memory, autoreset_mode=mode)


def make_three() -> VectorEnv:
    return Lamps(3, AutoresetMode.SAME_STEP)


def make_three_next_step() -> VectorEnv:
    return Lamps(3, AutoresetMode.NEXT_STEP)


def make_undeclared(num_envs: int) -> VectorEnv:
    made = make_same_step(num_envs)
    made.metadata = {}
    return made


def make_more(num_envs: int) -> VectorEnv:
    return make_same_step(num_envs + 1)


def make_single(num_envs: int) -> gymnasium.Env:
    return Lamp()


class Continuous(Lamps):
    def __init__(self, num_envs: int = 2) -> None:
        super().__init__(num_envs, AutoresetMode.SAME_STEP)
        self.single_action_space = spaces.Box(-1, 1, (2,))


class Ragged(Lamps):
    def __init__(self, num_envs: int = 2) -> None:
        super().__init__(num_envs, AutoresetMode.SAME_STEP)

    def batch(self, seen: list[Any]) -> dict[str, Any]:
        return super().batch(seen) | {"count": np.zeros(1, dtype=np.int64)}


class Silent(Lamps):
    """Says that it begins episodes in the same step, and does not tell how the last one ended."""

    def __init__(self, num_envs: int = 2) -> None:
        super().__init__(num_envs, AutoresetMode.SAME_STEP)

    def step(self, actions: Any) -> Any:
        return *super().step(actions)[:4], {}
