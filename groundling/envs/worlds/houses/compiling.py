"""Houses as things on a map and as the arrays of an episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import (
    BIG,
    CLOSED,
    FIRST_OBJECT,
    NOTHING_CODE,
    NOWHERE,
    OPEN,
    ORDINARY,
    SMALL,
    WALL_CODE,
)
from groundling.envs.engine.floors import FLOOR_CODES
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.worlds.holding import contents_of, look_of
from groundling.envs.worlds.houses.stock import ROOM_FLOORS
from groundling.envs.worlds.houses.types import HOUSE_LEXICON, TYPE_OF
from groundling.envs.worlds.layout import Thing
from groundling.language.descriptions import AnyColor, AnyType, Color, ObjectType
from groundling.language.questions.scene import Scene, SceneThing

SIZE_STATES = {"": ORDINARY, "small": SMALL, "big": BIG}


@dataclass(frozen=True)
class HouseArrays:
    """What ``banks.bank.Episode`` has of a house: objects are its doors in their order, then its things.

    Attributes:
        cells: [H, W] uint8 cell codes.
        looks: one an object.
        contents: one an object.
        positions: one y * W + x an object, or NOWHERE of what lies in a closed container.
        floors: [H, W] uint8 floor codes.
    """

    cells: NDArray[np.uint8]
    looks: tuple[int, ...]
    contents: tuple[int, ...]
    positions: tuple[int, ...]
    floors: NDArray[np.uint8]


def compile_house(scene: Scene) -> HouseArrays:
    """The arrays of a house, with the types of ``HOUSE_LEXICON``."""
    things = things_of(scene, TYPE_OF.__getitem__, Color)
    kinds = kinds_of(HOUSE_LEXICON)
    return HouseArrays(
        cells=np.frombuffer(bytes(cells_of(scene, things)), dtype=np.uint8).reshape(scene.height, scene.width),
        looks=tuple(look_of(thing, kinds) for thing in things),
        contents=contents_of(things),
        positions=tuple(
            NOWHERE if thing.position is None else thing.position[1] * scene.width + thing.position[0]
            for thing in things
        ),
        floors=floors_of(scene),
    )


def things_of(scene: Scene, find_type: Callable[[str], AnyType], find_color: Callable[[str], AnyColor]) -> list[Thing]:
    """The doors of a house, then its things, each with what is on or in it."""
    doors = [
        Thing(ObjectType.DOOR, find_color(door.color), OPEN if door.is_open else CLOSED, door.position)
        for door in scene.doors
    ]
    things = [Thing(find_type(own.kind), find_color(own.color), _state_of(own), own.position) for own in scene.things]
    for thing, own in zip(things, scene.things, strict=True):
        below = own.inside if own.on is None else own.on
        if below is not None:
            things[below].contents = thing
            if scene.things[below].is_open is False:
                thing.position = None
    return [*doors, *things]


def _state_of(own: SceneThing) -> int:
    if own.is_open is not None:
        return OPEN if own.is_open else CLOSED
    return SIZE_STATES[own.size]


def cells_of(scene: Scene, things: list[Thing]) -> bytearray:
    """The cell codes of a house, row by row."""
    cells = bytearray([WALL_CODE]) * (scene.width * scene.height)
    for room in scene.rooms:
        for y in range(room.top, room.top + room.height):
            start = y * scene.width + room.left
            cells[start : start + room.width] = bytes([NOTHING_CODE]) * room.width
    held = {id(thing.contents) for thing in things if thing.contents is not None}
    for code, thing in enumerate(things, FIRST_OBJECT):
        if thing.position is not None and id(thing) not in held:
            cells[thing.position[1] * scene.width + thing.position[0]] = code
    return cells


def floors_of(scene: Scene) -> NDArray[np.uint8]:
    """The floor codes [H, W] of a house: of the kinds of its rooms, and in a doorway of the first of its two rooms."""
    floors = np.zeros((scene.height, scene.width), dtype=np.uint8)
    codes = [FLOOR_CODES[ROOM_FLOORS[room.kind]] for room in scene.rooms]
    for room, code in zip(scene.rooms, codes, strict=True):
        floors[room.top : room.top + room.height, room.left : room.left + room.width] = code
    for door in scene.doors:
        floors[door.position[1], door.position[0]] = codes[door.rooms[0]]
    return floors
