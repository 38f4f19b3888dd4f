"""Going to furniture and things in generated houses."""

from __future__ import annotations

from abc import ABC

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.houses.building import ROOM_RELATIONS
from groundling.envs.worlds.houses.types import HOUSE_COLORS, HOUSE_TYPES
from groundling.envs.worlds.layout import Thing
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, GoTo, ObjectDescription


class InFurnishedHouse(Task, ABC):
    """A task in a house of kitchen, bedrooms and other rooms, with their furniture and things.

    Attributes:
        min_rooms: the fewest rooms of a house, a corridor not counted.
        max_rooms: the most.
    """

    types = HOUSE_TYPES
    colors = HOUSE_COLORS
    relations = ROOM_RELATIONS
    num_distractors = 0
    min_rooms: int = 3
    max_rooms: int = 6

    def named(self, world: WorldBuilder, thing: Thing) -> ObjectDescription:
        """A thing by its kind and color, and by its room where the house has another one like it."""
        description = world.describe(thing)
        if description.definite:
            return description
        kind = world.room_kind_of(thing)
        relation = next(own for own in self.relations if own == f"in the {kind}")
        return world.describe(thing, relation=relation)


@register("groundling/FurnishedHouseGoToLarge-v0", min_rooms=8, max_rooms=12, max_steps=768)
@register("groundling/FurnishedHouseGoToSmall-v0", min_rooms=2, max_rooms=3, max_steps=192)
@register("groundling/FurnishedHouseGoTo-v0")
class FurnishedHouseGoTo(InFurnishedHouse):
    """Go to the furniture or thing that the instruction names in a house of kitchen, bedrooms and other rooms.

    It is named by its kind and color, and by its room where the house has another one like it.
    """

    max_steps = 384

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """A house as it comes; what stands on the floor is asked for."""
        things = world.house((self.min_rooms, self.max_rooms))
        world.place_agent()
        target = world.choice([thing for thing in things if world.is_on_floor(thing)])
        return GoTo(self.named(world, target))
