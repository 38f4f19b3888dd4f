"""Drawing episodes of PointNav and ObjectNav in a house, with shortest paths in the tasks' own actions."""

from __future__ import annotations

from typing import Final

import numpy as np

from groundling.envs.families.habitat.episodes import objectnav, pointnav
from groundling.envs.families.habitat.episodes.following import follow
from groundling.envs.families.habitat.episodes.objectnav import ObjectGoal, ObjectNavEpisode, ViewPoint
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.pointnav import PointNavEpisode
from groundling.envs.families.habitat.episodes.values import Goal
from groundling.envs.families.habitat.episodes.walking import FAR, length_of
from groundling.envs.families.habitat.houses import HouseThing

DRAWS: Final = 50
LEAST_M: Final = 1.0  # from the start to the goal


def draw_pointnav(place: Place, episode_id: str, rng: np.random.Generator) -> PointNavEpisode | None:
    """Go to a place that is drawn at random; None if nothing is far enough away."""
    x, y, heading = start = place.start
    if not place.walking.is_free(x, y):
        return None
    for _ in range(DRAWS):
        goal = place.free_point(rng)
        distances = place.field([goal])
        if not LEAST_M <= distances.at(x, y) < FAR:
            continue
        way = follow(distances, start, pointnav.SIZES, pointnav.SUCCESS_M)
        path = distances.path(x, y)
        if way is None or path is None:
            continue
        return PointNavEpisode(
            episode_id=episode_id,
            scene_id=place.house.name,
            start_position=place.position((x, y)),
            start_rotation=place.rotation(heading),
            scene_dataset_config=place.dataset,
            info={"geodesic_distance": round(length_of(path), 4)},
            goals=(Goal(place.position(goal), pointnav.SUCCESS_M),),
            start_room=room_name(place, x, y),
            shortest_paths=(place.path(way),),
        )
    return None


def draw_objectnav(
    place: Place, episode_id: str, rng: np.random.Generator
) -> tuple[ObjectNavEpisode, tuple[ObjectGoal, ...]] | None:
    """Go to any thing of a kind, with all of that kind that can be reached; None if there is none far enough away."""
    x, y, heading = start = place.start
    if not place.walking.is_free(x, y):
        return None
    things = [thing for thing in place.house.shown() if thing.kind != "door"]
    kinds = sorted({thing.kind for thing in things})
    for number in rng.permutation(len(kinds)).tolist():
        kind = kinds[number]
        goals = tuple(
            goal for thing in things if thing.kind == kind if (goal := object_goal(place, thing, start)) is not None
        )
        if not goals:
            continue
        points = [(point.position[0], point.position[2]) for goal in goals for point in goal.view_points]
        distances = place.field(points)
        if distances.at(x, y) < LEAST_M:
            continue
        way = follow(distances, start, objectnav.SIZES, objectnav.SUCCESS_M)
        path = distances.path(x, y)
        if way is None or path is None:
            continue
        episode = ObjectNavEpisode(
            episode_id=episode_id,
            scene_id=place.house.name,
            start_position=place.position((x, y)),
            start_rotation=place.rotation(heading),
            scene_dataset_config=place.dataset,
            info={"geodesic_distance": round(length_of(path), 4)},
            object_category=kind,
            start_room=room_name(place, x, y),
            shortest_paths=(place.path(way),),
        )
        return episode, goals
    return None


def object_goal(place: Place, thing: HouseThing, start: tuple[float, float, float]) -> ObjectGoal | None:
    """A thing as a goal, with the poses that look at it; None if none of them can be reached."""
    views = place.reachable_views(thing, start)
    if not views:
        return None
    room = place.house.room_at(thing.x, thing.y)
    x, _, z = place.position((thing.x, thing.y))
    return ObjectGoal(
        position=(x, round(thing.height, 6), z),
        radius=None,
        object_id=thing.code,
        object_name=f"{thing.color} {thing.kind}",
        object_category=thing.kind,
        room_id=room,
        room_name=None if room is None else place.house.rooms[room].kind,
        view_points=tuple(
            ViewPoint(place.position(pose[:2]), place.rotation(pose[2]), place.coverage(pose, thing)) for pose in views
        ),
    )


def room_name(place: Place, x: float, y: float) -> str | None:
    """The kind of the room at a point; None in a doorway."""
    room = place.house.room_at(x, y)
    return None if room is None else place.house.rooms[room].kind
