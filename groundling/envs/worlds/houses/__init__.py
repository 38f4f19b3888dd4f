"""Generated houses: rooms of kinds, doors, furniture, what stands on and lies in it."""

from groundling.envs.worlds.houses.generator import House, HouseSettings, sample_house
from groundling.envs.worlds.houses.stock import COLORS, ROOM_KINDS, THING_KINDS, RoomKind, ThingKind
from groundling.envs.worlds.houses.wishes import Forbidden, Wanted, Wishes

__all__ = [
    "COLORS",
    "ROOM_KINDS",
    "THING_KINDS",
    "Forbidden",
    "House",
    "HouseSettings",
    "RoomKind",
    "ThingKind",
    "Wanted",
    "Wishes",
    "sample_house",
]
