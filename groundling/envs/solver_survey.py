"""A look at a world, to decide what a search from its state may change."""

from __future__ import annotations

import heapq

import numpy as np

from groundling.envs.constants import (
    BOX,
    DOOR,
    EMPTY,
    FIRST_OBJECT,
    JOINED,
    KEY,
    LOCKED,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    PORTABLE_BIT,
    WALKABLE_BIT,
)
from groundling.envs.solver_search import Scope
from groundling.envs.state import Worlds
from groundling.envs.verdicts import ANNOUNCE, OPEN_DOOR, PICK_UP, PUT_NEAR, PUT_NEXT_TO, STEP_ON

OBJECT_COST, LOCK_COST, NO_WAY = 1_000, 1_000_000, 1 << 60  # a blocking object or a lock in tiles of detour


class Survey:
    """Looks at a world (the only one of a batch) to decide what a search from its state may change.

    That is the objects that the goal asks for, and whatever stands in the way to the nearest of them: a way may lead
    over objects and through locks whose keys can be reached, but counts as long then.

    Attributes:
        liftable, openable: objects, see Scope.
    """

    def __init__(self, world: Worlds, width: int) -> None:
        self.cells: list[int] = world.cells[0].tolist()
        self.looks: list[int] = world.looks[0].tolist()
        self.contents: list[int] = world.contents[0].tolist()
        self.positions: list[int] = world.positions[0].tolist()
        self.objects = range(len(self.positions))
        self.liftable: set[int] = set()
        self.openable: set[int] = set()
        self._programs: list[list[int]] = world.programs[0].tolist()
        self._start, self._stage, self._done = int(world.position[0]), int(world.stage[0]), int(world.done[0])
        self._strides = (1, -1, width, -width)
        self._carried = int(world.carried[0]) - FIRST_OBJECT
        self._passable: set[int] = set()  # colors of the locks whose keys can be reached
        self._locks: set[int] = set()  # colors of the locks that are in the way
        self._measure_ways()

    def allow_everything(self) -> None:
        """Let every object be lifted and every box be opened, beside what is allowed already."""
        self.liftable.update(self.objects)
        self.openable.update(k for k in self.objects if self._kind(k) == BOX)

    def allow_what_is_needed(self, *, staged: bool) -> None:
        """Let what the goal, or the step of it that is due, seems to need be lifted and opened."""
        for c, (verb, flags, first, second) in enumerate(self._programs[self._stage :], self._stage):
            if verb == NO_CLAUSE or (staged and c > self._stage and not flags & JOINED):
                break
            if not self._done >> c & 1:
                self._allow_clause(verb, first, second)
        seen: set[int] = set()
        while self._locks - seen:
            color = min(self._locks - seen)
            seen.add(color)
            keys = {k for k in self.objects if self._kind(k) == KEY and self._color(k) == color}
            self.liftable |= keys
            self._allow_way_to(keys)

    def is_hopeless(self) -> bool:
        """Whether some clause of the goal asks for what cannot be reached even if every object could be moved away."""
        for verb, _, first, second in self._programs:
            if verb == NO_CLAUSE:
                break
            places = [first] if verb in (ANNOUNCE, STEP_ON) else [second] if verb == PUT_NEAR else []
            sets = [] if verb in (ANNOUNCE, STEP_ON) else [first, second] if verb == PUT_NEXT_TO else [first]
            if not all(self._beside(tile) in self._cost for tile in places):
                return True
            if not all(any(self._is_in_reach(k) for k in self._members(mask)) for mask in sets):
                return True
        return False

    def scope(self) -> Scope:
        """The same as the kernels read it."""
        doors = [k for k in self.objects if self._kind(k) == DOOR]
        doorways = np.zeros(len(self.cells), dtype=np.bool_)
        for k in doors:
            doorways[[self.positions[k] + stride for stride in self._strides]] = True
        boxes = {k for k in self.openable if self._kind(k) == BOX}
        things = [
            k
            for k in self.objects
            if k in boxes
            or (k in self.liftable and self.looks[k + FIRST_OBJECT] >> PORTABLE_BIT & 1)
            or (self._kind(k) not in (EMPTY, DOOR) and not self._is_on_map(k))
        ]
        return Scope(
            liftable=np.array([k in self.liftable for k in self.objects], dtype=np.bool_),
            openable=np.array([k in self.openable for k in self.objects], dtype=np.bool_),
            things=np.array(things, dtype=np.int64),
            doors=np.array(doors, dtype=np.int64),
            marks=np.zeros(len(self.objects), dtype=np.uint8),
            doorways=doorways,
        )

    def _kind(self, k: int) -> int:
        return self.looks[k + FIRST_OBJECT] & 0xFF

    def _color(self, k: int) -> int:
        return self.looks[k + FIRST_OBJECT] >> 8 & 0xFF

    def _state(self, k: int) -> int:
        return self.looks[k + FIRST_OBJECT] >> 16 & 0xFF

    def _is_on_map(self, k: int) -> bool:
        return self.positions[k] != NOWHERE and self.cells[self.positions[k]] == k + FIRST_OBJECT

    def _measure_ways(self) -> None:
        """The cheapest way to every tile, through no lock whose key cannot be reached."""
        locks = {self._color(k) for k in self.objects if self._kind(k) == DOOR and self._state(k) == LOCKED}
        while True:
            self._measure_ways_past_locks()
            found = {self._color(k) for k in self.objects if self._kind(k) == KEY and self._is_in_reach(k)}
            if locks & found <= self._passable:
                return
            self._passable = locks & found

    def _measure_ways_past_locks(self) -> None:
        """Dijkstra's algorithm: the cost of every tile that can be reached, and the tile before it."""
        self._cost = {self._start: 0}
        self._before: dict[int, int] = {}
        waiting = [(0, self._start)]
        while waiting:
            cost, tile = heapq.heappop(waiting)
            if cost > self._cost[tile]:
                continue
            for stride in self._strides:
                ahead = tile + stride
                total = cost + self._cost_of(self.cells[ahead])
                if total < self._cost.get(ahead, NO_WAY):
                    self._cost[ahead] = total
                    self._before[ahead] = tile
                    heapq.heappush(waiting, (total, ahead))

    def _cost_of(self, code: int) -> int:
        """Cost of entering a tile that holds this, NO_WAY if nobody ever can."""
        if code == NOTHING_CODE:
            return 1
        k = code - FIRST_OBJECT
        look = self.looks[code]
        if look & 0xFF == DOOR:
            if self._state(k) == LOCKED:
                return LOCK_COST if self._color(k) in self._passable else NO_WAY
            return 1 + self._state(k)
        if look >> WALKABLE_BIT & 1:
            return 1
        return OBJECT_COST if look >> PORTABLE_BIT & 1 else NO_WAY

    def _is_in_reach(self, k: int) -> bool:
        """Whether an object, or what it is inside of, is carried or can be stood beside."""
        k = self._outermost(k)
        return k == self._carried or (self._is_on_map(k) and self._beside(self.positions[k]) in self._cost)

    def _outermost(self, k: int) -> int:
        """The box that holds an object, or the box that holds that; an object that is in no box itself."""
        while not self._is_on_map(k) and k + FIRST_OBJECT in self.contents:
            k = self.contents.index(k + FIRST_OBJECT)
        return k

    def _beside(self, tile: int) -> int:
        """The tile beside this one that is cheapest to reach."""
        return min((tile + stride for stride in self._strides), key=lambda near: self._cost.get(near, NO_WAY))

    def _allow_clause(self, verb: int, first: int, second: int) -> None:
        if verb in (ANNOUNCE, STEP_ON):
            self._clear_way(first)
            return
        meant = self._members(first)
        nearest = self._allow_way_to(meant)
        if verb in (PICK_UP, PUT_NEXT_TO, PUT_NEAR):
            self.liftable |= meant
        if verb == PUT_NEXT_TO:
            beside = self._allow_way_to(self._members(second))
            self.liftable |= set() if beside is None else {beside}
        elif verb == PUT_NEAR:
            self._clear_way(second)
        elif verb == OPEN_DOOR:
            self.openable |= meant
            if nearest is not None and self._state(nearest) == LOCKED:
                self._locks.add(self._color(nearest))

    def _members(self, mask: int) -> set[int]:
        return {k for k in self.objects if mask >> k & 1}

    def _allow_way_to(self, meant: set[int]) -> int | None:
        """Let the nearest of these objects be taken out of its boxes and the way to it be cleared; which one it is."""
        ways = [(self._way_to(k), k) for k in meant if self._is_in_reach(k)]
        if not ways:
            return None
        _, nearest = min(ways)
        outermost = self._outermost(nearest)
        inside = nearest
        while inside != outermost:
            inside = self.contents.index(inside + FIRST_OBJECT)
            self.openable.add(inside)
        if outermost != self._carried:
            self._clear_way(self.positions[outermost])
        return nearest

    def _way_to(self, k: int) -> int:
        """The cost of standing beside an object that is in reach."""
        k = self._outermost(k)
        return 0 if k == self._carried else self._cost[self._beside(self.positions[k])]

    def _clear_way(self, tile: int) -> None:
        """Let what stands in the way to a tile be lifted or unlocked."""
        at: int | None = self._beside(tile)
        while at is not None:
            code = self.cells[at]
            if code >= FIRST_OBJECT and at in self._cost:
                k = code - FIRST_OBJECT
                if self._kind(k) != DOOR:
                    self.liftable.add(k)
                elif self._state(k) == LOCKED:
                    self._locks.add(self._color(k))
            at = self._before.get(at)
