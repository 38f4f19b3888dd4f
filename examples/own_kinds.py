"""A task with a type, a color and two relations of its own: pick up "the teal mushroom by the wall".

groundling train --task examples/own_kinds.py:GatherMushrooms
"""

import numpy as np

from groundling.envs import Relation, Task, WorldBuilder, register
from groundling.envs.worlds.layout import Thing
from groundling.language import Color, Goal, ObjectType, OwnColor, OwnType, PickUp


def is_by_the_wall(world: WorldBuilder, thing: Thing) -> bool:
    """Whether a thing lies along a wall of the only room."""
    return any(place in (1, world.task.room_size - 2) for place in thing.position)


@register("examples/GatherMushrooms-v0")
class GatherMushrooms(Task):
    """Pick up the ball or mushroom of the named color, by the wall or in the middle, and nothing else."""

    room_size = 7
    max_steps = 48
    types = (ObjectType.BALL, OwnType("mushroom", shape="mushroom"))
    colors = (Color.RED, OwnColor("teal", (0, 128, 128)))
    relations = (
        Relation("by the wall", is_by_the_wall),
        Relation("in the middle", lambda world, thing: not is_by_the_wall(world, thing)),
    )

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two kinds of things, each once by the wall and once in the middle; one of the four is asked for."""
        floor = range(1, self.room_size - 1)
        edge = [(x, y) for x in floor for y in floor if x in (1, floor[-1]) or y in (1, floor[-1])]
        middle = [(x, y) for x in floor for y in floor if (x, y) not in edge]
        wares = world.sample([(type, color) for type in self.types for color in self.colors], 2)
        for tiles in (edge, middle):
            for (type, color), tile in zip(wares, world.sample(tiles, len(wares)), strict=True):
                world.add(type, color, at=tile)
        world.place_agent()
        world.check_reachable()
        thing = world.choice(world.things)
        relation = next(relation for relation in self.relations if relation.holds(world, thing))
        return PickUp(world.describe(thing, relation=relation), strict=True)
