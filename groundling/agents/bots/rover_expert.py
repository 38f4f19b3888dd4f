"""The expert of the rover: the grid's plans, driven in metres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import advice, driving
from groundling.agents.bots.expert import make_memory, make_plans, make_ways, plan_bounds
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.state import Worlds
from groundling.envs.saved_states import check_arrays


class RoverExpert:
    """Knows the next action of every rover of a batch, in any state.

    It knows the whole world, plans on its tiles as the grid's expert does with ``sees="world"``, and drives straight
    wherever that is free. What its camera does not see it turns left to, so that an agent, which does not know either
    where that is, can imitate it. It knows what is behind doors and walls, which an agent does not: in several rooms
    it can be imitated only as far as the instruction or a map tells the way.

    Args:
        worlds: the environments; they are read, never changed.

    Attributes:
        lost: [B] bool, written by :meth:`actions`: no way to the goal was found.
        plans: the present plans.
    """

    def __init__(self, worlds: RoverBatch) -> None:
        self.worlds = worlds
        batch, cells = worlds.state.cells.shape
        self.lost = np.zeros(batch, dtype=np.bool_)
        self._seen = np.zeros((1, cells), dtype=np.bool_)  # not read: all is known
        self._past = advice.Past(self._seen, np.full(batch, -1, dtype=np.int64), np.zeros(batch, dtype=np.uint64))
        self.plans = make_plans(batch)
        self._ways = make_ways(batch, 0)
        self._memory = make_memory(cells)
        self._second_thoughts = make_plans(1)
        self._positions = np.zeros(batch, dtype=worlds.state.position.dtype)
        self._directions = np.zeros(batch, dtype=np.int64)
        self._actions = np.zeros(batch, dtype=np.int64)

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every rover; "done" where :attr:`lost`. The array is written again."""
        worlds = self.worlds
        planned = self.plan()
        driving.drive_plans(
            planned,
            worlds.width,
            self.plans,
            self._seen[0],
            worlds.poses,
            worlds.rover.motion(),
            math.radians(worlds.camera.fov_degrees) / 2,
            self.lost,
            self._actions,
        )
        return self._actions

    def plan(self) -> Worlds:
        """Bring :attr:`plans` and :attr:`lost` up to date; returns the worlds with the rovers on their tiles."""
        worlds, plans = self.worlds, self.plans
        driving.poses_on_grid(
            worlds.state, worlds.width, plans, self._seen[0], worlds.poses, self._positions, self._directions
        )
        planned = worlds.state._replace(position=self._positions, direction=self._directions)
        advice.advise(
            planned,
            worlds.width,
            True,
            self._past,
            plans,
            self._ways,
            self._memory,
            self._second_thoughts,
            self._actions,
            self.lost,
        )
        return planned

    def intents(self) -> driving.Intents:
        """What each rover's plan is about next, where it is known; to be driven to by others than this expert."""
        worlds = self.worlds
        found = driving.make_intents(worlds.num_envs)
        driving.read_plans(
            self.plan(), worlds.width, self.plans, self._seen[0], worlds.poses, worlds.rover.motion(), self.lost, found
        )
        return found

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the plans, so that a run can be continued exactly."""
        return {name: array.copy() for name, array in self._kept().items()}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`, of an expert of as many rovers.

        Raises:
            ConfigurationError: if it is another's, or damaged; nothing is loaded then.
        """
        check_arrays(saved, self._kept(), plan_bounds(self.worlds.state.cells.shape[1]))
        for name, array in self._kept().items():
            array[...] = saved[name]

    def _kept(self) -> dict[str, NDArray[Any]]:
        return {"given_up": self._past.given_up, **self.plans._asdict()}
