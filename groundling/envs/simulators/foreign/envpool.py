"""EnvPool's environments, stepped by its threads in this process, as a source of raw observations."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.simulators.errors import EngineError
from groundling.envs.simulators.foreign.host.choosing import MOST_RESETS, is_chosen, told_choice
from groundling.envs.simulators.foreign.host.rules import UNKNOWN, Rule, decide
from groundling.envs.simulators.foreign.host.spaces import describe, flat, part_of, text_bytes
from groundling.envs.simulators.foreign.pool import Source


class EnvPoolSource:
    """B environments of one of EnvPool's ids. What EnvPool does is mended in three places:

    - After the end of an episode its next step would only reset; here the next episode begins in the same step.
    - Texts are bytes that end in zeros; here they stand behind their length, as ``host`` writes them.
    - It seeds an environment where that is made, not where an episode begins. So ``reset`` makes all of them anew with
      its seeds, and the later episodes of each follow from there: ``next_seed`` is not used.

    Args:
        id: of EnvPool's.
        count: B.
        threads: that step them.
        rules: how success and ends are told, see ``host.rules.Rule``; ``env.ATTRIBUTE`` is unknown.
        options: settings of EnvPool's own.
        choice: which episodes are wanted, see ``host.serving.Host``.

    Attributes:
        arrays: as those of ``pool.ForeignPool``.
        count: B.
        description: what the spaces are, see ``host.serving.Host.describe``.

    Raises:
        ImportError: if EnvPool is not installed.
        EngineError: if it lacks the id, or does not know an option.
    """

    def __init__(
        self,
        id: str,
        count: int,
        threads: int = 1,
        *,
        rules: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        choice: Mapping[str, Any] | None = None,
    ) -> None:
        self._make = importlib.import_module("envpool").make_gymnasium
        self.id, self.count = id, count
        self._choice = None if choice is None else dict(choice)
        self._threads, self._options = min(threads, count), dict(options or {})
        self._rules = {name: Rule(text) for name, text in (rules or {}).items()}
        self._returns, self._lengths = np.zeros(count), np.zeros(count, dtype=np.int64)
        self._sources: list[Source] = []
        self.arrays: dict[str, NDArray[Any]] = {}
        self._pool = self._made(np.zeros(count, dtype=np.int64))
        observation = describe(self._pool.observation_space)
        self._is_dict = observation["kind"] == "dict"
        self.description: dict[str, Any] = {
            "observation": flat(observation),
            "action": describe(self._pool.action_space),
            "action_names": None,
            "render_modes": ["rgb_array"],
            "class": f"envpool.{id}",
            "bases": [],
            "count": count,
            "group": 1,
            "is_batch": False,
            "can_choose": True,
        }

    def map(self, sources: Sequence[Source]) -> None:
        """Make the arrays of these parts, see ``ForeignPool.map``."""
        b = self.count
        self._sources = list(sources)
        self.arrays = {
            "next_seed": np.zeros(b, dtype=np.int64),
            "reward": np.zeros(b),
            "terminated": np.zeros(b, dtype=np.bool_),
            "truncated": np.zeros(b, dtype=np.bool_),
            "success": np.full(b, UNKNOWN, dtype=np.int8),
        }
        for source in sources:
            shape, dtype = ((4 + source.size,), "uint8") if source.kind == "text" else (source.shape, source.dtype)
            for when in ("now", "final"):
                self.arrays[f"{when}:{source.key}"] = np.zeros((b, *shape), dtype=dtype)

    def reset(self, seeds: NDArray[np.integer[Any]]) -> None:
        """Make the environments anew with these seeds [B], and begin their episodes."""
        self._pool.close()
        self._pool = self._made(seeds)
        self._begin(np.arange(self.count, dtype=np.int32))

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Act [B]; where episodes end, the next ones begin, and ``final:KEY`` has the last observations."""
        seen, reward, terminated, truncated, info = self._pool.step(actions.astype(np.int32))
        rows, arrays = info["env_id"], self.arrays
        self._write(seen, info)
        arrays["reward"][rows], arrays["terminated"][rows], arrays["truncated"][rows] = reward, terminated, truncated
        arrays["success"][:] = UNKNOWN
        self._returns += arrays["reward"]
        self._lengths += 1
        places = range(self.count) if "terminated" in self._rules else np.flatnonzero(terminated | truncated).tolist()
        for place in places:
            self._decide(int(rows[place]), {key: _part(value, place) for key, value in info.items()})
        ended = np.flatnonzero(arrays["terminated"] | arrays["truncated"])
        if len(ended):
            for source in self._sources:
                arrays[f"final:{source.key}"][ended] = arrays[f"now:{source.key}"][ended]
            self._begin(ended.astype(np.int32))

    def render(self, row: int) -> NDArray[np.uint8] | None:
        """A picture [H, W, 3] of an environment, if it was made to draw some."""
        if self._options.get("render_mode") is None:
            return None
        return np.ascontiguousarray(self._pool.render(env_ids=[row])[0], dtype=np.uint8)

    def close(self) -> None:
        """End the environments and their threads."""
        self._pool.close()

    def _made(self, seeds: NDArray[np.integer[Any]]) -> Any:
        seed = [int(seed) for seed in seeds]
        try:
            return self._make(self.id, num_envs=self.count, num_threads=self._threads, env_seed=seed, **self._options)
        except (AssertionError, TypeError, ValueError) as error:
            raise EngineError(f"EnvPool cannot make {self.id}: {error}") from error

    def _begin(self, rows: NDArray[np.int32]) -> None:
        """Begin the next episodes of rows [R], those that are wanted."""
        self._returns[rows], self._lengths[rows] = 0.0, 0
        for _ in range(MOST_RESETS):
            seen, info = self._pool.reset(rows)
            self._write(seen, info)
            if self._choice is None:
                return
            key, choice = self._choice["key"], self._choice
            told = info[key[5:]] if key.startswith("info.") else part_of(seen, key, self._is_dict)
            texts = [text_bytes(text).decode(errors="replace") for text in told]
            rows = np.array(info["env_id"])[[not is_chosen(text, choice) for text in texts]].astype(np.int32)
            if not len(rows):
                return
        raise EngineError(f"none of {MOST_RESETS} episodes of {self.id} has {told_choice(self._choice)}")

    def _write(self, seen: Any, info: Mapping[str, Any]) -> None:
        """Write observations [R] to the rows that they are of."""
        rows = info["env_id"]
        for source in self._sources:
            array = self.arrays[f"now:{source.key}"]
            is_told = source.key.startswith("info.")
            value = info[source.key[5:]] if is_told else part_of(seen, source.key, self._is_dict)
            array[rows] = _texts(value, array.shape[1]) if source.kind == "text" else value

    def _decide(self, row: int, info: dict[str, Any]) -> None:
        arrays = self.arrays
        told = {
            "reward": float(arrays["reward"][row]),
            "return": float(self._returns[row]),
            "length": int(self._lengths[row]),
            "terminated": bool(arrays["terminated"][row]),
            "truncated": bool(arrays["truncated"][row]),
        }
        arrays["success"][row] = decide(self._rules, told, info)
        arrays["terminated"][row], arrays["truncated"][row] = told["terminated"], told["truncated"]


def _part(value: Any, place: int) -> Any:
    """The part of one environment."""
    if isinstance(value, dict):
        return {key: _part(part, place) for key, part in value.items()}
    return value[place]


def _texts(raw: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Texts [R, width] as ``host`` writes them, of bytes [R, N] that end in zeros."""
    raw = raw[:, : width - 4]
    is_end = raw == 0
    lengths = np.where(is_end.any(axis=1), is_end.argmax(axis=1), raw.shape[1])
    written = np.zeros((len(raw), width), dtype=np.uint8)
    written[:, :4] = lengths.astype("<u4")[:, None].view(np.uint8)
    written[:, 4 : 4 + raw.shape[1]] = np.where(np.arange(raw.shape[1]) < lengths[:, None], raw, 0)
    return written
