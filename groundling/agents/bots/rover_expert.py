"""An expert for rovers: it goes the way of the grid's body from tile to tile, and does there what that would do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots.expert import Expert
from groundling.envs.engine import rover_driving
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.rover import Motion, Poses
from groundling.envs.engine.rover_driving import drive_as
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.state import Worlds


@compiler(__file__, *rover_driving.SOURCES)
def drive_all(
    w: Worlds, width: int, poses: Poses, motion: Motion, moves: NDArray[np.int64], actions: NDArray[np.int64]
) -> None:
    """Write what every rover does for the move [B] of the grid's body on its tile."""
    for b in range(actions.shape[0]):
        place, direction = int(w.position[b]), int(w.direction[b])
        actions[b] = drive_as(w, b, width, poses, motion, moves[b], direction, place)


class RoverExpert:
    """Knows the next action of every rover of a batch, in any state (a ``Teacher``), with the whole world known.

    Its way is the shortest from tile to tile, not the shortest that a rover could drive.

    Args:
        worlds: the environments; they are read, never changed.

    Attributes:
        lost: [B] bool, written by :meth:`actions`: no way to the goal was found.
    """

    def __init__(self, worlds: RoverBatch) -> None:
        self.worlds = worlds
        self._grid = Expert(worlds, sees="world")
        self._actions = np.zeros(worlds.num_envs, dtype=np.int64)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Of the expert that walks the grid."""
        return self._grid.lost

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every environment; "done" where :attr:`lost`. The array is written again."""
        worlds = self.worlds
        moves = self._grid.actions()
        drive_all(worlds.state, worlds.width, worlds.poses, worlds.rover.motion(), moves, self._actions)
        return self._actions

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the plans."""
        return self._grid.state_dict()

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`, of an expert on as many environments."""
        self._grid.load_state_dict(saved)
