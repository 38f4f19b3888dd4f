"""The floor plan of a house: rooms of different sizes split by walls, a corridor where there are many, doorways."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from groundling.envs.worlds.layout import Draws, Tile

MIN_SIDE: Final = 4  # tiles of floor
CORRIDOR_WIDTH: Final = 2
ROOMS_WITH_CORRIDOR: Final = 5  # from so many on
EXTRA_DOORS: Final = 0.2  # chance of a door that no way needs


@dataclass(frozen=True)
class Floor:
    """A rectangle of floor."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Plan:
    """Where rooms and doorways are.

    Attributes:
        width: tiles, outer walls included.
        height: likewise.
        floors: of the rooms; a corridor is the last one.
        has_corridor: whether there is one.
        doorways: rows of two floors, and the tile of the wall between them.
    """

    width: int
    height: int
    floors: tuple[Floor, ...]
    has_corridor: bool
    doorways: tuple[tuple[int, int, Tile], ...]


def least_size(rooms: int) -> tuple[int, int]:
    """The smallest house of so many rooms: tiles along its longer and its shorter side, outer walls included."""
    pitch = MIN_SIDE + 1
    if rooms >= ROOMS_WITH_CORRIDOR:
        return (rooms + 1) // 2 * pitch + 1, 2 * pitch + CORRIDOR_WIDTH + 2
    return (2 if rooms > 1 else 1) * pitch + 1, (2 if rooms > 2 else 1) * pitch + 1


def draw_size(rooms: int, larger: int, draws: Draws) -> tuple[int, int]:
    """The size of a house of so many rooms, its longer side first, ``larger`` tiles added to each room's sides."""
    across, deep = least_size(rooms)
    columns = (rooms + 1) // 2 if rooms >= ROOMS_WITH_CORRIDOR else min(rooms, 2)
    rows = 2 if rooms > 2 else 1
    return (
        across + sum(1 + larger + draws.below(2) for _ in range(columns)),
        deep + sum(1 + larger + draws.below(2) for _ in range(rows)),
    )


def draw_plan(rooms: int, width: int, height: int, draws: Draws) -> Plan:
    """A plan of so many rooms, not less than ``least_size``; what is higher than wide is laid out on its side."""
    if height > width:
        plan = draw_plan(rooms, height, width, draws)
        floors = tuple(Floor(f.top, f.left, f.height, f.width) for f in plan.floors)
        doorways = tuple((one, other, (y, x)) for one, other, (x, y) in plan.doorways)
        return Plan(width, height, floors, plan.has_corridor, doorways)
    has_corridor = rooms >= ROOMS_WITH_CORRIDOR
    inner = Floor(1, 1, width - 2, height - 2)
    floors = _two_bands(inner, rooms, draws) if has_corridor else _halves(inner, rooms, draws)
    return Plan(width, height, floors, has_corridor, _doorways(floors, has_corridor, draws))


def _two_bands(inner: Floor, rooms: int, draws: Draws) -> tuple[Floor, ...]:
    """Rooms above and below a corridor."""
    spare = inner.height - 2 * MIN_SIDE - CORRIDOR_WIDTH - 2
    upper = MIN_SIDE + draws.below(spare + 1)
    corridor = Floor(inner.left, inner.top + upper + 1, inner.width, CORRIDOR_WIDTH)
    below = corridor.top + CORRIDOR_WIDTH + 1
    bands = (
        Floor(inner.left, inner.top, inner.width, upper),
        Floor(inner.left, below, inner.width, inner.top + inner.height - below),
    )
    counts = [rooms // 2, rooms - rooms // 2]
    if draws.below(2):
        counts.reverse()
    floors: list[Floor] = []
    for band, count in zip(bands, counts, strict=True):
        left = band.left
        for width in _shares(band.width - (count - 1), count, draws):
            floors.append(Floor(left, band.top, width, band.height))
            left += width + 1
    return (*floors, corridor)


def _shares(total: int, count: int, draws: Draws) -> list[int]:
    """So many random parts of a length, none less than the shortest side of a room."""
    widths = [MIN_SIDE] * count
    spare = total - MIN_SIDE * count
    weights = [0.4 + draws.uniform() for _ in range(count)]
    whole = sum(weights)
    given = [int(spare * weight / whole) for weight in weights]
    for _ in range(spare - sum(given)):
        given[draws.below(count)] += 1
    return [width + more for width, more in zip(widths, given, strict=True)]


def _halves(inner: Floor, rooms: int, draws: Draws) -> tuple[Floor, ...]:
    """One room, or two halves split again."""
    if rooms == 1:
        return (inner,)
    is_across = inner.width >= inner.height
    length = inner.width if is_across else inner.height
    spare = length - 1 - 2 * MIN_SIDE
    low, high = MIN_SIDE + spare // 4, MIN_SIDE + spare - spare // 4
    cut = low + draws.below(high - low + 1)
    first, second = rooms // 2, rooms - rooms // 2
    if is_across:
        one = Floor(inner.left, inner.top, cut, inner.height)
        other = Floor(inner.left + cut + 1, inner.top, inner.width - cut - 1, inner.height)
    else:
        one = Floor(inner.left, inner.top, inner.width, cut)
        other = Floor(inner.left, inner.top + cut + 1, inner.width, inner.height - cut - 1)
    if draws.below(2):
        first, second = second, first
    return (*_halves(one, first, draws), *_halves(other, second, draws))


def _doorways(floors: tuple[Floor, ...], has_corridor: bool, draws: Draws) -> tuple[tuple[int, int, Tile], ...]:
    """Doorways so that every room can be reached: all from the corridor where there is one."""
    pairs = [
        (one, other, tiles)
        for one in range(len(floors))
        for other in range(one + 1, len(floors))
        if (tiles := list(_common_wall(floors[one], floors[other])))
    ]
    order = []
    while pairs:
        order.append(pairs.pop(draws.below(len(pairs))))
    if has_corridor:
        corridor = len(floors) - 1
        order.sort(key=lambda pair: pair[1] != corridor)
    group = list(range(len(floors)))
    found = []
    for one, other, tiles in order:
        if group[one] != group[other]:
            joined = group[other]
            group = [group[one] if g == joined else g for g in group]
        elif draws.uniform() >= EXTRA_DOORS:
            continue
        found.append((one, other, tiles[draws.below(len(tiles))]))
    return tuple(found)


def _common_wall(one: Floor, other: Floor) -> Iterable[Tile]:
    """The tiles of the wall between two floors where a door leads from one to the other."""
    for first, second in ((one, other), (other, one)):
        if second.left == first.left + first.width + 1:
            low, high = max(one.top, other.top), min(one.top + one.height, other.top + other.height)
            return [(second.left - 1, y) for y in range(low, high)]
        if second.top == first.top + first.height + 1:
            low, high = max(one.left, other.left), min(one.left + one.width, other.left + other.width)
            return [(x, second.top - 1) for x in range(low, high)]
    return []
