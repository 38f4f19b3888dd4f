"""The expert where another simulator moves the body: the rover's plans, driven by that simulator's own path finder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots.rover_expert import RoverExpert
from groundling.envs.engine.constants import NOWHERE, Action
from groundling.envs.engine.rovers import RoverBatch

AT_M: Final = 0.2  # from the middle of the tile from which something is done
AT_LAST_M: Final = 0.1  # where it could not be done from there
LONGEST: Final = 6  # ways to one place before the rover drives straight at it
TURNS: Final = (Action.LEFT, Action.RIGHT, Action.FORWARD)


@runtime_checkable
class WayFinder(Protocol):
    """Worlds that know ways on which their bodies get along."""

    def ways_to(self, ends: Mapping[int, tuple[float, float]], radius: Mapping[int, float]) -> dict[int, list[int]]:
        """The actions that bring some rovers within a radius, in metres, of points of the map, border included."""


class PathFinderExpert:
    """Knows the next action of every rover that another simulator moves.

    What is to be done, and from which tile, is planned on our grid (:class:`RoverExpert`); how to get there the other
    simulator says, which knows the shapes of its things.

    Args:
        worlds: the environments, which are a :class:`WayFinder`; they are read, never changed.

    Attributes:
        lost: [B] bool, written by :meth:`actions`: no way to the goal was found.
    """

    def __init__(self, worlds: RoverBatch) -> None:
        assert isinstance(worlds, WayFinder)
        self.worlds = worlds
        self._finder: WayFinder = worlds
        self._planner = RoverExpert(worlds)
        batch = worlds.num_envs
        self.lost = self._planner.lost
        self._actions = np.zeros(batch, dtype=np.int64)
        self._ways: list[list[int]] = [[] for _ in range(batch)]
        self._aims = np.full((batch, 4), -1, dtype=np.int64)  # episode, action, stand, target of each way
        self._asked = np.zeros(batch, dtype=np.int64)  # ways to the present aim

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every rover; "done" where :attr:`lost`. The array is written again."""
        worlds, actions = self.worlds, self._actions
        intents = self._planner.intents()
        ends: dict[int, tuple[float, float]] = {}
        radius: dict[int, float] = {}
        for b in range(worlds.num_envs):
            if self.lost[b]:
                actions[b] = Action.DONE
                continue
            action, stand, target = int(intents.action[b]), int(intents.stand[b]), int(intents.target[b])
            aim = np.array([worlds.state.episode_number[b], action, stand, target])
            if not np.array_equal(aim, self._aims[b]):
                self._aims[b], self._asked[b] = aim, 0
                self._ways[b].clear()
            if intents.is_faced[b]:
                self._ways[b].clear()
                actions[b] = action
            elif self._ways[b]:
                actions[b] = self._ways[b].pop(0)
            elif self._is_at(b, stand) and target != NOWHERE:
                actions[b] = self._face(b, target)
            else:
                ends[b] = self._middle(stand)
                radius[b] = AT_M if self._asked[b] == 0 else AT_LAST_M
        for b, way in self._finder.ways_to(ends, radius).items():
            self._asked[b] += 1
            self._ways[b] = way
            actions[b] = way.pop(0) if way and self._asked[b] <= LONGEST else self._straight(b, *ends[b])
        return actions

    def _middle(self, place: int) -> tuple[float, float]:
        width = self.worlds.width
        return place % width + 0.5, place // width + 0.5

    def _is_at(self, b: int, place: int) -> bool:
        poses, (x, y) = self.worlds.poses, self._middle(place)
        limit = AT_M if self._asked[b] <= 1 else AT_LAST_M
        return math.hypot(poses.x[b] - x, poses.y[b] - y) <= limit + 1e-6 or self._asked[b] > LONGEST

    def _face(self, b: int, target: int) -> int:
        """Turn to a tile; where that does not help, drive at it."""
        return self._straight(b, *self._middle(target))

    def _straight(self, b: int, x: float, y: float) -> int:
        poses, turn = self.worlds.poses, self.worlds.rover.motion().turn
        bearing = math.atan2(y - poses.y[b], x - poses.x[b])
        turns = round(((bearing - poses.heading[b] + math.pi) % (2 * math.pi) - math.pi) / turn)
        return int(Action.FORWARD if turns == 0 else Action.LEFT if turns < 0 else Action.RIGHT)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """The plans; ways are asked for anew."""
        return self._planner.state_dict()

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`."""
        self._planner.load_state_dict(saved)
        self._aims[:] = -1
        for way in self._ways:
            way.clear()
