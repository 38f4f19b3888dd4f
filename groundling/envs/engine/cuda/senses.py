"""Senses beside what a step writes, on the device: what each agent has seen, manuals, masks, the action taken last."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from groundling.envs.engine import on_top
from groundling.envs.engine.answers import MASK_KEY, ActionMasks
from groundling.envs.engine.cuda.arrays import DeviceArray
from groundling.envs.engine.cuda.kernels import launchers
from groundling.envs.engine.explored import Explorer
from groundling.envs.engine.manuals import MANUAL_KEY, ManualSense
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY, PreviousActions
from groundling.envs.engine.state import Episodes, Outcomes, Worlds
from groundling.envs.engine.worlds import WorldBatch


class DeviceSense:
    """One key of the observations of B environments on the device.

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

    def __init__(self, grid: tuple[int, int], now: NDArray[Any]) -> None:
        self.grid = grid
        self.now, self.last = cuda.to_device(now), cuda.to_device(np.zeros_like(now))

    def begin(self, mask: DeviceArray) -> None:
        """Note that episodes begin in the environments of the mask [B] bool, before :meth:`show`."""

    def before_step(self, w: Worlds, actions: DeviceArray) -> None:
        """Note what the step changes, [B] int64 actions."""

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """Fill ``last``: of a sense that is drawn before the next episodes begin, else after it."""

    def show(self, w: Worlds, mask: DeviceArray) -> None:
        """Fill ``now``; the mask [B] has all environments in it."""

    def kept(self) -> dict[str, DeviceArray]:
        """What ``Batch.state_dict`` keeps of it, by its name there; nothing where it follows from the worlds."""
        return {}


class DeviceExplorer(DeviceSense):
    """What each agent has seen, see ``engine/explored.py``."""

    key = "explored"
    is_drawn = True

    def __init__(self, grid: tuple[int, int], host: Explorer, width: int, now: NDArray[np.uint8]) -> None:
        super().__init__(grid, now)
        self.width = width
        self.seen = cuda.to_device(host.seen)

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launchers().draw_explored[self.grid](w, self.width, self.seen, self.last, out.ended)

    def show(self, w: Worlds, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().draw_explored[self.grid](w, self.width, self.seen, self.now, mask)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {"explored": self.seen, "observations.explored": self.now}


class DeviceOnTop(DeviceSense):
    """What stands on the things in view, see ``engine/on_top.py``."""

    key = "on_top"
    is_drawn = True

    def __init__(self, grid: tuple[int, int], width: int, num_envs: int) -> None:
        super().__init__(grid, np.zeros((num_envs, *on_top.SHAPE), dtype=np.uint8))
        self.width = width

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launchers().draw_on_top[self.grid](w, self.width, self.last, out.ended)

    def show(self, w: Worlds, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().draw_on_top[self.grid](w, self.width, self.now, mask)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {"observations.on_top": self.now}


class DeviceManuals(DeviceSense):
    """What the agents are given to read, see ``engine/manuals.py``."""

    key = MANUAL_KEY

    def __init__(self, grid: tuple[int, int], host: ManualSense, num_envs: int) -> None:
        sentences = host.rows.shape[1]
        super().__init__(grid, np.zeros((num_envs, sentences, host.tokens.shape[1]), dtype=np.int32))
        threads = grid[1]
        self.grid = (-(-num_envs * sentences // threads), threads)
        self.rows, self.tokens = cuda.to_device(host.rows), cuda.to_device(host.tokens)

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launchers().show_manuals[self.grid](out.episode, self.rows, self.tokens, self.last)

    def show(self, w: Worlds, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().show_manuals[self.grid](w.episode, self.rows, self.tokens, self.now)


class DeviceMasks(DeviceSense):
    """Which actions are worth trying, see ``engine/answers.py``."""

    key = MASK_KEY

    def __init__(self, grid: tuple[int, int], host: ActionMasks, num_envs: int) -> None:
        super().__init__(grid, np.zeros((num_envs, host.moving.shape[1]), dtype=np.int8))
        self.moving, self.answering = cuda.to_device(host.moving), cuda.to_device(host.answering)
        self.stops_first = host.stops_first
        self.had_stopped = cuda.to_device(np.zeros(num_envs, dtype=np.bool_))

    def before_step(self, w: Worlds, actions: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().note_stopped[self.grid](w, actions, self.had_stopped)

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launchers().show_last_masks[self.grid](
            e, out.episode, self.had_stopped, self.moving, self.answering, self.stops_first, self.last
        )

    def show(self, w: Worlds, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().show_masks[self.grid](w, self.moving, self.answering, self.stops_first, self.now)


class DevicePreviousActions(DeviceSense):
    """The action that each agent took last, see ``engine/previous_action.py``."""

    key = PREVIOUS_ACTION_KEY

    def __init__(self, grid: tuple[int, int], host: PreviousActions) -> None:
        super().__init__(grid, host.now)
        self.none = host.none

    def begin(self, mask: DeviceArray) -> None:
        """See :class:`DeviceSense`."""
        launchers().forget_actions[self.grid](mask, self.none, self.now)

    def show_last(self, w: Worlds, e: Episodes, out: Outcomes, actions: DeviceArray, autoreset: bool) -> None:
        """See :class:`DeviceSense`."""
        launchers().note_actions[self.grid](actions, out.ended, autoreset, self.none, self.now, self.last)

    def kept(self) -> dict[str, DeviceArray]:
        """See :class:`DeviceSense`."""
        return {PREVIOUS_ACTION_KEY: self.now}


def device_senses(host: WorldBatch, grid: tuple[int, int]) -> list[DeviceSense]:
    """The senses of a batch on the device.

    Args:
        host: the batch.
        grid: blocks, and threads of a block, that are at least one for each environment.
    """
    count = host.num_envs
    senses: list[DeviceSense] = []
    if host.explorer is not None:
        senses.append(DeviceExplorer(grid, host.explorer, host.width, host.pictures.explored))
    if host.has_on_top:
        senses.append(DeviceOnTop(grid, host.width, count))
    if host.manuals is not None:
        senses.append(DeviceManuals(grid, host.manuals, count))
    if host.masks is not None:
        senses.append(DeviceMasks(grid, host.masks, count))
    if host.previous is not None:
        senses.append(DevicePreviousActions(grid, host.previous))
    return senses
