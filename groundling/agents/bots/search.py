"""The shortest way from a scene to an aim.

It is searched over (barriers removed, what the hands hold, pose). Barriers are what stands in the way and can be
removed: objects to be carried aside, boxes to be opened away, locked doors. Few of them matter in an episode, so a
search begins with none: it may cross a barrier at a price, the barriers that the path crosses are then tracked one by
one, and the search is repeated until the path crosses none that it has not removed.
"""

from __future__ import annotations

from groundling.agents.bots.final_actions import NO_ACTION, final_action
from groundling.agents.bots.memory import (
    BANNED,
    BANNED_FOR_GOOD,
    BUCKETS,
    COLORS,
    CROSS,
    DROP_LEFT,
    DROP_RIGHT,
    EDGE,
    FOLLOWING,
    MAX_BANNED,
    MAX_BARRIERS,
    NO_NODE,
    NOT_TRACKED,
    PARENT,
    TRACKED,
    WALK,
    Memory,
    Node,
    barrier_at,
    front_of,
    node_of,
    note_color,
    reach,
    trace,
)
from groundling.agents.bots.moves import expand
from groundling.agents.bots.problem import Problem, hands_now, is_lock
from groundling.agents.bots.scene import Scene, as_int, color_of, is_among, is_found, lock_color, type_of
from groundling.envs.engine.compiling import inner_kernel
from groundling.envs.engine.constants import DOOR, FIRST_OBJECT, KEY, NOTHING_CODE
from groundling.envs.engine.goal_check import OPEN_DOOR


@inner_kernel
def _search(q: Problem, m: Memory) -> int:
    """The nearest node that reaches the aim, NO_NODE if there is none (Dial's algorithm: prices are small)."""
    s = q.scene
    cells = s.cells.shape[0]
    m.clock[0] += 1
    m.heads[:] = NO_NODE
    reach(m, cells, NO_NODE, WALK, Node(0, hands_now(q, m), s.position, s.direction), 0)
    distance, empty = 0, 0
    while empty < BUCKETS:
        bucket = distance & (BUCKETS - 1)
        number = m.heads[bucket]
        if number == NO_NODE:
            distance += 1
            empty += 1
            continue
        empty = 0
        m.heads[bucket] = m.nodes[number, FOLLOWING]
        node = node_of(m, number)
        if final_action(q, m, node) != NO_ACTION:
            return number
        expand(q, m, number, node)
    return NO_NODE


@inner_kernel
def solve(q: Problem, m: Memory) -> int:
    """The last node of the shortest way, with every barrier on it tracked and nothing left in its own way."""
    _begin(q, m)
    number = _search(q, m)
    while number != NO_NODE and (_track_barriers(q.scene, m, number) or _ban_places(q.scene, m, number)):
        number = _search(q, m)
    return number


@inner_kernel
def _begin(q: Problem, m: Memory) -> None:
    """Track nothing, ban no more than what is banned for good, and tell a few keys apart from the first.

    They are those of the locks that are meant and the one that is carried, lest it be changed for another one which
    opens a lock that is nearer, and so on for ever.
    """
    s, aim = q.scene, q.aim
    held = s.looks[s.carried]
    m.counts[TRACKED] = m.counts[COLORS] = 0
    m.counts[BANNED] = m.counts[BANNED_FOR_GOOD]
    for k in range(s.positions.shape[0]):
        look = s.looks[k + FIRST_OBJECT]
        if is_found(s, k) and is_lock(look):
            is_meant = aim.verb == OPEN_DOOR and is_among(k + FIRST_OBJECT, aim.meant)
            color = lock_color(s, k + FIRST_OBJECT)
            if is_meant or (type_of(held) == KEY and color_of(held) == color):
                note_color(m, color)


@inner_kernel
def _track_barriers(s: Scene, m: Memory, number: int) -> bool:
    """Track what a path crosses; False if it crosses nothing, or no more can be tracked."""
    found = False
    while m.nodes[number, PARENT] >= 0:
        if m.nodes[number, EDGE] == CROSS and m.counts[TRACKED] < MAX_BARRIERS:
            place = node_of(m, number).place
            if barrier_at(m, place) == NOT_TRACKED:
                m.barriers[m.counts[TRACKED]] = place
                m.counts[TRACKED] += 1
                found = True
                code = as_int(s.cells[place])
                if type_of(s.looks[code]) == DOOR:
                    note_color(m, lock_color(s, code))
        number = m.nodes[number, PARENT]
    return found


@inner_kernel
def _ban_places(s: Scene, m: Memory, number: int) -> bool:
    """Ban the places where a path leaves an object and through which it leads later; False if there is none."""
    found = False
    last = front_of(node_of(m, number), s.width)  # where the last action may put something
    for i in range(trace(m, number) - 1, 0, -1):
        if m.nodes[m.path[i - 1], EDGE] not in (DROP_LEFT, DROP_RIGHT):
            continue
        place = front_of(node_of(m, m.path[i]), s.width)
        is_needed = place == last
        for j in range(i):
            is_needed |= node_of(m, m.path[j]).place == place
        if is_needed and m.counts[BANNED] < MAX_BANNED:
            m.banned[m.counts[BANNED]] = place
            m.counts[BANNED] += 1
            found = True
    return found


@inner_kernel
def first_obstacle(q: Problem, m: Memory) -> int:
    """The cell code of the first thing in the way of the shortest path, 0 if there is none."""
    s = q.scene
    _begin(q, m)
    number = _search(q, m)
    if number == NO_NODE:
        return NOTHING_CODE
    for i in range(trace(m, number) - 2, -1, -1):
        if m.nodes[m.path[i], EDGE] == CROSS:
            return as_int(s.cells[node_of(m, m.path[i]).place])
    return as_int(s.cells[front_of(node_of(m, number), s.width)])
