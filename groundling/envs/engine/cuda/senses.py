"""Senses beside what a step writes, on the device: what each agent has seen, manuals, masks, the action taken last."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from groundling.envs.engine import on_top
from groundling.envs.engine.answers import MASK_KEY, ActionMasks
from groundling.envs.engine.batch import Batch
from groundling.envs.engine.cuda.arrays import DeviceArray
from groundling.envs.engine.cuda.launching import Grid, PreparedLaunch, launchers
from groundling.envs.engine.explored import Explorer
from groundling.envs.engine.manuals import MANUAL_KEY, ManualSense
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY, PreviousActions
from groundling.envs.engine.state import Episodes, Outcomes, Worlds


class Surroundings(NamedTuple):
    """What senses read of B environments on the device.

    Attributes:
        grid: blocks, and threads of a block, that are at least one for each environment.
        w, e, out: the worlds, the bank, what the last step returned.
        everyone: [B] bool, all true.
    """

    grid: Grid
    w: Worlds
    e: Episodes
    out: Outcomes
    everyone: DeviceArray


class DeviceSense:
    """One key of the observations of B environments on the device.

    Args:
        around: what it reads.
        now: [B, ...] on the host, what the agents see at first.

    Attributes:
        key: of the observation.
        is_drawn: whether it is drawn of the world, so that the end of an episode has to be drawn before the next one
            begins.
        now: [B, ...] on the device, what the agents see now.
        last: [B, ...] on the device, what they saw when an episode ended; other rows mean nothing.
    """

    key: str
    is_drawn: ClassVar[bool] = False
    now: DeviceArray
    last: DeviceArray

    def __init__(self, around: Surroundings, now: NDArray[Any]) -> None:
        self.around = around
        self.now, self.last = cuda.to_device(now), cuda.to_device(np.zeros_like(now))

    def begin(self, mask: DeviceArray) -> None:
        """Note that episodes begin in the environments of the mask [B] bool, before :meth:`show`."""

    def before_step(self, actions: DeviceArray) -> None:
        """Note what the step changes, [B] int64 actions."""

    def show_last(self, actions: DeviceArray, autoreset: bool) -> None:
        """Fill ``last``: of a sense that is drawn before the next episodes begin, else after it."""

    def show(self) -> None:
        """Fill ``now``."""

    def kept(self) -> dict[str, DeviceArray]:
        """What ``Batch.state_dict`` keeps of it, by its name there; nothing where it follows from the worlds."""
        return {}


class DrawnSense(DeviceSense):
    """A sense that a kernel draws of the world, in the environments of a mask.

    Attributes:
        kernel: its name.
    """

    is_drawn = True
    kernel: ClassVar[str]

    def arguments(self, out: DeviceArray, mask: DeviceArray) -> tuple[Any, ...]:
        """Of the kernel, to draw into ``out`` [B, ...] in the environments of the mask [B]."""
        raise NotImplementedError

    @cached_property
    def _draw(self) -> PreparedLaunch:
        around = self.around
        return PreparedLaunch(self.kernel, around.grid, self.arguments(self.now, around.everyone))

    @cached_property
    def _draw_last(self) -> PreparedLaunch:
        around = self.around
        return PreparedLaunch(self.kernel, around.grid, self.arguments(self.last, around.out.ended))

    def show_last(self, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        self._draw_last()

    def show(self) -> None:
        """See :class:`DeviceSense`."""
        self._draw()


class DeviceExplorer(DrawnSense):
    """What each agent has seen, see ``engine/explored.py``."""

    key = "explored"
    kernel = "draw_explored"

    def __init__(self, around: Surroundings, host: Explorer, width: int, now: NDArray[np.uint8]) -> None:
        super().__init__(around, now)
        self.width = width
        self.seen = cuda.to_device(host.seen)

    def arguments(self, out: DeviceArray, mask: DeviceArray) -> tuple[Any, ...]:
        """See :class:`DrawnSense`."""
        return (self.around.w, self.width, self.seen, out, mask)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {"explored": self.seen, "observations.explored": self.now}


class DeviceOnTop(DrawnSense):
    """What stands on the things in view, see ``engine/on_top.py``."""

    key = "on_top"
    kernel = "draw_on_top"

    def __init__(self, around: Surroundings, width: int, num_envs: int) -> None:
        super().__init__(around, np.zeros((num_envs, *on_top.SHAPE), dtype=np.uint8))
        self.width = width

    def arguments(self, out: DeviceArray, mask: DeviceArray) -> tuple[Any, ...]:
        """See :class:`DrawnSense`."""
        return (self.around.w, self.width, out, mask)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {"observations.on_top": self.now}


class DeviceManuals(DeviceSense):
    """What the agents are given to read, see ``engine/manuals.py``."""

    key = MANUAL_KEY

    def __init__(self, around: Surroundings, host: ManualSense, num_envs: int) -> None:
        sentences = host.rows.shape[1]
        super().__init__(around, np.zeros((num_envs, sentences, host.tokens.shape[1]), dtype=np.int32))
        threads = around.grid[1]
        self._grid = (-(-num_envs * sentences // threads), threads)  # a thread for each sentence
        self.rows, self.tokens = cuda.to_device(host.rows), cuda.to_device(host.tokens)

    @cached_property
    def _show(self) -> PreparedLaunch:
        episode = self.around.w.episode
        return PreparedLaunch("show_manuals", self._grid, (episode, self.rows, self.tokens, self.now))

    @cached_property
    def _show_last(self) -> PreparedLaunch:
        episode = self.around.out.episode
        return PreparedLaunch("show_manuals", self._grid, (episode, self.rows, self.tokens, self.last))

    def show_last(self, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        self._show_last()

    def show(self) -> None:
        """See :class:`DeviceSense`."""
        self._show()


class DeviceMasks(DeviceSense):
    """Which actions are worth trying, see ``engine/answers.py``."""

    key = MASK_KEY

    def __init__(self, around: Surroundings, host: ActionMasks, num_envs: int) -> None:
        super().__init__(around, np.zeros((num_envs, host.moving.shape[1]), dtype=np.int8))
        self._tables = (cuda.to_device(host.moving), cuda.to_device(host.answering), host.stops_first)
        self.had_stopped = cuda.to_device(np.zeros(num_envs, dtype=np.bool_))

    def before_step(self, actions: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers(self.around.grid).note_stopped(self.around.w, actions, self.had_stopped)

    @cached_property
    def _show(self) -> PreparedLaunch:
        around = self.around
        return PreparedLaunch("show_masks", around.grid, (around.w, *self._tables, self.now))

    @cached_property
    def _show_last(self) -> PreparedLaunch:
        around = self.around
        own = (around.e, around.out.episode, self.had_stopped, *self._tables, self.last)
        return PreparedLaunch("show_last_masks", around.grid, own)

    def show_last(self, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        self._show_last()

    def show(self) -> None:
        """See :class:`DeviceSense`."""
        self._show()


class DevicePreviousActions(DeviceSense):
    """The action that each agent took last, see ``engine/previous_action.py``."""

    key = PREVIOUS_ACTION_KEY

    def __init__(self, around: Surroundings, host: PreviousActions) -> None:
        super().__init__(around, host.now)
        self.none = host.none

    def begin(self, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers(self.around.grid).forget_actions(mask, self.none, self.now)

    def show_last(self, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launch = launchers(self.around.grid).note_actions
        launch(actions, self.around.out.ended, autoreset, self.none, self.now, self.last)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {PREVIOUS_ACTION_KEY: self.now}


def device_senses(host: Batch[Any], around: Surroundings) -> list[DeviceSense]:
    """The senses of a batch on the device."""
    count = host.num_envs
    senses: list[DeviceSense] = []
    if host.senses.explorer is not None:
        senses.append(DeviceExplorer(around, host.senses.explorer, host.width, host.senses.pictures.explored))
    if host.senses.has_on_top:
        senses.append(DeviceOnTop(around, host.width, count))
    if host.senses.manuals is not None:
        senses.append(DeviceManuals(around, host.senses.manuals, count))
    if host.senses.masks is not None:
        senses.append(DeviceMasks(around, host.senses.masks, count))
    if host.senses.previous is not None:
        senses.append(DevicePreviousActions(around, host.senses.previous))
    return senses
