"""A task of your own: fetch the cup or book of the named color from the shelf.

groundling train --task examples/add_a_task.py:FetchFromShelf
"""

import numpy as np

from groundling.envs import Task, WorldBuilder, register
from groundling.language import Color, Goal, ObjectType, PickUp


@register("examples/FetchFromShelf-v0")
class FetchFromShelf(Task):
    """Fetch the cup or book of the named color from the shelf along the upper wall, and nothing else."""

    room_size = 6
    max_steps = 32
    colors = (Color.RED, Color.GREEN, Color.BLUE)
    types = (ObjectType.CUP, ObjectType.BOOK)
    num_distractors = 3

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two colors of cups and books on the shelf, in random order; one of them is asked for."""
        colors = world.sample(self.colors, 2)
        wares = [(type, color) for type in self.types for color in colors]
        spots = world.sample(range(1, self.room_size - 1), len(wares))
        things = [world.add(type, color, at=(x, 1)) for (type, color), x in zip(wares, spots, strict=True)]
        world.place_agent()
        return PickUp(world.describe(world.choice(things)), strict=True)
