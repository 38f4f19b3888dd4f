"""The rover: a body with a continuous pose, in metres and radians, in the same worlds as the grid's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ConfigurationError

MAX_RADIUS = 0.2  # with the widest object, 0.3 m, it fits beside whatever stands in the next tile
OBJECT_RADIUS = 0.25
OBJECT_RADII = (OBJECT_RADIUS, 0.25, 0.25, 0.12, 0.18, 0.28, 0.3)  # by state: ordinary ones, then tiny to huge


class Poses(NamedTuple):
    """Where B rovers are.

    A tile is a metre; tile (column c, row r) of the map, its border included, covers [c, c + 1) x [r, r + 1), with x to
    the right and y down.
    """

    x: NDArray[np.float64]  # [B] metres
    y: NDArray[np.float64]  # [B] metres
    heading: NDArray[np.float64]  # [B] radians in [0, 2 pi): 0 right, pi / 2 down, as the four directions of the grid


class Motion(NamedTuple):
    """A rover's sizes as the kernels read them."""

    step: float  # metres
    turn: float  # radians
    radius: float  # metres
    reach: float  # metres
    slides: bool


class Scoring(NamedTuple):
    """The reward at an episode's end; success is worth less the longer it took."""

    success: float = 1.0
    decay: float = 0.9  # share of it that is lost over the whole time limit
    failure: float = 0.0


@dataclass(frozen=True)
class Rover:
    """A round body that drives and turns on the spot, and stops at what is in its way.

    Attributes:
        step_length_m: metres of an action "forward".
        turn_angle_deg: degrees of an action "left" or "right".
        radius_m: of the body, at most 0.2.
        reach_m: how far away, centre to centre, an object may be to be picked up, toggled or gone to. It must be faced:
            the line of sight meets it.
        slides: go along a wall or an object that is met at an angle, instead of stopping there.

    Raises:
        ConfigurationError: if a size cannot work.
    """

    step_length_m: float = 0.25
    turn_angle_deg: float = 15.0
    radius_m: float = 0.2
    reach_m: float = 1.25
    slides: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("step_length_m", 0.0, 4.0),
            ("turn_angle_deg", 0.0, 180.0),
            ("radius_m", 0.0, MAX_RADIUS),
            ("reach_m", 0.5, 4.0),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low < value <= high):
                raise ConfigurationError(f"a rover's {name} is more than {low} and at most {high}, got {value}")

    @property
    def steps_per_move(self) -> int:
        """How many of its steps do what one of the grid does: a tile ahead, or a quarter turn."""
        return math.ceil(max(1 / self.step_length_m, 90 / self.turn_angle_deg) - 1e-9)

    def motion(self) -> Motion:
        """The sizes as the kernels read them."""
        return Motion(self.step_length_m, math.radians(self.turn_angle_deg), self.radius_m, self.reach_m, self.slides)


def make_poses(num_envs: int) -> Poses:
    """Poses of B rovers, all zero."""
    return Poses(*(np.zeros(num_envs) for _ in Poses._fields))
