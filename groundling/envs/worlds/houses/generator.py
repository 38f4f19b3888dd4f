"""Houses from random numbers: kinds of rooms, a floor plan, doors, furniture, and what stands on and lies in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from groundling.envs.worlds.houses.checks import check_wishes, kinds_needed
from groundling.envs.worlds.houses.floor_plan import Floor, Plan, draw_plan, draw_size, least_size
from groundling.envs.worlds.houses.furnishing import FloorSpace
from groundling.envs.worlds.houses.interior import Crowded, Interior
from groundling.envs.worlds.houses.stock import COLORS, CORRIDOR, ROOM_KINDS
from groundling.envs.worlds.houses.wishes import Wishes
from groundling.envs.worlds.layout import STRIDES, Draws, Tile
from groundling.errors import ConfigurationError, HouseTooSmallError, ImpossibleWishError
from groundling.language.questions.scene import Scene, SceneDoor, SceneRoom

MAX_TRIES: Final = 40  # layouts before a house is given up
TRIES_OF_A_SIZE: Final = 4  # before rooms become larger
MAX_ROOMS: Final = 12


@dataclass(frozen=True)
class HouseSettings:
    """What houses are like.

    Attributes:
        min_rooms: the fewest rooms, a corridor not counted.
        max_rooms: the most.
        size: tiles from left to right and from top to bottom, outer walls included; None takes what the rooms need.
        colors: of doors, furniture and things.
        open_doors: chance that a door is open.
        open_containers: chance that a container is open.
        things: chance that a surface has a small thing on it, and half of it that a container has one in it.

    Raises:
        ConfigurationError: if a number is out of range.
    """

    min_rooms: int = 3
    max_rooms: int = 8
    size: tuple[int, int] | None = None
    colors: tuple[str, ...] = COLORS
    open_doors: float = 0.5
    open_containers: float = 0.2
    things: float = 0.6

    def __post_init__(self) -> None:
        if not 1 <= self.min_rooms <= self.max_rooms <= MAX_ROOMS:
            raise ConfigurationError(
                f"a house has 1 to {MAX_ROOMS} rooms, min_rooms at most max_rooms; got {self.min_rooms} to "
                f"{self.max_rooms}"
            )
        if not self.colors:
            raise ConfigurationError("a house needs at least one color")
        for name in ("open_doors", "open_containers", "things"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} is a chance from 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class House:
    """A finished house.

    Attributes:
        scene: its rooms, doors and things.
        free: of each room, the tiles of its floor on which nothing stands.
    """

    scene: Scene
    free: tuple[tuple[Tile, ...], ...]


def sample_house(
    rng: np.random.Generator | Draws, settings: HouseSettings | None = None, wishes: Wishes | None = None
) -> House:
    """A house in which every wish holds, and in which an agent can stand beside every door and thing.

    Args:
        rng: random numbers; the same ones give the same house.
        settings: what it is like; None takes the usual.
        wishes: what it must have and must not have; None leaves all to chance.

    Raises:
        HouseTooSmallError: if the rooms do not fit into the size or the number of rooms that the settings allow.
        ImpossibleWishError: if a wish contradicts the others or what things are, or finds no place in many layouts.
    """
    settings = HouseSettings() if settings is None else settings
    wishes = Wishes() if wishes is None else wishes
    draws = rng if isinstance(rng, Draws) else Draws(rng)
    check_wishes(wishes, settings.colors)
    reasons: Counter[str] = Counter()
    for attempt in range(MAX_TRIES):
        try:
            return _draw_house(draws, settings, wishes, attempt // TRIES_OF_A_SIZE)
        except Crowded as crowded:
            reasons[str(crowded)] += 1
    (reason, count), *_ = reasons.most_common(1)
    raise ImpossibleWishError(
        f"no house in {MAX_TRIES} layouts: in {count} of them {reason}. Ask for fewer copies, more rooms or a "
        "larger size"
    )


def _draw_house(draws: Draws, settings: HouseSettings, wishes: Wishes, larger: int) -> House:
    kinds, room_kinds = _draw_kinds(draws, settings, wishes)
    copies = max((wanted.copies for wanted in wishes.wanted), default=1)
    plan = _draw_plan(draws, settings, len(kinds), larger + copies // 4)
    rooms = _as_rooms(plan, kinds, Counter(room_kinds), wishes.larger, draws)
    spaces = [FloorSpace(floor, _fronts(plan, row)) for row, floor in enumerate(plan.floors)]
    doors = tuple(
        SceneDoor((one, other), tile, _one_of(settings.colors, draws), draws.uniform() < settings.open_doors)
        for one, other, tile in plan.doorways
    )
    interior = Interior(rooms, spaces, wishes, draws, settings.colors, settings.open_containers, len(doors))
    interior.furnish(room_kinds, settings.things)
    scene = Scene(plan.width, plan.height, tuple(rooms), doors, tuple(interior.things))
    return House(scene, tuple(tuple(space.tiles()) for space in spaces))


def _draw_kinds(draws: Draws, settings: HouseSettings, wishes: Wishes) -> tuple[list[str], list[str]]:
    """The kinds of all rooms, and the kind of room of each wanted thing."""
    needed, room_kinds = kinds_needed(wishes, draws)
    least = sum(needed.values())
    if least > settings.max_rooms:
        told = ", ".join(f"{count} x {kind}" for kind, count in needed.items())
        raise HouseTooSmallError(
            f"the wishes need {least} rooms ({told}), but houses have at most {settings.max_rooms}: raise max_rooms"
        )
    low = max(settings.min_rooms, least)
    count = low + draws.below(settings.max_rooms - low + 1)
    while sum(needed.values()) < count:
        options = [
            (kind, room.weight / (1 + 2 * needed[kind]))
            for kind, room in ROOM_KINDS.items()
            if kind not in wishes.rooms and needed[kind] < room.most
        ]
        options = options or [(kind, 1.0) for kind in ROOM_KINDS if kind not in wishes.rooms]
        if not options:
            break
        needed[_weighted(options, draws)] += 1
    kinds = list(needed.elements())
    if len(kinds) < settings.min_rooms:
        raise ImpossibleWishError(
            f"the wishes say how many rooms of every kind there are, {len(kinds)} in all, but houses have at least "
            f"{settings.min_rooms}: lower min_rooms"
        )
    return kinds, room_kinds


def _weighted(options: list[tuple[str, float]], draws: Draws) -> str:
    """One of the options, drawn by their weights."""
    pick = draws.uniform() * sum(weight for _, weight in options)
    for kind, weight in options:
        pick -= weight
        if pick < 0:
            return kind
    return options[-1][0]


def _draw_plan(draws: Draws, settings: HouseSettings, rooms: int, larger: int) -> Plan:
    if settings.size is None:
        width, height = draw_size(rooms, larger, draws)
        if draws.below(2):
            width, height = height, width
    else:
        width, height = settings.size
        across, deep = least_size(rooms)
        if max(width, height) < across or min(width, height) < deep:
            raise HouseTooSmallError(
                f"{rooms} rooms do not fit into {width} x {height} tiles: make size at least ({across}, {deep}), or "
                "lower max_rooms"
            )
    return draw_plan(rooms, width, height, draws)


def _as_rooms(
    plan: Plan, kinds: list[str], wanted: Counter[str], larger: tuple[str, str] | None, draws: Draws
) -> list[SceneRoom]:
    """The rooms with their kinds: those that need much space get the large floors."""
    count = len(kinds)
    space = [ROOM_KINDS[kind].space * (0.7 + 0.6 * draws.uniform()) + 0.25 * max(0, wanted[kind] - 2) for kind in kinds]
    area = [floor.width * floor.height for floor in plan.floors[:count]]
    by_area = sorted(range(count), key=lambda row: area[row])
    by_space = sorted(range(count), key=lambda row: space[row])
    kind_of = {floor: kinds[row] for floor, row in zip(by_area, by_space, strict=True)}
    if larger is not None:
        large, small = (max(row for row, kind in kind_of.items() if kind == one) for one in larger)
        if area[large] < area[small]:
            kind_of[large], kind_of[small] = kind_of[small], kind_of[large]
    return [
        SceneRoom(kind_of.get(row, CORRIDOR), floor.left, floor.top, floor.width, floor.height)
        for row, floor in enumerate(plan.floors)
    ]


def _fronts(plan: Plan, row: int) -> list[Tile]:
    """The tiles of a room before its doors."""
    found = []
    for one, other, (x, y) in plan.doorways:
        if row in (one, other):
            found += [(x + dx, y + dy) for dx, dy in STRIDES if _is_in(plan.floors[row], (x + dx, y + dy))]
    return found


def _is_in(floor: Floor, tile: Tile) -> bool:
    return 0 <= tile[0] - floor.left < floor.width and 0 <= tile[1] - floor.top < floor.height


def _one_of(options: Iterable[str], draws: Draws) -> str:
    found = tuple(options)
    return found[draws.below(len(found))]
