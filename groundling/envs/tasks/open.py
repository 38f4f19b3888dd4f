"""Opening the one named door of several."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import DIRECTIONS
from groundling.envs.worlds.task import Task
from groundling.errors import ConfigurationError
from groundling.language.goals import Goal, Open


@register("groundling/RoomOpenLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomOpen-v0")
class RoomOpen(Task):
    """Open the door of this color, and no other, in a room whose walls have doors of different colors.

    Attributes:
        num_doors: two to four, one in a wall.
    """

    room_size = 6
    num_doors: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.num_doors <= 4 or self.num_doors > len(self.colors):
            raise ConfigurationError(f"num_doors is 2 to 4, and each has its own color, got {self.num_doors}")

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Doors in outer walls, and objects of the doors' colors."""
        colors = world.sample(self.colors, self.num_doors)
        sides = world.sample(DIRECTIONS, self.num_doors)
        doors = [world.add_door(world.room(), side, color) for side, color in zip(sides, colors, strict=True)]
        world.scatter(self.num_distractors, colors=colors, unique=False)
        world.place_agent()
        world.check_reachable()
        return Open(world.describe(world.choice(doors)), strict=True)
