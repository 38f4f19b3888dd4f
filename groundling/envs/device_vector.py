"""The vector environment on a GPU: worlds, observations, actions and the bank stay on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.cuda.arrays import DeviceArray, as_device_array, copy_of
from groundling.envs.engine.cuda.batch import THREADS, CudaBatch, DeviceArrays
from groundling.envs.engine.cuda.building import select_device
from groundling.envs.engine.cuda.rovers import CudaRovers
from groundling.envs.engine.cuda.worlds import CudaWorlds
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.families.options import check_env_device
from groundling.envs.reset_options import checked_reset
from groundling.seeding import integer
from groundling.setting_types import whole_number


class DeviceVectorEnv(VectorEnv[DeviceArrays, DeviceArray, DeviceArray]):
    """Many instruction-following agents at once on a GPU, each in its own world.

    Spaces, rewards, endings and the order of the episodes are those of ``GroundlingVectorEnv``, equal step by step; of
    a rover's pictures see ``CudaRovers``. What differs:

    - All arrays are on the device. Those returned are Numba's, which ``torch.as_tensor(array, device="cuda")`` and
      ``cupy.asarray(array)`` read without a copy. Actions are an int64 array [B] of the device, of any of these
      libraries; one of NumPy is copied.
    - No step waits for the device. So ``info`` always has the keys of the episodes that ended, whether or not some did:
      ``final_obs`` (a dict of arrays [B, ...], not an array of dicts), ``final_info``, ``success``, each with a mask
      [B]. An action that is out of range does nothing, and :meth:`check` raises, which ``reset`` and ``state_dict``
      call.
    - With ``copy=True`` every step copies what it returns, which takes fresh memory of the device each time; a loop
      that reads the arrays before the next step does better with ``copy=False``.

    What needs the worlds on the host (experts, rewards that judge states, pictures, watching) needs
    ``env_device="cpu"``.

    Args:
        bank: the episodes to play; a ``TaskMixture`` plays several tasks side by side, each drawn by its share.
        num_envs: B.
        seed: names the order of the episodes.
        shuffle: draw episodes at random; otherwise environment i plays episodes i, i + B, i + 2B, ...
        copy: return copies at every step; False returns the same arrays, rewritten by the next step.
        embodiment: body, senses and rules.
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.
        device: "cuda" or "cuda:N".
        threads: of a block of the GPU.

    Attributes:
        autoreset_mode: SAME_STEP, or DISABLED without ``autoreset``.
        agent_spec: what an agent in these environments is built for.
        worlds: their state on the device.

    Raises:
        ConfigurationError: if there is no such GPU, num_envs is less than 1, or a sense is drawn on the host.
    """

    def __init__(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        copy: bool = True,
        embodiment: Embodiment = GRID,
        autoreset: bool = True,
        device: str = "cuda",
        threads: int = THREADS,
    ) -> None:
        check_env_device(device)
        select_device(device)  # before the bank is unpacked
        self.autoreset_mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": [], "render_fps": 10}
        self.render_mode = None
        num_envs = self.num_envs = whole_number("num_envs", num_envs)
        self.embodiment = embodiment
        host = embodiment.make_batch(bank, num_envs, shuffle=shuffle, order_seed=integer(seed, "order"))
        self.worlds: CudaBatch[Any]
        if isinstance(host, RoverBatch):
            self.worlds = CudaRovers(host, device, threads=threads)
        else:
            self.worlds = CudaWorlds(host, device, threads=threads)
        self.copy = copy
        self.autoreset = autoreset
        self._started = False
        bank = host.bank
        size = bank.cells.shape[1:]
        self.agent_spec = embodiment.spec(bank.instruction_length, size)
        self.single_observation_space = embodiment.observation_space(bank.instruction_length, size)
        self.single_action_space = spaces.Discrete(embodiment.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def bank(self) -> EpisodeBank:
        """The episodes that are played."""
        return self.worlds.host.bank

    @property
    def mixture(self) -> TaskMixture:
        """The tasks that they are of."""
        return self.worlds.host.mixture

    @property
    def tasks(self) -> tuple[str, ...]:
        """The ids of the K tasks that the episodes are of."""
        return self.mixture.tasks

    @property
    def shares(self) -> NDArray[np.float64]:
        """How often each task is drawn, [K] with sum 1."""
        return self.worlds.host.shares

    def set_shares(self, shares: Sequence[float] | NDArray[np.floating[Any]]) -> None:
        """Draw the tasks of the episodes that begin from now on by these shares; see ``GroundlingVectorEnv``."""
        self.worlds.set_shares(shares)

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sentence that each environment's agent is following now, [B]; waits for the device."""
        sentences: Any = self.worlds.state.sentence
        return tuple(self.bank.instructions[row] for row in sentences.copy_to_host().tolist())

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, padding and unknown word included."""
        return len(self.embodiment.vocabulary)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[DeviceArrays, dict[str, Any]]:
        """Begin an episode in every environment; waits for the device.

        Args:
            seed: an integer begins the order of episodes anew; None goes on to the next episodes.
            options: ``{"reset_mask": [B] bool}``, on the device or the host, resets only these environments.

        Raises:
            ConfigurationError: if a list of seeds is given, the mask is not [B] bool, or it comes with a seed.
            ActionError: if an action since the last ``reset`` was out of range.
        """
        first, mask = checked_reset(self.num_envs, seed, options, as_device_array)
        self.check()
        if first is not None:
            self.worlds.restart(integer(first, "order"))
        else:
            self.worlds.reset(mask if self._started else None)
        self._started = True
        return self._returned(self.worlds.seen()), {}

    def step(self, actions: Any) -> tuple[DeviceArrays, DeviceArray, DeviceArray, DeviceArray, dict[str, Any]]:
        """Step every environment; where an episode ends the next one begins in the same step.

        Args:
            actions: [B] int64 in [0, A), on the device.

        Returns:
            observations, reward [B] float64, terminated [B] bool, truncated [B] bool, info: all on the device.

        Raises:
            ActionError: if the actions have another shape or type; nothing is stepped then.
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        self.worlds.step(actions, autoreset=self.autoreset)
        out = self._returned(self.worlds.outcomes._asdict())
        ended = out["ended"]
        episode = {"r": out["episode_return"], "_r": ended, "l": out["episode_length"], "_l": ended}
        told: dict[str, Any] = {"success": out["success"], "_success": ended, "episode": episode, "_episode": ended}
        # the row of the bank, from which ``TaskMixture.task_of`` tells the task
        told |= {"episode_row": out["episode"], "_episode_row": ended}
        info = {"final_info": told, "_final_info": ended, "success": out["success"], "_success": ended}
        if self.autoreset:
            info |= {"final_obs": self._returned(self.worlds.last_seen()), "_final_obs": ended}
        seen = self._returned(self.worlds.seen())
        return seen, out["reward"], out["terminated"], out["truncated"], info

    def check(self) -> None:
        """Wait for the device, and say whether it was given an action out of range since the last time.

        Raises:
            ActionError: naming the first environment.
        """
        self.worlds.check()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the state of every world on the host, the same as that of ``GroundlingVectorEnv``: it goes on there
        as well, and the other way round. Waits for the device.

        Raises:
            ActionError: if an action since the last ``reset`` was out of range.
        """
        self.check()
        return self.worlds.to_host().state_dict()

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> DeviceArrays:
        """Continue from :meth:`state_dict`; the bank must be the same.

        Returns:
            the current observations.

        Raises:
            ConfigurationError: if the state is that of another bank or number of environments.
        """
        self.worlds.load_state_dict(saved)
        self._started = True
        return self._returned(self.worlds.seen())

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Nothing: pictures are drawn on the host."""
        return None

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads of the host's batch."""
        self.worlds.host.close()

    def _returned(self, arrays: DeviceArrays) -> DeviceArrays:
        return {name: copy_of(array) for name, array in arrays.items()} if self.copy else dict(arrays)
