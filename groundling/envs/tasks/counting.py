"""How many are meant: the red ball, a red ball, both red balls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PickUp


@register("groundling/RoomCountingLarge-v0", room_size=9, num_distractors=10)
@register("groundling/RoomCounting-v0")
class RoomCounting(Task):
    """Pick up the one object, any one of two, or both of two that fit the words, one after the other."""

    room_size = 7
    num_distractors = 5
    min_distractors = 5

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two colors crossed with two types; of two of the four kinds there are two objects."""
        objects = world.add_crossed()
        for thing in objects[::2]:
            world.add(thing.type, thing.color)
        world.scatter(self.num_distractors - 5)
        world.place_agent()
        world.check_reachable()
        match int(rng.integers(3)):
            case 0:
                return PickUp(world.describe(world.choice(objects[1::2])), strict=True)
            case 1:
                return PickUp(world.describe(world.choice(objects[::2])), strict=True)
            case _:
                target = world.describe(world.choice(objects[::2]))
                return PickUp(replace(target, both=True, definite=True), strict=True)

    def step_limit(self, goal: Goal) -> int:
        """The area of the room in steps, for both as for one: too few to try one object after another."""
        return self.room_size**2 if self.max_steps is None else self.max_steps
