"""Small random houses: rooms in a row, things on distinct tiles, some on and in others."""

from __future__ import annotations

import numpy as np

from groundling.language.questions.scene import Scene, SceneDoor, SceneRoom, SceneThing
from groundling.language.questions.words import COLORS, CONTAINER_KINDS, ROOM_KINDS, THING_KINDS

SURFACES = ("table", "desk", "shelf")


def random_scene(rng: np.random.Generator, num_rooms: int = 4, num_things: int = 12) -> Scene:
    rooms, left = [], 1
    for _ in range(num_rooms):
        width = int(rng.integers(3, 7))
        rooms.append(SceneRoom(str(rng.choice(ROOM_KINDS)), left, 1, width, 5))
        left += width + 1
    doors = tuple(
        SceneDoor((row, row + 1), (rooms[row + 1].left - 1, 3), str(rng.choice(COLORS)), bool(rng.random() < 0.5))
        for row in range(num_rooms - 1)
    )
    things: list[SceneThing] = []
    taken = set()
    for _ in range(num_things):
        kind, color = str(rng.choice(THING_KINDS)), str(rng.choice(COLORS))
        size = str(rng.choice(["", "small", "big"]))
        under = [row for row, t in enumerate(things) if t.kind in SURFACES and not any(o.on == row for o in things)]
        around = [row for row, t in enumerate(things) if t.kind in CONTAINER_KINDS]
        draw = rng.random()
        if under and draw < 0.3:
            below = things[under[0]]
            things.append(SceneThing(kind, color, below.room, below.position, on=under[0], size=size))
            continue
        if around and draw < 0.5 and kind not in CONTAINER_KINDS:
            container = things[around[0]]
            things.append(SceneThing(kind, color, container.room, container.position, inside=around[0], size=size))
            continue
        row = int(rng.integers(num_rooms))
        room = rooms[row]
        tile = (room.left + int(rng.integers(room.width)), room.top + int(rng.integers(room.height)))
        if tile in taken:
            continue
        taken.add(tile)
        is_open = bool(rng.random() < 0.5) if kind in CONTAINER_KINDS else None
        things.append(SceneThing(kind, color, row, tile, is_open=is_open, size=size))
    return Scene(left, 7, tuple(rooms), doors, tuple(things))
