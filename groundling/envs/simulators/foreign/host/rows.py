"""Rows of environments, single ones or those of vector environments, whose episodes begin when they are told to.

Both kinds have the same attributes and methods:

    count, group       how many there are, and how many one call makes at least
    is_batch           whether one vector environment holds all of them
    can_choose         whether a row can begin another episode before it acts
    first              an environment that knows the spaces
    reset(rows, seeds) -> (observation, info) of each of these rows; a seed may be None
    step(actions)      -> (observation, reward, terminated, truncated, info) of each row; where an episode ended the
                          observation is its last one, and ``reset`` is to be called before the next step
    env(row)           -> the environment of a row, for rules; None where nobody can look into it
    render(row), close()
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .spaces import describe, flat

SAME_STEP, NEXT_STEP, DISABLED = "samestep", "nextstep", "disabled"
MODES = {SAME_STEP: "SAME_STEP", NEXT_STEP: "NEXT_STEP", DISABLED: "DISABLED"}
RESETS_ROWS = ("SyncVectorEnv", "AsyncVectorEnv")  # whatever their mode, some rows can be reset alone, with own seeds
FINAL_KEYS = ("final_obs", "final_observation")  # the second before Gymnasium 1.0


class SingleRows:
    """Single environments, of Gymnasium's interface or the older one.

    Args:
        envs: one a row.
    """

    group = 1
    is_batch = False
    can_choose = True

    def __init__(self, envs: list[Any]) -> None:
        self.envs = envs
        self.count = len(envs)
        self.first = envs[0]
        self.observation_space, self.action_space = self.first.observation_space, self.first.action_space

    def reset(self, rows: list[int], seeds: list[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """See the module."""
        for row, seed in zip(rows, seeds):  # noqa: B905 - Python 3.7
            env = self.envs[row]
            try:
                found = env.reset(seed=seed)
            except TypeError:  # the older interface
                if hasattr(env, "seed") and seed is not None:
                    env.seed(seed)
                found = env.reset()
            yield found if isinstance(found, tuple) and len(found) == 2 else (found, {})

    def step(self, actions: Any) -> Iterator[Any]:
        """See the module."""
        for row, env in enumerate(self.envs):
            result = env.step(int(actions[row]))
            if len(result) == 5:
                yield result
            else:  # gym before 0.26: the limit's end is told in the info
                observation, reward, done, info = result
                truncated = bool(info.get("TimeLimit.truncated", False))
                yield observation, reward, bool(done) and not truncated, truncated, info

    def env(self, row: int) -> Any:
        """See the module."""
        return self.envs[row]

    def render(self, row: int) -> Any:
        """What the environment of a row draws."""
        picture = self.envs[row].render()
        return picture[0] if isinstance(picture, list) and picture else picture

    def close(self) -> None:
        """End the environments."""
        for env in self.envs:
            if hasattr(env, "close"):
                env.close()


class VectorRows:
    """Rows of vector environments, in any autoreset mode.

    - SAME_STEP: the next episode has begun in the step itself; ``reset`` tells its first observation. Seeds are those
      of the first episodes only.
    - DISABLED, and Gymnasium's own in NEXT_STEP: ended rows are reset by ``options["reset_mask"]``, at once.
    - one row in any mode: it is reset by itself.

    Args:
        envs: vector environments of equally many rows.
        mode: see :func:`mode_of`.
        is_batch: whether one was made of as many rows as were wanted.

    Raises:
        TypeError: if rows that ended could only be reset together with others.
    """

    def __init__(self, envs: list[Any], mode: str, is_batch: bool = False) -> None:
        self.envs, self.mode, self.is_batch = envs, mode, is_batch
        self.first = envs[0]
        self.size = int(self.first.num_envs)
        self.count = len(envs) * self.size
        self.group = 1 if is_batch else self.size
        if self.size > 1 and not resets_rows(self.first, mode):
            raise TypeError(
                "it begins episodes in the step after their end (autoreset mode NEXT_STEP), so no row can begin one "
                "before the others act: declare SAME_STEP or DISABLED, or take the number of environments as an "
                "argument num_envs"
            )
        self.can_choose = mode != SAME_STEP or (self.size == 1 and not is_batch)
        self.observation_space = self.first.single_observation_space
        self.action_space = self.first.single_action_space
        self._space = describe(self.observation_space)
        if shares_memory(self.first) and any(part["kind"] == "text" for part in flat(self._space).values()):
            raise TypeError(
                "texts of an AsyncVectorEnv with shared memory are not its own (Gymnasium shares numbers only): give "
                "it shared_memory=False and autoreset_mode=AutoresetMode.DISABLED"
            )
        self._takes_seeds = kind_of(self.first) in RESETS_ROWS
        self._next: dict[int, tuple[Any, dict[str, Any]]] = {}

    def reset(self, rows: list[int], seeds: list[Any]) -> list[tuple[Any, dict[str, Any]]]:
        """See the module."""
        found: dict[int, tuple[Any, dict[str, Any]]] = {}
        seed_of = dict(zip(rows, seeds))  # noqa: B905 - Python 3.7
        for place, env in enumerate(self.envs):
            first = place * self.size
            own = [row for row in rows if first <= row < first + self.size]
            if own:
                found.update(self._reset(first, env, own, seed_of))
        return [found[row] for row in rows]

    def _reset(
        self, first: int, env: Any, rows: list[int], seed_of: dict[int, Any]
    ) -> dict[int, tuple[Any, dict[str, Any]]]:
        """Begin episodes in some rows of the vector environment whose first row is ``first``."""
        if all(row in self._next for row in rows):  # they began by themselves
            return {row: self._next.pop(row) for row in rows}
        is_whole = len(rows) == self.size
        seeds = [seed_of.get(first + k) for k in range(self.size)]
        options: dict[str, Any] = {}
        if is_whole:
            for row in rows:
                self._next.pop(row, None)
        elif self.mode == SAME_STEP:
            raise RuntimeError(
                "a rule ends an episode that the vector environment goes on with, which begins episodes by itself "
                "(autoreset mode SAME_STEP): leave out the rule for terminated, or declare the mode DISABLED"
            )
        else:
            mask = np.zeros(self.size, dtype=np.bool_)
            mask[[row - first for row in rows]] = True
            options = {"options": {"reset_mask": mask}}
        if self._takes_seeds:
            seed: Any = seeds
        else:  # one for all rows, so a part of them goes on with what is drawn
            seed = seeds[0] if is_whole else None
        observation, info = env.reset(seed=seed, **options)
        return {row: (self._observation(observation, row - first), part_of_info(info, row - first)) for row in rows}

    def step(self, actions: Any) -> Iterator[Any]:
        """See the module."""
        for place, env in enumerate(self.envs):
            first = place * self.size
            chosen = np.asarray(actions[first : first + self.size])
            chosen = chosen.astype(getattr(env.action_space, "dtype", None) or chosen.dtype)
            observation, reward, terminated, truncated, info = env.step(chosen)
            for name, array in (("rewards", reward), ("terminated", terminated), ("truncated", truncated)):
                if np.shape(array) != (self.size,):
                    raise TypeError(f"{name} of {self.size} environments have the shape {list(np.shape(array))}")
            final = next((info[key] for key in FINAL_KEYS if key in info), None)
            for k in range(self.size):
                seen, told = self._observation(observation, k), part_of_info(info, k)
                if self.mode == SAME_STEP and (terminated[k] or truncated[k]):
                    last = self._last(final, k)
                    if last is None:
                        raise TypeError(
                            "an episode ended in a vector environment of autoreset mode SAME_STEP, but its info has no "
                            "final_obs; it has {}".format(", ".join(sorted(info)) or "nothing")
                        )
                    self._next[first + k] = (seen, told)
                    seen = last
                    told = told.get("final_info", told)
                yield seen, reward[k], terminated[k], truncated[k], told

    def _last(self, final: Any, k: int) -> Any:
        """The last observation of one environment, of those that an info has: a batch, or an observation for each."""
        if final is None or isinstance(final, dict):
            return None if final is None else self._observation(final, k)
        return final[k]

    def env(self, row: int) -> Any:
        """See the module."""
        inner = getattr(getattr(self.envs[row // self.size], "unwrapped", None), "envs", None)
        return None if inner is None else inner[row % self.size]

    def render(self, row: int) -> Any:
        """What the environment of a row draws."""
        pictures = self.envs[row // self.size].render()
        return None if pictures is None else pictures[row % self.size]

    def close(self) -> None:
        """End the environments."""
        for env in self.envs:
            env.close()

    def _observation(self, batch: Any, k: int) -> Any:
        return row_of(batch, k, self._space, self.size)


def is_vector(env: Any) -> bool:
    """Whether it is a vector environment."""
    return all(hasattr(env, name) for name in ("num_envs", "single_observation_space", "single_action_space"))


def kind_of(env: Any) -> str:
    """The name of its class, without what is wrapped around it."""
    return type(getattr(env, "unwrapped", env)).__name__


def shares_memory(env: Any) -> bool:
    """Whether it is Gymnasium's AsyncVectorEnv, with shared memory."""
    return kind_of(env) == "AsyncVectorEnv" and bool(getattr(env.unwrapped, "shared_memory", True))


