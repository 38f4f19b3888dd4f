"""What an action does to the body and to objects: ``minigrid_env.step``, one environment at a time."""

from __future__ import annotations

from groundling.envs.engine import constants, state
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import (
    BOX,
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    HELD,
    HOLDS,
    KEY,
    LOCKED,
    NOTHING_CODE,
    NOWHERE,
    OPAQUE_BIT,
    OPEN,
    OPENS,
    PORTABLE_BIT,
    WALKABLE_BIT,
    WALL_CODE,
    Action,
)
from groundling.envs.engine.state import Worlds

LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
PICKUP, DROP, TOGGLE, DONE = int(Action.PICKUP), int(Action.DROP), int(Action.TOGGLE), int(Action.DONE)

SOURCES = (__file__, state.__file__, constants.__file__)
kernel = compiler(*SOURCES)


@kernel
def stride_of(direction: int, width: int) -> int:
    """Index step from a tile to the one ahead, on a map ``width`` tiles wide (border included)."""
    if direction == 0:
        return 1
    if direction == 1:
        return width
    return -1 if direction == 2 else -width


@kernel
def act(w: Worlds, b: int, width: int, action: int) -> int:
    """Move the body and the objects of environment ``b``; returns the index of the tile then in front."""
    if action == LEFT:
        # & 3 is modulo 4, and three quarter turns right are one left
        w.direction[b] = (w.direction[b] + 3) & 3
    elif action == RIGHT:
        w.direction[b] = (w.direction[b] + 1) & 3
    stride = stride_of(w.direction[b], width)
    front = int(w.position[b]) + stride
    if action == FORWARD:
        if (w.looks[b, w.cells[b, front]] >> WALKABLE_BIT) & 1:
            w.position[b] = front
            front += stride
    else:
        handle(w, b, action, front)
    return front


@kernel
def handle(w: Worlds, b: int, action: int, place: int) -> None:
    """Pick up, drop or toggle at a tile, as far as what is there and what is carried allow it."""
    # a look has type, color and state in its low bytes, and flags above them
    code = int(w.cells[b, place])
    seen = w.looks[b, code]
    kind = seen & 0xFF
    if code >= FIRST_OBJECT and w.contents[b, code - FIRST_OBJECT] >= HOLDS:
        handle_holder(w, b, action, code, place)
    elif action == PICKUP:
        if (seen >> PORTABLE_BIT) & 1 and w.carried[b] == NOTHING_CODE:
            w.carried[b] = code
            w.cells[b, place] = NOTHING_CODE
            w.positions[b, code - FIRST_OBJECT] = NOWHERE
    elif action == DROP:
        if code == NOTHING_CODE and w.carried[b] != NOTHING_CODE:
            w.cells[b, place] = w.carried[b]
            w.positions[b, w.carried[b] - FIRST_OBJECT] = place
            w.carried[b] = NOTHING_CODE
    elif action == TOGGLE and code >= FIRST_OBJECT:
        if kind == DOOR:
            toggle_door(w, b, code)
        elif kind == BOX:
            open_box(w, b, code, place)


@kernel
def toggle_door(w: Worlds, b: int, code: int) -> None:
    """Open a closed door, close an open one, unlock a locked one if the key of its color is carried."""
    seen = w.looks[b, code]
    state = (seen >> 16) & 0xFF
    # type and color; with neither state nor flags, so what follows adds them: an open door's state is 0
    base = seen & 0xFFFF
    if state == LOCKED:
        held = w.looks[b, w.carried[b]]
        if held & 0xFF == KEY and (held >> 8) & 0xFF == (seen >> 8) & 0xFF:
            w.looks[b, code] = base | 1 << WALKABLE_BIT
    elif state == OPEN:
        # where walls can be seen through, so can doors
        w.looks[b, code] = base | 1 << 16 | (w.looks[b, WALL_CODE] & (1 << OPAQUE_BIT))
    else:
        w.looks[b, code] = base | 1 << WALKABLE_BIT


