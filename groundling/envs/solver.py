"""Plans for the episodes of a bank, by breadth-first search with the real kernels: proof that an episode is solvable.

The search is tried narrowly first and then wider (``WIDENING``). Whatever a narrow search leaves out, the plan that it
finds is right: every part of a plan is played by ``WorldBatch.step``, and the last one must end in success.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs import constants, kernels
from groundling.envs.bank import EpisodeBank
from groundling.envs.compiling import compiler, inner_kernel
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
    NUM_ACTIONS,
    OPEN,
    PORTABLE_BIT,
    WALKABLE_BIT,
    Action,
)
from groundling.envs.kernels import (
    ANNOUNCE,
    DONE,
    DROP,
    FAILURE,
    FORWARD,
    OPEN_DOOR,
    PICK_UP,
    PICKUP,
    PUT_NEAR,
    PUT_NEXT_TO,
    STEP_ON,
    SUCCESS,
    Worlds,
)
from groundling.envs.worlds import WorldBatch

MAX_STATES: Final = 400_000


class Width(NamedTuple):
    """How wide a search is.

    Attributes:
        staged: look for the nearest state in which one more clause is done, settle there and look on from it.
        everything: any object may be moved and any box opened; otherwise only what the goal asks for and what stands
            in its way: blocking objects, keys of locked doors, boxes that hold one of these.
        places: ``EXACT``, or how many places of a moved object are told apart. Then the first state found stands for
            all that are alike; an unlocked door is as good as an open one, and nothing is dropped before a door.
    """

    staged: bool
    everything: bool
    places: int


EXACT: Final = 0
WIDENING: Final = (
    Width(staged=True, everything=False, places=1),
    Width(staged=True, everything=False, places=2),
    Width(staged=False, everything=False, places=1),
    Width(staged=True, everything=True, places=1),
    Width(staged=True, everything=False, places=EXACT),
    Width(staged=True, everything=True, places=4),
    Width(staged=False, everything=True, places=EXACT),
)

# Columns of a state, then: carried_before [C], places of the things [M], their marks [M], doors [D].
POSITION, DIRECTION, CARRIED, STAGE, DONE_CLAUSES, FIRST_COLUMN = range(6)
ELSEWHERE = -2  # and below: the places of a moved object that are told apart
NO_NODE = -1
OBJECT_COST, LOCK_COST, NO_WAY = 1_000, 1_000_000, 1 << 60  # a blocking object or a lock in tiles of detour


class Scope(NamedTuple):
    """What a search may change: O objects, M things that may change their places, D doors."""

    liftable: NDArray[np.bool_]  # [O]
    openable: NDArray[np.bool_]  # [O] boxes that may be opened, doors that may be closed
    things: NDArray[np.int64]  # [M] objects
    doors: NDArray[np.int64]  # [D] objects
    marks: NDArray[np.uint8]  # [O] the marks that an object makes where it is seen
    doorways: NDArray[np.bool_]  # as a map's cells: tiles beside a door


class Nodes(NamedTuple):
    """The states found, N at most, and a hash table of them that is empty between searches."""

    parents: NDArray[np.int32]  # [N]
    actions: NDArray[np.uint8]  # [N] taken in the parent's state
    slots: NDArray[np.int64]  # [N] in the table
    table: NDArray[np.uint64]  # [a power of two, at least 2 N] hashes of the states found, 0 for none


@inner_kernel
def _learn_marks(w: Worlds, s: Scope) -> None:
    """Ask the verifier for the marks of each object, on a corner of the border."""
    for k in range(s.marks.shape[0]):
        w.marks[0, 0] = 0
        kernels.mark_object(w, 0, k + FIRST_OBJECT, 0)
        s.marks[k] = w.marks[0, 0]
    w.marks[0, 0] = 0


@inner_kernel
def _remember_body(w: Worlds, state: NDArray[np.int16]) -> None:
    """Write the part of a state that every action may change."""
    state[POSITION] = w.position[0]
    state[DIRECTION] = w.direction[0]
    state[CARRIED] = w.carried[0]
    state[STAGE] = w.stage[0]
    state[DONE_CLAUSES] = w.done[0]
    for c in range(w.programs.shape[1]):
        state[FIRST_COLUMN + c] = w.carried_before[0, c]


@inner_kernel
def _remember_things(w: Worlds, s: Scope, state: NDArray[np.int16]) -> None:
    """Write where the things are and how the doors look."""
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    for i in range(things):
        tile = w.positions[0, s.things[i]]
        is_there = tile != NOWHERE and w.cells[0, tile] == s.things[i] + FIRST_OBJECT
        state[first + i] = tile if is_there else NOWHERE
    for i in range(doors):
        state[first + 2 * things + i] = w.looks[0, s.doors[i] + FIRST_OBJECT] >> 16


@inner_kernel
def _restore_body(w: Worlds, state: NDArray[np.int16]) -> None:
    """Undo of :func:`_remember_body`."""
    w.position[0] = state[POSITION]
    w.direction[0] = state[DIRECTION]
    w.carried[0] = state[CARRIED]
    w.stage[0] = state[STAGE]
    w.done[0] = state[DONE_CLAUSES]
    for c in range(w.programs.shape[1]):
        w.carried_before[0, c] = state[FIRST_COLUMN + c]


@inner_kernel
def _restore_things(w: Worlds, s: Scope, marked: NDArray[np.int16], state: NDArray[np.int16]) -> None:
    """Undo of :func:`_remember_things`; ``marked`` holds the marks of the objects that stay where they are."""
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    for i in range(doors):
        code = s.doors[i] + FIRST_OBJECT
        w.looks[0, code] = w.looks[0, code] & 0xFFFF | np.int32(state[first + 2 * things + i]) << 16
    if things == 0:
        return
    for i in range(things):
        tile = w.positions[0, s.things[i]]
        if tile != NOWHERE and w.cells[0, tile] == s.things[i] + FIRST_OBJECT:
            w.cells[0, tile] = NOTHING_CODE
    for i in range(things):
        k = s.things[i]
        tile = state[first + i]
        w.positions[0, k] = tile
        if tile != NOWHERE:
            w.cells[0, tile] = k + FIRST_OBJECT
        marked[k] = state[first + things + i]
    w.marks[0, :] = 0
    for k in range(marked.shape[0]):
        if marked[k] != NOWHERE:
            w.marks[0, marked[k]] |= s.marks[k]


@inner_kernel
def _mix(h: np.uint64, value: int) -> np.uint64:
    """One number more in a hash (the multiplication and shift of splitmix64)."""
    h = (h ^ np.uint64(value)) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


@inner_kernel
def _hash(
    w: Worlds, width: int, s: Scope, origin: NDArray[np.int16], state: NDArray[np.int16], places: int
) -> np.uint64:
    """The hash of a state, never 0."""
    clauses = w.programs.shape[1]
    first = FIRST_COLUMN + clauses
    things, doors = s.things.shape[0], s.doors.shape[0]
    ahead = w.cells[0, state[POSITION] + kernels.stride_of(state[DIRECTION], width)]
    h = _mix(np.uint64(state[POSITION]) << np.uint64(8) | np.uint64(state[CARRIED]), state[DIRECTION])
    h = _mix(_mix(h, state[STAGE]), state[DONE_CLAUSES])
    for c in range(state[STAGE], clauses):
        if not state[DONE_CLAUSES] >> c & 1:
            h = _mix(h, state[FIRST_COLUMN + c])
    for i in range(first, first + things):
        if places == EXACT or state[i] == origin[i] or state[i] == NOWHERE:
            h = _mix(h, state[i])
        else:
            h = _mix(h, ELSEWHERE - state[i] * 7 // 3 % places)
    if places == EXACT:
        for i in range(first + things, first + 2 * things):
            if s.marks[s.things[i - first - things]]:
                h = _mix(h, state[i])
    for i in range(doors):
        looks = state[first + 2 * things + i] & 0xFF
        k = s.doors[i]
        h = _mix(h, looks if places == EXACT or s.openable[k] or ahead == k + FIRST_OBJECT else looks == LOCKED)
    return h | np.uint64(1)


@inner_kernel
def _insert(nodes: Nodes, node: int, h: np.uint64) -> bool:
    """Put a state into the hash table; False if it was there."""
    mask = np.uint64(nodes.table.shape[0] - 1)
    slot = (h >> np.uint64(20)) & mask
    while nodes.table[slot] != 0:
        if nodes.table[slot] == h:
            return False
        slot = (slot + np.uint64(1)) & mask
    nodes.table[slot] = h
    nodes.slots[node] = slot
    return True


@inner_kernel
def _is_worth_trying(w: Worlds, s: Scope, width: int, action: int, places: int) -> bool:
    """Whether an action may do something here, within the scope of the search."""
    if action <= FORWARD or action == DONE:  # walking into what is asked for is enough to have gone to it
        return True
    code = int(w.cells[0, int(w.position[0]) + kernels.stride_of(w.direction[0], width)])
    seen = w.looks[0, code]
    if action == DROP:  # which lets the verifier look again, even if nothing is dropped
        return places == EXACT or (code == NOTHING_CODE and w.carried[0] != NOTHING_CODE)
    if code < FIRST_OBJECT:
        return False
    if action == PICKUP:
        return s.liftable[code - FIRST_OBJECT] and (seen >> PORTABLE_BIT) & 1 != 0 and w.carried[0] == NOTHING_CODE
    if seen & 0xFF == DOOR:
        return (seen >> 16) & 0xFF != OPEN or s.openable[code - FIRST_OBJECT]
    return s.openable[code - FIRST_OBJECT]


@compiler(__file__, kernels.__file__, constants.__file__)
def _search(
    w: Worlds,
    width: int,
    s: Scope,
    marked: NDArray[np.int16],
    states: NDArray[np.int16],
    nodes: Nodes,
    places: int,
    staged: bool,
    max_depth: int,
) -> int:
    """Breadth-first search from the state of ``w``; the node of success or progress, NO_NODE if there is none.

    ``marked`` [O] says where each object was when the verifier last looked; ``states`` [N, R] is memory for the states.
    """
    capacity = nodes.parents.shape[0]
    first = FIRST_COLUMN + w.programs.shape[1]
    things, doors = s.things.shape[0], s.doors.shape[0]
    stage, done = w.stage[0], w.done[0]
    _learn_marks(w, s)
    announces = False
    for c in range(w.programs.shape[1]):
        announces |= int(w.programs[0, c, 0]) == ANNOUNCE
    num_actions = NUM_ACTIONS if announces else DONE
    origin = states[0]
    _remember_body(w, origin)
    _remember_things(w, s, origin)
    for i in range(things):
        origin[first + things + i] = marked[s.things[i]]
    nodes.parents[0] = NO_NODE
    _insert(nodes, 0, _hash(w, width, s, origin, origin, places))
    head = depth = 0
    count = layer_end = 1
    found = NO_NODE
    while head < count and count < capacity and found == NO_NODE:
        if head == layer_end:
            depth += 1
            layer_end = count
        if depth >= max_depth:
            break
        state = states[head]
        _restore_body(w, state)
        _restore_things(w, s, marked, state)
        for action in range(num_actions):
            if not _is_worth_trying(w, s, width, action, places):
                continue
            front = kernels.act(w, 0, width, action)
            verdict = kernels.judge(w, 0, width, action, front)
            is_progress = verdict == SUCCESS or (staged and (w.stage[0] != stage or w.done[0] != done))
            is_in_the_way = action == DROP and places != EXACT and s.doorways[front] and not is_progress
            if verdict != FAILURE and not is_in_the_way:
                child = states[count]
                _remember_body(w, child)
                if action <= FORWARD:
                    for i in range(first, first + 2 * things + doors):
                        child[i] = state[i]
                else:
                    _remember_things(w, s, child)
                    for i in range(first, first + things):
                        child[things + i] = child[i] if action == DROP else state[things + i]
                if _insert(nodes, count, _hash(w, width, s, origin, child, places)):
                    nodes.parents[count] = head
                    nodes.actions[count] = action
                    if is_progress:
                        found = count
                    count += 1
                    if found != NO_NODE or count == capacity:
                        break
            _restore_body(w, state)
            if action > FORWARD:
                _restore_things(w, s, marked, state)
        head += 1
    for i in range(count):
        nodes.table[nodes.slots[i]] = 0
    return found


class _Survey:
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


class _Solver:
    """The memory of searches over one bank."""

    def __init__(self, bank: EpisodeBank, max_states: int) -> None:
        self.worlds = WorldBatch(bank, 1, shuffle=False)
        self.max_states = max(2, max_states)
        objects = bank.contents.shape[1]
        self.marked = np.zeros(objects, dtype=np.int16)
        # the system hands out what is touched, so that a short search takes little of this
        self.nodes = Nodes(
            parents=np.empty(self.max_states, dtype=np.int32),
            actions=np.empty(self.max_states, dtype=np.uint8),
            slots=np.empty(self.max_states, dtype=np.int64),
            table=np.zeros(1 << (2 * self.max_states - 1).bit_length(), dtype=np.uint64),
        )
        self.columns = FIRST_COLUMN + bank.programs.shape[1]
        self.memory = np.empty(self.max_states * (self.columns + 2 * objects), dtype=np.int16)

    def solve(self, row: int) -> list[Action] | None:
        """A plan for an episode by the narrowest search that finds one."""
        self._begin(row)
        if _Survey(self.worlds.state, self.worlds.width).is_hopeless():
            return None
        for search in WIDENING:
            plan = self.attempt(row, search)
            if plan is not None:
                return plan
        return None

    def attempt(self, row: int, search: Width) -> list[Action] | None:
        """A plan by searches of one width, one after the other if they are staged; each of their plans is played."""
        self._begin(row)
        plan: list[Action] = []
        while not self.worlds.outcomes.ended[0]:
            more = self._search(search, int(self.worlds.state.max_steps[0]) - len(plan))
            if not more:
                return None
            plan += more
            self._play(more)
        return plan if self.worlds.outcomes.success[0] else None

    def _begin(self, row: int) -> None:
        self.worlds.state.episode_number[0] = row
        self.worlds.reset()
        self.worlds.outcomes.ended[0] = False
        self.marked[:] = self.worlds.state.positions[0]

    def _play(self, actions: list[Action]) -> None:
        """Step the world, and keep where the verifier has seen each object."""
        state = self.worlds.state
        for action in actions:
            self.worlds.step(np.array([action]), autoreset=False)
            if action == Action.DROP:
                is_seen = state.cells[0, state.positions[0]] == np.arange(len(self.marked)) + FIRST_OBJECT
                self.marked[:] = np.where(is_seen & (state.positions[0] != NOWHERE), state.positions[0], NOWHERE)

    def _search(self, search: Width, max_depth: int) -> list[Action]:
        """The actions from the world's state to success or progress, none if there are none; the world stays."""
        state = self.worlds.state
        survey = _Survey(state, self.worlds.width)
        survey.allow_what_is_needed(staged=search.staged)
        if search.everything:
            survey.allow_everything()
        scope = survey.scope()
        columns = self.columns + 2 * len(scope.things) + len(scope.doors)
        node = _search(
            Worlds(**{name: array.copy() for name, array in state._asdict().items()}),
            self.worlds.width,
            scope,
            self.marked.copy(),
            self.memory[: self.max_states * columns].reshape(self.max_states, columns),
            self.nodes,
            search.places,
            search.staged,
            max_depth,
        )
        actions = []
        while node > 0:
            actions.append(Action(self.nodes.actions[node]))
            node = int(self.nodes.parents[node])
        return actions[::-1]


def solve(bank: EpisodeBank, row: int, *, max_states: int = MAX_STATES) -> list[Action] | None:
    """A sequence of actions, the shortest or nearly so, that reaches success from the start of an episode.

    Args:
        bank: the episodes.
        row: of the episode in the bank.
        max_states: of one search; bounds memory and time.

    Returns:
        The plan, at most the episode's ``max_steps`` long, replayed by the kernels; None if none was found: there is
        none, or a search was cut off by ``max_states``.

    Raises:
        IndexError: if the bank has no such row.
    """
    return _Solver(bank, max_states).solve(range(len(bank))[row])


def unsolvable(bank: EpisodeBank, rows: Iterable[int] | None = None, *, max_states: int = MAX_STATES) -> list[int]:
    """The seeds of the episodes for which :func:`solve` finds no plan.

    Args:
        bank: the episodes.
        rows: of the episodes to try; all unless told.
        max_states: of one search.

    Raises:
        IndexError: if the bank has no such row.
    """
    solver = _Solver(bank, max_states)
    every = range(len(bank))
    chosen = every if rows is None else (every[row] for row in rows)
    return [int(bank.seeds[row]) for row in chosen if solver.solve(row) is None]
