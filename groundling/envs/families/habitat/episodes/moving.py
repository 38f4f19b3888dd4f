"""Episodes of rearrangement: a thing that can be carried is to be brought to another place of the house.

What stands on furniture goes onto other furniture where there is some that is free, everything else to another tile of
the floor.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from groundling.envs.engine.constants import NOTHING_CODE
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.rearrange import SUCCESS_M, RearrangeEpisode, Transform
from groundling.envs.families.habitat.episodes.walking import FAR
from groundling.envs.families.habitat.export.templates import template_of
from groundling.envs.families.habitat.houses import HouseThing
from groundling.envs.families.habitat.worlds import holding_place

LEAST_M: Final = 1.0  # from a thing to its place
REACH_M: Final = 1.25  # how near one must come to take something, or put it down
FLOOR: Final = "floor"

Spot = tuple[float, float, float, str]  # x, y, height, and what it is on


def draw_rearrange(place: Place, episode_id: str, rng: np.random.Generator) -> RearrangeEpisode | None:
    """Bring one thing to another place; None if nothing can be brought anywhere.

    ``place`` is the house with what can be carried; the scene that the episode names is without it.
    """
    x, y, heading = place.start
    if not place.walking.is_free(x, y):
        return None
    portable = [thing for thing in place.house.shown() if thing.is_portable and thing.kind != "door"]
    for number in rng.permutation(len(portable)).tolist():
        moved = portable[number]
        if not _is_in_reach(place, moved.x, moved.y):
            continue
        spots = [spot for spot in _spots(place, moved) if _is_in_reach(place, spot[0], spot[1])]
        if not spots:
            continue
        goal = spots[int(rng.integers(len(spots)))]
        objects = [(f"{template_of(thing).name}{layout.OBJECT_SUFFIX}", transform_of(thing)) for thing in portable]
        same = [thing for thing in portable if template_of(thing).name == template_of(moved).name]
        name = f"{template_of(moved).name}_:{same.index(moved):04d}"
        return RearrangeEpisode(
            episode_id=episode_id,
            scene_id=layout.variant_name(place.house.stage, layout.EMPTIED),
            start_position=place.position((x, y)),
            start_rotation=place.rotation(heading),
            scene_dataset_config=place.dataset,
            additional_obj_config_paths=("scenes/",),
            info={
                "object_id": moved.code,
                "instruction": f"bring the {moved.color} {moved.kind} to its place",
                "success_distance": SUCCESS_M,
            },
            rigid_objs=tuple(objects),
            targets={name: translated(*goal[:3])},
            target_receptacles=((_receptacle(place, moved), None),),
            goal_receptacles=((goal[3], None),),
            name_to_receptacle={name: _receptacle(place, moved)},
        )
    return None


def transform_of(thing: HouseThing) -> Transform:
    """Where a thing is, and how it is turned."""
    _, turn, _, real = layout.thing_rotation(thing.back)
    yaw = 2 * np.arctan2(turn, real)
    found = translated(thing.x, thing.y, thing.height)
    found[0, [0, 2]] = np.cos(yaw), np.sin(yaw)
    found[2, [0, 2]] = -np.sin(yaw), np.cos(yaw)
    return found.round(9)


def translated(x: float, y: float, height: float) -> Transform:
    """The transform of a thing at a point of the map."""
    found = np.eye(4)
    found[:3, 3] = layout.to_position(x, y, height)
    return found.round(6)


def _receptacle(place: Place, thing: HouseThing) -> str:
    return FLOOR if thing.on is None else template_of(place.house.thing(thing.on)).name


def _spots(place: Place, moved: HouseThing) -> list[Spot]:
    """Where a thing may be brought."""
    house = place.house
    spots = [] if moved.on is None else _free_surfaces(place)
    spots = [spot for spot in spots if _is_apart(spot, moved)]
    if not spots:
        rows, columns = np.nonzero(house.cells == NOTHING_CODE)
        tiles = [(column + 0.5, row + 0.5) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
        start = place.start[:2]
        spots = [(x, y, 0.0, FLOOR) for x, y in tiles if (x, y) != start and house.room_at(x, y) is not None]
    return [spot for spot in spots if _is_apart(spot, moved)]


def _is_apart(spot: Spot, moved: HouseThing) -> bool:
    return math.dist(spot[:2], (moved.x, moved.y)) >= LEAST_M


def _free_surfaces(place: Place) -> list[Spot]:
    """Furniture on which nothing stands."""
    taken = {thing.on for thing in place.house.things if thing.on is not None}
    spots = []
    for thing in place.house.shown():
        if thing.holds == "on" and thing.code not in taken:
            kind, color, state = thing.look
            up, _ = holding_place(place.kinds, kind | color << 8 | state << 16)
            spots.append((thing.x, thing.y, up, template_of(thing).name))
    return spots


def _is_in_reach(place: Place, x: float, y: float) -> bool:
    """Whether one can come near a point from the start."""
    near = place.walking.nearest_free(x, y, REACH_M)
    return near is not None and place.field([place.start[:2]]).at(*near) < FAR