@kernel
def turn_key(w: Worlds, b: int, place: int) -> None:
    """Have a locked door that keys of another color open obey them, after a door at a tile was toggled.

    Such a door has one of these keys for its contents until it is unlocked. Apart from :func:`toggle_door`, which goes
    by the door's own color, since it costs the others time.
    """
    code = int(w.cells[b, place])
    if code < FIRST_OBJECT or w.looks[b, code] & 0xFF != DOOR:
        return
    key = int(w.contents[b, code - FIRST_OBJECT])
    if key == NOTHING_CODE:
        return
    held, base = w.looks[b, w.carried[b]], w.looks[b, code] & 0xFFFF
    if held & 0xFF == KEY and (held >> 8) & 0xFF == (w.looks[b, key] >> 8) & 0xFF:
        w.looks[b, code] = base | 1 << WALKABLE_BIT
        w.contents[b, code - FIRST_OBJECT] = NOTHING_CODE
    else:
        w.looks[b, code] = base | LOCKED << 16 | (w.looks[b, WALL_CODE] & (1 << OPAQUE_BIT))


@kernel
def open_box(w: Worlds, b: int, code: int, front: int) -> None:
    """Replace a box by what it contains."""
    inside = w.contents[b, code - FIRST_OBJECT]
    w.cells[b, front] = inside
    if inside >= FIRST_OBJECT:
        w.positions[b, inside - FIRST_OBJECT] = front


@kernel
def shown_by(w: Worlds, b: int, code: int) -> int:
    """The cell code of what stands on an object or lies in it while it is open; ``NOTHING_CODE`` if nothing shows."""
    if code < FIRST_OBJECT:
        return NOTHING_CODE
    held = int(w.contents[b, code - FIRST_OBJECT])
    if held < HOLDS or (w.looks[b, code] >> 16) & 0xFF == CLOSED:
        return NOTHING_CODE
    return held & HELD


@kernel
def handle_holder(w: Worlds, b: int, action: int, code: int, place: int) -> None:
    """Take from what holds things, put into it, open or close it; a call of its own, since it costs the others time."""
    if action == PICKUP and w.carried[b] == NOTHING_CODE:
        take_out(w, b, code)
    elif action == DROP and w.carried[b] != NOTHING_CODE:
        put_into(w, b, code, place)
    elif action == TOGGLE and w.contents[b, code - FIRST_OBJECT] >= HOLDS | OPENS:
        toggle_container(w, b, code, place)


@kernel
def take_out(w: Worlds, b: int, code: int) -> None:
    """Take what shows on or in an object."""
    shown = shown_by(w, b, code)
    if shown != NOTHING_CODE:
        w.carried[b] = shown
        w.contents[b, code - FIRST_OBJECT] &= HOLDS | OPENS
        w.positions[b, shown - FIRST_OBJECT] = NOWHERE


@kernel
def can_hold(w: Worlds, b: int, code: int) -> bool:
    """Whether something can be put on or in an object: it holds things, is not closed, and holds nothing yet."""
    if code < FIRST_OBJECT:
        return False
    held = int(w.contents[b, code - FIRST_OBJECT])
    return held >= HOLDS and held & HELD == NOTHING_CODE and (w.looks[b, code] >> 16) & 0xFF != CLOSED


@kernel
def put_into(w: Worlds, b: int, code: int, place: int) -> None:
    """Put what is carried on or in an object that holds nothing yet."""
    if can_hold(w, b, code):
        w.contents[b, code - FIRST_OBJECT] |= w.carried[b]
        w.positions[b, w.carried[b] - FIRST_OBJECT] = place
        w.carried[b] = NOTHING_CODE


@kernel
def toggle_container(w: Worlds, b: int, code: int, place: int) -> None:
    """Open a container, or close it; what is in it is nowhere on the map while it is closed."""
    w.looks[b, code] ^= CLOSED << 16
    held = w.contents[b, code - FIRST_OBJECT] & HELD
    if held != NOTHING_CODE:
        is_closed = (w.looks[b, code] >> 16) & 0xFF == CLOSED
        w.positions[b, held - FIRST_OBJECT] = NOWHERE if is_closed else place
