"""A batch of worlds on a GPU: the arrays of a ``Batch`` on the device, whatever bodies move in them.

No step waits for the device: actions, observations and outcomes stay there. What is asked on the host (a state to be
saved, the sentences, the shares of the tasks) is copied when it is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final, Generic

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from groundling.envs.engine.batch import Batch, Seen
from groundling.envs.engine.batch_state import state_name
from groundling.envs.engine.cuda.arrays import (
    DeviceArray,
    as_device_array,
    copy_to_device,
    copy_to_host,
    to_device,
)
from groundling.envs.engine.cuda.building import select_device
from groundling.envs.engine.cuda.launching import Grid
from groundling.envs.engine.cuda.senses import DeviceSense, Surroundings, device_senses
from groundling.errors import ActionError, ConfigurationError

THREADS: Final = 128  # of a block

DeviceArrays = dict[str, DeviceArray]


class CudaBatch(ABC, Generic[Seen]):
    """B environments on the device that do what those of a ``Batch`` do, step by step; what moves is a subclass's.

    Everything is launched on CUDA's default stream, which is PyTorch's as well unless another one was chosen.

    Args:
        host: the batch; what is copied back is written over its arrays.
        device: "cuda" or "cuda:N".
        threads: of a block, at most; a thread steps an environment.

    Attributes:
        num_envs: B.
        state, observations, final, outcomes: as of the host's batch, on the device; rewritten by every step.

    Raises:
        ConfigurationError: if there is no such GPU, or the batch has a sense that only the host can draw.
    """

    def __init__(self, host: Batch[Seen], device: str = "cuda", *, threads: int = THREADS) -> None:
        select_device(device)
        if host.senses.painter is not None:
            raise ConfigurationError("the view from above is painted on the host: leave env_device at 'cpu' with it")
        self.host = host
        self.num_envs = host.num_envs
        self.threads = threads
        self.grid = self.grid_of(host.num_envs)
        self.episodes, self.tasks = to_device(host.episodes), to_device(host.tasks)
        self.state, self.outcomes = to_device(host.state), to_device(host.outcomes)
        self.observations, self.final = to_device(host.observations), to_device(host.final)
        self._all = cuda.to_device(np.ones(host.num_envs, dtype=np.bool_))
        around = Surroundings(self.grid, self.state, self.episodes, self.outcomes, self._all)
        self.senses = device_senses(host, around)
        self._is_wrong = cuda.to_device(np.zeros(host.num_envs, dtype=np.bool_))
        self._seen = {**self.named(self.observations), **{sense.key: sense.now for sense in self.senses}}
        self._last_seen = {**self.named(self.final), **{sense.key: sense.last for sense in self.senses}}

    def grid_of(self, count: int) -> Grid:
        """Blocks, and threads of a block, for so many threads."""
        threads = min(self.threads, count)
        return -(-count // threads), threads

    def reset(self, mask: Any = None) -> None:
        """Begin the next episode in every environment, or in those of the mask [B] bool."""
        chosen = self._all if mask is None else as_device_array(mask)
        self._begin(chosen)
        for sense in self.senses:
            sense.begin(chosen)
            sense.show()

    def restart(self, order_seed: int) -> None:
        """Forget every episode played and begin anew with this order."""
        self.host.order_seed = order_seed
        copy_to_device(np.zeros(self.num_envs, dtype=np.int64), self.state.episode_number)
        self.reset()

    def step(self, actions: Any, *, autoreset: bool = True) -> None:
        """Step every environment; results are in ``observations``, ``final`` and ``outcomes``.

        Args:
            actions: [B] int64 in [0, A), on the device or on the host.
            autoreset: begin the next episode where one ends.

        Raises:
            ActionError: if the actions are not [B] int64; no environment is stepped then. To look at their values would
                be to wait for the device: an action that is none does nothing, and :meth:`check` tells of it.
        """
        chosen = self._checked(actions)
        drawn = [sense for sense in self.senses if sense.is_drawn]
        for sense in self.senses:
            sense.before_step(chosen)
        self._step(chosen, autoreset, drawn)
        for sense in self.senses:
            if not sense.is_drawn:
                sense.show_last(chosen, autoreset)
            sense.show()

    @abstractmethod
    def named(self, seen: Seen) -> DeviceArrays:
        """What the agents see by the keys of the observation space, without copies."""

    @abstractmethod
    def _begin(self, chosen: DeviceArray) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""

    @abstractmethod
    def _step(self, chosen: DeviceArray, autoreset: bool, drawn: Sequence[DeviceSense]) -> None:
        """Step every environment by the actions chosen [B].

        What is drawn of a world at the end of its episode, these senses among it, comes before the next episode is
        written over it.
        """

    def seen(self) -> DeviceArrays:
        """What the agents see now, by the keys of the observation space."""
        return dict(self._seen)

    def last_seen(self) -> DeviceArrays:
        """What those whose episode ended in the last step saw then; the rows of others mean nothing."""
        return dict(self._last_seen)

    def check(self) -> None:
        """Wait for the device, and say whether it was given an action that is none since the last time.

        Raises:
            ActionError: naming the first environment.
        """
        wrong = np.flatnonzero(self._is_wrong.copy_to_host())
        if len(wrong):
            self._is_wrong.copy_to_device(np.zeros(self.num_envs, dtype=np.bool_))
            raise ActionError(
                f"environment {wrong[0]} was given an action out of range, and did nothing: actions are 0 to "
                f"{self.host.num_actions - 1}"
            )

    def set_shares(self, shares: Sequence[float] | NDArray[np.floating[Any]]) -> None:
        """See ``Batch.set_shares``."""
        self.host.set_shares(shares)
        copy_to_device(self.host.tasks.limits, self.tasks.limits)

    def plan(self, rows: NDArray[np.integer[Any]], episodes: NDArray[np.integer[Any]]) -> None:
        """See ``Batch.plan``."""
        # where a planned episode has begun, nothing is planned any more
        copy_to_host(self.tasks.planned, self.host.tasks.planned)
        self.host.plan(rows, episodes)
        copy_to_device(self.host.tasks.planned, self.tasks.planned)

    def to_host(self) -> Batch[Seen]:
        """The batch of the host, after all that the future depends on was copied over its own."""
        theirs = self.host.arrays()
        for name, array in self.arrays().items():
            copy_to_host(array, theirs[name])
        copy_to_host(self.tasks.planned, self.host.tasks.planned)
        return self.host

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from ``Batch.state_dict``, of this device or of the host; errors as of ``Batch.load_state_dict``."""
        self.host.load_state_dict(saved)
        theirs = self.host.arrays()
        for name, array in self.arrays().items():
            copy_to_device(theirs[name], array)
        for sense in self.senses:
            if not sense.kept():  # it follows from the others
                sense.show()

    def arrays(self) -> DeviceArrays:
        """Everything that the future depends on, the bank apart, by the names of ``Batch.arrays``."""
        arrays: DeviceArrays = {state_name(name): array for name, array in self.state._asdict().items()}
        arrays["limits"] = self.tasks.limits
        observations: Any = self.observations
        arrays |= {f"observations.{name}": array for name, array in observations._asdict().items()}
        for sense in self.senses:
            arrays |= sense.kept()
        return arrays

    def _checked(self, actions: Any) -> DeviceArray:
        array = as_device_array(actions)
        if tuple(array.shape) != (self.num_envs,):
            shape = tuple(array.shape)
            raise ActionError(
                f"expected actions of shape ({self.num_envs},), one for each environment, got shape {shape}"
            )
        if array.dtype != np.int64:
            raise ActionError(f"actions on the device are int64, got {array.dtype}: did you pass logits?")
        return array
