"""What is to be solved by a search, and which keys there are to solve it with."""

from __future__ import annotations

from typing import Final, NamedTuple

from groundling.agents.bots.aims import Aim, Rules
from groundling.agents.bots.memory import COLORS, EMPTY_HANDS, FIRST_KEY, JUNK, STAMP, WANTED, Memory
from groundling.agents.bots.scene import (
    Scene,
    as_int,
    color_of,
    inside_of,
    is_among,
    is_found,
    is_known,
    is_portable,
    is_walkable,
    lock_color,
    place_of,
    state_of,
    type_of,
)
from groundling.envs.engine.compiling import inlined_kernel, inner_kernel
from groundling.envs.engine.constants import DOOR, FIRST_OBJECT, KEY, LOCKED, NOTHING_CODE, NOWHERE, PUT_IN
from groundling.envs.engine.dynamics import stride_of
from groundling.envs.engine.goal_check import PICK_UP, PUT_NEAR, PUT_NEXT_TO

NO_COLOR: Final = -1


class Problem(NamedTuple):
    """What is to be solved, and what there is to work with."""

    scene: Scene
    aim: Aim
    rules: Rules
    keys: int  # bit set of the colors of the keys that can be got at
    wanted_color: int  # of the key that is to be put somewhere
    is_unique: bool  # what is meant
    is_held: bool  # what is to be put somewhere or picked up


@inner_kernel
def problem_of(s: Scene, m: Memory, aim: Aim, rules: Rules) -> Problem:
    """An aim in a scene, under these rules."""
    has_lock, meant, wanted_color = False, 0, NO_COLOR
    is_to_be_put = aim.verb in (PUT_NEXT_TO, PUT_NEAR, PUT_IN)
    for k in range(s.positions.shape[0]):
        code = k + FIRST_OBJECT
        if is_found(s, k):
            meant += is_among(code, aim.meant)
            has_lock |= is_lock(s.looks[code])
        may_be_held = s.carried in (NOTHING_CODE, code)
        if is_to_be_put and may_be_held and is_among(code, aim.meant) and type_of(s.looks[code]) == KEY:
            wanted_color = color_of(s.looks[code])
    keys = _keys_at_hand(s, m, rules.avoided) if has_lock else 0
    return Problem(s, aim, rules, keys, wanted_color, meant <= 1, _is_held(s, aim))


@inner_kernel
def _is_held(s: Scene, aim: Aim) -> bool:
    return aim.verb in (PICK_UP, PUT_NEXT_TO, PUT_NEAR, PUT_IN) and is_among(s.carried, aim.meant)


@inlined_kernel
def is_lock(look: int) -> bool:
    """Whether it is a locked door."""
    return type_of(look) == DOOR and state_of(look) == LOCKED


@inlined_kernel
def _key_bit(s: Scene, code: int) -> int:
    look = s.looks[code]
    return 1 << color_of(look) if type_of(look) == KEY else 0


@inner_kernel
def _keys_at_hand(s: Scene, m: Memory, avoided: int) -> int:
    """Bit set of the colors of the keys that are not behind locks that none of them opens.

    From where the agent is the tiles are flooded, past all that can be moved, and the locks opened to which a key was
    reached, until there are no more of them.
    """
    m.clock[0] += 1
    keys = _key_bit(s, s.carried)
    tail = _flood(m, s.position, 0)
    head = 0
    while head < tail:
        while head < tail:
            place = m.path[head]
            head += 1
            code = as_int(s.cells[place])
            keys |= _key_bit(s, code)
            if s.knows_all and code >= FIRST_OBJECT and type_of(s.looks[code]) != DOOR:
                keys |= _key_bit(s, inside_of(s, code - FIRST_OBJECT))
            for direction in range(4):
                around = place + stride_of(direction, s.width)
                if around != avoided and is_known(s, around) and _is_open_to_all(s.looks[s.cells[around]]):
                    tail = _flood(m, around, tail)
        for k in range(s.positions.shape[0]):
            place, look = place_of(s, k), s.looks[k + FIRST_OBJECT]
            if (
                place != NOWHERE
                and is_known(s, place)
                and is_lock(look)
                and keys >> lock_color(s, k + FIRST_OBJECT) & 1
            ):
                for direction in range(4):
                    if _is_flooded(m, place + stride_of(direction, s.width)):
                        tail = _flood(m, place, tail)
    return keys


@inlined_kernel
def _is_open_to_all(look: int) -> bool:
    """Whether one gets past without a key: nothing, an object, a door that is not locked."""
    return is_walkable(look) or is_portable(look) or (type_of(look) == DOOR and state_of(look) != LOCKED)


@inlined_kernel
def _is_flooded(m: Memory, place: int) -> bool:
    return m.nodes[place << 2, STAMP] == m.clock[0]


@inlined_kernel
def _flood(m: Memory, place: int, tail: int) -> int:
    """Add a tile to the waiting ones, unless it was flooded before; how many there then are."""
    if _is_flooded(m, place) or tail == m.path.shape[0]:
        return tail
    m.nodes[place << 2, STAMP] = m.clock[0]
    m.path[tail] = place
    return tail + 1


@inlined_kernel
def can_open(q: Problem, m: Memory, hands: int, color: int) -> bool:
    """Whether what the hands hold opens a lock that takes keys of this color."""
    if hands >= FIRST_KEY:
        return m.colors[hands - FIRST_KEY] == color
    return hands == WANTED and q.wanted_color == color


@inner_kernel
def hands_with_key(m: Memory, look: int) -> int:
    """What hands are said to hold that hold this: a key that is told apart, or JUNK."""
    if type_of(look) == KEY:
        for slot in range(m.counts[COLORS]):
            if m.colors[slot] == color_of(look):
                return FIRST_KEY + slot
    return JUNK


@inlined_kernel
def is_key_in_hands(q: Problem, m: Memory, hands: int, code: int) -> bool:
    """Whether hands that hold a key in a node can only have taken this one, so that nothing is left on its tile.

    Who does not know the whole world plans anew as it learns more, and could walk to and fro for a way that is shorter.
    """
    is_key = q.scene.knows_all and hands >= FIRST_KEY and type_of(q.scene.looks[code]) == KEY
    return is_key and _is_only_key(q, m, hands, code)


@inner_kernel
def _is_only_key(q: Problem, m: Memory, hands: int, code: int) -> bool:
    """Whether a key is of the color that is held in a node, and there is no other one, nor in the hands now."""
    s, color = q.scene, m.colors[hands - FIRST_KEY]
    if color_of(s.looks[code]) != color:
        return False
    for k in range(s.positions.shape[0]):
        look, other = s.looks[k + FIRST_OBJECT], k + FIRST_OBJECT
        if other != code and type_of(look) == KEY and color_of(look) == color:
            return False
    return True


@inner_kernel
def hands_now(q: Problem, m: Memory) -> int:
    """What the hands hold now."""
    if q.scene.carried == NOTHING_CODE:
        return EMPTY_HANDS
    return WANTED if q.is_held else hands_with_key(m, q.scene.looks[q.scene.carried])
