"""Houses as the scenes of questions: the plain data that programs of questions are evaluated on."""

from __future__ import annotations

from typing import Final

from groundling.envs.engine.constants import FIRST_OBJECT
from groundling.envs.families.habitat.houses import House, HouseThing
from groundling.envs.worlds.houses.types import TYPE_OF
from groundling.language.questions.scene import Scene, SceneDoor, SceneRoom, SceneThing

_KIND_OF_TYPE: Final = {str(kind): name for name, kind in TYPE_OF.items()}
_SIZES: Final = {"small": "small", "big": "big"}


def scene_of(house: House) -> tuple[Scene, tuple[int, ...], tuple[int, ...]]:
    """A house as questions see it, and the cell codes of its things and of its doors, by their rows.

    What is carried is left out.
    """
    doors = [thing for thing in house.things if thing.kind == "door" and thing.tile is not None]
    things = [thing for thing in house.things if thing.kind != "door" and thing.tile is not None]
    row_of = {thing.code: row for row, thing in enumerate(things)}
    rooms = tuple(SceneRoom(room.kind, room.left, room.top, room.width, room.height) for room in house.rooms)
    height, width = house.cells.shape
    scene = Scene(
        width,
        height,
        rooms,
        tuple(SceneDoor(_beside(house, door), _tile(door), door.color, door.state == "open") for door in doors),
        tuple(
            SceneThing(
                kind=kind_of(thing),
                color=thing.color,
                room=int(house.room_of[_tile(thing)[1], _tile(thing)[0]]),
                position=_tile(thing),
                on=None if thing.on is None or thing.is_inside else row_of.get(thing.on),
                inside=row_of.get(thing.on) if thing.on is not None and thing.is_inside else None,
                is_open=thing.state == "open" if thing.holds == "inside" else None,
                size=_SIZES.get(thing.state, ""),
            )
            for thing in things
        ),
    )
    return scene, tuple(thing.code for thing in things), tuple(door.code for door in doors)


def kind_of(thing: HouseThing) -> str:
    """The kind of a thing in the words of questions."""
    return _KIND_OF_TYPE.get(thing.kind, thing.kind)


def _tile(thing: HouseThing) -> tuple[int, int]:
    assert thing.tile is not None, f"{thing.kind} {thing.code - FIRST_OBJECT} is nowhere"
    return thing.tile


def _beside(house: House, door: HouseThing) -> tuple[int, int]:
    """The rooms on both sides of a door: on its left or above it first."""
    x, y = _tile(door)
    dx, dy = (1, 0) if door.back == 0 else (0, 1)
    height, width = house.room_of.shape
    found = []
    for side in (-1, 1):
        row, column = y + side * dy, x + side * dx
        inside = 0 <= row < height and 0 <= column < width
        found.append(max(int(house.room_of[row, column]) if inside else 0, 0))
    return found[0], found[1]
