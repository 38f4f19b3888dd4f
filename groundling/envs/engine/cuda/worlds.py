"""The grid's worlds on a GPU: the kernels launched on the arrays of a ``WorldBatch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import cuda

from groundling.envs.engine.constants import VIEW_SIZE
from groundling.envs.engine.cuda.arrays import DeviceArray
from groundling.envs.engine.cuda.batch import THREADS, CudaBatch, DeviceArrays
from groundling.envs.engine.cuda.launching import PreparedLaunch, launchers
from groundling.envs.engine.cuda.senses import DeviceSense
from groundling.envs.engine.state import Observations
from groundling.envs.engine.worlds import WorldBatch


class CudaWorlds(CudaBatch[Observations]):
    """B environments on the device whose bodies walk the grid; see :class:`CudaBatch`."""

    def __init__(self, host: WorldBatch, device: str = "cuda", *, threads: int = THREADS) -> None:
        super().__init__(host, device, threads=threads)
        self._prepared: dict[str, tuple[tuple[Any, ...], PreparedLaunch]] = {}

    def named(self, seen: Observations) -> DeviceArrays:
        """See :class:`CudaBatch`."""
        image: Any = seen.image
        shaped = image.reshape(self.num_envs, VIEW_SIZE, VIEW_SIZE, 3)
        return {"image": shaped, "direction": seen.direction, self.host.text_key: seen.instruction}

    def _begin(self, chosen: DeviceArray) -> None:
        launchers(self.grid).reset(
            self.state, self.episodes, self.observations, self.tasks, self.host.order_seed, self.host.shuffle, chosen
        )

    def _step(self, chosen: DeviceArray, autoreset: bool, drawn: Sequence[DeviceSense]) -> None:
        self._launch_of("step", (autoreset and not drawn, self.host.num_actions, self._is_wrong))(chosen)
        if autoreset and drawn:
            for sense in drawn:
                sense.show_last(chosen, autoreset)
            self._launch_of("go_on", ())()

    def _launch_of(self, name: str, more: tuple[Any, ...]) -> PreparedLaunch:
        """The launch of a step, or of what goes on after it; what is written into it seldom changes."""
        order = (self.host.order_seed, self.host.shuffle)
        key = (*order, *more[:1])
        known = self._prepared.get(name)
        if known is None or known[0] != key:
            before = (self.state, self.episodes, self.observations, self.final, self.outcomes)
            if name == "step":
                actions = cuda.to_device(np.zeros(self.num_envs, dtype=np.int64))
                launch = PreparedLaunch(name, self.grid, before, actions, (self.tasks, *order, *more))
            else:
                launch = PreparedLaunch(name, self.grid, (*before, self.tasks, *order, *more))
            known = self._prepared[name] = (key, launch)
        return known[1]
