"""Episodes of VLN: a way through a house, and a sentence that is true of it and of no other.

Rooms are named where the house has one of the kind (the room one is in, always), doors by their color where it is one
door's alone, things by their kind, with their color where that is needed. What the sentence names comes in the order
in which the way comes by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.habitat.episodes import vln
from groundling.envs.families.habitat.episodes.drawing import room_name
from groundling.envs.families.habitat.episodes.following import follow
from groundling.envs.families.habitat.episodes.footprints import sees
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.values import Goal
from groundling.envs.families.habitat.episodes.vln import VlnDataset, VlnEpisode
from groundling.envs.families.habitat.episodes.walking import FAR, Point, length_of
from groundling.envs.families.habitat.houses import House, HouseThing
from groundling.language.routes import (
    MAX_STEPS,
    ROUTE_VOCABULARY,
    Cross,
    Enter,
    GoThrough,
    Landmark,
    Leave,
    PassBy,
    Route,
    Step,
    StopAt,
    render,
)

LEAST_M: Final = 3.0  # of a way
PASSED_M: Final = 1.25  # how near a way comes to what it passes
APART_M: Final = 1.0  # of a way, between what is passed, and from its ends
MARGIN_M: Final = 0.3  # of a way, between what is passed and a border of rooms, so that it is clear what comes first
STOP_M: Final = 0.15  # to a pose beside the last thing
SAMPLE_M: Final = 0.05
PADDING, UNKNOWN = 0, 1

Passed = tuple[float, Step]  # metres along the way, and what it comes by there


def draw_vln(place: Place, episode_id: str, rng: np.random.Generator) -> VlnEpisode | None:
    """A way to a thing in another room with its sentence; None if no way of the house has one."""
    start = place.start
    house = place.house
    if not place.walking.is_free(*start[:2]):
        return None
    own = house.room_at(*start[:2])
    things = [thing for thing in house.shown() if thing.kind != "door" and name_of(house, thing) is not None]
    for number in rng.permutation(len(things)).tolist():
        goal = things[number]
        if house.room_at(goal.x, goal.y) == own and len(house.rooms) > 1:
            continue
        views = [pose[:2] for pose in place.reachable_views(goal, start)]
        if not views:
            continue
        distances = place.field(views)
        if not LEAST_M <= distances.at(*start[:2]) < FAR:
            continue
        path = distances.path(*start[:2])
        way = follow(distances, start, vln.SIZES, STOP_M, (goal.x, goal.y))
        if path is None or way is None:
            continue
        route = route_of(house, path, goal)
        if route is None:
            continue
        text = render(route, rng.integers(0, 6, 2 * MAX_STEPS).tolist())
        return VlnEpisode(
            episode_id=episode_id,
            scene_id=house.name,
            start_position=place.position(start[:2]),
            start_rotation=place.rotation(start[2]),
            scene_dataset_config=place.dataset,
            info={"geodesic_distance": round(length_of(path), 4), "object_id": goal.code},
            goals=(Goal(place.position(path[-1]), vln.SUCCESS_M),),
            start_room=room_name(place, *start[:2]),
            shortest_paths=(place.path(way),),
            instruction_text=text,
            instruction_tokens=tuple(ROUTE_VOCABULARY.encode(text).tolist()),
            reference_path=tuple(place.position(point) for point in path),
            trajectory_id=int(episode_id),
        )
    return None


def name_of(house: House, thing: HouseThing) -> Landmark | None:
    """The shortest name that is of no other thing in sight: its kind, or its color and kind; None if neither is."""
    same = [one for one in house.shown() if one.kind == thing.kind]
    if len(same) == 1:
        return Landmark(thing.kind)
    return Landmark(thing.kind, thing.color) if sum(one.color == thing.color for one in same) == 1 else None


def sampled(path: Sequence[Point]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points [P, 2] every few centimetres of a way, and how far along it each is [P]."""
    points, along, done = [], [], 0.0
    for (x, y), (to_x, to_y) in pairwise(path):
        length = math.hypot(to_x - x, to_y - y)
        count = max(1, math.ceil(length / SAMPLE_M))
        for k in range(count):
            points.append((x + (to_x - x) * k / count, y + (to_y - y) * k / count))
            along.append(done + length * k / count)
        done += length
    return np.array([*points, path[-1]]), np.array([*along, done])


