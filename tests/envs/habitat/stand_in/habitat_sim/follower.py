"""The greedy follower: of all turns followed by a step it takes the one that gains most for its length."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import replay
from .errors import GreedyFollowerError
from .pathfinder import ShortestPath, as_point

TURN_COST = 0.0125
COLLISION_COST = 0.25


class GreedyFollower:
    """As what ``Simulator.make_greedy_follower`` gives."""

    def __init__(self, simulator: Any, agent: Any, goal_radius: float | None, **keys: Any) -> None:
        self._simulator, self._agent = simulator, agent
        actions = {spec.name: (key, spec) for key, spec in agent.agent_config.action_space.items()}
        self.forward_key = keys.get("forward_key") or actions["move_forward"][0]
        self.left_key = keys.get("left_key") or actions["turn_left"][0]
        self.right_key = keys.get("right_key") or actions["turn_right"][0]
        self.stop_key = keys.get("stop_key")
        self._step = actions["move_forward"][1].actuation.amount
        self._turn = math.radians(actions["turn_left"][1].actuation.amount)
        self._radius = 0.75 * self._step if goal_radius is None else goal_radius

    def find_path(self, goal: Any) -> list[Any]:
        """All actions to a goal, the stop at last."""
        goal = as_point(np.asarray(goal))
        agent = self._agent
        position, yaw = agent._position.copy(), agent._yaw
        recorded = replay.follow(self._simulator, position, yaw, goal)
        if recorded is not None:
            names = {"move_forward": self.forward_key, "turn_left": self.left_key, "turn_right": self.right_key}
            return [names.get(name, self.stop_key) for name in recorded]
        actions: list[Any] = []
        while len(actions) < 5000:
            chosen = self._next(position, yaw, goal)
            actions += chosen
            if chosen == [self.stop_key]:
                return actions
            for action in chosen:
                if action == self.forward_key:
                    position = self._moved(position, yaw)
                else:
                    yaw += self._turn * (1 if action == self.left_key else -1)
        raise GreedyFollowerError("no path was found")

    def next_action_along(self, goal: Any) -> Any:
        """The first of :meth:`find_path`."""
        return self._next(self._agent._position.copy(), self._agent._yaw, as_point(np.asarray(goal)))[0]

    def reset(self) -> None:
        """Nothing is kept."""

    def _distance(self, start: Any, goal: Any) -> float:
        path = ShortestPath()
        path.requested_start, path.requested_end = start, goal
        self._simulator.pathfinder.find_path(path)
        return path.geodesic_distance

    def _moved(self, position: Any, yaw: float) -> Any:
        way = self._step * np.array([-math.sin(yaw), 0.0, -math.cos(yaw)])
        finder = self._simulator.pathfinder
        slides = self._simulator.config.sim_cfg.allow_sliding
        step = finder.try_step if slides else finder.try_step_no_sliding
        return np.array(step(position, position + way), dtype=np.float64)

    def _next(self, position: Any, yaw: float, goal: Any) -> list[Any]:
        here = self._distance(position, goal)
        if not math.isfinite(here):
            raise GreedyFollowerError("the goal cannot be reached")
        if here <= self._radius:
            return [self.stop_key]
        best, found = -math.inf, [self.forward_key]
        for turns in range(int(math.pi / self._turn) + 1):
            for sign, key in ((1, self.left_key), (-1, self.right_key)):
                there = self._moved(position, yaw + sign * turns * self._turn)
                moved = float(np.linalg.norm((there - position)[[0, 2]]))
                gain = (here - self._distance(there, goal)) / self._step - TURN_COST * (turns + 1)
                gain -= COLLISION_COST * (moved + 1e-5 < self._step)
                if gain > best + 1e-9:
                    best, found = gain, [key] * turns + [self.forward_key]
        return found