def mode_of(env: Any, told: str = "") -> str:
    """How a vector environment begins episodes: as it is told here, or as its metadata declare it.

    Raises:
        TypeError: if nobody tells it, or there is no such mode.
    """
    declared = (getattr(env, "metadata", None) or {}).get("autoreset_mode")
    mode = told or declared
    name = str(getattr(mode, "value", mode)).replace("_", "").lower()
    if name in MODES:
        return name
    found = "declares none" if declared is None else f"declares {declared!r}"
    raise TypeError(
        "how this {} begins episodes is to be in its metadata, as in metadata = {{'autoreset_mode': "
        "AutoresetMode.SAME_STEP}}, it {}; or say it behind the id, autoreset={}".format(
            kind_of(env), found, " or ".join(MODES.values())
        )
    )


def resets_rows(env: Any, mode: str) -> bool:
    """Whether some rows of a vector environment can begin an episode before the others act.

    Raises:
        TypeError: if not even a reset of all rows keeps it from resetting them in the next step again.
    """
    kind = kind_of(env)
    if mode == NEXT_STEP and kind == "AsyncVectorEnv" and not shares_memory(env):
        raise TypeError(
            "an AsyncVectorEnv without shared memory ignores the first action after a reset in autoreset mode "
            "NEXT_STEP: give it autoreset_mode=AutoresetMode.DISABLED or SAME_STEP"
        )
    return mode != NEXT_STEP or kind in RESETS_ROWS


def row_of(batch: Any, k: int, space: dict[str, Any], size: int) -> Any:
    """The observation of one of so many environments, in the parts of a single one's space (see ``describe``).

    Raises:
        TypeError: if a part has not as many rows as there are environments.
    """
    if space["kind"] == "dict":
        parts = space["parts"]
        if isinstance(batch, dict):
            return {key: row_of(batch[key], k, part, size) for key, part in parts.items()}
        return tuple(row_of(batch[int(key)], k, part, size) for key, part in parts.items())
    if len(batch) != size:
        raise TypeError(f"an observation of {size} environments has {len(batch)} rows")
    return batch[k]


def part_of_info(info: dict[str, Any], k: int) -> dict[str, Any]:
    """What the info of a vector environment tells of one of its rows: arrays by key, beside them whether they tell of a
    row (``_key``).
    """
    found = {}
    for key, value in info.items():
        if key.startswith("_") and key[1:] in info:
            continue
        mask = info.get("_" + key)
        if mask is not None and not mask[k]:
            continue
        if isinstance(value, dict):
            found[key] = part_of_info(value, k)
        else:
            is_array = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
            found[key] = value[k] if is_array else value
    return found
