"""The interior of a house: wanted things first, then the furniture of each kind of room, then small things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from groundling.envs.worlds.houses.furnishing import FloorSpace
from groundling.envs.worlds.houses.stock import CORRIDOR, ROOM_KINDS, THING_KINDS
from groundling.envs.worlds.houses.wishes import Wanted, Wishes
from groundling.envs.worlds.layout import Draws
from groundling.language.questions.scene import SceneRoom, SceneThing

MAX_THINGS: Final = 62  # with the doors: an episode's objects, whose codes leave two bits of a byte
FULLEST: Final = 0.35  # of a room's floor that furniture nobody asked for may take


class Crowded(Exception):
    """Something finds no place in this layout; another one may have it."""


class Interior:
    """Fills the rooms of a house.

    Args:
        rooms: of the house.
        spaces: their floors.
        wishes: to be fulfilled.
        draws: random numbers.
        colors: of things.
        open_containers: chance that a container is open.
        doors: how many there are.

    Attributes:
        things: placed so far.
    """

    def __init__(
        self,
        rooms: Sequence[SceneRoom],
        spaces: Sequence[FloorSpace],
        wishes: Wishes,
        draws: Draws,
        colors: Sequence[str],
        open_containers: float,
        doors: int,
    ) -> None:
        self.things: list[SceneThing] = []
        self._rooms, self._spaces, self._wishes, self._draws = rooms, spaces, wishes, draws
        self._colors, self._open_containers = tuple(colors), open_containers
        self._most = MAX_THINGS - doors
        self._holds: set[int] = set()  # rows of what has something on or in it
        self._claimed: set[int] = set()  # rows of what only wanted things may stand on or lie in
        self._refused: dict[str, list[tuple[str, str]]] = {}  # colors and kinds of rooms in which a kind is forbidden
        for forbidden in wishes.forbidden:
            self._refused.setdefault(forbidden.kind, []).append((forbidden.color, forbidden.room))

    def furnish(self, room_kinds: Sequence[str], things: float) -> None:
        """Place everything.

        Args:
            room_kinds: the kind of room of each wanted thing.
            things: chance that a surface has something on it.

        Raises:
            Crowded: if a wanted thing finds no place.
        """
        wanted = self._wishes.wanted
        anchors = {own.anchor: own.place for own in wanted if own.anchor is not None}
        rows: dict[int, int] = {}  # of the first copy of each wish
        later = []
        for number, own in enumerate(wanted):
            is_small = THING_KINDS[own.kind].stands == "top"
            if own.anchor is None and is_small and number not in anchors:
                later.append((own, self._room_of_kind(room_kinds[number])))
                continue
            room = self._room_of_wish(own, room_kinds[number], rows)
            rows[number] = len(self.things)
            for _ in range(own.copies):
                self._place_wanted(own, room, rows)
            if anchors.get(number) == "next to":
                self._spaces[room].reserve_beside(self.things[rows[number]].position)
            elif number in anchors:
                self._claimed.add(rows[number])
        for row, room_ in enumerate(self._rooms):
            if room_.kind != CORRIDOR:
                self._add_furniture(row)
        for own, room in later:
            for _ in range(own.copies):
                self._place_small(own, room)
        self._add_things(things)

    def _room_of_kind(self, kind: str) -> int:
        found = [row for row, room in enumerate(self._rooms) if room.kind == kind]
        return found[self._draws.below(len(found))]

    def _room_of_wish(self, own: Wanted, kind: str, rows: dict[int, int]) -> int:
        return self._room_of_kind(kind) if own.anchor is None else self.things[rows[own.anchor]].room

    def _place_wanted(self, own: Wanted, room: int, rows: dict[int, int]) -> None:
        space = self._spaces[room]
        anchor = None if own.anchor is None else rows[own.anchor]
        if anchor is not None and own.place in ("on", "inside"):
            self._add_to(anchor, own.kind, own.color or self._any_color(), own.size)
            return
        beside = 0 if anchor is None else space.beside(space.bit(self.things[anchor].position))
        along_wall = THING_KINDS[own.kind].stands == "wall" and not beside
        tile = space.take(self._draws, along_wall=along_wall, beside=beside, is_wanted=beside != 0)
        if tile is None and along_wall:
            tile = space.take(self._draws)
        if tile is None:
            raise Crowded(f"{own} found no place in the {self._rooms[room].kind}")
        self._append(SceneThing(own.kind, own.color or self._any_color(), room, tile, size=own.size))

    def _place_small(self, own: Wanted, room: int) -> None:
        """A small thing on something of its room, or on the floor."""
        color = own.color or self._any_color()
        surfaces = self._surfaces_of(room)
        if surfaces and self._draws.uniform() < 0.8:
            self._add_to(surfaces[self._draws.below(len(surfaces))], own.kind, color, own.size)
            return
        tile = self._spaces[room].take(self._draws)
        if tile is not None:
            self._append(SceneThing(own.kind, color, room, tile, size=own.size))
        elif surfaces:
            self._add_to(surfaces[0], own.kind, color, own.size)
        else:
            raise Crowded(f"{own} found no place in the {self._rooms[room].kind}")

    def _surfaces_of(self, room: int) -> list[int]:
        """Rows of what something can be put on."""
        return [
            row
            for row, thing in enumerate(self.things)
            if thing.room == room
            and THING_KINDS[thing.kind].is_surface
            and row not in self._holds
            and row not in self._claimed
        ]

    def _add_furniture(self, row: int) -> None:
        kind = ROOM_KINDS[self._rooms[row].kind]
        often = list(kind.often)
        rest = [often.pop(self._draws.below(len(often))) for _ in range(len(often))]
        rest.sort(key=lambda option: bool(THING_KINDS[option[0]].beside))  # chairs after tables
        present = [thing.kind for thing in self.things if thing.room == row]
        most = int(FULLEST * self._rooms[row].area)
        for name in kind.always:
            if name not in present:
                self._add_one(row, name)
        for name, chance in rest:
            if self._draws.uniform() < chance and len(present) < most:
                present = [*present, name]
                self._add_one(row, name)

    def _add_one(self, room: int, kind: str) -> None:
        """A piece of furniture that nobody asked for, if it may be there and finds a place."""
        color = self._free_color(kind, room)
        if color is None or len(self.things) >= self._most:
            return
        space, own = self._spaces[room], THING_KINDS[kind]
        tile = None
        if own.beside:
            beside = 0
            for thing in self.things:
                if thing.room == room and thing.kind in own.beside:
                    beside |= space.beside(space.bit(thing.position))
            tile = space.take(self._draws, beside=beside) if beside else None
        tile = tile or space.take(self._draws, along_wall=own.stands == "wall")
        if tile is not None:
            self._append(SceneThing(kind, color, room, tile))

    def _add_things(self, chance: float) -> None:
        for row in range(len(self.things)):
            thing = self.things[row]
            own = THING_KINDS[thing.kind]
            if not (own.is_surface or own.is_container) or row in self._holds or row in self._claimed:
                continue
            kinds = ROOM_KINDS[self._rooms[thing.room].kind].things
            if self._draws.uniform() >= (chance if own.is_surface else chance / 2) or len(self.things) >= self._most:
                continue
            kind = kinds[self._draws.below(len(kinds))]
            color = self._free_color(kind, thing.room)
            if color is not None:
                self._add_to(row, kind, color, "")

    def _add_to(self, row: int, kind: str, color: str, size: str) -> None:
        """Put a thing on or in another."""
        self._holds.add(row)
        below = self.things[row]
        is_on = THING_KINDS[below.kind].is_surface
        self._append(
            SceneThing(
                kind,
                color,
                below.room,
                below.position,
                on=row if is_on else None,
                inside=None if is_on else row,
                size=size,
            )
        )

    def _append(self, thing: SceneThing) -> None:
        if len(self.things) >= self._most:
            raise Crowded(f"a house holds at most {MAX_THINGS} doors and things")
        if THING_KINDS[thing.kind].is_container:
            thing = replace(thing, is_open=self._draws.uniform() < self._open_containers)
        self.things.append(thing)

    def _any_color(self) -> str:
        return self._colors[self._draws.below(len(self._colors))]

    def _free_color(self, kind: str, room: int) -> str | None:
        """A color that a thing of this kind may have in a room; None if it must not be there."""
        refused = self._refused.get(kind)
        if refused is None:
            return self._any_color()
        here = {color for color, name in refused if name in ("", self._rooms[room].kind)}
        left = [color for color in self._colors if color not in here]
        return left[self._draws.below(len(left))] if left and "" not in here else None
