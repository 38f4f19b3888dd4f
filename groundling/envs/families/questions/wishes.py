"""What a question wants of the house in which it is asked, and what it may choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """Things that have to be there.

    Attributes:
        kind: of each.
        color: "" any.
        room: the kind of room; "" any.
        place: "on", "inside" or "next to", or "" for anywhere on the floor of the room.
        anchor: what it is on, in or next to: the row of an earlier wish.
        copies: how many.
        size: "small", "big" or "".
    """

    kind: str
    color: str = ""
    room: str = ""
    place: str = ""
    anchor: int | None = None
    copies: int = 1
    size: str = ""


@dataclass(frozen=True)
class Forbidden:
    """Things that must not be there beside those that are wanted.

    Attributes:
        kind: of them.
        color: "" any.
        room: the kind of room; "" the whole house, containers included.
    """

    kind: str
    color: str = ""
    room: str = ""


@dataclass(frozen=True)
class Wishes:
    """All that a question wants.

    Attributes:
        rooms: kinds of rooms and how many of each there have to be, exactly.
        wanted: things; later ones may stand on earlier ones.
        forbidden: things.
    """

    rooms: Mapping[str, int] = field(default_factory=dict)
    wanted: tuple[Wanted, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()


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
