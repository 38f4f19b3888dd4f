"""Episodes of banks as houses: where each thing stands, how it is turned, and which rooms there are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import (
    CLOSED,
    DOOR,
    EMPTY,
    FIRST_OBJECT,
    HELD,
    HOLDS,
    NOTHING_CODE,
    NOWHERE,
    OPENS,
    ORDINARY,
    PORTABLE_BIT,
    SIZES,
    UNSEEN,
    WALKABLE_BIT,
    WALL_CODE,
    look_parts,
)
from groundling.envs.engine.floors import FLOORS, PLAIN_FLOOR
from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat.houses import OPENING_NAMES, House, HouseRoom, HouseThing
from groundling.envs.first_person import standing
from groundling.envs.first_person.furniture import HOLDING
from groundling.envs.first_person.solids import SIZES as SOLID_SIZES
from groundling.envs.worlds.houses.stock import ROOM_FLOORS

SIZE_NAMES: Final = dict(zip(SIZES, ("tiny", "small", "big", "huge"), strict=True)) | {ORDINARY: "plain"}
PLAIN_ROOM: Final = "room"
RIGHT, DOWN = 0, 1

_KIND_OF_FLOOR: Final = {floor: kind for kind, floor in ROOM_FLOORS.items()}
_back_of: Any = standing.back_of.py_func  # type: ignore[attr-defined]


def house_of(bank: EpisodeBank, row: int, kinds: Kinds, name: str = "") -> House:
    """The world of an episode of a bank, as it is when the episode begins.

    Args:
        bank: the episodes.
        row: which of them.
        kinds: types and colors of the things.
        name: of the scene.
    """
    cells = bank.cells[row]
    floors = bank.floors[row] if bank.floors[row].size else np.full_like(cells, PLAIN_FLOOR)
    things = things_in(cells, bank.looks[row], bank.contents[row], bank.positions[row], int(bank.carried[row]), kinds)
    rooms, room_of = rooms_of(cells, floors, [thing.tile for thing in things if thing.kind == "door" and thing.tile])
    x, y, direction = bank.poses[row].tolist()
    return House(
        name=name,
        cells=cells,
        floors=floors,
        room_of=room_of,
        rooms=rooms,
        things=tuple(things),
        start=(x, y, direction),
        instruction=bank.instructions[bank.sentences[row]],
        seed=int(bank.seeds[row]),
        stage=name,
    )


def things_in(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    contents: NDArray[np.uint8],
    positions: NDArray[np.integer[Any]],
    carried: int,
    kinds: Kinds,
) -> list[HouseThing]:
    """The doors and things of a world.

    Args:
        cells: [H, W] cell codes, without the engine's border.
        looks: [O + 2] look of each cell code.
        contents: [O] what is in or on each object.
        positions: [O] y * W + x, or NOWHERE.
        carried: cell code of what the agent holds.
        kinds: types and colors of the things.
    """
    width = cells.shape[1]
    flat = cells.reshape(-1)
    used = [k for k in range(len(contents)) if looks[k + FIRST_OBJECT] & 0xFF not in (UNSEEN, EMPTY)]
    holder_of = {
        int(contents[k]) & HELD: k + FIRST_OBJECT
        for k in used
        if contents[k] >= HOLDS and int(contents[k]) & HELD != NOTHING_CODE
    }
    found: list[HouseThing] = []
    for k in used:
        code, seen = k + FIRST_OBJECT, int(looks[k + FIRST_OBJECT])
        kind, color, state = look_parts(seen)
        opens = contents[k] >= HOLDS and bool(contents[k] & OPENS)
        below = holder_of.get(code)
        at = int(positions[k])
        if below is not None:
            at = int(positions[below - FIRST_OBJECT])
        is_carried = carried == code
        is_placed = at != NOWHERE and not is_carried and (below is not None or flat[at] == code)
        is_closed = below is not None and (
            look_parts(int(looks[below]))[2] == CLOSED and bool(contents[below - FIRST_OBJECT] & OPENS)
        )
        tile = (at % width, at // width) if is_placed else None
        x, y, height, back = 0.0, 0.0, 0.0, 3
        if tile is not None:
            back = back_at(cells, tile, is_door=kind == DOOR)
            x, y = tile[0] + 0.5, tile[1] + 0.5
            if below is not None:
                up, front = holding_place(kinds, int(looks[below]))
                x, y, height = x - front * standing.BACK_X[back], y - front * standing.BACK_Y[back], up
        opening = kind == DOOR or opens
        found.append(
            HouseThing(
                code=code,
                kind=kinds.type_names.get(kind, f"type{kind}"),
                color=kinds.color_names[color],
                state=(OPENING_NAMES if opening else SIZE_NAMES).get(state, f"state{state}"),
                look=(kind, color, state),
                x=float(x),
                y=float(y),
                height=float(height),
                back=back,
                tile=tile,
                on=below,
                is_inside=below is not None and bool(contents[below - FIRST_OBJECT] & OPENS),
                is_hidden=tile is None or is_closed,
                is_portable=bool(seen >> PORTABLE_BIT & 1),
                is_walkable=bool(seen >> WALKABLE_BIT & 1),
                holds="" if contents[k] < HOLDS else "inside" if opens else "on",
            )
        )
    return found


def back_at(cells: NDArray[np.uint8], tile: tuple[int, int], *, is_door: bool = False) -> int:
    """To which side of the map [H, W] a thing on a tile has its back: 0 right, 1 down, 2 left, 3 up.

    A door has it where one who passes it goes, to the right or down.
    """
    padded = np.pad(cells, 1, constant_values=WALL_CODE)
    width, (x, y) = padded.shape[1], tile
    flat, at = padded.reshape(-1), (y + 1) * width + x + 1
    if is_door:
        return DOWN if flat[at - 1] == WALL_CODE and flat[at + 1] == WALL_CODE else RIGHT
    return int(_back_of(flat, at, width))


def holding_place(kinds: Kinds, look: int) -> tuple[float, float]:
    """Where something stands on or in a thing of this look: how high, and how far to its front, in metres."""
    kind, _, state = look_parts(look)
    solid = kinds.solids[kind]
    height, front = HOLDING.get(solid, (0.0, 0.0))
    return height * float(SOLID_SIZES[solid, state, 1]), front


def rooms_of(
    cells: NDArray[np.uint8], floors: NDArray[np.uint8], doors: list[tuple[int, int]]
) -> tuple[tuple[HouseRoom, ...], NDArray[np.int64]]:
    """The rooms of a map, and the row of the room of each tile [H, W] (-1 of walls and doorways).

    Floors tell the kinds of rooms of generated houses. Doors part rooms; where nothing is known of the floors, gaps in
    walls do so too.
    """
    is_free = cells != WALL_CODE
    padded = np.pad(is_free, 1)
    up, down, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    is_gap = is_free & ((~up & ~down & left & right) | (~left & ~right & up & down)) & (floors == PLAIN_FLOOR)
    around = np.pad(is_gap, 1)
    beside = around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    is_doorway = is_gap & ~beside
    for x, y in doors:
        is_doorway[y, x] = True
    room_of = np.full(cells.shape, -1, dtype=np.int64)
    rooms: list[HouseRoom] = []
    for floor in np.unique(floors[is_free]).tolist():
        labels, _ = ndimage.label(is_free & ~is_doorway & (floors == floor))
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
            room_of[labels == number] = len(rooms)
            kind = _KIND_OF_FLOOR.get(FLOORS[floor], PLAIN_ROOM)
            width, height = columns.stop - columns.start, rows.stop - rows.start
            rooms.append(HouseRoom(kind, int(columns.start), int(rows.start), int(width), int(height)))
    return tuple(rooms), room_of
