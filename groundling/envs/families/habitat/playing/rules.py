"""Our rules on poses and objects: what an agent faces and can take, where what it puts down comes to lie, what counts.

Distances are in metres, places X, Y, Z. They are the rover's rules (``engine.rover_kernels``) without its tiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from groundling.envs.engine.rover import OBJECT_RADIUS
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.playing.asked import Asked, Place, distance

PUT_AHEAD_M: Final = 0.65  # of an agent, where what it puts down comes to lie
SURFACE_M: Final = 0.35  # from a place where something of the episode lies or is to lie, to the edge of its surface
LEAST_HEIGHT_M: Final = 0.02  # of a surface that is not the floor


def ahead_of(position: Any, rotation: Any, metres: float) -> tuple[float, float, float]:
    """The point of the floor so far ahead of an agent."""
    heading = layout.from_rotation(rotation)
    return (
        float(position[0]) + metres * math.cos(heading),
        0.0,
        float(position[2]) + metres * math.sin(heading),
    )


def around(place: Place, metres: float, sides: int = 8) -> list[Place]:
    """Points on all sides of a place, so many metres from it."""
    x, y, z = place
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False).tolist()
    return [(x + metres * math.cos(angle), y, z + metres * math.sin(angle)) for angle in angles]


def faced(position: Any, rotation: Any, places: Mapping[str, Place], reach: float) -> str | None:
    """The nearest of some objects that an agent faces within its reach: its line of sight meets it."""
    heading = layout.from_rotation(rotation)
    ray_x, ray_z = math.cos(heading), math.sin(heading)
    found: tuple[float, str] | None = None
    for key, place in places.items():
        to_x, to_z = place[0] - position[0], place[2] - position[2]
        away = math.hypot(to_x, to_z)
        is_ahead = ray_x * to_x + ray_z * to_z > 0 and abs(ray_x * to_z - ray_z * to_x) <= OBJECT_RADIUS
        if is_ahead and away <= reach and (found is None or away < found[0]):
            found = away, key
    return None if found is None else found[1]


def put_down(asked: Asked, position: Any, rotation: Any, key: str) -> Place:
    """Where an object comes to lie that an agent puts down: on the floor ahead, or on what stands there.

    What stands there is known by what lies on it at first or is to: an episode's file tells no other surfaces.
    """
    x, _, z = ahead_of(position, rotation, PUT_AHEAD_M)
    surfaces = [own.placement.position for own in asked.movables] + list(asked.targets.values())
    near = [
        place for place in surfaces if place[1] > LEAST_HEIGHT_M and math.hypot(place[0] - x, place[2] - z) <= SURFACE_M
    ]
    if asked.targets.get(key) in near:
        return x, float(asked.targets[key][1]), z
    height = max((place[1] for place in near), default=0.0)
    return x, float(height), z


def are_in_place(asked: Asked, places: Mapping[str, Place]) -> bool:
    """Whether every object that is to be brought somewhere is there."""
    return bool(asked.targets) and all(
        distance(places[key], target) <= asked.radius for key, target in asked.targets.items()
    )


def compass(asked: Asked, position: Any, rotation: Any, places: Mapping[str, Place]) -> list[float]:
    """Where what matters is, seen from an agent: metres, and cosine and sine of the angle to the right of ahead.

    The goal of navigation; of rearrangement the first object that is not in its place, and then its place.
    """
    if not asked.targets:
        return towards(position, rotation, asked.goals[0])
    left = [key for key, target in asked.targets.items() if distance(places[key], target) > asked.radius]
    key = left[0] if left else next(iter(asked.targets))
    return [*towards(position, rotation, places[key]), *towards(position, rotation, asked.targets[key])]


def towards(position: Any, rotation: Any, place: Place) -> list[float]:
    """Metres to a place, and cosine and sine of the angle to the right of ahead at which it is."""
    x, z = place[0] - position[0], place[2] - position[2]
    off = math.atan2(z, x) - layout.from_rotation(rotation)
    return [math.hypot(x, z), math.cos(off), math.sin(off)]


def order_of(count: int, seed: int, row: int, begun: int, num_envs: int, shuffle: bool) -> int:
    """Which of so many episodes an environment plays as its next one."""
    if not shuffle:
        return (row + begun * num_envs) % count
    return int(np.random.default_rng([seed, row, begun]).integers(count))
