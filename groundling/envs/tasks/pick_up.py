"""Picking up an object, where picking up another one fails."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PickUp


@register("groundling/RoomPickUpLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomPickUp-v0")
class RoomPickUp(Task):
    """Pick up the object of this color and type, and no other."""

    room_size = 6

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Four objects, two colors crossed with two types; one of them is named."""
        candidates = world.add_crossed(min(4, 1 + self.num_distractors))
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        return PickUp(world.describe(world.choice(candidates)), strict=True)


@register("groundling/HousePickUpLarge-v0", num_rows=3, num_cols=3, num_distractors=11)
@register("groundling/HousePickUp-v0")
class HousePickUp(Task):
    """Pick up the object of this color and type, and no other, somewhere in rooms behind closed doors."""

    room_size = 6
    num_rows = 2
    num_cols = 2
    num_distractors = 7

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """As in one room, the objects scattered over all of them."""
        world.connect_all()
        candidates = world.add_crossed(min(4, 1 + self.num_distractors))
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        return PickUp(world.describe(world.choice(candidates)), strict=True)
