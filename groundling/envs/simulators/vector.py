"""Many simulators as one vector environment, each in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from groundling.envs.simulators.pool import SimulatorPool
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import CATEGORY, TOKENS, Field, Spec
from groundling.seeding import integer, reset_seed

Arrays = dict[str, NDArray[Any]]


class SimulatorVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """B simulators of one class; autoreset mode SAME_STEP.

    Where episodes end, ``info`` has ``final_obs`` and ``final_info``: ``success`` and ``episode`` (return ``r`` and
    length ``l``). All are masked by the same names with an underscore; sentences are at :attr:`instructions`.

    Args:
        place: the class of the simulators, ``"my_file.py:MySimulator"``.
        num_envs: B.
        seed: names the episodes: each environment plays those of its own stream of seeds.
        split: the name of the split, which simulators are told at every reset.
        workers: processes.
        options: what simulators are told at every reset beside the split.

    Raises:
        EngineError: if a simulator cannot be made.
    """

    def __init__(
        self,
        place: str,
        num_envs: int,
        *,
        seed: int = 0,
        split: str = "train",
        workers: int = 1,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if num_envs < 1:
            raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
        self.autoreset_mode = AutoresetMode.SAME_STEP
        self.metadata = {"autoreset_mode": self.autoreset_mode}
        self.num_envs = num_envs
        self.split = split
        self._seed = seed
        self._options = {**(options or {}), "split": split}
        self.pool = SimulatorPool(place, num_envs, workers)
        self.agent_spec: Spec = self.pool.spec
        parts = {key: space_of(part) for key, part in self.agent_spec.observation.items()}
        self.single_observation_space = spaces.Dict(parts)
        self.single_action_space = spaces.Discrete(self.agent_spec.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.instructions = [""] * num_envs
        self._begun = np.zeros(num_envs, dtype=np.int64)
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._texts = self.agent_spec.keys_of(TOKENS)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: begins the streams of episodes anew; None goes on with them.
            options: none are known.
        """
        if isinstance(seed, list):
            raise ConfigurationError("every environment has a stream of its own: give one integer as the seed")
        seed = reset_seed(seed)
        if seed is not None:
            self._seed, self._begun[:] = seed, 0
        self._returns[:], self._lengths[:] = 0, 0
        observation = self._empty()
        self._begin(range(self.num_envs), observation)
        return observation, {}

    def step(
        self, actions: ArrayLike
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Act in every environment; see the class.

        Raises:
            ActionError: if the actions are not [B] integers in [0, A).
            EngineError: if a simulator fails, crashes or hangs.
        """
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            raise ActionError(f"actions are [{self.num_envs}] integers, got {list(chosen.shape)} {chosen.dtype}")
        if chosen.min() < 0 or chosen.max() >= self.agent_spec.num_actions:
            raise ActionError(f"actions are from 0 to {self.agent_spec.num_actions - 1}, got {chosen}")
        steps = self.pool.step(chosen.tolist())
        reward = np.array([step.reward for step in steps], dtype=np.float64)
        terminated = np.array([step.terminated for step in steps], dtype=np.bool_)
        truncated = np.array([step.truncated for step in steps], dtype=np.bool_)
        ended = terminated | truncated
        self._returns += reward
        self._lengths += 1
        observation, info = self._empty(), dict[str, Any]()
        for row, step in enumerate(steps):
            self._write(observation, row, step.observation)
        if ended.any():
            final = np.full(self.num_envs, None, dtype=object)
            for row in np.flatnonzero(ended).tolist():
                final[row] = {key: array[row].copy() for key, array in observation.items()}
            info = {
                "final_obs": final,
                "final_info": {
                    "success": np.array([step.success for step in steps], dtype=np.bool_) & ended,
                    "episode": {"r": np.where(ended, self._returns, 0), "l": np.where(ended, self._lengths, 0)},
                    **dict.fromkeys(("_success", "_episode"), ended),
                },
                **dict.fromkeys(("_final_obs", "_final_info"), ended),
            }
            self._returns[ended], self._lengths[ended] = 0, 0
            self._begin(np.flatnonzero(ended).tolist(), observation)
        return observation, reward, terminated, truncated, info

    def close_extras(self, **kwargs: Any) -> None:
        """End the simulators."""
        self.pool.close()

    def _begin(self, rows: Any, observation: Arrays) -> None:
        """Begin the next episode in these environments."""
        seeds = {row: integer(self._seed, "episode", row, int(self._begun[row])) % 2**31 for row in rows}
        for row, seen in self.pool.reset(seeds, self._options).items():
            self._begun[row] += 1
            self._write(observation, row, seen)

    def _write(self, observation: Arrays, row: int, seen: Any) -> None:
        """Write an environment's observation, its sentences as token ids."""
        for key, array in observation.items():
            if key not in seen:
                raise ConfigurationError(f"a simulator's observation has no {key}; it has {', '.join(seen)}")
            value = seen[key]
            if isinstance(value, str):
                if key == self._texts[0]:
                    self.instructions[row] = value
                value = self.agent_spec.vocabulary.encode(value, length=array.shape[-1])
            elif self._texts and key == self._texts[0]:
                self.instructions[row] = self.agent_spec.vocabulary.decode(value)
            array[row] = value

    def _empty(self) -> Arrays:
        return {
            key: np.zeros((self.num_envs, *part.shape), dtype=part.dtype)
            for key, part in self.agent_spec.observation.items()
        }


def space_of(part: Field) -> spaces.Space[Any]:
    """Gymnasium's space of a field."""
    if part.kind == CATEGORY:
        return spaces.Discrete(part.size)
    dtype = np.dtype(part.dtype)
    if dtype.kind == "b":
        return spaces.MultiBinary(part.shape)
    if dtype.kind == "f":
        return spaces.Box(-np.inf, np.inf, part.shape, dtype.type)
    highest = part.size - 1 if part.size else np.iinfo(dtype).max
    return spaces.Box(0, highest, part.shape, dtype.type)
