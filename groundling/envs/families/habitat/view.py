"""What an agent of ours sees through Habitat's camera: settings of the simulator, and its pictures as observations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.rover import Rover
from groundling.envs.families.habitat import layout
from groundling.envs.first_person import Camera
from groundling.envs.first_person.things import HELD_SIZE
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.habitat_worker.settings import SimulatorSettings
from groundling.errors import ConfigurationError

MAX_CODE: Final = 255
HELD_ASIDE, HELD_UP = 0.22, 0.02  # of the view's width and height, as things.draw_held has what is carried
LEAST_REGION: Final = 4.0  # cells across of the smallest region in which an agent can stand


@dataclass(frozen=True)
class View:
    """A camera of ours as one of Habitat's, whose horizon is in the middle: taller, and cut to the rows that are ours.

    Attributes:
        height: rows that Habitat renders.
        first_row: the first of them that is ours.
    """

    height: int
    first_row: int

    @classmethod
    def of(cls, camera: Camera) -> View:
        """The rows of a camera; its horizon is moved to the nearest half row."""
        above = round(2 * camera.horizon * camera.height) / 2
        most = max(above, camera.height - above)
        return cls(int(2 * most), int(most - above))


def carried_at(camera: Camera, eye_m: float) -> tuple[float, float, float]:
    """Where what is carried is, from the agent: metres to the right, up, and back.

    It is small, and so near that it is as large and as far aside as ``things.draw_held`` draws it, at the lower edge.

    Args:
        camera: of the agent.
        eye_m: of the camera above the agent.
    """
    pixel = 2 * math.tan(math.radians(camera.fov_degrees) / 2) / camera.width  # metres, a metre ahead
    wide, tall = camera.width * pixel, camera.height * pixel
    ahead = layout.CARRIED_SCALE / (float(HELD_SIZE) * min(wide, tall))
    lowest = (camera.height - round(2 * camera.horizon * camera.height) / 2) * pixel
    return HELD_ASIDE * wide * ahead, eye_m - (lowest - HELD_UP * tall) * ahead, -ahead


def check_camera(camera: Camera) -> None:
    """Refuse what another simulator's camera cannot do.

    Raises:
        ConfigurationError: if something is randomized.
    """
    if camera.randomization != Camera().randomization:
        raise ConfigurationError("our renderer randomizes, Habitat does not: leave the camera's randomization out")


def simulator_settings(camera: Camera, rover: Rover, gpu: int = facts.CPU) -> SimulatorSettings:
    """What a simulator is made with so that its agent moves as our rover and sees as its camera.

    The agent is one navmesh cell above the floor, and its camera as much lower on it. Its radius is a cell smaller than
    the rover's, since the navigation mesh keeps a cell more than the radius from what stands there. Corners between
    furniture count as places to stand: the usual mesh leaves out regions of less than 1 m2.
    """
    cell = float(layout.NAVMESH["cell_size"])
    eye_m = camera.eye_height_m - float(layout.NAVMESH["cell_height"])
    sensors = [name for name, is_there in _sensors(camera).items() if is_there]
    return SimulatorSettings(
        width=camera.width,
        height=View.of(camera).height,
        hfov_degrees=float(camera.fov_degrees),
        eye_m=eye_m,
        carried_at=carried_at(camera, eye_m),
        sensors=tuple(sensors),
        step_m=rover.step_length_m,
        turn_degrees=rover.turn_angle_deg,
        slides=rover.slides,
        navmesh={**layout.NAVMESH, "agent_radius": max(rover.radius_m - cell, cell), "region_min_size": LEAST_REGION},
        gpu=gpu,
    )


def _sensors(camera: Camera) -> dict[str, bool]:
    return {facts.COLOR: camera.rgb, facts.DEPTH: camera.depth, facts.SEMANTIC: camera.segmentation}


def observed(seen: dict[str, NDArray[Any]], camera: Camera) -> dict[str, NDArray[Any]]:
    """Habitat's pictures by the keys of our observations: image, depth, segmentation.

    Objects have our cell codes as semantic ids; a template that nobody gave one is shown as the wall's code.
    """
    view = View.of(camera)
    rows = slice(view.first_row, view.first_row + camera.height)
    found: dict[str, NDArray[Any]] = {}
    if facts.COLOR in seen:
        found["image"] = seen[facts.COLOR][rows]
    if facts.DEPTH in seen:
        found["depth"] = seen[facts.DEPTH][rows]
    if facts.SEMANTIC in seen:
        codes = seen[facts.SEMANTIC][rows]
        found["segmentation"] = np.where(codes > MAX_CODE, layout.WALL_ID, codes).astype(np.uint8)
    return found
