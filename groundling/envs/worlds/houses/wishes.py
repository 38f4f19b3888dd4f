"""Wishes: what a house must have, and what it must not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Place = Literal["", "on", "inside", "next to"]


@dataclass(frozen=True)
class Wanted:
    """Things that have to be there.

    Attributes:
        kind: of each.
        color: "" any.
        room: the kind of room, all copies in one room of it; "" any room in which the kind belongs.
        place: "on", "inside" or "next to" the anchor; "" lets it stand on the floor, or a small thing on something.
        anchor: row of an earlier wish, of one copy: what it is on, in or next to.
        copies: how many.
        size: "small", "big", or "" for the ordinary one.
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
    """Things that must not be there, beside those that are wanted.

    Attributes:
        kind: of them.
        color: "" any.
        room: the kind of room; "" the whole house, insides of containers included.
    """

    kind: str
    color: str = ""
    room: str = ""


@dataclass(frozen=True)
class Wishes:
    """All that a house has to fulfil.

    Attributes:
        rooms: kinds of rooms and how many of each there are, exactly; 0 keeps a kind out.
        wanted: things; later ones may stand on, in or next to earlier ones.
        forbidden: things.
        larger: two kinds of rooms: the room of the first is not smaller than that of the second, whatever is usual.
    """

    rooms: Mapping[str, int] = field(default_factory=dict)
    wanted: tuple[Wanted, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    larger: tuple[str, str] | None = None
