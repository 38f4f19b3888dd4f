"""What a task laid out, before it becomes arrays: everything has to stand where the map says that it does."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from groundling.envs.engine.constants import FIRST_OBJECT, NUM_STATES, WALL_CODE

if TYPE_CHECKING:
    from groundling.envs.worlds.layout import Thing
    from groundling.envs.worlds.room_grid import RoomGrid


def check_layout(world: RoomGrid, cells: bytes | bytearray, width: int, height: int) -> None:
    """Refuse a world whose agent or things are beside the map, or whose things are not where they were placed.

    A task that sets ``world.agent`` or ``thing.position`` itself does not move anything on the map.

    Args:
        world: that was laid out.
        cells: [H * W] cell codes of its map.
        width: W.
        height: H.

    Raises:
        TaskError: naming the first.
    """
    agent: Any = world.agent
    if not _is_tile(agent, width, height) or cells[agent[1] * width + agent[0]] == WALL_CODE:
        raise world.error(
            f"the agent stands at {agent!r}, which is no free tile of the map of {width} x {height}: place it by "
            "world.place_agent()"
        )
    code_of = {id(thing): code for code, thing in enumerate(world.things, start=FIRST_OBJECT)}
    if len(code_of) < len(world.things):
        raise world.error("a thing was placed twice: make one for each place")
    holders = {id(thing.contents): thing for thing in world.things if thing.contents is not None}
    for thing in world.things:
        told = f"the {thing.color} {thing.type}"
        for other in (thing.contents, thing.key):
            if other is not None and id(other) not in code_of:
                raise world.error(f"{told} has a thing inside, or for its key, that was never placed in the world")
        if not 0 <= _whole(thing.state) < NUM_STATES:
            raise world.error(f"{told} has the state {thing.state!r}: doors and sizes have 0 to {NUM_STATES - 1}")
        if thing.position is None:
            continue
        if not _is_tile(thing.position, width, height):
            raise world.error(f"{told} is at {thing.position!r}, beside the map of {width} x {height} tiles")
        there = cells[thing.position[1] * width + thing.position[0]]
        if there != code_of[id(thing)] and not _is_on(thing, holders.get(id(thing)), there, code_of):
            raise world.error(
                f"{told} is told to be at {thing.position!r}, but the map has it elsewhere: a thing is placed by the "
                "world's methods and stays there"
            )


def _is_on(thing: Thing, holder: Thing | None, there: int, code_of: dict[int, int]) -> bool:
    """Whether a thing stands on or in what is on its tile."""
    return holder is not None and thing.position == holder.position and there == code_of.get(id(holder))


def _is_tile(tile: Any, width: int, height: int) -> bool:
    if not isinstance(tile, tuple | list) or len(tile) != 2:
        return False
    x, y = map(_whole, tile)
    return 0 <= x < width and 0 <= y < height


def _whole(number: Any) -> int:
    """A whole number, NumPy's too; -1 for anything else."""
    try:
        return operator.index(number)
    except TypeError:
        return -1
