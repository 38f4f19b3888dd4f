"""What vector environments of worlds with rules of their own have in common: seeds, steps, infos, saved states."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from groundling.envs.final_observations import FinalObservations
from groundling.envs.games.batch import GameBatch
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec
from groundling.seeding import reset_seeds

Info = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
Batch = TypeVar("Batch", bound=GameBatch)


class GameVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]], Generic[Batch]):
    """Many worlds at once; the classes of the games say what is seen, done and paid.

    Args:
        batch: the worlds.
        spec: what an agent in them is built for.
        space: of a single observation.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.
    """

    def __init__(
        self,
        batch: Batch,
        spec: Spec,
        space: spaces.Dict,
        *,
        copy: bool = True,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        self.autoreset_mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": ["rgb_array"], "render_fps": 4}
        self.render_mode = render_mode
        self.batch = batch
        self.num_envs = batch.num_envs
        self.copy = copy
        self.autoreset = autoreset
        self._started = False
        self.agent_spec = spec
        self.single_observation_space = space
        self.single_action_space = spaces.Discrete(spec.num_actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    @property
    def instructions(self) -> tuple[str, ...]:
        """The goal of each environment, [B]."""
        return tuple(map(self.batch.goal, range(self.num_envs)))

    def draw(self, row: int) -> NDArray[np.uint8]:
        """A picture [H, W, 3] uint8 of a world from above."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, Info]:
        """Begin an episode in every environment.

        Args:
            seed: environment b plays the episodes of ``seed + b``, or of its own of a list; None goes on.
            options: ``{"reset_mask": [B] bool}`` resets only these environments.

        Raises:
            ConfigurationError: if there are not as many seeds as environments, the mask is not [B] bool, or it comes
                with a seed.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            if np.shape(mask) != (self.num_envs,) or np.asarray(mask).dtype != np.bool_:
                raise ConfigurationError(f"options['reset_mask'] must be a bool array of shape ({self.num_envs},)")
            if seed is not None:
                raise ConfigurationError("a seed begins the episodes of all environments anew: give no reset_mask")
        seeds = reset_seeds(seed, self.num_envs)
        if seeds is not None:
            self.batch.restart(seeds)
        else:
            self.batch.reset(np.asarray(mask) if self._started and mask is not None else None)
        self._started = True
        return self.batch.observation(fresh=self.copy), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Step every environment; where an episode ends the next one begins in the same step.

        Args:
            actions: [B] integers in [0, A).

        Returns:
            observations, reward [B] float64, terminated [B] bool, truncated [B] bool, info.

        Raises:
            ActionError: if the actions have another shape, type or range; nothing is stepped then.
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        self.batch.step(actions, autoreset=self.autoreset, fresh=self.copy)
        out = self.batch.outcomes
        info = self._final_info() if out.ended.any() else {}
        return self.batch.observation(fresh=self.copy), out.reward, out.terminated, out.truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Pictures [H, W, 3] uint8 of every world from above, if ``render_mode="rgb_array"``."""
        return None if self.render_mode is None else tuple(map(self.draw, range(self.num_envs)))

    def state_dict(self) -> Arrays:
        """A copy of the state of every world, so that a run can be continued exactly."""
        return self.batch.state_dict()

    def twin(self) -> GameVectorEnv[Batch]:
        """As many worlds of the same game that begin no episode by themselves; see ``CopyableEnvs``."""
        made = copy.deepcopy(self)
        made.copy = made.autoreset = False
        made._started = True
        return made

    def copy_rows(self, rows: NDArray[np.integer[Any]]) -> Arrays:
        """A copy of the worlds of environments ``rows`` [R], their streams of random numbers among them."""
        return {name: array[rows] for name, array in self.batch.row_arrays().items()}

    def paste_rows(self, rows: NDArray[np.integer[Any]], saved: Mapping[str, NDArray[Any]]) -> None:
        """Put worlds [R] that :meth:`copy_rows` returned into environments ``rows`` [R]."""
        for name, array in self.batch.row_arrays().items():
            array[rows] = saved[name]

    def load_state_dict(self, saved: Arrays) -> Arrays:
        """Continue from :meth:`state_dict`; returns the current observations.

        Raises:
            ConfigurationError: if the state is that of another task or number of environments.
        """
        self.batch.load_state_dict(saved)
        self._started = True
        return self.batch.observation(fresh=self.copy)

    def _final_info(self) -> Info:
        """What the info of a step in which episodes ended tells of them."""
        out = self.batch.outcomes
        ended = out.ended
        episode = {"r": out.episode_return, "_r": ended, "l": out.episode_length, "_l": ended}
        told: Info = {"success": out.success, "_success": ended, "episode": episode, "_episode": ended}
        info = {"final_info": told, "_final_info": ended, "success": out.success, "_success": ended}
        if self.autoreset:
            info |= {"final_obs": FinalObservations(self.batch.by_key(self.batch.last), ended), "_final_obs": ended}
        return info


def check_render_mode(render_mode: str | None) -> None:
    """Refuse a way to render that there is not.

    Raises:
        ConfigurationError: if it is neither None nor "rgb_array".
    """
    if render_mode not in (None, "rgb_array"):
        raise ConfigurationError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
