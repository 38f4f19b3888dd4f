"""Many of ViZDoom's grounded rooms at once: every engine is asked before any is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import ArrayLike, NDArray

from groundling.envs.engine.batch import ObservationArrays
from groundling.envs.families.chaplot.episodes import Difficulty
from groundling.envs.simulators.doom import DEFAULT_HORIZON, DOOM_IDS, ChaplotDoomEnv
from groundling.envs.simulators.doom_engine import DoomTimeouts
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec
from groundling.language.grounded import TRAIN
from groundling.seeding import reset_seeds


class ChaplotDoomVectorEnv(SyncVectorEnv):
    """Many :class:`ChaplotDoomEnv`, each with an engine in a process of its own; autoreset mode SAME_STEP.

    The engines play at the same time: a step asks all of them, then waits for one after the other, and what has ended
    begins anew while the others are still waited for. Each is asked from this process, without the one between that
    Gymnasium's ``AsyncVectorEnv`` has.

    As in every vector environment of Groundling, ``final_info`` has ``success`` and ``episode`` (return ``r`` and
    length ``l``). Arrays that are returned are not written again.

    Attributes:
        instructions: of the episodes that run; a new list where one changes.
    """

    envs: Sequence[ChaplotDoomEnv]  # type: ignore[assignment]

    @property
    def agent_spec(self) -> Spec:
        """What an agent in these environments is built for."""
        return self.envs[0].agent_spec

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationArrays, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: environment i is seeded with ``seed + i``, or with its own of a list.
            options: none are known.

        Raises:
            ConfigurationError: if there are not as many seeds as environments, or one is no whole number.
            EngineError: if an engine fails, see ``groundling.envs.simulators.errors``.
        """
        given = reset_seeds(seed, self.num_envs)
        seeds: Sequence[int | None] = [None] * self.num_envs if given is None else given
        for env in self.envs:
            env.start()
        for env, own_seed in zip(self.envs, seeds, strict=True):
            env.ask_for_episode(own_seed)
        self.instructions = [""] * self.num_envs
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        observations = self._empty()
        for index in range(self.num_envs):
            self._begin(index, observations)
        return observations, {}

    def step(
        self, actions: ArrayLike
    ) -> tuple[ObservationArrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Act in every environment; see the class.

        Raises:
            ActionError: if one is not an integer in [0, 3); then nothing has been played.
            EngineError: if an engine fails and ``recover`` is not set.
            gymnasium.error.ResetNeeded: if there has been no reset.
        """
        checked = [env.checked_action(action) for env, action in zip(self.envs, np.asarray(actions), strict=True)]
        for env, action in zip(self.envs, checked, strict=True):
            env.ask_for_step(action)
        observations, info = self._empty(), dict[str, Any]()
        reward = np.zeros(self.num_envs)
        terminated, truncated, success = (np.zeros(self.num_envs, dtype=np.bool_) for _ in range(3))
        for index, env in enumerate(self.envs):
            seen, reward[index], terminated[index], truncated[index], told = env.answer_with_step()
            if terminated[index] or truncated[index]:
                success[index] = told["success"]
                del told["instruction_text"]
                info = self._add_info(info, {"final_obs": seen, "final_info": told}, index)
                env.ask_for_episode()
            else:
                _note(observations, index, seen)
        ended = terminated | truncated
        self._returns += reward
        self._lengths += 1
        if ended.any():
            episode = {"r": np.where(ended, self._returns, 0), "l": np.where(ended, self._lengths, 0)}
            info["final_info"] |= {"episode": episode, "_episode": ended}
            self._returns[ended] = 0
            self._lengths[ended] = 0
            self.instructions = self.instructions.copy()
            for index in np.flatnonzero(ended).tolist():
                self._begin(index, observations)
        return (
            observations,
            reward,
            terminated,
            truncated,
            info | ({"success": success, "_success": ended} if ended.any() else {}),
        )

    def _begin(self, index: int, observations: ObservationArrays) -> None:
        """Wait for the episode that an environment has been asked for."""
        seen, told = self.envs[index].answer_with_episode()
        self.instructions[index] = told["instruction_text"]
        _note(observations, index, seen)

    def _empty(self) -> ObservationArrays:
        spaces = self.observation_space.spaces  # type: ignore[attr-defined]
        return {key: np.empty(space.shape, dtype=space.dtype) for key, space in spaces.items()}


def _note(observations: ObservationArrays, index: int, seen: ObservationArrays) -> None:
    for key, array in observations.items():
        array[index] = seen[key]


def make_chaplot_doom_vec(
    difficulty: str | Difficulty = Difficulty.HARD,
    num_envs: int = 1,
    *,
    instructions: Sequence[int] = TRAIN,
    resolution: tuple[int, int] | None = None,
    image_size: tuple[int, int] | None = None,
    horizon: float = DEFAULT_HORIZON,
    recover: bool = True,
    timeouts: DoomTimeouts | None = None,
) -> ChaplotDoomVectorEnv:
    """Many environments at once; arguments and errors as :class:`ChaplotDoomEnv`'s.

    Args:
        difficulty: "easy", "medium" or "hard".
        num_envs: B.
        instructions: indices into ``INSTRUCTIONS`` to draw from.
        resolution: (width, height) at which the engines draw; None takes the smallest that suits ``image_size``.
        image_size: (width, height) of the observations; None leaves the engine's.
        horizon: where it lies in observations that are flatter than the engine's frames.
        recover: where an engine fails, truncate its episode and start another engine, instead of raising.
        timeouts: after which an engine counts as hanging.

    Raises:
        ConfigurationError: if num_envs is less than 1.
    """
    if num_envs < 1:
        raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
    make = partial(
        ChaplotDoomEnv,
        difficulty,
        instructions=tuple(instructions),
        resolution=resolution,
        image_size=image_size,
        horizon=horizon,
        recover=recover,
        timeouts=timeouts,
    )
    return ChaplotDoomVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)


def make_registered_doom_vec(num_envs: int, difficulty: str, **kwargs: Any) -> ChaplotDoomVectorEnv:
    """What ``gymnasium.make_vec("groundling/GroundedDoom-...", vectorization_mode="vector_entry_point")`` calls."""
    return make_chaplot_doom_vec(difficulty, num_envs, **kwargs)


def register_doom() -> None:
    """Register ``groundling/GroundedDoom-{Easy,Medium,Hard}-v0`` with Gymnasium."""
    for id, difficulty in DOOM_IDS.items():
        if id not in gymnasium.registry:
            gymnasium.register(
                id,
                entry_point="groundling.envs.simulators.doom:ChaplotDoomEnv",
                vector_entry_point="groundling.envs.simulators.doom_vector:make_registered_doom_vec",
                kwargs={"difficulty": str(difficulty)},
                disable_env_checker=True,
            )
