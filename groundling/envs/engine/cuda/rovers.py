"""Rovers and their cameras on a GPU: the kernels launched on the arrays of a ``RoverBatch``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numba import cuda

from groundling.envs.engine.cuda.arrays import DeviceArray, to_device
from groundling.envs.engine.cuda.batch import THREADS, CudaBatch, DeviceArrays
from groundling.envs.engine.cuda.camera import make_drawing
from groundling.envs.engine.cuda.launching import PreparedLaunch, launchers
from groundling.envs.engine.cuda.senses import DeviceSense
from groundling.envs.engine.rovers import ABSENT, RoverBatch, Sights
from groundling.envs.first_person.atlas import TABLES
from groundling.envs.first_person.camera import lens_of, variation_of
from groundling.envs.first_person.palette import palette_of
from groundling.envs.first_person.scene import Scenes, Views

WORD = 4  # pixels of a row, whose colors are written as three words


class CudaRovers(CudaBatch[Sights]):
    """B rovers with a camera each on the device; see :class:`CudaBatch`.

    Rewards, ends and poses are computed as on the CPU. Pictures are drawn by the same functions, but the CPU's compiler
    may reorder their arithmetic: the last bits of depths differ, and with them a color by a level, or what a pixel on
    the edge of a thing shows.
    """

    host: RoverBatch

    def __init__(self, host: RoverBatch, device: str = "cuda", *, threads: int = THREADS) -> None:
        super().__init__(host, device, threads=threads)
        camera = host.camera
        lens = lens_of(camera)
        self.poses, self.styles = to_device(host.poses), cuda.to_device(host.styles)
        self._columns, self._rows = (self.grid_of(self.num_envs * count) for count in (camera.width, camera.height))
        objects = host.state.contents.shape[1]
        self._drawing = make_drawing(self.num_envs, camera.height, lens.stride, objects)
        state = self.state
        self._scenes = Scenes(state.cells, state.floors, state.looks, state.contents, state.carried, state.step_count)
        self._lens, self._variation = to_device(lens), variation_of(camera.randomization)
        self._palette, self._tables = to_device(palette_of(host.kinds)), to_device(TABLES)
        self._launches: dict[str, tuple[tuple[Any, ...], PreparedLaunch]] = {}

    def named(self, seen: Sights) -> DeviceArrays:
        """See :class:`CudaBatch`."""
        found: DeviceArrays = {name: array for name, array in seen._asdict().items() if array.shape[0] != ABSENT}
        found[self.host.text_key] = found.pop("instruction")
        return found

    def arrays(self) -> DeviceArrays:
        """See :class:`CudaBatch`."""
        own = {f"poses.{name}": array for name, array in self.poses._asdict().items()}
        return {**super().arrays(), **own, "styles": self.styles}

    def redraw(self) -> None:
        """Draw what the rovers see."""
        for launch in self._draw:
            launch()

    def _begin(self, chosen: DeviceArray) -> None:
        kernels = launchers(self.grid)
        kernels.begin_rovers(*self._beginning(), chosen)
        self.redraw()

    def _step(self, chosen: DeviceArray, autoreset: bool, drawn: Sequence[DeviceSense]) -> None:
        self._step_launch(chosen)
        if autoreset:
            for launch in self._draw_last:
                launch()
            self._begin_ended()()
        self.redraw()

    def _beginning(self) -> tuple[Any, ...]:
        host = self.host
        own = (self.state, self.poses, self.styles, self.episodes, self.tasks, self.observations.instruction)
        return (*own, host.time_scale, host.order_seed, host.shuffle)

    def _begin_ended(self) -> PreparedLaunch:
        """The launch that begins the next episode where one ended; what is written into it seldom changes."""
        key = (self.host.order_seed, self.host.shuffle)
        known = self._launches.get("begin")
        if known is None or known[0] != key:
            launch = PreparedLaunch("begin_rovers", self.grid, (*self._beginning(), self.outcomes.ended))
            known = self._launches["begin"] = (key, launch)
        return known[1]

    @cached_property
    def _step_launch(self) -> PreparedLaunch:
        host = self.host
        before = (self.state, self.poses, host.rover.motion(), host.scoring, self.episodes, self.outcomes)
        actions = cuda.to_device(np.zeros(self.num_envs, dtype=np.int64))
        after = (host.num_actions, self._is_wrong)
        return PreparedLaunch("step_rovers", self.grid, (*before, self.final.instruction), actions, after)

    @cached_property
    def _draw(self) -> tuple[PreparedLaunch, ...]:
        return self._drawn(self.observations, self._all)

    @cached_property
    def _draw_last(self) -> tuple[PreparedLaunch, ...]:
        return self._drawn(self.final, self.outcomes.ended)

    def _drawn(self, seen: Sights, mask: DeviceArray) -> tuple[PreparedLaunch, ...]:
        """The launches that draw what the rovers of a mask [B] see."""
        image: Any = seen.image
        words = cuda.to_device(np.empty((ABSENT, 1, 1), dtype=np.uint32))
        if image.shape[0] != ABSENT and self.host.camera.width % WORD == 0:
            words = image.reshape(image.shape[0], image.shape[1], -1).view(np.uint32)
        views = Views(image, seen.depth, seen.segmentation)
        of_worlds = (self._scenes, self.poses, self.host.width, self.styles)
        looks = (self._lens, self._variation, self._palette)
        return (
            PreparedLaunch("cast_rays", self._columns, (*of_worlds, *looks, self._drawing, mask)),
            PreparedLaunch(
                "draw_rows", self._rows, (*of_worlds, views, words, *looks, self._tables, self._drawing, mask)
            ),
        )
