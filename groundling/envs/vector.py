"""The vector environment: a batch of compiled worlds behind Gymnasium's ``VectorEnv``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.batch import ObservationArrays
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.final_observations import FinalObservations
from groundling.envs.reset_options import checked_reset
from groundling.errors import ConfigurationError
from groundling.seeding import integer
from groundling.setting_types import whole_number


class GroundlingVectorEnv(VectorEnv[ObservationArrays, NDArray[np.int64], NDArray[Any]]):
    """Many instruction-following agents at once, each in its own world.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 7, 7, 3] uint8: MiniGrid's symbolic egocentric view (type, color, state), the agent at [3, 6]; of a
      rover [B, H, W, 3] uint8: RGB, from inside.
    - ``direction`` [B] int64: 0 right, 1 down, 2 left, 3 up. Not of a rover.
    - ``depth`` [B, H, W] float32, metres; ``segmentation`` [B, H, W] uint8: 0 floor and ceiling, 1 wall, 2 + k the
      world's object k. Of a rover whose camera has them.
    - ``top_down`` [B, H * P, W * P, 3] uint8: RGB from above, of either body, with ``top_down_pixels=P``.
    - ``explored`` [B, M, M, 3] uint8: what the agent has seen since the episode began, M = 2 R + 1 tiles across with
      ``explored_radius=R``: column, row, (type, color, state) as in ``image``, the agent at [R, R] and ahead of it up;
      each tile as it looked when it was last in view, 0 where it never was. Not of a rover.
    - ``previous_action`` [B] int64: the action that was taken last, A before the first of an episode; with
      ``previous_action=True``.
    - ``instruction`` [B, L] int32: token ids of ``VOCABULARY``, behind which the words stand that a task brings
      (``embodiment.vocabulary``), 0 = padding; L is 24, or 96 where instructions have several clauses. The sentences
      are at :attr:`instructions` (not in ``info``: other libraries make tensors of all that is there).
    - ``manual`` [B, S, L] int32: of tasks with manuals, token ids of the sentences that hold in the episode, the same
      throughout it, 0 = padding. The texts are at :attr:`manuals`.

    ## Action (``Discrete(7)``)
    0 turn left, 1 turn right, 2 forward, 3 pick up, 4 drop, 5 toggle, 6 done (does nothing). A rover acts on what it
    faces within its reach.

    ## Reward
    On success 1 - 0.9 * steps / max_steps, otherwise 0, as in MiniGrid.

    ## End of an episode
    ``terminated`` on success (or on a strict instruction's failure); ``truncated`` after ``max_steps`` steps.
    Autoreset mode SAME_STEP, as Gymnasium's own vector environments have it: the returned observation is the next
    episode's first. What the last one ended with is in ``info["final_obs"]``, an array of objects [B], and in
    ``info["final_info"]``, both masked by ``_final_obs`` and ``_final_info``: ``success`` (whether the goal was
    reached), ``episode`` with return ``r`` and length ``l``, and, where there are several tasks, ``task``: which of
    :attr:`tasks` it was of. ``info["success"]``, masked by ``_success``, is the same as in ``final_info``.

    ## Version history
    v0: first version; equal to minigrid's BabyAI levels step by step, under the body "grid".

    Args:
        bank: the episodes to play; a ``TaskMixture`` plays several tasks side by side, each drawn by its share.
        num_envs: B.
        seed: names the order of the episodes.
        shuffle: draw episodes at random; otherwise environment i plays episodes i, i + B, i + 2B, ...
        num_threads: threads that share a step.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        embodiment: body, senses and rules; by default the body that walks MiniGrid's grid.
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Attributes:
        autoreset_mode: SAME_STEP, or DISABLED without ``autoreset``.
        agent_spec: what an agent in these environments is built for.

    Raises:
        ConfigurationError: if num_envs or num_threads is less than 1, or the render mode is unknown.
    """

    def __init__(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        num_threads: int = 1,
        copy: bool = True,
        render_mode: str | None = None,
        embodiment: Embodiment = GRID,
        autoreset: bool = True,
    ) -> None:
        self.autoreset_mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {
            "autoreset_mode": self.autoreset_mode,
            "render_modes": ["rgb_array"],
            "render_fps": 10,
        }
        if render_mode not in (None, "rgb_array"):
            raise ConfigurationError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
        self.render_mode = render_mode
        num_envs = self.num_envs = whole_number("num_envs", num_envs)
        self.embodiment = embodiment
        self.worlds: WorldBatch | RoverBatch = embodiment.make_batch(
            bank, num_envs, shuffle=shuffle, order_seed=integer(seed, "order"), num_threads=num_threads
        )
        bank = self.worlds.bank
        self.copy = copy
        self.autoreset = autoreset
        self._started = False
        self._sentences = np.array(bank.instructions, dtype=object)
        self._told = np.full(num_envs, "", dtype=object)  # the sentence of each environment
        size = bank.cells.shape[1:]
        self.agent_spec = embodiment.spec(bank.instruction_length, size)
        self.single_observation_space = embodiment.observation_space(bank.instruction_length, size)
        self.single_action_space = spaces.Discrete(embodiment.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def bank(self) -> EpisodeBank:
        """The episodes that are played."""
        return self.worlds.bank

    @property
    def mixture(self) -> TaskMixture:
        """The tasks that they are of."""
        return self.worlds.mixture

    @property
    def tasks(self) -> tuple[str, ...]:
        """The ids of the K tasks that the episodes are of."""
        return self.worlds.mixture.tasks

    @property
    def shares(self) -> NDArray[np.float64]:
        """How often each task is drawn, [K] with sum 1: evenly, if not set otherwise; part of :meth:`state_dict`."""
        return self.worlds.shares

    def set_shares(self, shares: Sequence[float] | NDArray[np.floating[Any]]) -> None:
        """Draw the tasks of the episodes that begin from now on by these shares.

        Args:
            shares: [K] not negative, of any sum; a task of share 0 is not drawn.

        Raises:
            ConfigurationError: if the shares are not K numbers that are not negative, or all are zero.
        """
        self.worlds.set_shares(shares)

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sentence that each environment's agent is following now, [B]."""
        return tuple(self._told)

    @property
    def manuals(self) -> tuple[tuple[str, ...], ...]:
        """The sentences of the manual that each environment's agent is given, [B]; none of tasks without manuals."""
        return tuple(map(self.bank.manual, self.worlds.state.episode.tolist()))

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, padding and unknown word included."""
        return len(self.embodiment.vocabulary)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationArrays, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: an integer begins the order of episodes anew; None goes on to the next episodes.
            options: ``{"reset_mask": [B] bool}`` resets only these environments.

        Raises:
            ConfigurationError: if a list of seeds is given, the mask is not [B] bool, or it comes with a seed.
        """
        first, mask = checked_reset(self.num_envs, seed, options)
        if first is not None:
            self.worlds.restart(integer(first, "order"), fresh=self.copy)
        else:
            self.worlds.reset(mask if self._started else None, fresh=self.copy)
        self._started = True
        self._tell(slice(None))
        return self.worlds.seen(), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[ObservationArrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
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
        self.worlds.step(actions, autoreset=self.autoreset, fresh=self.copy)
        out = self.worlds.outcomes
        rows = np.flatnonzero(out.ended)
        info = self._final_info(slice(None)) if len(rows) else {}
        self._tell(rows)
        return self.worlds.seen(), out.reward, out.terminated, out.truncated, info

    def step_part(
        self, actions: NDArray[np.int64], part: slice
    ) -> tuple[ObservationArrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step some of the environments alone; as :meth:`step` of these, in views of arrays that their next step writes
        again. Another part may be looked at meanwhile.

        Args:
            actions: [R] integers in [0, A).
            part: which R environments, one after the other.

        Raises:
            ActionError: if the actions have another shape, type or range; nothing is stepped then.
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        self.worlds.step_part(actions, part.start, part.stop, autoreset=self.autoreset)
        out = self.worlds.outcomes
        rows = np.flatnonzero(out.ended[part]) + part.start
        info = self._final_info(part) if len(rows) else {}
        self._tell(rows)
        seen = {key: array[part] for key, array in self.worlds.seen().items()}
        return seen, out.reward[part], out.terminated[part], out.truncated[part], info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Top-down pictures of every world, [H, W, 3] uint8 each, if ``render_mode="rgb_array"``."""
        if self.render_mode is None:
            return None
        from groundling.envs.rendering import render_world

        return tuple(render_world(self.worlds, row) for row in range(self.num_envs))

    def watch(self, callback: Callable[[], None]) -> None:
        """Call this after each step, before environments whose episode ended begin the next one."""
        self.worlds.watchers.append(callback)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the state of every world, so that a run can be continued exactly."""
        return self.worlds.state_dict()

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> ObservationArrays:
        """Continue from :meth:`state_dict`; the bank must be the same.

        Returns:
            the current observations.

        Raises:
            ConfigurationError: if the state is that of another bank or number of environments.
        """
        self.worlds.load_state_dict(saved, fresh=self.copy)
        self._started = True
        self._tell(slice(None))
        return self.worlds.seen()

    def twin(self) -> GroundlingVectorEnv:
        """As many environments over the same bank that begin no episode by themselves; see ``CopyableEnvs``."""
        made = GroundlingVectorEnv(
            self.worlds.mixture,
            self.num_envs,
            shuffle=False,
            copy=False,
            embodiment=self.embodiment,
            autoreset=False,
        )
        made._started = True
        return made

    def copy_rows(self, rows: NDArray[np.integer[Any]]) -> dict[str, NDArray[Any]]:
        """A copy of the worlds of environments ``rows`` [R]."""
        return {name: array[rows] for name, array in self.worlds.row_arrays().items()}

    def paste_rows(self, rows: NDArray[np.integer[Any]], saved: Mapping[str, NDArray[Any]]) -> None:
        """Put worlds [R] that :meth:`copy_rows` returned into environments ``rows`` [R]."""
        for name, array in self.worlds.row_arrays().items():
            array[rows] = saved[name]

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads."""
        self.worlds.close()

    def _tell(self, rows: slice | NDArray[np.intp]) -> None:
        """Note the sentences of these environments; looking all of them up at every step would cost a tenth of it."""
        self._told[rows] = self._sentences[self.worlds.state.sentence[rows]]

    def _final_info(self, part: slice) -> dict[str, Any]:
        """What the info of a step in which episodes of a part of the environments ended tells of them."""
        out = self.worlds.outcomes
        ended, success = out.ended[part], out.success[part]
        episode = {"r": out.episode_return[part], "_r": ended, "l": out.episode_length[part], "_l": ended}
        told: dict[str, Any] = {"success": success, "_success": ended, "episode": episode, "_episode": ended}
        if len(self.tasks) > 1:
            told |= {"task": np.where(ended, self.worlds.mixture.task_of(out.episode[part]), 0), "_task": ended}
        info = {"final_info": told, "_final_info": ended, "success": success, "_success": ended}
        if self.autoreset:
            last = {key: array[part] for key, array in self.worlds.last_seen().items()}
            info |= {"final_obs": FinalObservations(last, ended), "_final_obs": ended}
        return info
