"""The rules of the grounded rooms, the same for the native room and for ViZDoom: rewards, limits and lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

NUM_GROUNDED_ACTIONS: Final = 3  # turn left, turn right, forward


@dataclass(frozen=True)
class ChaplotRules:
    """What an episode is played by.

    The paper's constants (``constants.py`` and ``env.py`` of github.com/devendrachaplot/DeepRL-Grounding) are in units
    of Doom's maps; here 32 of them are a metre. There an action is held for 5 tics of 1/35 s: a turn is 8.8 degrees
    after another action and 17.6 degrees after the same one; a step forward grows from 0.3 m at rest to 1.3 m at full
    speed. ViZDoom keeps those dynamics; the native room, which has no momentum, turns 15 degrees and steps 0.5
    m in a room of half the size, since its objects are half as large as Doom's. Both bodies slide along what is in
    their way.

    Attributes:
        max_steps: an episode is truncated after so many actions (the paper's 30).
        num_objects: of an episode (the paper's 5).
        correct_reward: at the right object (the paper's 1).
        wrong_reward: at any other one (the paper's -0.2).
        reach_m: an object is reached when the agent's center is this near its center (40 units).
        room_tiles: interior tiles along each side of the room. The paper's room has 12 m; 13 give the row a middle.
        margin_tiles: tiles along the walls that hold no object and no agent: centers range over 10 m, as the paper's.
        min_distance_m: between any two objects, and between object and agent, in the hard rooms; in the paper 90 units,
            and here the shortest distance of tile centers that is not less.
        start_column: tile of the agent in the easy and medium rooms.
        easy_ahead: tiles between it and the row of objects.
        medium_ahead: the least and the most tiles between it and each object.
        row_spacing: tiles between neighbors in the row.
        step_length_m: one step forward of the native room.
        turn_angle_rad: one turn of the native room.
        field_of_view_rad: horizontal; that of Doom's 90 degrees on the paper's frames of 16:9.
        agent_radius_m: of the body, Doom's 16 units.
        wall_height_m: Doom's 128 units.
    """

    max_steps: int = 30
    num_objects: int = 5
    correct_reward: float = 1.0
    wrong_reward: float = -0.2
    reach_m: float = 1.25
    room_tiles: int = 13
    margin_tiles: int = 1
    min_distance_m: float = math.sqrt(8)
    start_column: int = 5
    easy_ahead: int = 4
    medium_ahead: tuple[int, int] = (2, 7)
    row_spacing: int = 2
    step_length_m: float = 0.5
    turn_angle_rad: float = math.radians(15)
    field_of_view_rad: float = 2 * math.atan(4 / 3)
    agent_radius_m: float = 0.5
    wall_height_m: float = 4.0


GROUNDED_RULES = ChaplotRules()
ROOM_RULES = replace(
    GROUNDED_RULES,
    room_tiles=7,
    margin_tiles=0,
    min_distance_m=2.0,
    start_column=1,
    easy_ahead=3,
    medium_ahead=(2, 5),
    row_spacing=1,
)