def route_of(house: House, path: Sequence[Point], goal: HouseThing) -> Route | None:
    """The steps of a way to a thing, as far as they have names; None if it has no name, or nothing before it has."""
    last = name_of(house, goal)
    if last is None:
        return None
    points, along = sampled(path)
    borders = [at for at, _ in room_changes(house, points, along, [])]
    things = [
        (at, step)
        for at, step in passed_things(house, points, along, goal)
        if all(abs(at - border) >= MARGIN_M for border in borders)
    ]
    changes = room_changes(house, points, along, [at for at, _ in things])
    passed = sorted([*changes, *things], key=lambda one: one[0])
    steps = [step for _, step in passed]
    while len(steps) >= MAX_STEPS:  # a sentence may be silent about what is passed, not about a part of the way
        dropped = next((step for step in reversed(steps) if isinstance(step, PassBy)), None)
        if dropped is None:
            return None
        steps.remove(dropped)
    return (*steps, StopAt(last)) if steps else None


def room_changes(
    house: House, points: NDArray[np.float64], along: NDArray[np.float64], passing: Sequence[float]
) -> list[Passed]:
    """Rooms that are left, crossed and entered, and doors, with where along the way.

    A room is crossed where nothing is passed in it, else it is entered: ``passing`` tells where things are passed.
    """
    rooms = [house.room_at(*point) for point in points.tolist()]
    visits: list[tuple[int, float, float]] = []  # a room, from where to where
    for room, at in zip(rooms, along.tolist(), strict=True):
        if room is None:
            continue
        if visits and visits[-1][0] == room:
            visits[-1] = room, visits[-1][1], at
        else:
            visits.append((room, at, at))
    kinds = [room.kind for room in house.rooms]
    found: list[Passed] = []
    for number, (room, begin, end) in enumerate(visits):
        kind, is_only = kinds[room], kinds.count(kinds[room]) == 1
        if number == 0 and len(visits) > 1 and kind != "room":
            found.append((end, Leave(kind)))
        elif number and is_only and kind != "room":
            is_entered = number == len(visits) - 1 or any(begin <= at <= end for at in passing)
            found.append((begin, Enter(kind) if is_entered else Cross(kind)))
    doors = [thing for thing in house.shown() if thing.kind == "door"]
    for door in doors:
        if door.tile is None or sum(other.color == door.color for other in doors) > 1:
            continue
        inside = (np.floor(points) == np.array(door.tile)).all(axis=1)
        if inside.any() and not (inside[0] or inside[-1]):
            found.append((float(along[inside].mean()), GoThrough(door.color)))
    return found


def passed_things(
    house: House, points: NDArray[np.float64], along: NDArray[np.float64], goal: HouseThing
) -> list[Passed]:
    """Things that the way comes by, the nearest ones first where they would be too close to one another."""
    options = []
    for thing in house.shown():
        if thing.kind == "door" or thing.on is not None or thing.code in (goal.code, goal.on):
            continue
        name = name_of(house, thing)
        if name is None:
            continue
        apart = np.hypot(points[:, 0] - thing.x, points[:, 1] - thing.y)
        nearest = int(np.argmin(apart))
        x, y = points[nearest].tolist()
        share = max(1 - 0.45 / max(float(apart[nearest]), 0.45), 0)
        edge = x + (thing.x - x) * share, y + (thing.y - y) * share
        is_between = APART_M / 2 <= along[nearest] <= along[-1] - APART_M
        same_room = house.room_at(x, y) in (None, house.room_at(thing.x, thing.y))
        if apart[nearest] <= PASSED_M and is_between and same_room and sees(house, (x, y), edge):
            options.append((float(apart[nearest]), float(along[nearest]), name))
    found: list[Passed] = []
    for _, at, name in sorted(options, key=lambda option: option[:2]):
        if all(abs(at - other) >= APART_M for other, _ in found):
            found.append((at, PassBy(name)))
    return found


def vln_dataset_of(episodes: Sequence[VlnEpisode]) -> VlnDataset:
    """Episodes with the words of their instructions, all instructions padded to one length."""
    length = max((len(one.instruction_tokens) for one in episodes), default=0)
    padded = [
        VlnEpisode(
            **{
                **{name: getattr(one, name) for name in VlnEpisode.__dataclass_fields__},
                "instruction_tokens": (*one.instruction_tokens, *[PADDING] * (length - len(one.instruction_tokens))),
            }
        )
        for one in episodes
    ]
    return VlnDataset(tuple(padded), ROUTE_VOCABULARY.words)
