"""A small maker of houses for tests: two rows of rooms along a corridor; what is on or in something shows in the scene.

Containers are doors that stand in a room, since those stay where they are when they are opened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from house_questions.small_stock import STOCK

from groundling.envs.engine.constants import (
    CLOSED,
    COLOR_CODES,
    DOOR,
    FIRST_OBJECT,
    OPEN,
    PORTABLE_BIT,
    TABLE,
    look,
    without,
)
from groundling.envs.families.questions.house import House
from groundling.envs.families.questions.stock import Stock
from groundling.envs.worlds.houses.wishes import Wanted, Wishes
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.questions.scene import Scene, SceneDoor, SceneRoom, SceneThing

NEIGHBORS = ((0, -1), (0, 1), (-1, 0), (1, 0))


@dataclass(frozen=True)
class SmallMaker:
    stock: Stock = STOCK
    lexicon: Lexicon = PLAIN
    fillers: int = 8
    shut: float = 0.5  # share of doors

    def fingerprint(self) -> str:
        return f"small {self.fillers} {self.shut}"

    def make(self, rng: np.random.Generator, wishes: Wishes, rooms: int) -> House | None:
        return _Draft(rng, self.stock, wishes, rooms, self.shut).house(self.fillers)


class _Draft:
    def __init__(self, rng: np.random.Generator, stock: Stock, wishes: Wishes, rooms: int, shut: float) -> None:
        self.rng, self.stock, self.wishes = rng, stock, wishes
        self.rooms: list[SceneRoom] = []
        self.doors: list[SceneDoor] = []
        self.things: list[SceneThing] = []
        self.num_rooms, self.shut = rooms, shut

    def one(self, choices):
        return choices[int(self.rng.integers(len(choices)))] if len(choices) else None

    def kinds(self) -> list[str] | None:
        counts = dict(self.wishes.rooms)
        kinds = [kind for kind, count in counts.items() for _ in range(count)]
        for wanted in self.wishes.wanted:
            if wanted.room and wanted.room not in kinds:
                kinds.append(wanted.room)
        free = [kind for kind in self.stock.rooms if kind not in counts]
        if len(kinds) > self.num_rooms or not free:
            return None
        kinds += [self.one(free) for _ in range(self.num_rooms - len(kinds))]
        return [kinds[k] for k in self.rng.permutation(len(kinds))]

    def house(self, fillers: int) -> House | None:
        kinds = self.kinds()
        if kinds is None:
            return None
        columns = (len(kinds) + 1) // 2
        widths = [int(self.rng.integers(4, 9)) for _ in range(columns)]
        lefts = np.cumsum([1, *(width + 1 for width in widths)])
        width, height = int(lefts[-1]), 15
        self.cells = np.ones((height, width), dtype=np.uint8)
        self.cells[7, 1:-1] = 0
        for k, kind in enumerate(kinds):
            column, top = k // 2, (1 if k % 2 == 0 else 9)
            deep = int(self.rng.integers(3, 6))
            room = SceneRoom(kind, int(lefts[column]), top + (5 - deep if k % 2 == 0 else 0), widths[column], deep)
            self.rooms.append(room)
            self.cells[room.top : room.top + deep, room.left : room.left + room.width] = 0
        corridor = len(self.rooms)
        self.rooms.append(SceneRoom("corridor", 1, 7, width - 2, 1))
        for k, room in enumerate(self.rooms[:corridor]):
            x, y = room.left + int(self.rng.integers(room.width)), 6 if k % 2 == 0 else 8
            self.doors.append(SceneDoor((k, corridor), (x, y), "grey", bool(self.rng.random() >= self.shut)))
        self.blocked = {(x, y + dy) for (x, y) in (d.position for d in self.doors) for dy in (-1, 0, 1)}
        rows: list[int] = []
        for wanted in self.wishes.wanted:
            for _ in range(wanted.copies):
                row = self.place(wanted, rows)
                if row is None:
                    return None
            rows.append(row)
        for _ in range(fillers):
            room = self.one(range(corridor))
            kind, color = self.one(self.stock.rooms[self.rooms[room].kind]), self.one(self.stock.colors)
            if not self.is_forbidden(kind, color, self.rooms[room].kind):
                self.place(Wanted(kind, color, self.rooms[room].kind), rows)
        return self.finished()

    def is_forbidden(self, kind: str, color: str, room: str) -> bool:
        return any(
            one.kind == kind and one.color in ("", color) and one.room in ("", room) for one in self.wishes.forbidden
        )

    def place(self, wanted: Wanted, rows: list[int]) -> int | None:
        color = wanted.color or self.one(
            [c for c in self.stock.colors if wanted in self.wishes.wanted or not self.is_forbidden(wanted.kind, c, "")]
        )
        if wanted.place in ("on", "inside"):
            anchor = rows[wanted.anchor]
            below = self.things[anchor]
            link = {wanted.place: anchor}
            self.things.append(SceneThing(wanted.kind, color, below.room, below.position, size=wanted.size, **link))
            return len(self.things) - 1
        if wanted.place == "next to":
            anchor = self.things[rows[wanted.anchor]]
            room, tiles = anchor.room, [tuple(np.add(anchor.position, step).tolist()) for step in NEIGHBORS]
        else:
            fitting = [k for k, room in enumerate(self.rooms) if room.kind == wanted.room or not wanted.room]
            room = self.one(fitting)
            own = self.rooms[room]
            tiles = [
                (x, y) for x in range(own.left, own.left + own.width) for y in range(own.top, own.top + own.height)
            ]
        shuffled = (tiles[k] for k in self.rng.permutation(len(tiles)))
        tile = next((tile for tile in shuffled if self.is_free(tile, room)), None)
        if tile is None:
            return None
        is_open = bool(self.rng.random() < 0.3) if wanted.kind in self.stock.inside else None
        self.things.append(SceneThing(wanted.kind, color, room, tile, is_open=is_open, size=wanted.size))
        return len(self.things) - 1

    def is_free(self, tile: tuple[int, int], room: int) -> bool:
        if tile in self.blocked or not self.rooms[room].contains(tile):
            return False
        taken = {thing.position for thing in self.things}
        if tile in taken:
            return False
        own = self.rooms[room]
        floor = (
            {(x, y) for x in range(own.left, own.left + own.width) for y in range(own.top, own.top + own.height)}
            - taken
            - {tile}
        )
        reached, waiting = set(), [min(floor)] if floor else []
        while waiting:
            at = waiting.pop()
            if at in floor and at not in reached:
                reached.add(at)
                waiting += [(at[0] + dx, at[1] + dy) for dx, dy in NEIGHBORS]
        beside = [(tile[0] + dx, tile[1] + dy) in reached for dx, dy in NEIGHBORS]
        others = [any((x + dx, y + dy) in reached for dx, dy in NEIGHBORS) for x, y in taken if own.contains((x, y))]
        return reached == floor and any(beside) and all(others)

    def finished(self) -> House:
        looks, positions, codes = [], [], {}
        width = self.cells.shape[1]
        for door in self.doors:
            looks.append(look(DOOR, COLOR_CODES[door.color], OPEN if door.is_open else CLOSED))
            positions.append(door.position)
        for row, thing in enumerate(self.things):
            if thing.on is None and thing.inside is None:
                codes[row] = FIRST_OBJECT + len(looks)
                state = OPEN if thing.is_open is None or thing.is_open else CLOSED
                kind = TABLE if thing.is_open is None else DOOR
                looks.append(without(look(kind, COLOR_CODES[thing.color], state), PORTABLE_BIT))
                positions.append(thing.position)
        for k, (x, y) in enumerate(positions):
            self.cells[y, x] = FIRST_OBJECT + k
        scene = Scene(width, self.cells.shape[0], tuple(self.rooms), tuple(self.doors), tuple(self.things))
        return House(
            scene, self.cells, tuple(looks), (0,) * len(looks), tuple(y * width + x for x, y in positions), codes
        )
