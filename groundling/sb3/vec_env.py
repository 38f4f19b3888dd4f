"""Our vector environments behind Stable-Baselines3's ``VecEnv``: one batch, not many Python environments."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from groundling.envs.engine.outcomes import successes_of
from groundling.envs.making import make_vec
from groundling.envs.specification import spec_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec

Observer = Callable[[dict[str, Any], NDArray[Any], NDArray[np.bool_]], None]
OF_EACH = ("instructions", "manuals", "texts")  # attributes of a batch that have a value for each environment


class GroundlingVecEnv(VecEnv):
    """B environments as Stable-Baselines3 steps them.

    The ``info`` of an environment whose episode ended has ``terminal_observation``, ``TimeLimit.truncated`` (cut off,
    not ended by itself), ``episode`` as ``Monitor`` has it (return ``r``, length ``l``, seconds ``t``) and, where the
    environments tell success, ``is_success``; all others are empty.

    Args:
        envs: vector environments in autoreset mode SAME_STEP with ``Discrete`` actions.
        observer: told the info of every step as ``envs`` gave it, the rewards [B] and where episodes ended [B].

    Attributes:
        envs: the batch itself.
        agent_spec: what an agent in these environments is built for.
        observation: [B, ...] by key, the last that was returned.

    Raises:
        ConfigurationError: if the environments reset in another mode or take other actions.
    """

    def __init__(self, envs: VectorEnv, observer: Observer | None = None) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ConfigurationError(
                f"Stable-Baselines3 needs vector environments with AutoresetMode.SAME_STEP, these declare {mode}: pass "
                "autoreset_mode=AutoresetMode.SAME_STEP to gymnasium's vector environment"
            )
        if not isinstance(envs.single_action_space, spaces.Discrete):
            raise ConfigurationError(f"the actions are to be Discrete, these are {envs.single_action_space}")
        self.envs = envs
        self.agent_spec: Spec = spec_of(envs)
        self.observer = observer
        self.observation: dict[str, NDArray[Any]] = {}
        own = envs.unwrapped
        self._is_fresh = isinstance(own, GroundlingVectorEnv) and own.copy
        self._returns = np.zeros(envs.num_envs)
        self._lengths = np.zeros(envs.num_envs, dtype=np.int64)
        self._actions: NDArray[np.int64] = np.zeros(envs.num_envs, dtype=np.int64)
        self._begun = time.time()
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin an episode in every environment; the seed is the first of those that :meth:`seed` set."""
        seed = self._seeds[0]
        self._reset_seeds()
        self._reset_options()
        observation, _ = self.envs.reset(seed=seed)
        self._returns[:] = 0
        self._lengths[:] = 0
        return self.show(observation)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Take these actions [B] in :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; observations, rewards [B] float32, where episodes ended [B] bool, and an info for each environment."""
        observation, reward, terminated, truncated, info = self.envs.step(self._actions)
        ended = terminated | truncated
        self._returns += reward
        self._lengths += 1
        if self.observer is not None:
            self.observer(info, reward, ended)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        rows = np.flatnonzero(ended)
        if len(rows):
            self._tell(infos, rows, info, ended, truncated & ~terminated)
        # Copies: SB3 adds to the rewards, and keeps the observations.
        return self.show(observation), reward.astype(np.float32), ended, infos

    def show(self, observation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Observations in a dict that may be written to, of arrays that the next step leaves alone."""
        fresh = self._is_fresh
        self.observation = {key: array if fresh else np.array(array) for key, array in observation.items()}
        return dict(self.observation)

    def _tell(
        self,
        infos: list[dict[str, Any]],
        rows: NDArray[np.intp],
        info: dict[str, Any],
        ended: NDArray[np.bool_],
        cut_off: NDArray[np.bool_],
    ) -> None:
        """Fill the infos of these environments."""
        success = successes_of(info, ended)
        told = info.get("final_info", {}).get("episode")
        returns, lengths = (self._returns, self._lengths) if told is None else (told["r"], told["l"])
        seconds = round(time.time() - self._begun, 6)
        final = info["final_obs"]
        for row in rows.tolist():
            own = infos[row]
            own["terminal_observation"] = {key: np.array(array) for key, array in final[row].items()}
            own["TimeLimit.truncated"] = bool(cut_off[row])
            own["episode"] = {"r": float(returns[row]), "l": int(lengths[row]), "t": seconds}
            if success is not None:
                own["is_success"] = bool(success[row])
        self._returns[rows] = 0
        self._lengths[rows] = 0

    def close(self) -> None:
        """End the environments."""
        self.envs.close()

    def get_images(self) -> Sequence[NDArray[np.uint8]]:
        """A picture of every environment."""
        pictures: Any = self.envs.render()
        return list(pictures or ())

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the batch, for each of some environments."""
        rows = list(self._get_indices(indices))
        if attr_name == "render_mode":
            return [getattr(self.envs, "render_mode", None)] * len(rows)
        found = getattr(self.envs.unwrapped, attr_name)
        return [found[row] for row in rows] if attr_name in OF_EACH else [found] * len(rows)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the batch.

        Raises:
            ConfigurationError: if it is to be that of some environments only.
        """
        if indices is not None:
            raise ConfigurationError(f"the environments are one batch: {attr_name} cannot be set in some of them")
        setattr(self.envs.unwrapped, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refused: there are no single environments.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            f"the environments are one batch, none of them has a method {method_name!r} of its own: call that of `envs`"
        )

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """Nothing is wrapped, but the infos tell what ``Monitor`` tells, so that no other one is needed."""
        return [issubclass(wrapper_class, Monitor)] * len(list(self._get_indices(indices)))

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Returns and lengths of the running episodes."""
        return {"returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def load_state_dict(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`."""
        self._returns[:] = saved["returns"]
        self._lengths[:] = saved["lengths"]


def make_vec_env(task: str, n_envs: int = 16, *, seed: int = 0, **options: Any) -> GroundlingVecEnv:
    """Environments of a task for Stable-Baselines3.

    Args:
        task: id of a level or task, ``"my_tasks.py:MyTask"`` included.
        n_envs: B.
        seed: names the bank of episodes and their order.
        options: of ``groundling.make_vec``: ``split``, ``bank_size``, ``body``, ``camera``, ``render_mode`` ...

    Raises:
        As ``groundling.make_vec``.
    """
    return GroundlingVecEnv(make_vec(task, n_envs, seed=seed, **options))
