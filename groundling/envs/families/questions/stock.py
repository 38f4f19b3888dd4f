"""What questions may choose from: what houses are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Stock:
    """What houses are made of, as far as questions choose from it.

    Attributes:
        rooms: of each kind of room, the kinds of things that may stand there on the floor.
        on: of each kind that things stand on, the kinds that may.
        inside: of each kind of container, the kinds that may lie in it.
        colors: of things.
        repeatable: kinds of which a room may have five.
    """

    rooms: Mapping[str, tuple[str, ...]]
    on: Mapping[str, tuple[str, ...]]
    inside: Mapping[str, tuple[str, ...]]
    colors: tuple[str, ...]
    repeatable: tuple[str, ...]

    def rooms_of(self, kind: str) -> tuple[str, ...]:
        """The kinds of rooms in which a thing may be, on the floor or on something."""
        surfaces = {surface for surface, things in self.on.items() if kind in things}
        return tuple(room for room, things in self.rooms.items() if kind in things or not surfaces.isdisjoint(things))
